"""Where an extreme stands, as text: pairs of a number and its place, the first of ties, and of NaNs before all.

Words of runs: units, chunks, results, numbers of a result, their stride, numbers of a chunk, kept axes, their lengths and
strides. Of columns: units, chunks, results, numbers, their stride, of a chunk, columns, their stride, and in the output, other
kept axes, their lengths, strides, and strides in the output. Units are results, or rows of columns, by chunks.
"""

import inspect

from ..lowering import indent
from .fold_text import HELD
from .grids import BUSY, FEW, LONG, MANY, Groups, Strips, lanes_of, wide_of
from .walk_text import outer

TURNS = 4  # numbers of a thread that are on their way at once


def _head(kernel, name, shared, helper) -> str:
    """Return the text before the body of a kernel; its boxes are `shared` numbers and their places in shared memory."""
    held, sign = HELD.get(kernel.dtypes[0], kernel.dtypes[0]), ">" if kernel.body else "<"
    sent = "int64" if held == "uint64" else held
    numbers = "\n".join(f"{k} = {v}" for k, v in {"FEW": FEW, "LONG": LONG, "BUSY": BUSY, "MANY": MANY}.items())
    return f"""\
{numbers}
WARPS = THREADS // LANES
K = np.{held}


@helper
def beats(x, a):
    return x {sign} a or (x != x and a == a)


@helper
def ahead(x, j, a, i):
    return beats(x, a) or (j < i and (x == a or (x != x and a != a)))


@helper
def lane(a, by):
    return K(lane_down(np.{sent}(a), by))


@helper
{inspect.getsource(helper)}

@kernel
def {name}(args, {", ".join(f"p{i}" for i in range(len(kernel.dtypes)))}):
    box = cuda.shared.array({shared}, K)
    places = cuda.shared.array({shared}, np.int64)
"""


def _walk(dtype, member, apart, place="{k}") -> list:
    """Return the lines that look through numbers `begin` to `end`, `step` apart from `o` on: the best is `a`, and `i` its place."""
    truth = " != 0" if dtype == "bool" else ""
    load = lambda u, k: f"x{u} = K(p0[o + {k} * step]{truth})"
    each = lambda u, k: [f"j = {place.format(k=k)}", f"if beats(x{u}, a):", f"    a = x{u}", "    i = j"]
    at = [f"(k + {u} * {apart})" for u in range(TURNS)]
    several = [*[load(u, k) for u, k in enumerate(at)], *[line for u, k in enumerate(at) for line in each(u, k)]]
    return [
        f"a = K(p0[o + begin * step]{truth})", f"i = {place.format(k='begin')}", f"k = begin + {member}",
        f"while k + {TURNS - 1} * {apart} < end:", *[f"    {line}" for line in several], f"    k += {TURNS} * {apart}",
        "while k < end:", *[f"    {line}" for line in [load(0, "k"), *each(0, "k")]], f"    k += {apart}",
    ]  # fmt: skip


def _stores(kernel) -> list:
    """Return the lines that keep what was found: the place, or the number too, where there are more chunks."""
    if kernel.loop == "arg_finish" or len(kernel.dtypes) == 2:
        last = len(kernel.dtypes) - 1
        return [f"p{last}[args[{last}] + to] = i"]
    return ["p1[args[1] + to] = T1(a)", "p2[args[2] + to] = i"]


def arg_rows_text(kernel, name):
    """Runs: a part of a warp, a warp or a block for each unit."""
    p = len(kernel.dtypes)
    inside = [
        "number = first + cuda.threadIdx.x // group", "unit = number if number < units else 0", "which = unit // chunks",
        "chunk = unit - which * chunks", "o = args[0]", *outer("which", "axes", p + 7, ["o"], [f"{p + 7} + axes"]),
        "begin = chunk * size", "end = min(n, begin + size)", *_walk(kernel.dtypes[0], "member", "group"),
        "by = min(group, LANES) // 2", "while by > 0:", "    b = lane(a, by)", "    j = lane_down(i, by)",
        "    if ahead(b, j, a, i):", "        a = b", "        i = j", "    by //= 2",
        "if group > LANES:", "    cuda.syncthreads()", "    if member % LANES == 0:", "        box[member // LANES] = a",
        "        places[member // LANES] = i", "    cuda.syncthreads()", "    if member == 0:", "        for w in range(1, WARPS):",
        "            if ahead(box[w], places[w], a, i):", "                a = box[w]", "                i = places[w]",
        "if member == 0 and number < units:", "    to = chunk * m + which", *[f"    {line}" for line in _stores(kernel)],
    ]  # fmt: skip
    return f"""\
{_head(kernel, name, "WARPS", lanes_of)}
    units = args[{p}]; chunks = args[{p + 1}]; m = args[{p + 2}]; n = args[{p + 3}]; step = args[{p + 4}]
    size = args[{p + 5}]; axes = args[{p + 6}]
    group = lanes_of(units, size, LANES, THREADS)
    together = THREADS // group
    member = cuda.threadIdx.x % group
    for first in range(cuda.blockIdx.x * together, units, cuda.gridDim.x * together):
{indent(inside, 8)}
"""


def arg_columns_text(kernel, name):
    """Columns side by side, a thread each; the other threads of a block share the rows."""
    p = len(kernel.dtypes)
    kept = outer("which", "axes", p + 10, ["o", "to"], [f"{p + 10} + axes", f"{p + 10} + 2 * axes"])
    return f"""\
{_head(kernel, name, "THREADS", wide_of)}
    units = args[{p}]; chunks = args[{p + 1}]; m = args[{p + 2}]; n = args[{p + 3}]; step = args[{p + 4}]; size = args[{p + 5}]
    width = args[{p + 6}]; apart = args[{p + 7}]; spread = args[{p + 8}]; axes = args[{p + 9}]
    wide = wide_of(units, width, size, LANES, THREADS)
{_columns(kernel, _walk(kernel.dtypes[0], "member", "deep"), kept)}
"""


def arg_finish_text(kernel, name):
    """Choose among what was found in the chunks of each result; words: results, chunks."""
    walk = _walk(kernel.dtypes[0], "member", "deep", "p1[args[1] + column + {k} * step]")
    return f"""\
{_head(kernel, name, "THREADS", wide_of)}
    m = args[3]; n = args[4]
    units = chunks = apart = spread = 1
    width = step = m
    size = n
    wide = wide_of(1, width, n, max(1, LANES // 4), THREADS)
{_columns(kernel, walk, [])}
"""


def _columns(kernel, walk, kept) -> str:
    """Return the loop over strips of columns. A thread begins with its column's first number, whatever its part of the rows."""
    inside = [
        "unit = number // strips", "which = unit // chunks", "chunk = unit - which * chunks",
        "column = (number - unit * strips) * wide + cuda.threadIdx.x % wide", "live = column < width", "column = column if live else 0",
        "o = args[0] + column * apart", "to = chunk * m + column * spread", *kept, "begin = chunk * size", "end = min(n, begin + size)",
        *walk, "if deep > 1:", "    cuda.syncthreads()", "    box[cuda.threadIdx.x] = a", "    places[cuda.threadIdx.x] = i",
        "    half = deep // 2", "    while half > 0:", "        cuda.syncthreads()", "        other = cuda.threadIdx.x + half * wide",
        "        if member < half and ahead(box[other], places[other], a, i):", "            a = box[other]",
        "            i = places[other]", "            box[cuda.threadIdx.x] = a", "            places[cuda.threadIdx.x] = i",
        "        half //= 2", "if member == 0 and live:", *[f"    {line}" for line in _stores(kernel)],
    ]  # fmt: skip
    return f"""\
    deep = THREADS // wide
    member = cuda.threadIdx.x // wide
    strips = (width + wide - 1) // wide
    for number in range(cuda.blockIdx.x, units * strips, cuda.gridDim.x):
{indent(inside, 8)}"""


TEXTS = {"arg_rows": arg_rows_text, "arg_columns": arg_columns_text, "arg_finish": arg_finish_text}
LAUNCH = {
    "arg_rows": lambda words: Groups(words[0], words[5]), "arg_columns": lambda words: Strips(words[0], words[6], words[5]),
    "arg_finish": lambda words: Strips(1, words[0], words[1]),
}  # fmt: skip
