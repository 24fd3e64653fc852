"""Elementwise rows and the reductions of their values, as text: the loop of the rows fills rooms, words fold what is there."""

from typing import NamedTuple

from ...plan.cutting import ROOM
from ...plan.folding import WIDE
from ...plan.reducing import COLUMNS, DEEP
from ..lowering import indent, results_of, statements, stored
from .emit import VectorLowering
from .fold_text import LANES, Fold, words_text
from .prelude import apart
from .reduce_text import ROUNDS
from .templates import Turns, offsets, shift, stacks, turns


class _Parts(NamedTuple):
    """What both loops are made of: the loop of the rows; the folds, the pointers that their results go to (None for one that
    is not kept), and whether rows follow; how many operands there are; definitions, first lines."""

    turns: Turns
    folds: list
    places: list
    after: bool
    count: int
    head: str
    begin: str


def _parts(kernel, classes, strides, long, place, lanes, words) -> _Parts:
    """Return the parts of a kernel; words of inner strides begin at `strides`, `words` are makers of each fold's words.

    Whether loops are `long` and the `place` of what is folded: as for `turns`.
    """
    body = kernel.body
    count, places = results_of(kernel)
    found = turns(body, kernel.dtypes[:count], classes, strides, long, place)
    folds, lines = [], []
    for i, r in enumerate(body.reduced):
        fold = Fold(r.op, r.dtype, r.acc, quick=False)  # rows that write over what they read run once
        fold.low.prefix = f"fold{i}_"
        fold.finish("total")  # names its constants
        folds.append(fold)
        lines += [*fold.folding(f"fold{i}"), *[f"{names.format(i)} = {maker.format(i)}" for names, maker in words(fold)]]
        lines += [f"lanes{i} = stack(types.{fold.kind}, {lanes})", f"rooms{i} = stack(types.{_kind(r.dtype)}, {ROOM})"]
        lines += [f"_, fill{i} = apart(types.{_kind(r.dtype)})"]
    pointers = [f"p{i} = at{i}(args)" for i in range(count)]
    pointers += [f"lane{i} = lanes{i}(args); room{i} = rooms{i}(args)" for i in range(len(folds))]
    pointers += [f"out{i} = at{number}(args)" for i, number in enumerate(places) if number is not None]
    starts = [f"fold{i}_start = np.{f.kind}({f.op.start})" for i, f in enumerate(folds) if f.op.start is not None]
    typed = [f.low.header() for f in folds]
    after = [] if body.after is None else [_after_text(kernel, found)]
    head = "\n".join([apart(kernel.dtypes[:count]), *found.head, words_text(), *lines, *stacks(found.rooms), *starts, *typed, *after])
    begin = indent([*pointers, *found.steps, *[f"{r}_ = {r}(args)" for r in found.rooms]], 4)
    return _Parts(found, folds, places, bool(after), count, head, begin)


def _kind(dtype):
    return "uint8" if dtype == "bool" else dtype


def _after_text(kernel, turns):
    """Return the function that does the rows behind reductions to the results at a place."""
    after, results = kernel.body.after, [r.out for r in kernel.body.reduced]
    first = len(kernel.dtypes) - len(after.dtypes)
    at = ["0" if single else "to" for single in after.single]
    loads = [f"after_x{len(results) + i} = at{first + i}(args)[{at[i]}]" for i in range(after.arrays)]
    puts = [f"at{first + i}(args)[to] = T{first + i}({{}})" for i in range(after.arrays, len(after.dtypes))]
    lows, groups, _ = statements(VectorLowering, after.body, (*results, *after.dtypes), puts, prefix="after_")
    helpers = [text for low in lows.values() for text in low.helpers.values() if text not in turns.head]
    names = ", ".join(f"after_x{i}" for i in range(len(results)))
    lines = indent([*loads, *[line for group in groups for line in group]], 4)
    return "\n".join([*dict.fromkeys(helpers), *[line for low in lows.values() for line in low.typed()],
                      f"\n\n@helper\ndef after(args, to, {names}):\n{lines}\n"])  # fmt: skip


def _results(parts, kernel, whole, at, depth):
    """Return the text that stores what is folded, `a` being what `at` says of each fold."""
    lines, dtypes, results = [], kernel.dtypes, [r.out for r in kernel.body.reduced]
    for i, (fold, number) in enumerate(zip(parts.folds, parts.places)):
        lines += [f"a = {at.format(i)}", *(fold.finish("total") if whole else [])]
        if number is not None:
            lines.append(f"out{i}[to] = {stored(dtypes[number], f'T{number}')}")
        if parts.after:
            lines.append(f"result{i} = np.{results[i]}(a)")
    if parts.after:
        lines.append(f"after(args, to, {', '.join(f'result{i}' for i in range(len(parts.folds)))})")
    return indent(lines, depth)


def _each(numbers, text):
    """Return one line of statements, `text` with each of the numbers."""
    return "; ".join(text.format(i) for i in numbers) or "pass"


def map_reduce_rows_text(kernel, name):
    """Rows along a run of the folded axes, whose values are dealt out to lanes; one result, or a part of it, per unit."""
    dtypes, (classes, kept, fold, whole, _) = kernel.dtypes, kernel.static
    p, count = len(dtypes), len(classes)
    rounds = lambda f: ROUNDS if f.op.start is not None and f.acc == f.dtype and "float" in f.acc else 0
    words = lambda f: [("fold_run{0}", f"run_word(fold{{0}}, False, {rounds(f)})"), ("empty{0}, joined{0}", "lane_words(fold{0})")]
    made = _parts(kernel, classes, p + 12, not (kept or fold), "i - start", 2 * LANES, words)
    lengths = p + 12 + count
    walks = [f"{lengths} + (1 + {i}) * kept_axes + fold_axes" for i in range(count)]
    more = [f"{lengths} + (1 + {count}) * kept_axes + (1 + {i}) * fold_axes" for i in range(count)]
    numbers = range(count)
    fresh = [i for i, f in enumerate(made.folds) if f.op.start is not None]
    step = {"1": "b{0} + begin", "0": "b{0}", "s": "b{0} + begin * s{0}"}
    return f"""\
{made.head}


@kernel
def {name}(args, tile):
{made.begin}
    units = word(args, {p}); per_tile = word(args, {p + 1}); chunks = word(args, {p + 2}); m = word(args, {p + 3})
    total = word(args, {p + 4}); pieces = word(args, {p + 5}); per = word(args, {p + 6}); segments = word(args, {p + 7})
    run = word(args, {p + 8}); inner = word(args, {p + 9}); kept_axes = word(args, {p + 10}); fold_axes = word(args, {p + 11})
    grain = {ROOM}
    for unit in range(tile * per_tile, min(units, (tile + 1) * per_tile)):
        which = quotient(unit, chunks)
        chunk = unit - which * chunks
        {_each(numbers, "b{0} = 0")}
{offsets("which", "kept_axes", lengths, [f"b{i}" for i in numbers], walks, 8) if kept else ""}
        {_each(fresh, "empty{0}(lane{0})")}
        first = chunk * per
        live = 0
        for piece in range(first, min(pieces, first + per)):
            row = quotient(piece, segments)
            begin = (piece - row * segments) * run
            n = min(run, inner - begin)
            live = max(live, min(n, {LANES}))
            {"; ".join(f"o{i} = {step[c].format(i)}" for i, c in enumerate(classes)) or "pass"}
{offsets("row", "fold_axes", f"{lengths} + kept_axes", [f"o{i}" for i in numbers], more, 12) if fold else ""}
{indent(made.turns.before, 12)}
            for start in range(0, n, grain):
{indent(made.turns.loop, 16)}
                fresh = (piece == first) & (start == 0)
                {_each(range(len(made.folds)), "fold_run{0}(room{0}, 0, 1, min(grain, n - start), lane{0}, fresh, 0)")}
        to = chunk * m + which
{_results(made, kernel, whole, "joined{0}(lane{0}, live)", 8)}
"""


def map_reduce_columns_text(kernel, name):
    """Rows over columns that have a lane each; one result, or a part of it, per column of a unit."""
    dtypes, (classes, kept, fold, whole, flat) = kernel.dtypes, kernel.static
    p, count = len(dtypes), len(classes)
    words = lambda f: [("fold_columns{0}", "columns_word(fold{0}, False)"), ("behind{0}", "behind_word(fold{0})")]
    made = _parts(kernel, classes, p + 15, flat, "i" if flat else "at + i", COLUMNS, words)
    rows = p + 15 + count  # word of the first stride from row to row
    lengths = rows + count
    walks = [f"{lengths} + (2 + {i}) * kept_axes + fold_axes" for i in range(count)]
    more = [f"{lengths} + (2 + {count}) * kept_axes + (1 + {i}) * fold_axes" for i in range(count)]
    numbers, spread = range(count), f"{lengths} + kept_axes + fold_axes"
    fresh = [i for i, f in enumerate(made.folds) if f.op.start is not None]
    step = {"1": "skip", "0": "0", "s": "skip * s{0}"}
    empty = indent(["for j in range(columns):", *[f"    lane{i}[j] = fold{i}_start" for i in fresh]], 8) if fresh else ""
    return f"""\
{made.head}


@kernel
def {name}(args, tile):
{made.begin}
    units = word(args, {p}); per_tile = word(args, {p + 1}); blocks = word(args, {p + 2}); chunks = word(args, {p + 3})
    m = word(args, {p + 4}); total = word(args, {p + 5}); width = word(args, {p + 6}); apart_ = word(args, {p + 7})
    pieces = word(args, {p + 8}); per = word(args, {p + 9}); segments = word(args, {p + 10}); rows = word(args, {p + 11})
    height = word(args, {p + 12}); kept_axes = word(args, {p + 13}); fold_axes = word(args, {p + 14})
    {_each(numbers, f"d{{0}} = word(args, {rows} + {{0}})")}
    grain = {ROOM}
    start = 0
    for unit in range(tile * per_tile, min(units, (tile + 1) * per_tile)):
        over = quotient(unit, blocks)
        which = quotient(over, chunks)
        chunk = over - which * chunks
        skip = (unit - over * blocks) * {COLUMNS}
        columns = min({COLUMNS}, width - skip)
        q = chunk * m + skip * apart_
        {"; ".join(f"b{i} = {step[c].format(i)}" for i, c in enumerate(classes)) or "pass"}
{offsets("which", "kept_axes", lengths, ["q", *[f"b{i}" for i in numbers]], [spread, *walks], 8) if kept else ""}
{empty}
        first = chunk * per
        for piece in range(first, min(pieces, first + per)):
            row = quotient(piece, segments)
            begin = (piece - row * segments) * rows
            left = min(rows, height - begin)
            {_each(numbers, "h{0} = b{0} + begin * d{0}")}
{offsets("row", "fold_axes", f"{lengths} + kept_axes", [f"h{i}" for i in numbers], more, 12) if fold else ""}
{_block(made, classes, flat)}
        for j in range(columns):
            to = q + j * apart_
{_results(made, kernel, whole, "lane{0}[j]", 12)}
"""


def _block(made, classes, flat):
    """Return the text that computes and folds the rows of a piece: as one loop where they lie behind each other, else row by row."""
    turn, numbers = [*made.turns.before, *made.turns.loop], range(made.count)
    fold = "fold_columns{0}(room{0}, 0, 1, %s, behind{0}(lane{0}, strip), %s, deep, fresh, 0)"
    if flat:
        rows = f"{ROOM} // columns & -{DEEP}"
        lines = ["strip = 0", _each(numbers, "o{0} = h{0} + top * d{0}"), "n = deep * columns", *turn]
        lines.append(_each(range(len(made.folds)), fold % ("columns", "columns")))
    else:
        rows, step = f"{DEEP}", {"1": " + strip", "0": "", "s": " + strip * s{0}"}
        at = [f"o{i} = h{i} + (top + line) * d{i}{step[c].format(i)}" for i, c in enumerate(classes)]
        inner = [f"n = min({WIDE}, columns - strip)", "for line in range(deep):", *shift([f"at = line * {WIDE}", *at, *turn])]
        inner.append(_each(range(len(made.folds)), fold % (WIDE, "n")))
        lines = [f"for strip in range(0, columns, {WIDE}):", *shift(inner)]
    block = ["deep = min(lines, left - top)", "fresh = (piece == first) & (top == 0)", *lines]
    return indent([f"lines = {rows}", "for top in range(0, left, lines):", *shift(block)], 12)


TEXTS = {"map_reduce_rows": map_reduce_rows_text, "map_reduce_columns": map_reduce_columns_text}
