"""Products of matrices as text: a block of threads has a tile of the result, each thread numbers of it in registers.

A few steps of k of both factors lie in shared memory, twice: while threads multiply those, the next ones are on their way.
Multiplications bound it. What the factors are is said by `factors.py`: matrices, or the windows of a convolution.
"""

import re

from ...plan.epilogue import ROW, SCALAR
from ...plan.mapping import Literal
from ..lowering import emit_helper, indent
from .emit import ThreadLowering
from .factors import FACTORS
from .grids import Each, Tiles
from .loops_product import batch_places
from .package import package
from .tiles import Tile

LOOPS = ("matmul", "conv_output", "conv_input_grad", "conv_weight_grad")  # names that say what a tile is computed for
SHARED = ("units", "threads", "m", "k", "n", "row_blocks", "column_blocks", "parts", "part", "out_part")
UNROLLED = 4  # steps written out: nine of ten instructions are multiplications then; more of them take long to compile
REGISTERS = 128  # of a thread, at most, so that two blocks of 256 share a processor: one multiplies while the other waits
GROUP = 8  # blocks of rows whose tiles are made one after the other: they share columns of the right factor in cache


def names(static) -> tuple:
    """Return the names of the words of a product, in order; behind them stand the axes of the batch, then the cells of a window."""
    left, right, out, *_ = static
    return tuple(dict.fromkeys((*SHARED, *FACTORS[left].words, *FACTORS[right].words, *OUT[out])))


OUT = {"rows": (), "places": ("out_image", "out_channel", "start", "places_d", "places_h", "places_w", "pace_d", "pace_h", "pace_w")}


def product_text(kernel, name) -> str:
    """Products of a batch. static: kinds of the factors and of the result, `Tile`, 1 to add to the result, axes to be tested."""
    left, right, out, tile, add, tests = kernel.static
    tile, count = Tile(*tile), len(kernel.dtypes)
    words = {word: count + i for i, word in enumerate(names(kernel.static))}
    behind = count + len(words)
    extras = 2 * len(kernel.body.extras) if kernel.body else 0
    a = FACTORS[left]("a", 0, "row", tile.rows, tile, tests)
    b = FACTORS[right]("b", 1, "column", tile.columns, tile, tests)
    pitches = [n + pad(kernel.dtypes[2]) for n in (tile.rows, tile.columns)]
    device, unrolled = "" if package().simulated else package().name, min(UNROLLED, tile.depth)
    aligned = ", alignment=16" if device == "numba-cuda" else ""  # loads of 16 bytes; other packages do not know the word
    sums = [[f"c{i}_{j}" for j in range(tile.wide)] for i in range(tile.tall)]
    loads = [*a.load(False), *b.load(False)]
    held = [*a.store("left", pitches[0]), *b.store("right", pitches[1])]
    pointers = ", ".join(f"p{i}" for i in range(count))
    width, height = tile.columns // tile.wide // tile.across, tile.across * tile.down
    where = [*[f"{word} = args[{i}]" for word, i in words.items()], *WHERE.format(**tile._asdict(), group=GROUP).splitlines()]
    narrow = not kernel.dtypes[2].endswith("64") and kernel.dtypes[2] != "float32"
    steps = [line for step in range(unrolled) for line in multiply(tile, sums, pitches, step, narrow)]
    far = sorted({int(at) for at in re.findall(r" \+ U(\d+)\]", "\n".join(steps))})
    return f"""\
D, U = np.{sum_dtype(kernel.dtypes[2])}, np.uint64
zero = D(0)
{"; ".join(f"U{at} = U({at})" for at in far)}
{finish_text(kernel, behind) if kernel.body else ""}
{helper(batch_places)}

@{f"cuda.jit(max_registers={REGISTERS})" if device in ("numba-cuda", "builtin") else "kernel"}
def {name}(args, {pointers}):
    left = cuda.shared.array({2 * tile.depth * pitches[0] + tile.run}, D{aligned})
    right = cuda.shared.array({2 * tile.depth * pitches[1] + tile.run}, D{aligned})
    me = cuda.threadIdx.x
    down = (me // {tile.across} % {tile.down} + me // {height} // {width} * {tile.down}) * {tile.runs[0]}
    across = (me % {tile.across} + me // {height} % {width} * {tile.across}) * {tile.runs[1]}
    cells = {behind + extras} + 1 + 3 * args[{behind + extras}]
    for unit in range(cuda.blockIdx.x, args[{words["units"]}], cuda.gridDim.x):
{indent(where, 8)}
        first, last = share * part, min(k, (share + 1) * part)
        starta, startb = batch_places(args, {behind + extras}, batch)
{indent([*a.setup(), *b.setup(), *shared_setup(a, b)], 8)}
{indent([*a.load(True), *b.load(True)], 8)}
        here = 0
{indent(held, 8)}
{indent([f"{c} = zero" for line in sums for c in line], 8)}
        cuda.syncthreads()
        for next in range(first + {tile.depth}, last + {tile.depth}, {tile.depth}):
            if next + {tile.depth} <= last:
{indent(loads, 16)}
            elif next < last:
{indent([*a.load(True), *b.load(True)], 16)}
            for step in range(here * {tile.depth}, (here + 1) * {tile.depth}, {unrolled}):
                atleft, atright = U(step * {pitches[0]} + down), U(step * {pitches[1]} + across)
{indent(steps, 16)}
            here = 1 - here
            if next < last:
{indent(held, 16)}
            cuda.syncthreads()
{indent(where, 8)}
{indent(PUT[out](tile, sums, add, count, kernel.body is not None), 8)}
"""


# Which tile a block has; asked again when it is done, so that what is known of it takes no registers while it is computed.
WHERE = """\
tile, share = unit % (row_blocks * column_blocks), unit // (row_blocks * column_blocks)
batch, share = share // parts, share % parts
group = tile // ({group} * column_blocks) * {group}
tile = tile - group * column_blocks
tall = min(row_blocks - group, {group})
row, column = (group + tile % tall) * {rows}, tile // tall * {columns}
"""


def helper(fn) -> str:
    """Return the text of a helper function."""
    emit_helper(fn, texts := {})
    return "".join(texts.values())


def sum_dtype(dtype) -> str:
    """Return the dtype of sums: integers of fewer bits are added with 32, which wrap alike."""
    return dtype if dtype in ("float32", "float64", "int64", "uint64") else "uint32" if dtype.startswith("u") else "int32"


def pad(dtype) -> int:
    """Return by how many numbers rows in shared memory are longer: threads that write one below the other do not meet in a bank."""
    return 16 // (8 if dtype.endswith("64") else 4)


def shared_setup(a, b) -> list:
    """Return the lines of what both factors walk together."""
    return a.together() if a.together() == b.together() else [*a.together(), *b.together()]


def places(count, run, apart) -> list:
    """Return how far each of a thread's numbers is from its first: runs of neighbours, `apart` from one another."""
    return [i // run * apart + i % run for i in range(count)]


def multiply(tile, sums, pitches, step, narrow) -> list:
    """Return the lines of one step: numbers of both factors out of shared memory, and all their products.

    Names are used once and nothing is called in vain: the text is long, and the package looks at each. `narrow`: integers
    whose products are of a wider dtype.
    """
    rows, columns = apart(tile)
    lines = [f"x{i}_{step} = left[atleft + U{step * pitches[0] + tile.run + at}]" for i, at in enumerate(rows)]
    lines += [f"y{j}_{step} = right[atright + U{step * pitches[1] + tile.run + at}]" for j, at in enumerate(columns)]
    value = "D({})" if narrow else "{}"
    one = lambda c, i, j: f"{c} = {value.format(f'{c} + x{i}_{step} * y{j}_{step}')}"
    return lines + [one(c, i, j) for i, line in enumerate(sums) for j, c in enumerate(line)]


def apart(tile):
    """Return (rows, columns) of a thread's numbers behind its first ones."""
    by = lambda count, run, whole: places(count, run, whole * run // count)
    return by(tile.tall, tile.runs[0], tile.rows), by(tile.wide, tile.runs[1], tile.columns)


def put_rows(tile, sums, add, count, finish) -> list:
    """Return the lines that write the sums into rows of a matrix."""
    rows, columns = apart(tile)
    lines = ["to = args[2] + share * out_part + batch * m * n", "row += down", "column += across"]
    for i, line in enumerate(sums):
        lines += [f"if row + {rows[i]} < m:", f"    o = to + (row + {rows[i]}) * n + column"]
        for j, c in enumerate(line):
            value = f"{c} + p2[U(o + {columns[j]})]" if add else c
            if finish:
                value = f"finish(args, {value}, batch, row + {rows[i]}, column + {columns[j]}{extra(count)})"
            lines += [f"    if column + {columns[j]} < n:", f"        p2[U(o + {columns[j]})] = T2({value})"]
    return lines


def put_places(tile, sums, add, count, finish) -> list:
    """Return the lines that write the sums where rows are channels, columns are places of images."""
    rows, columns = apart(tile)
    lines = ["row += down", "column += across"]
    for j, at in enumerate(columns):
        lines += [
            f"if column + {at} < n:", f"    w = (column + {at}) % places_w", f"    rest = (column + {at}) // places_w",
            "    h, rest = rest % places_h, rest // places_h", "    d, image = rest % places_d, rest // places_d",
            "    o = args[2] + share * out_part + start + image * out_image + d * pace_d + h * pace_h + w * pace_w",
        ]  # fmt: skip
        for i, line in enumerate(sums):
            channel = f"batch * m + row + {rows[i]}"
            value = f"finish(args, {line[j]}, 0, {channel}, column + {at}{extra(count)})" if finish else line[j]
            lines += [f"    if row + {rows[i]} < m:", f"        p2[U(o + ({channel}) * out_channel)] = T2({value})"]
    return lines


PUT = {"rows": put_rows, "places": put_places}


def extra(count, first=3) -> str:
    """Return the further operands of a kernel as arguments."""
    return "".join(f", p{i}" for i in range(first, count))


def finish_text(kernel, at) -> str:
    """Return the function `finish` of a kernel: what becomes of a sum, in words from `at` on the strides of further arrays."""
    body, dtypes = kernel.body, kernel.dtypes
    first = len(dtypes) - len(body.extras)
    low, values, inner = ThreadLowering(dtypes[0]), ["v"], []
    for i, kind in enumerate(body.extras):
        place = "0" if kind == SCALAR else f"batch * args[{at + 2 * i}] + row * args[{at + 2 * i + 1}]"
        values.append(f"v{i}")
        inner.append(f"v{i} = p{first + i}[args[{first + i}] + {place if kind in (ROW, SCALAR) else place + ' + column'}]")
    for op, taken in body.calls:
        values.append(low.name(low.row(op, [low.constant(i.value) if isinstance(i, Literal) else values[i] for i in taken])))
    taken = "".join(f", p{i}" for i in range(first, len(dtypes)))
    lines = [*inner, *low.lines, f"return {values[-1]}"]
    return f"{low.header()}\n\n\n@helper\ndef finish(args, v, batch, row, column{taken}):\n{indent(lines, 4)}\n"


def join_text(kernel, name) -> str:
    """Parts of k added in order, a number of the result per thread; static: 1 to add them to the result."""
    body, count = kernel.body, len(kernel.dtypes)
    at = count + 4
    value = f"finish(args, v, number // (rows * columns), number // columns % rows, number % columns{extra(count, 2)})" if body else "v"
    return f"""\
D = np.{sum_dtype(kernel.dtypes[0])}
{finish_text(kernel, at) if body else ""}

@kernel
def {name}(args, {", ".join(f"p{i}" for i in range(count))}):
    size, parts, rows, columns = args[{count}], args[{count + 1}], args[{count + 2}], args[{count + 3}]
    whole = parts // 4 * 4
    for number in range(cuda.grid(1), size, cuda.gridsize(1)):
        v = D({"p1[args[1] + number]" if kernel.static[0] else "0"})
        o = args[0] + number
        for part in range(0, whole, 4):
            v0, v1, v2, v3 = p0[o], p0[o + size], p0[o + 2 * size], p0[o + 3 * size]
            v = D(D(D(D(v + v0) + v1) + v2) + v3)
            o += 4 * size
        for part in range(whole, parts):
            v = D(v + p0[o])
            o += size
        p1[args[1] + number] = T1({value})
"""


TEXTS = {**dict.fromkeys(LOOPS, product_text), "product_join": join_text}
LAUNCH = {**dict.fromkeys(LOOPS, lambda words: Tiles(words[0], words[1])), "product_join": lambda words: Each(words[0])}
