"""The kernels of argmax and argmin, as text: the first place of an extreme, a NaN before every number.

A run is folded to its extreme, which is then looked for where it lies in the cache still; columns carry the row of their
extreme along.
"""

from ...ops.reduce import max as largest
from ...ops.reduce import min as smallest
from ...plan.reducing import COLUMNS
from .fold_text import LANES, Fold


def arg_rows_text(kernel, name):
    """The place of the extreme of a run, or of a chunk of it, per unit."""
    dtype, (stride,) = kernel.dtypes[0], kernel.static
    fold, strided = Fold(largest if kernel.body else smallest, dtype, dtype), stride != "1"
    words = [("fold_run", f"run_word(fold, {strided}, 0)"), ("empty, joined", "lane_words(fold)")]
    words += [("find", f"find_word(fold.memory, {strided})")]
    words += [("forget, nans", f"watch_words(fold, {LANES})")] if fold.quick else []
    again = """\
        if nans(lane) != 0:
            fold_run(p, o, step, left, lane, True, 1)
"""
    return f"""\
{fold.head({"lanes": 2 * LANES}, words, LANES)}

@kernel
def {name}(args, tile):
    p = at0(args); out = at1(args); lane = lanes(args)
    units = word(args, 2); grain = word(args, 3); chunks = word(args, 4); m = word(args, 5); n = word(args, 6)
    step = {"word(args, 7)" if strided else "1"}; steps = word(args, 8); axes = word(args, 9)
    for unit in range(tile * grain, min(units, (tile + 1) * grain)):
        which = quotient(unit, chunks)
        chunk = unit - which * chunks
        left = min(steps, n - chunk * steps)
        o = offset(args, which, axes, 10, 10 + axes) + chunk * steps * step
{"        forget(lane)" if fold.quick else ""}
        fold_run(p, o, step, left, lane, True, 0)
{again if fold.quick else ""}
        best = joined(lane, min(left, {LANES}))
        out[chunk * m + which] = chunk * steps + find(p, o, step, left, best)
"""


def arg_columns_text(kernel, name):
    """The places of the extremes of a block of columns, or of a chunk of their rows, per unit."""
    dtype, (stride,) = kernel.dtypes[0], kernel.static
    fold = Fold(largest if kernel.body else smallest, dtype, dtype)
    words = [("fold_places", f"places_word(fold.memory, {stride != '1'}, {kernel.body})")]
    return f"""\
{fold.head({"lanes": COLUMNS}, words)}
places = stack(types.int32, {COLUMNS})


@kernel
def {name}(args, tile):
    p = at0(args); out = at1(args); lane = lanes(args); place = places(args)
    units = word(args, 2); grain = word(args, 3); blocks = word(args, 4); chunks = word(args, 5); m = word(args, 6)
    n = word(args, 7); width = word(args, 8); apart = {"1" if stride == "1" else "word(args, 9)"}
    spread = word(args, 10); step = word(args, 11); steps = word(args, 12); axes = word(args, 13)
    for unit in range(tile * grain, min(units, (tile + 1) * grain)):
        over = quotient(unit, blocks)
        which = quotient(over, chunks)
        first = (over - which * chunks) * steps
        skip = (unit - over * blocks) * {COLUMNS}
        o = first * step + skip * apart + offset(args, which, axes, 14, 14 + axes)
        q = (over - which * chunks) * m + skip * spread + offset(args, which, axes, 14, 14 + 2 * axes)
        count = min({COLUMNS}, width - skip)
        fold_places(p, o, apart, step, lane, place, count, min(steps, n - first))
        for j in range(count):
            out[q + j * spread] = first + place[j]
"""


def arg_finish_text(kernel, name):
    """Of the places that were found in chunks, the first with the extreme of all."""
    sign = ">" if kernel.body else "<"
    return f"""\
@kernel
def {name}(args, tile):
    p = at0(args); part = at1(args); out = at2(args)
    m = word(args, 3); chunks = word(args, 4); step = word(args, 5); axes = word(args, 6)
    for k in range(m):
        o, rest = 0, k
        for d in range(axes - 1, -1, -1):
            o += rest % word(args, 7 + d) * word(args, 7 + axes + d)
            rest //= word(args, 7 + d)
        where = part[k]
        best = p[o + where * step]
        for c in range(1, chunks):
            x = p[o + part[c * m + k] * step]
            if best == best and (x {sign} best or x != x):
                best, where = x, part[c * m + k]
        out[k] = where
"""


TEXTS = {"arg_rows": arg_rows_text, "arg_columns": arg_columns_text, "arg_finish": arg_finish_text}
