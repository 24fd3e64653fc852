"""Reductions over any axes: rows where the folded axis is innermost, columns where a kept axis is.

Both split the folded range into chunks by its length alone and join the chunks in a fixed order, so that the result
does not depend on the number of threads.
"""

from math import prod

from ..base.shapes import collapse
from .plan import GRAIN, Kernel, Plan, Step

COLUMNS = 1024  # columns per tile: their accumulators stay in the first-level cache
MANY = 1 << 16  # folded elements from which a second level of chunks pays


def plan_reduce(op, x, axes, out, acc) -> Plan:
    """Plan a reduction of layout `x` over `axes` into the row-major `out`, accumulating in dtype name `acc`."""
    if out.size == 0:
        return Plan((), out.shape, out.dtype)
    kept = [a for a in range(x.ndim) if a not in axes]
    folded = sorted(axes, key=lambda a: (-abs(x.strides[a]), a))
    kept_shape, kept_strides = collapse([x.shape[a] for a in kept], [x.strides[a] for a in kept])
    fold_shape, fold_strides = collapse([x.shape[a] for a in folded], [x.strides[a] for a in folded])
    n, m = prod(fold_shape), prod(kept_shape)
    if not fold_shape:
        fold_shape, fold_strides = (1,), (1,)
    by_columns = kept_shape and kept_strides[-1] == 1 and fold_strides[-1] != 1 and kept_shape[-1] > 1
    build = _columns if by_columns else _rows
    return build(op, x, out, acc, n, m, (kept_shape, kept_strides), (fold_shape, fold_strides))


def _chunks(n, m, rows, row_length):
    """Return (chunks, fold rows per chunk): several only when few results share a long fold."""
    if n < MANY or m >= 256 or rows == 1:
        return 1, rows
    per = max(1, GRAIN // max(1, row_length))
    return -(-rows // per), per


def _rows(op, x, out, acc, n, m, kept, fold):
    """Words: kept count, chunks, fold rows per chunk, fold rows, row length, row stride, (kept, chunk) pairs per tile,
    n, 1 when the last row is cut short by n, kept axes, fold axes; their lengths and strides."""
    (kept_shape, kept_strides), (fold_shape, fold_strides) = kept, fold
    inner, step = fold_shape[-1], fold_strides[-1]
    outer_shape, outer_strides = fold_shape[:-1], fold_strides[:-1]
    ragged = int(n >= MANY and m < 256 and inner > 2 * GRAIN and not outer_shape)
    if ragged:
        outer_shape, outer_strides, inner = (-(-inner // GRAIN),), (step * GRAIN,), GRAIN
    chunks, per = _chunks(n, m, prod(outer_shape), inner)
    grain = max(1, GRAIN // max(1, min(n, per * inner)))
    words = [m, chunks, per, prod(outer_shape), inner, step, grain, n, ragged, len(kept_shape), len(outer_shape)]
    words += [*kept_shape, *kept_strides, *outer_shape, *outer_strides]
    static = ("1" if step == 1 else "s",)
    return _two_levels(op, "reduce_rows", x, out, acc, n, m, chunks, words, -(-m * chunks // grain), static)


def _columns(op, x, out, acc, n, m, kept, fold):
    """Words: width, column blocks, outer count, chunks, rows per chunk, n, outer axes, fold axes; lengths, strides."""
    (kept_shape, kept_strides), (fold_shape, fold_strides) = kept, fold
    width, outer = kept_shape[-1], prod(kept_shape[:-1])
    chunks, per = _chunks(n, m, n, min(width, COLUMNS))
    blocks = -(-width // COLUMNS)
    words = [width, blocks, outer, chunks, per, n, len(kept_shape) - 1, len(fold_shape)]
    words += [*kept_shape[:-1], *kept_strides[:-1], *fold_shape, *fold_strides]
    return _two_levels(op, "reduce_columns", x, out, acc, n, m, chunks, words, outer * chunks * blocks, ())


def _two_levels(op, loop, x, out, acc, n, m, chunks, words, tiles, static):
    """First level: accumulators of shape (chunks, kept) in scratch. Second: join the chunks and finish."""
    kernel = Kernel(loop, (x.dtype, acc), op, static)
    if chunks == 1 and op.finish is None and acc == out.dtype:
        return Plan((Step(kernel, (0, 1), tuple(words), tiles),), out.shape, out.dtype)
    first = Step(kernel, (0, 2), tuple(words), tiles)
    grain = max(1, GRAIN // chunks)
    last = Step(Kernel("reduce_finish", (acc, out.dtype), op), (2, 1), (m, chunks, n, grain), -(-m // grain))
    return Plan((first, last), out.shape, out.dtype, (((m * chunks,), acc),))


def plan_arg(op, x, axis, out) -> Plan:
    """Plan an index reduction (argmax, argmin) along one axis."""
    if out.size == 0:
        return Plan((), out.shape, out.dtype)
    kept = [a for a in range(x.ndim) if a != axis]
    shape, strides = collapse([x.shape[a] for a in kept], [x.strides[a] for a in kept])
    m, n = prod(shape), x.shape[axis]
    grain = max(1, GRAIN // max(1, n))
    words = (m, n, x.strides[axis], grain, len(shape), *shape, *strides)
    return Plan(
        (Step(Kernel("reduce_arg", (x.dtype, "int64"), op), (0, 1), words, -(-m // grain)),), out.shape, "int64"
    )
