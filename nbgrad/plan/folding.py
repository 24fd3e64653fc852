"""Elementwise rows and reductions of what they make, in one pass: a value is folded while it is in the first cache.

Values of a block go to a room of the kernel's own, and from there through the words of the reductions: numbers are cut into
chunks and folded as the reduction alone would do it, in shorter chunks where a number is much work. So its bounds of error hold,
and results do not depend on the number of threads.
"""

import ast
import functools
import types
from math import prod
from typing import Any, NamedTuple

from ..base.shapes import collapse, contiguous_strides
from ..ops.table import Op
from .mapping import grain_of
from .plan import Kernel, Plan, Step
from .reducing import CHUNK, COLUMNS, DEEP, NARROW, ROWS, TILE, WHOLE, chunked, nearest

REDUCTIONS = ("sum", "mean", "prod", "max", "min", "any", "all", "count_nonzero")
MOST = 4  # reductions of a kernel: each has a room
ROOM = 2048  # numbers of a room: as many as a run of floats takes before its sums are put aside
WIDE = ROOM // DEEP  # columns of a room: wider rows are taken strip by strip
SHARE = 4  # tiles of the rows alone that make a chunk, at least: long rows are shared by threads however few their results


class Axis(NamedTuple):
    """An axis, or several that all operands walk in one stride: its length, elements from one to the next of a value that
    lies row by row, the stride in the result, and those of the operands."""

    length: int
    step: int
    to: int
    strides: tuple


class Cut(NamedTuple):
    """How a target cuts what is folded into chunks.

    inner : (kept axes, folded axes) -> that along which the inner loop runs. rows : (body, numbers of a result, results) ->
    numbers of a chunk, about. columns : the same and the columns -> (columns that are taken together, numbers of a chunk).
    """

    inner: Any
    rows: Any
    columns: Any


def reduces(call) -> bool:
    """Say whether a call is a reduction that elementwise rows can run in one pass with."""
    if call.plan is None or call.op.kind != "reduction" or call.op.name not in REDUCTIONS or not call.plan.steps:
        return False
    return call.plan.steps[0].kernel.loop in ("reduce_rows", "reduce_columns") and call.writes[0].whole


@functools.cache
def wordless(op) -> bool:
    """Say whether the formula of a row calls no functions of Python: they are copied by name, and words have names as well."""
    formula = op.formula
    trees = [*[value for _, value in formula.lets], formula.result]
    names = [p.func.id for tree in trees for p in ast.walk(tree) if isinstance(p, ast.Call) and isinstance(p.func, ast.Name)]
    called = [formula.globals.get(name) for name in names]
    return all(wordless(f) if isinstance(f, Op) else not isinstance(f, types.FunctionType) for f in called)


def worthwhile(shape, axes, operands) -> bool:
    """Say whether rows over `shape`, with these strides of operands, have long loops over neighbours when `axes` are folded.

    Loops over what lies apart are better than none only where rows alone have no long ones either.
    """
    inner, alone = _inner(*_axes(shape, axes, operands)), collapse(shape, *operands)[0]
    return inner.length == prod(shape) or (inner.length >= NARROW and (inner.step == 1 or alone[-1] < NARROW))


def _axes(shape, axes, operands):
    """Return the kept and the folded axes of rows over `shape`."""
    steps, found = contiguous_strides(shape), []
    kept = [a for a in range(len(shape)) if a not in axes]
    to = contiguous_strides([shape[a] for a in kept])
    for which, spread in ((kept, to), (axes, (0,) * len(axes))):
        take = lambda values, which=which: [values[a] for a in which]
        lengths, step, spread, *strides = collapse(take(shape), take(steps), spread, *map(take, operands))
        each = zip(*strides) if strides else [()] * len(lengths)
        found.append([Axis(*a) for a in zip(lengths, step, spread, each)])
    return found[0], found[1] or [Axis(1, 1, 0, (0,) * len(operands))]


def _inner(kept, fold) -> Axis:
    """Return the axis along which the inner loop runs."""
    run, column = nearest(fold), nearest(kept) if kept else None
    return run if column is None or column.length == 1 or nearest([run, column]) is run else column


def _cut_rows(body, n, m):
    return min(CHUNK, max(SHARE * grain_of(body), ROOM))


def _cut_columns(body, n, m, width):
    wide = min(width, COLUMNS)
    return wide, min(max(TILE, ROWS * wide), max(SHARE * grain_of(body), DEEP * wide))


CPU = Cut(_inner, _cut_rows, _cut_columns)


@functools.lru_cache(4096)
def plan_folding(body, shape, axes, inputs, outs) -> Plan:
    """Plan fused rows over `shape` whose values `body.reduced` are folded along `axes`, counted without those of length 1.

    The outputs are those of `body.outs`, then the results of the reductions, row by row. With `body.after`, which is for
    results that one tile makes alone, its arrays come behind the inputs, and what it makes behind the results that are kept.
    """
    long = [a for a, n in enumerate(shape) if n != 1]
    take = lambda values: tuple([values[a] for a in long])
    shape, operands = take(shape), tuple(take(x.strides) for x in (*inputs, *outs))
    return plan_axes(body, *_axes(shape, axes, operands), inputs, outs)


def plan_axes(body, kept, fold, inputs, outs, cut=CPU) -> Plan:
    """Plan fused rows whose kept and folded axes are known, as `plan_folding`."""
    m, n = prod(a.length for a in kept), prod(a.length for a in fold)
    inner = cut.inner(kept, fold)
    rows = any(inner is a for a in fold)
    most = cut.rows(body, n, m) if rows else cut.columns(body, n, m, inner.length)
    loop, words, units, size, chunks = (_rows if rows else _columns)(kept, fold, inner, n, m, most)
    grain = max(1, grain_of(body) // size)
    classes = "".join("1" if s == 1 else "0" if s == 0 else "s" for s in inner.strides)
    count, results = len(inputs) + len(outs), len(body.reduced)
    scratch = () if chunks == 1 else tuple(((m * chunks,), r.acc) for r in body.reduced)
    dtypes = tuple(r.out if chunks == 1 else r.acc for r in body.reduced)
    flat = not rows and inner.length <= WIDE and all(b == inner.length * a for a, b in zip(inner.strides, fold[-1].strides))
    kernel = Kernel(loop, (*[x.dtype for x in (*inputs, *outs)], *dtypes), body, (classes, *_walked(kept, fold, inner), chunks == 1, flat))
    to = range(count, count + results) if chunks == 1 else range(count + results, count + 2 * results)
    if body.after is not None:
        return _followed(kernel, len(inputs), (units, grain, *words), outs, m)
    steps = [Step(kernel, (*range(count), *to), (units, grain, *words), -(-units // grain))]
    grain = m if m * chunks <= TILE else max(1, TILE // chunks)
    for i, r in enumerate(body.reduced if chunks > 1 else ()):
        finish = Kernel("reduce_finish", (r.acc, r.out), r.op)
        steps.append(Step(finish, (count + results + i, count + i), (m, chunks, n, grain), -(-m // grain)))
    kinds = (*[x.dtype for x in outs], *[r.out for r in body.reduced])
    return Plan(tuple(steps), (*[x.shape for x in outs], *[(m,)] * results), kinds, scratch)


def _followed(kernel, inputs, words, outs, m) -> Plan:
    """Return the plan of a kernel with rows behind its reductions."""
    body, after = kernel.body, kernel.body.after
    kept = [r.out for r, stored in zip(body.reduced, after.stored) if stored]
    dtypes = (*kernel.dtypes[: inputs + len(outs)], *kept, *after.dtypes)
    arrays, first = range(inputs, inputs + after.arrays), inputs + after.arrays
    made = first + len(outs) + len(kept)
    pointers = (*range(inputs), *range(first, made), *arrays, *range(made, made + len(after.body.outs)))
    kinds = (*[x.dtype for x in outs], *kept, *after.dtypes[after.arrays :])
    shapes = (*[x.shape for x in outs], *[(m,)] * (len(kinds) - len(outs)))
    return Plan((Step(kernel._replace(dtypes=dtypes), pointers, words, -(-words[0] // words[1])),), shapes, kinds)


def _walked(kept, fold, inner) -> tuple:
    """Say whether there are other kept axes than those of the inner loop, and other folded ones."""
    rest = lambda axes: any(a is not inner for a in axes)
    return rest(kept), rest(fold[:-1] if all(a is not inner for a in fold) else fold)


def _strides(axes) -> list:
    """Return the strides of the operands along axes, operand by operand."""
    return [s for each in zip(*[a.strides for a in axes]) for s in each]


def _rows(kept, fold, run, n, m, most):
    """Words: chunks, results, numbers of one, pieces, pieces per chunk, pieces per run, numbers of a piece, length of a run,
    kept axes, other folded axes; strides of a run; lengths of the kept axes, of the folded; strides of both, by operand."""
    other = [a for a in fold if a is not run]
    cut, per, segments, steps, chunks = chunked(prod(a.length for a in other), run.length, 1, most, WHOLE)
    words = [chunks, m, n, cut, per, segments, steps, run.length, len(kept), len(other), *run.strides]
    words += [*[a.length for a in kept], *[a.length for a in other], *_strides(kept), *_strides(other)]
    return "map_reduce_rows", tuple(words), m * chunks, per * steps, chunks


def _columns(kept, fold, column, n, m, most):
    """Words: blocks of columns, chunks, results, numbers of one, columns, their stride in the result, pieces, pieces per
    chunk, pieces per row, rows of a piece, rows, other kept axes, other folded axes; strides of columns, strides of rows;
    lengths of the kept axes, of the folded; strides of the kept in the result, strides of both, by operand."""
    row, width = fold[-1], column.length
    others, above = [a for a in kept if a is not column], fold[:-1]
    blocks = -(-width // COLUMNS)
    cut, per, segments, steps, chunks = chunked(prod(a.length for a in above), row.length, *most, DEEP)
    words = [blocks, chunks, m, n, width, column.to, cut, per, segments, steps, row.length, len(others), len(above)]
    words += [*column.strides, *row.strides, *[a.length for a in others], *[a.length for a in above]]
    words += [*[a.to for a in others], *_strides(others), *_strides(above)]
    units = prod(a.length for a in others) * blocks * chunks
    return "map_reduce_columns", tuple(words), units, per * steps * min(width, COLUMNS), chunks
