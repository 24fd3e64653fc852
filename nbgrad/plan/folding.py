"""Elementwise rows and reductions of what they make, in one pass: a value is folded while it is in the first cache.

Values of a block go to a room of the kernel's own, and from there through the words of the reductions: numbers are cut into
chunks and folded as the reduction alone would do it, in shorter chunks where a number is much work. So its bounds of error hold,
and results do not depend on the number of threads.
"""

import ast
import functools
import types
from math import prod
from typing import NamedTuple

from ..base.shapes import collapse, contiguous_strides
from ..ops.table import Op
from .cutting import CPU, ROOM, inner
from .mapping import grain_of
from .plan import Kernel, Plan, Step
from .reducing import COLUMNS, DEEP, NARROW, TILE, WHOLE, chunked

REDUCTIONS = ("sum", "mean", "prod", "max", "min", "any", "all", "count_nonzero")
MOST = 4  # reductions of a kernel: each has a room
WIDE = ROOM // DEEP  # columns of a room: wider rows are taken strip by strip


class Axis(NamedTuple):
    """An axis, or several that all operands walk in one stride: its length, elements from one to the next of a value that
    lies row by row, the stride in the result, and those of the operands."""

    length: int
    step: int
    to: int
    strides: tuple


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
    axis, alone = inner(*_axes(shape, axes, operands)), collapse(shape, *operands)[0]
    return axis.length == prod(shape) or (axis.length >= NARROW and (axis.step == 1 or alone[-1] < NARROW))


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


@functools.lru_cache(4096)
def plan_folding(body, shape, axes, inputs, outs, cut=CPU) -> Plan:
    """Plan fused rows over `shape` whose values `body.reduced` are folded along `axes`, counted without those of length 1.

    The outputs are those of `body.outs`, then the results of the reductions, row by row. With `body.after`, which is for
    results that one tile makes alone, its arrays come behind the inputs, and what it makes behind the results that are kept.
    """
    long = [a for a, n in enumerate(shape) if n != 1]
    take = lambda values: tuple([values[a] for a in long])
    shape, operands = take(shape), tuple(take(x.strides) for x in (*inputs, *outs))
    return plan_axes(body, *_axes(shape, axes, operands), inputs, outs, cut)


def plan_axes(body, kept, fold, inputs, outs, cut=CPU) -> Plan:
    """Plan fused rows whose kept and folded axes are known, as `plan_folding`."""
    m, n = prod(a.length for a in kept), prod(a.length for a in fold)
    axis = cut.inner(kept, fold)
    rows = any(axis is a for a in fold)
    most = cut.rows(body, n, m) if rows else cut.columns(body, n, m, axis.length)
    loop, words, units, size, chunks = (_rows if rows else _columns)(kept, fold, axis, n, m, most)
    grain = max(1, grain_of(body) // size)
    classes = "".join("1" if s == 1 else "0" if s == 0 else "s" for s in axis.strides)
    count, results = len(inputs) + len(outs), len(body.reduced)
    scratch = () if chunks == 1 else tuple(((m * chunks,), r.acc) for r in body.reduced)
    dtypes = tuple(r.out if chunks == 1 else r.acc for r in body.reduced)
    flat = not rows and axis.length <= WIDE and all(b == axis.length * a for a, b in zip(axis.strides, fold[-1].strides))
    kernel = Kernel(loop, (*[x.dtype for x in (*inputs, *outs)], *dtypes), body, (classes, *_walked(kept, fold, axis), chunks == 1, flat))
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
    """Say whether there are other kept axes than those of the inner loop, and how many other folded ones: 0, 1 or 2 for more."""
    rest = lambda axes: sum(a is not inner for a in axes)
    return rest(kept) > 0, min(2, rest(fold[:-1] if all(a is not inner for a in fold) else fold))


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
