"""The loops that rows of reductions fill, as text, around the words of `fold_words.py`.

A row with `quick` is folded by it, and by the row's own formula again where a NaN was met: the sum of what was read
tells. (An infinity of each sign does the same, which costs time and changes nothing.)
"""

from ...plan.reducing import COLUMNS
from ..lowering import indent, stored
from .arg_text import TEXTS as ARG_TEXTS
from .fold_text import LANES, Fold

ROUNDS = 8  # passes over a run of floats before their sums are put aside: keeps rounding errors small


def _tile_text(fold, body, clear, nans):
    """Return the text of a tile: done a second time, exactly, when the sums of what was read show a NaN."""
    if not fold.quick:
        return body
    return f"""\
    for exact in range(2):
{clear}
{indent(body.splitlines(), 4)}
{nans}
        if met == 0:
            break
"""


def reduce_rows_text(kernel, name):
    """Fold runs along the folded axes, each dealt out to lanes; one result, or a part of it, per unit."""
    op, (dtype, result), (acc, stride, ending) = kernel.body, kernel.dtypes, kernel.static
    fold = Fold(op, dtype, acc)
    rounds = ROUNDS if op.start is not None and acc == dtype and "float" in acc else 0
    body = f"""\
    for unit in range(tile * grain, min(units, (tile + 1) * grain)):
        which = quotient(unit, chunks)
        chunk = unit - which * chunks
        base = offset(args, which, kept_axes, 15, 15 + kept_axes)
        live = {LANES if op.start is not None else 0}
{"        empty(lane)" if op.start is not None else ""}
        first = chunk * per
        for piece in range(first, min(pieces, first + per)):
            row = quotient(piece, segments)
            start = (piece - row * segments) * run
            left = min(run, inner - start)
            o = base + start * step + offset(args, row, fold_axes, lengths, lengths + fold_axes)
            fold_run(p, o, step, left, lane, piece == first, {"exact" if fold.quick else 0})
{f"            live = max(live, min(left, {LANES}))" if op.start is None else ""}
        a = joined(lane, live)
{indent(fold.finish("n") if ending == "whole" else [], 8)}
        out[chunk * m + which] = {stored(result, "T1")}
"""
    words = [("fold_run", f"run_word(fold, {stride != '1'}, {rounds})"), ("empty, joined", "lane_words(fold)")]
    words += [("forget, nans", f"watch_words(fold, {LANES})")] if fold.quick else []
    return f"""\
{fold.head({"lanes": 2 * LANES}, words, LANES)}

@kernel
def {name}(args, tile):
    p = at0(args); out = at1(args); lane = lanes(args)
    units = word(args, 2); grain = word(args, 3); chunks = word(args, 4); m = word(args, 5); n = word(args, 6)
    step = {"1" if stride == "1" else "word(args, 7)"}; pieces = word(args, 8); per = word(args, 9)
    segments = word(args, 10); run = word(args, 11); inner = word(args, 12)
    kept_axes = word(args, 13); fold_axes = word(args, 14); lengths = 15 + 2 * kept_axes
{_tile_text(fold, body, "        forget(lane)", "        met = nans(lane)")}"""


GROUPS = """\
            if tail > 0 and start + rows >= height:
                fold_columns(p, o + left * step, apart, step, lane, tail, 1, False, 1)
        while count > keep:
            half = (count // keep + 1) // 2 * keep
            for j in range(count - half):
                lane[j] = join(lane[j], lane[j + half])
            count = half
"""
CLEAR = f"""\
        for j in range({COLUMNS}):
            lane[j + {COLUMNS}] = TA(0)"""
NANS = f"""\
        met = 0
        for j in range({COLUMNS}):
            met += lane[j + {COLUMNS}] != lane[j + {COLUMNS}]"""


def reduce_columns_text(kernel, name):
    """Fold rows of columns that have a lane each; one result, or a part of it, per column of a unit."""
    op, (dtype, result), (acc, stride, groups, ending) = kernel.body, kernel.dtypes, kernel.static
    fold = Fold(op, dtype, acc)
    fill = ""
    if op.start is not None:
        fill = f"        for j in range(count):\n            lane[j] = TA({fold.low.constant(op.start)})"
    body = f"""\
    for unit in range(tile * grain, min(units, (tile + 1) * grain)):
        over = quotient(unit, blocks)
        which = quotient(over, chunks)
        chunk = over - which * chunks
        skip = (unit - over * blocks) * {COLUMNS}
        base = skip * apart + offset(args, which, kept_axes, 21, 21 + kept_axes)
        q = chunk * m + skip * spread + offset(args, which, kept_axes, 21, 21 + 2 * kept_axes)
        count = min({COLUMNS}, width - skip)
{fill}
        first = chunk * per
        for piece in range(first, min(pieces, first + per)):
            row = quotient(piece, segments)
            start = (piece - row * segments) * rows
            o = base + start * step + offset(args, row, fold_axes, lengths, lengths + fold_axes)
            left = min(rows, height - start)
            fold_columns(p, o, apart, step, lane, count, left, piece == first, {"exact" if fold.quick else 0})
{GROUPS if groups else ""}
        for j in range(count):
            a = lane[j]
{indent(fold.finish("n") if ending == "whole" else [], 12)}
            out[q + j * spread] = {stored(result, "T1")}
"""
    words = [("fold_columns", f"columns_word(fold, {stride != '1'})"), *([("join", "merge_word(fold)")] if groups else [])]
    return f"""\
{fold.head({"lanes": 2 * COLUMNS if fold.quick else COLUMNS}, words, COLUMNS)}

@kernel
def {name}(args, tile):
    p = at0(args); out = at1(args); lane = lanes(args)
    units = word(args, 2); grain = word(args, 3); blocks = word(args, 4); chunks = word(args, 5); m = word(args, 6)
    n = word(args, 7); width = word(args, 8); apart = {"1" if stride == "1" else "word(args, 9)"}
    spread = word(args, 10); keep = word(args, 11); pieces = word(args, 12); per = word(args, 13)
    segments = word(args, 14); rows = word(args, 15); height = word(args, 16); step = word(args, 17)
    tail = word(args, 18); kept_axes = word(args, 19); fold_axes = word(args, 20); lengths = 21 + 3 * kept_axes
{_tile_text(fold, body, CLEAR, NANS)}"""


def reduce_finish_text(kernel, name):
    """Join the parts of the chunks by halves, in place, and apply the row's `finish`."""
    op, (acc, result) = kernel.body, kernel.dtypes
    fold = Fold(op, acc, acc)
    finish = fold.finish("n")
    return f"""\
{fold.head({}, [("join", "merge_word(fold)")])}

@kernel
def {name}(args, tile):
    p = at0(args); out = at1(args)
    m = word(args, 2); chunks = word(args, 3); n = word(args, 4); grain = word(args, 5)
    first = tile * grain
    last = min(m, first + grain)
    while chunks > 1:
        half = (chunks + 1) // 2
        lines = chunks - half
        width = last - first
        if width == m:
            width *= lines
            lines = 1
        for line in range(lines):
            e = line * m + first
            for j in range(e, e + width):
                p[j] = join(p[j], p[j + half * m])
        chunks = half
    for k in range(first, last):
        a = p[k]
{indent(finish, 8)}
        out[k] = {stored(result, "T1")}
"""


def reduce_empty_text(kernel, name):
    """What a reduction of no numbers is."""
    op, (result,), (acc,) = kernel.body, kernel.dtypes, kernel.static
    fold = Fold(op, acc, acc)
    lines = [f"a = {fold.low.constant(op.start)}", *fold.finish("0")]
    return f"""\
{fold.low.header()}


@kernel
def {name}(args, tile):
    out = at0(args)
{indent(lines, 4)}
    for k in range(word(args, 1)):
        out[k] = {stored(result, "T0")}
"""


TEXTS = {
    "reduce_rows": reduce_rows_text, "reduce_columns": reduce_columns_text, "reduce_finish": reduce_finish_text,
    "reduce_empty": reduce_empty_text, **ARG_TEXTS,
}  # fmt: skip
