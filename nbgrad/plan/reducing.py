"""Reductions over any axes: lanes of accumulators side by side, along a kept axis or along the folded one.

The folded range is split into chunks, and its numbers are dealt out to lanes, by shape and strides alone; lanes and
chunks are joined by halves. So the result does not depend on the number of threads, and a sum meets no more rounding
errors than NumPy's pairwise one: 8 numbers, then at most 8 such groups (per 65536 numbers), then halves.
"""

from math import prod
from typing import NamedTuple

from ..base.shapes import collapse
from .plan import Kernel, Plan, Step

LANES = 1024  # accumulators of a kernel: they stay in the first-level cache
CHUNK = 1 << 16  # numbers of a tile: long enough to hide the start of a tile, and the ends of the streams it reads
NARROW = 32  # a run of so many neighbours fills vectors
DEPTH = 8  # rows that a lane folds at once


class Walk(NamedTuple):
    """How numbers are dealt out to lanes.

    width, apart : lanes, and elements from one to the next; keep : how many are left when those of one result are
    joined; spread : elements of the output from one such to the next; rows, step, tail : whole rows of lanes, elements
    from one to the next, and lanes of one more; kept, fold : (lengths, strides, ...) of the axes around.
    """

    ending: str
    width: int
    apart: int
    keep: int
    spread: int
    rows: int
    step: int
    tail: int
    kept: tuple
    fold: tuple


def plan_reduce(op, x, axes, out, acc) -> Plan:
    """Plan a reduction of layout `x` over `axes` into the row-major `out`, accumulating in dtype name `acc`."""
    if out.size == 0:
        return Plan((), out.shape, out.dtype)
    n, m = prod(x.shape[a] for a in axes), out.size
    if n == 0:
        empty = Step(Kernel("reduce_empty", (out.dtype,), op, (acc,)), (1,), (m,), 1)
        return Plan((empty,), out.shape, out.dtype)
    return _steps(op, x, out, acc, n, m, walk(x, axes))


def walk(x, axes) -> Walk:
    """Choose what the lanes run along: a kept axis or a folded one, whichever has neighbours in memory."""
    kept = [a for a in range(x.ndim) if a not in axes]
    to = {a: prod(x.shape[b] for b in kept if b > a) for a in kept}
    folded = sorted(axes, key=lambda a: (-abs(x.strides[a]), a))
    kept = list(zip(*collapse([x.shape[a] for a in kept], [x.strides[a] for a in kept], [to[a] for a in kept])))
    fold = list(zip(*collapse([x.shape[a] for a in folded], [x.strides[a] for a in folded]))) or [(1, 1)]
    nearest = lambda dims: min(dims, key=lambda d: (d[0] < NARROW, abs(d[1]), -d[0]))
    lane = nearest(fold)
    if not kept:
        return _positions(lane, kept, fold)
    column = nearest(kept)
    inner = fold[-1]
    if column[0] < NARROW and inner[1] == column[0] * column[1] and inner[0] >= NARROW:
        return _groups(column, inner, kept, fold)
    if nearest((lane, column)) is lane:
        return _positions(lane, kept, fold)
    return _columns(column, kept, fold)


def _without(dims, one):
    """Return the lengths, strides... of the other axes."""
    dims = [d for d in dims if d is not one]
    return tuple(zip(*dims))


def _columns(column, kept, fold):
    (width, apart, spread), (rows, step) = column, fold[-1]
    return Walk("columns", width, apart, width, spread, rows, step, 0, _without(kept, column), _without(fold, fold[-1]))


def _positions(lane, kept, fold):
    length, apart = lane
    width = _power(length)
    return Walk("join", width, apart, 1, 1, length // width, apart * width, length % width, tuple(zip(*kept)), _without(fold, lane))


def _groups(column, inner, kept, fold):
    """A few neighbours for each step of a fold: several steps side by side."""
    (keep, apart, spread), length = column, inner[0]
    groups = max(1, min(_power(length), LANES // keep))
    groups = 1 << (groups.bit_length() - 1)
    return Walk("join", groups * keep, apart, keep, spread, length // groups, inner[1] * groups, length % groups * keep, _without(kept, column), _without(fold, inner))


def _power(length):
    """Return a number of lanes for a fold of `length`: a power of two, so that each folds several numbers."""
    if length < 16:
        return length
    return min(LANES, max(16, 1 << (length // (DEPTH * 4)).bit_length() - 1 if length >= 32 * 16 else 16))


def _steps(op, x, out, acc, n, m, w):
    """First level: accumulators of shape (chunks, kept). Second, where there are several chunks: join and finish."""
    kept_count, outer = prod(w.kept[0]) if w.kept else 1, prod(w.fold[0]) if w.fold else 1
    blocks = -(-w.width // LANES)
    wide = min(w.width, LANES)
    per_chunk = max(1, CHUNK // wide)  # rows of lanes
    if w.ending == "columns":
        per_chunk = max(256, per_chunk)
    segments = -(-w.rows // per_chunk) if w.rows >= 2 * per_chunk else 1
    rows = -(-w.rows // segments)
    rows = -(-rows // DEPTH) * DEPTH if segments > 1 else rows
    segments = -(-w.rows // rows)
    pieces = outer * segments
    per = max(1, per_chunk // rows)
    if pieces < 2 * per:
        per = pieces
    chunks = -(-pieces // per)
    units = kept_count * blocks * chunks
    grain = max(1, CHUNK // max(1, per * rows * wide))
    words = [units, grain, blocks, chunks, m, n, w.width, w.apart, w.spread, w.keep, pieces, per, segments, rows]
    words += [w.rows, w.step, w.tail, len(w.kept[0]) if w.kept else 0, len(w.fold[0]) if w.fold else 0]
    for lengths in (*w.kept, *w.fold):
        words += lengths
    tiles = -(-units // grain)
    static = (acc, "1" if w.apart == 1 else "s", w.ending + ("" if chunks > 1 else " whole"))
    if chunks == 1:
        step = Step(Kernel("reduce_fold", (x.dtype, out.dtype), op, static), (0, 1), tuple(words), tiles)
        return Plan((step,), out.shape, out.dtype)
    first = Step(Kernel("reduce_fold", (x.dtype, acc), op, static), (0, 2), tuple(words), tiles)
    grain = m if m * chunks <= CHUNK else max(1, CHUNK // chunks)
    last = Step(Kernel("reduce_finish", (acc, out.dtype), op), (2, 1), (m, chunks, n, grain), -(-m // grain))
    return Plan((first, last), out.shape, out.dtype, (((m * chunks,), acc),))


def plan_arg(op, x, axis, out) -> Plan:
    """Plan an index reduction (argmax, argmin) along one axis."""
    if out.size == 0:
        return Plan((), out.shape, out.dtype)
    kept = [a for a in range(x.ndim) if a != axis]
    shape, strides = collapse([x.shape[a] for a in kept], [x.strides[a] for a in kept])
    m, n = prod(shape), x.shape[axis]
    grain = max(1, CHUNK // max(1, n))
    words = (m, n, x.strides[axis], grain, len(shape), *shape, *strides)
    return Plan(
        (Step(Kernel("reduce_arg", (x.dtype, "int64"), op), (0, 1), words, -(-m // grain)),), out.shape, "int64"
    )
