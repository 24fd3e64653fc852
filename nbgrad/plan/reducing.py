"""Reductions over any axes: runs of the folded axes, or columns along a kept axis, whichever has neighbours in memory.

The folded range is split into chunks by its length alone, and chunks are joined by halves, so that the result does not
depend on the number of threads and rounding errors grow as in NumPy's pairwise sums, or less.
"""

from math import prod
from typing import NamedTuple

from ..base.shapes import collapse
from .plan import Kernel, Plan, Step

WHOLE = 256  # pieces of a run are multiples of this, and of rows of DEEP: kernels take so many at once
DEEP = 8
COLUMNS = 4096  # columns of a tile: their accumulators stay in the first-level cache
NARROW = 32  # fewer neighbours than this do not fill vectors
CHUNK = 1 << 14  # numbers of a run after which rounding errors are kept apart
ROWS = 128  # the same for rows of columns
TILE = 1 << 16  # numbers of a tile: long enough to hide the start of a tile, and the ends of the streams it reads


class Dim(NamedTuple):
    """An axis, or several that are walked in one stride: its length, and elements from one to the next; `to` in the output."""

    length: int
    step: int
    to: int = 0


def plan_reduce(op, x, axes, out, acc) -> Plan:
    """Plan a reduction of layout `x` over `axes` into the row-major `out`, accumulating in dtype name `acc`."""
    n, m = prod(x.shape[a] for a in axes), out.size
    if m == 0:
        return Plan((), out.shape, out.dtype)
    if n == 0:
        empty = Step(Kernel("reduce_empty", (out.dtype,), op, (acc,)), (0,), (m,), 1)
        return Plan((empty._replace(pointers=(1,)),), out.shape, out.dtype)
    kept, fold = dims(x, axes)
    run, column = nearest(fold), nearest(kept) if kept else None
    if column is None or column.length == 1 or nearest([run, column]) is run:
        loop, static, words, units, chunks, grain = _rows(kept, fold, run, n, m)
    else:
        loop, static, words, units, chunks, grain = _columns(kept, fold, column, n, m)
    words, tiles = (units, grain, *words), -(-units // grain)
    if chunks == 1:
        step = Step(Kernel(loop, (x.dtype, out.dtype), op, (acc, *static, "whole")), (0, 1), words, tiles)
        return Plan((step,), out.shape, out.dtype)
    first = Step(Kernel(loop, (x.dtype, acc), op, (acc, *static, "part")), (0, 2), words, tiles)
    grain = m if m * chunks <= TILE else max(1, TILE // chunks)
    last = Step(Kernel("reduce_finish", (acc, out.dtype), op), (2, 1), (m, chunks, n, grain), -(-m // grain))
    return Plan((first, last), out.shape, out.dtype, (((m * chunks,), acc),))


def dims(x, axes) -> tuple:
    """Return the kept and the folded axes of a layout, neighbours merged, the folded ones by falling stride."""
    kept = [a for a in range(x.ndim) if a not in axes]
    fold = sorted(axes, key=lambda a: (-abs(x.strides[a]), a))
    to = [prod(x.shape[b] for b in kept if b > a) for a in kept]
    kept = collapse([x.shape[a] for a in kept], [x.strides[a] for a in kept], to)
    fold = collapse([x.shape[a] for a in fold], [x.strides[a] for a in fold])
    return [Dim(*d) for d in zip(*kept)], [Dim(*d) for d in zip(*fold)] or [Dim(1, 1)]


def nearest(dims, narrow=NARROW):
    """Return the axis whose elements are nearest neighbours, if there are enough of them; otherwise the longest.

    >>> nearest([Dim(1000, 3), Dim(3, 1)])
    Dim(length=1000, step=3, to=0)
    """
    return min(dims, key=lambda d: (abs(d.step), -d.length) if d.length >= narrow else (1 << 62, -d.length))


def _around(dims, *taken):
    """Return how many there are of the other axes together, and their lengths and strides as words."""
    rest = [d for d in dims if d not in taken]
    words = [*[d.length for d in rest], *[d.step for d in rest]]
    return prod(d.length for d in rest), len(rest), words, [d.to for d in rest]


def chunked(outer, length, size, most, whole):
    """Split `outer` rows of `length` steps, `size` numbers each, into chunks of about `most` numbers, by multiples of `whole` steps.

    Returns (pieces, pieces per chunk, pieces per row, steps per piece, chunks): a chunk holds whole rows or a part of one.
    """
    segments = -(-length * size // most) if length * size >= 2 * most else 1
    steps = -(-length // segments)
    if segments > 1:
        steps = -(-steps // whole) * whole
        segments = -(-length // steps)
    per = 1 if segments > 1 else max(1, most // (steps * size))
    pieces = outer * segments
    if pieces < 2 * per:
        per = pieces
    return pieces, per, segments, steps, -(-pieces // per)


def _rows(kept, fold, run, n, m):
    """Words: chunks, results, numbers of one, stride of a run, pieces, pieces per chunk, pieces per run, numbers of a
    piece, length of a run, kept axes, other folded axes; the lengths and strides of both."""
    outer, fold_axes, fold_words, _ = _around(fold, run)
    _, kept_axes, kept_words, _ = _around(kept)
    pieces, per, segments, steps, chunks = chunked(outer, run.length, 1, CHUNK, WHOLE)
    words = [chunks, m, n, run.step, pieces, per, segments, steps, run.length, kept_axes, fold_axes]
    grain = max(1, TILE // (per * steps))
    return "reduce_rows", ("1" if run.step == 1 else "s",), (*words, *kept_words, *fold_words), m * chunks, chunks, grain


def _columns(kept, fold, column, n, m):
    """Words: blocks of columns, chunks, results, numbers of one, columns, their stride, their stride in the output, columns
    of a result row, pieces, pieces per chunk, pieces per row, rows of a piece, rows, their stride, columns of one more
    row, kept axes, other folded axes; lengths, strides and output strides of the kept, lengths and strides of the folded."""
    row = fold[-1]
    width, step, rows, tail = column.length, row.step, row.length, 0
    if width < NARROW and step == width * column.step and rows >= 2 * NARROW:
        # A few neighbours, row behind row without a gap: many rows are taken for one, and its groups joined in the end.
        groups = 1 << (min(NARROW * 8, rows // DEEP) // width).bit_length()
        width, step, rows, tail = groups * width, groups * step, rows // groups, rows % groups * width
    outer, fold_axes, fold_words, _ = _around(fold, row)
    others, kept_axes, kept_words, to = _around(kept, column)
    wide, blocks = min(width, COLUMNS), -(-width // COLUMNS)
    pieces, per, segments, steps, chunks = chunked(outer, rows, wide, max(TILE, ROWS * wide), DEEP)
    words = [blocks, chunks, m, n, width, column.step, column.to, column.length, pieces, per, segments, steps, rows]
    words += [step, tail, kept_axes, fold_axes, *kept_words, *to, *fold_words]
    static = ("1" if column.step == 1 else "s", width > column.length)
    return "reduce_columns", static, tuple(words), others * blocks * chunks, chunks, max(1, TILE // (per * steps * wide))


def plan_arg(largest, x, axis, out) -> Plan:
    """Plan an index reduction (argmax, argmin) along one axis of layout `x`."""
    m, n = out.size, x.shape[axis]
    if m == 0:
        return Plan((), out.shape, out.dtype)
    kept, run = dims(x, (axis,))[0], Dim(n, x.strides[axis])
    column = nearest(kept) if kept else None
    if column is None or nearest([run, column]) is run:
        _, _, _, steps, chunks = chunked(1, n, 1, TILE, WHOLE)
        _, axes, words, _ = _around(kept)
        loop, step, units, grain = "arg_rows", run.step, m * chunks, max(1, TILE // steps)
        words = (units, grain, chunks, m, n, run.step, steps, axes, *words)
    else:
        wide, blocks = min(column.length, COLUMNS), -(-column.length // COLUMNS)
        _, _, _, steps, chunks = chunked(1, n, wide, max(TILE, ROWS * wide), DEEP)
        others, axes, words, to = _around(kept, column)
        loop, step, units, grain = "arg_columns", column.step, others * blocks * chunks, max(1, TILE // (steps * wide))
        words = (units, grain, blocks, chunks, m, n, *column, run.step, steps, axes, *words, *to)
    kernel = Kernel(loop, (x.dtype, "int64"), largest, ("1" if step == 1 else "s",))
    first = Step(kernel, (0, 1 if chunks == 1 else 2), words, -(-units // grain))
    if chunks == 1:
        return Plan((first,), out.shape, "int64")
    _, axes, words, _ = _around(kept)
    finish = Kernel("arg_finish", (x.dtype, "int64", "int64"), largest)
    last = Step(finish, (0, 2, 1), (m, chunks, run.step, axes, *words), 1)
    return Plan((first, last), out.shape, "int64", (((m * chunks,), "int64"),))
