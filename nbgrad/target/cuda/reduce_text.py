"""Reductions, alone or with elementwise rows whose values they fold: the loops as text, words as `plan.folding` gives them.

Memory bounds them: each number is read once, by neighbouring threads where neighbours lie in memory. Which threads work on
what follows from the words, and sums are joined in an order that the words fix: results are the same from run to run.
"""

import inspect
from typing import NamedTuple

from ...plan.mapping import Body, Reduced
from ...plan.reducing import COLUMNS
from ..lowering import indent, results_of, statements, stored
from .emit import ThreadLowering
from .fold_text import Fold
from .grids import BUSY, FEW, LONG, MANY, Each, Groups, Strips, lanes_of, wide_of
from .walk_text import outer, piece, walk


class Parts(NamedTuple):
    """What both loops are made of: dtypes of the operands, inputs before `outs`; folds; what follows the results (lines); the
    definitions before the kernel."""

    dtypes: tuple
    outs: tuple
    folds: list
    results: list
    head: str

    count = property(lambda self: len(self.dtypes))
    inputs = property(lambda self: len(self.dtypes) - len(self.outs))


def parts_of(kernel, whole, parts=False) -> Parts:
    """Return the parts of a kernel; `whole` where results are finished, `parts` where accumulators are folded."""
    body = kernel.body
    if not isinstance(body, Body):
        body = Body((), (), False, (Reduced(body, 0, kernel.dtypes[0], kernel.dtypes[0], kernel.dtypes[1]),))
    count, places = results_of(kernel._replace(body=body))
    dtypes = kernel.dtypes[:count]
    folds = [Fold(i, r.op, r.dtype, r.acc, parts) for i, r in enumerate(body.reduced)]
    made, after, lines = _made(body, dtypes), [], _stores(kernel, folds, places, body, whole)
    if body.after is not None:
        after, more = _after(kernel, body)
        lines += more
    head = [*made, *after, *[f.head() for f in folds]]
    return Parts(dtypes, body.outs, folds, lines, "\n".join(dict.fromkeys(head)))


def _made(body, dtypes) -> list:
    """Return the definitions for a thread's rows: `made(x0, x1, ...)` gives what is kept, then what is folded."""
    k = len(dtypes) - len(body.outs)
    values, lines, head = [(f"x{i}", d) for i, d in enumerate(dtypes[:k])], [], []
    if body.calls:
        lows, groups, values = statements(ThreadLowering, body, dtypes, [])
        head = _definitions(lows)
        lines = [line for group in groups for line in group]
    cast = lambda v: values[v][0] if values[v][1] == "bool" or v < k else f"np.{values[v][1]}({values[v][0]})"
    found = ", ".join(cast(v) for v in (*body.outs, *[r.value for r in body.reduced]))
    names = ", ".join(f"x{i}" for i in range(k))
    return [*head, f"\n\n@helper\ndef made({names}):\n{indent([*lines, f'return ({found},)'], 4)}\n"]


def _definitions(lows) -> list:
    return [*[line for low in lows.values() for line in low.typed()], *next(iter(lows.values())).helpers.values()]


def _stores(kernel, folds, places, body, whole) -> list:
    """Return the lines that finish and keep the results."""
    lines = []
    for fold, place, reduced in zip(folds, places, body.reduced):
        a = f"finish{fold.i}(a{fold.i}, total)" if whole else f"a{fold.i}"
        lines.append(f"a = {a}")
        if place is not None:
            lines.append(f"p{place}[args[{place}] + to] = {stored(kernel.dtypes[place], f'T{place}')}")
        if body.after is not None:
            lines.append(f"after_x{fold.i} = " + ("a" if reduced.out == "bool" else f"np.{reduced.out}(a)"))
    return lines


def _after(kernel, body) -> tuple:
    """Return the definitions and the lines of the rows behind reductions."""
    after, results = body.after, [r.out for r in body.reduced]
    first = len(kernel.dtypes) - len(after.dtypes)
    at = [f"args[{first + i}]" + ("" if single else " + to") for i, single in enumerate(after.single)]
    truth = lambda i: " != 0" if after.dtypes[i] == "bool" else ""
    loads = [f"after_x{len(results) + i} = p{first + i}[{at[i]}]{truth(i)}" for i in range(after.arrays)]
    puts = [f"p{first + i}[{at[i]}] = T{first + i}({{}})" for i in range(after.arrays, len(after.dtypes))]
    lows, groups, _ = statements(ThreadLowering, after.body, (*results, *after.dtypes), puts, prefix="after_")
    return _definitions(lows), [*loads, *[line for group in groups for line in group]]


def _kernel(kernel, name, parts, shared, helper) -> str:
    """Return the text before the body of a kernel; each fold has a box of `shared` numbers of shared memory."""
    numbers = "".join(f"{k} = {v}\n" for k, v in {"FEW": FEW, "LONG": LONG, "BUSY": BUSY, "MANY": MANY}.items())
    boxes = [f"box{f.i} = cuda.shared.array({shared}, K{f.i})" for f in parts.folds]
    return f"""\
{numbers}WARPS = THREADS // LANES
{parts.head}

@helper
{inspect.getsource(helper)}

@kernel
def {name}(args, {", ".join(f"p{i}" for i in range(len(kernel.dtypes)))}):
{indent(boxes, 4)}
"""


def rows_text(kernel, name):
    """Runs along folded axes: a part of a warp, a warp or a block for each unit, neighbouring threads at neighbouring numbers."""
    classes, kept, fold, whole, _ = kernel.static
    parts, p, count = parts_of(kernel, whole), len(kernel.dtypes), len(classes)
    lengths, numbers = p + 12 + count, range(count)
    steps = [{"1": "1", "0": "0", "s": f"s{i}"}[c] for i, c in enumerate(classes)]
    walks = [f"{lengths} + (1 + {i}) * kept_axes + fold_axes" for i in numbers]
    more = [f"{lengths} + (1 + {count}) * kept_axes + (1 + {i}) * fold_axes" for i in numbers]
    folded = (fold, "fold_axes", f"{lengths} + kept_axes", more) if fold else None
    words = ["chunks", "", "", "pieces", "per", "segments", "run", "inner", "kept_axes", "fold_axes"]
    inside = [
        *_words(words, p + 2), *[f"s{i} = args[{p + 12 + i}]" for i in numbers if classes[i] == "s"],
        *[f"f{i} = args[{more[i]}]" for i in numbers if fold],
        "number = first + slot", "live = number < units", "unit = number if live else 0",
        "which = unit if chunks == 1 else unit // chunks", "chunk = unit - which * chunks", *[f"b{i} = args[{i}]" for i in numbers],
        *(outer("which", "kept_axes", lengths, [f"b{i}" for i in numbers], walks) if kept else []),
        *piece("run", "inner"), *walk(parts, "member", "group", steps, "inner", folded), *_join_rows(parts),
        "if member == 0 and live:", f"    total = args[{p + 4}]", f"    to = chunk * args[{p + 3}] + which",
        *[f"    {line}" for line in parts.results], "first += cuda.gridDim.x * together",
    ]  # fmt: skip
    return f"""\
{_kernel(kernel, name, parts, "WARPS", lanes_of)}
    units = args[{p}]
    group = lanes_of(units, args[{p + 6}] * args[{p + 8}], LANES, THREADS)
    together = THREADS // group
    slot = cuda.threadIdx.x // group
    member = cuda.threadIdx.x - slot * group
    first = cuda.blockIdx.x * together
    while first < units:
{indent(inside, 8)}
"""


def _words(names, first) -> list:
    """Return the lines that read words, where they are used: kept over the whole loop they would take registers of all threads."""
    return [f"{name} = args[{first + i}]" for i, name in enumerate(names) if name]


def _join_rows(parts) -> list:
    """Return the lines that join the accumulators of a unit's threads into that of its first."""
    least = lambda fold, behind: f" if {behind} < n else a{fold.i}" if fold.start is None else ""
    lines = ["by = min(group, LANES) // 2", "while by > 0:"]
    for f in parts.folds:
        lines.append(f"    other = lane{f.i}(a{f.i}, by)")
        lines.append(f"    a{f.i} = join{f.i}(a{f.i}, other){least(f, 'member + by')}")
    lines += ["    by //= 2", "if group > LANES:", "    cuda.syncthreads()", "    if member % LANES == 0:"]
    lines += [f"        box{f.i}[member // LANES] = a{f.i}" for f in parts.folds]
    lines += ["    cuda.syncthreads()", "    if member == 0:", "        for w in range(1, WARPS):"]
    lines += [f"            a{f.i} = join{f.i}(a{f.i}, box{f.i}[w]){least(f, 'w * LANES')}" for f in parts.folds]
    return lines


def columns_text(kernel, name):
    """Columns side by side, a thread each; the other threads of a block share the rows, and join them in shared memory."""
    classes, kept, fold, whole, _ = kernel.static
    parts, p, count = parts_of(kernel, whole), len(kernel.dtypes), len(classes)
    lengths, numbers = p + 15 + 2 * count, range(count)
    steps = [{"1": "1", "0": "0", "s": f"s{i}"}[c] for i, c in enumerate(classes)]
    spread = f"{lengths} + kept_axes + fold_axes"
    walks = [f"{lengths} + (2 + {i}) * kept_axes + fold_axes" for i in numbers]
    more = [f"{lengths} + (2 + {count}) * kept_axes + (1 + {i}) * fold_axes" for i in numbers]
    folded = (fold, "fold_axes", f"{lengths} + kept_axes", more) if fold else None
    words = ["blocks", "chunks", "m", "", "width", "apart", "pieces", "per", "segments", "rows", "height", "kept_axes", "fold_axes"]
    read = [
        *_words(words, p + 2), *[f"s{i} = args[{p + 15 + i}]" for i in numbers if classes[i] == "s"],
        *[f"d{i} = args[{p + 15 + count + i}]" for i in numbers], *[f"f{i} = args[{more[i]}]" for i in numbers if fold],
    ]  # fmt: skip
    return f"""\
{_kernel(kernel, name, parts, "THREADS", wide_of)}
    units, across = args[{p}], min({COLUMNS}, args[{p + 6}])
    wide = wide_of(units, across, args[{p + 9}] * args[{p + 11}], LANES, THREADS)
{_columns(parts, steps, ("kept_axes", lengths, [spread, *walks]) if kept else None, folded, read, f"args[{p + 5}]")}
"""


def _columns(parts, steps, kept, folded, read, total) -> str:
    """Return the loop over strips of columns; `read` are lines that read words, `total` the text of the numbers of a result."""
    numbers = range(parts.count)
    inside = [
        *read, "unit = number // strips", "over = unit if blocks == 1 else unit // blocks",
        "which = over if chunks == 1 else over // chunks", "chunk = over - which * chunks",
        f"skip = (unit - over * blocks) * {COLUMNS}", "column = (number - unit * strips) * wide + cuda.threadIdx.x % wide",
        f"live = column < min({COLUMNS}, width - skip)", "column = skip + column if live else 0",
        "to = chunk * m + column * apart", *[f"b{i} = args[{i}] + column * {steps[i]}" for i in numbers],
        *(outer("which", *kept[:2], ["to", *[f"b{i}" for i in numbers]], kept[2]) if kept else []),
        *piece("rows", "height"), *walk(parts, "member", "deep", [f"d{i}" for i in numbers], "height", folded),
        *_join_columns(parts), "if member == 0 and live:", f"    total = {total}", *[f"    {line}" for line in parts.results],
        "number += cuda.gridDim.x",
    ]  # fmt: skip
    return f"""\
    deep = THREADS // wide
    member = cuda.threadIdx.x // wide
    strips = (across + wide - 1) // wide
    number = np.int64(cuda.blockIdx.x)
    while number < units * strips:
{indent(inside, 8)}"""


def _join_columns(parts) -> list:
    """Return the lines that join the accumulators of a column's threads into that of its first."""
    least = lambda fold: " and member + half < n" if fold.start is None else ""
    lines = ["if deep > 1:", "    cuda.syncthreads()", *[f"    box{f.i}[cuda.threadIdx.x] = a{f.i}" for f in parts.folds]]
    lines += ["    half = deep // 2", "    while half > 0:", "        cuda.syncthreads()"]
    for f in parts.folds:
        lines.append(f"        if member < half{least(f)}:")
        lines.append(f"            a{f.i} = join{f.i}(a{f.i}, box{f.i}[cuda.threadIdx.x + half * wide])")
        lines.append(f"            box{f.i}[cuda.threadIdx.x] = a{f.i}")
    return [*lines, "        half //= 2"]


def finish_text(kernel, name):
    """Join the parts of chunks, a column of each result's, and finish them."""
    parts = parts_of(kernel, True, True)
    read = ["width = d0 = m", "blocks = units", "chunks = pieces = per = segments = apart = 1", "rows = height = args[3]"]
    return f"""\
{_kernel(kernel, name, parts, "THREADS", wide_of)}
    m = args[2]
    units, across = (m + {COLUMNS} - 1) // {COLUMNS}, min({COLUMNS}, m)
    wide = wide_of(units, across, args[3], max(1, LANES // 4), THREADS)
{_columns(parts, ["1"], None, None, read, "args[4]")}
"""


def empty_text(kernel, name):
    """What a reduction of no numbers is."""
    (result,), (acc,) = kernel.dtypes, kernel.static
    fold = Fold(0, kernel.body, acc, acc)
    return f"""\
{fold.head()}

@kernel
def {name}(args, p0):
    for i in range(cuda.grid(1), args[1], cuda.gridsize(1)):
        a = finish0({fold.start}, 0)
        p0[args[0] + i] = {stored(result, "T0")}
"""


TEXTS = {
    "reduce_rows": rows_text, "reduce_columns": columns_text, "map_reduce_rows": rows_text, "map_reduce_columns": columns_text,
    "reduce_finish": finish_text, "reduce_empty": empty_text,
}  # fmt: skip


def _strips(words):
    return Strips(words[0], min(COLUMNS, words[6]), words[9] * words[11])


LAUNCH = {
    "reduce_rows": lambda words: Groups(words[0], words[6] * words[8]),
    "map_reduce_rows": lambda words: Groups(words[0], words[6] * words[8]),
    "reduce_columns": _strips, "map_reduce_columns": _strips,
    "reduce_finish": lambda words: Strips(-(-words[0] // COLUMNS), min(COLUMNS, words[0]), words[1]),
    "reduce_empty": lambda words: Each(words[0]),
}  # fmt: skip
