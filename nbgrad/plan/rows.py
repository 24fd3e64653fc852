"""Plans of softmax and its kin: rows where the axes are the last ones, else columns side by side."""

from math import prod

from .plan import GRAIN, Kernel, Plan, Step, planner

BLOCK = 1 << 14  # numbers of a block of columns: both passes over them find them in the second-level cache
LANES = 64  # columns of a block come in such steps


def extents(shape, axes) -> tuple:
    """Return how many elements lie before, within and behind neighbouring axes.

    >>> extents((2, 3, 4, 5), (1, 2))
    (2, 12, 5)
    """
    if not axes:
        return prod(shape), 1, 1
    return prod(shape[: axes[0]]), prod(shape[axes[0] : axes[-1] + 1]), prod(shape[axes[-1] + 1 :])


def nothing(out) -> Plan:
    """Return the plan of a result without elements."""
    return finished((), out)


def finished(steps, out, scratch=()) -> Plan:
    """Return a plan that fills one layout, or several."""
    if isinstance(out[0], tuple) and hasattr(out[0], "dtype"):
        return Plan(tuple(steps), tuple(o.shape for o in out), tuple(o.dtype for o in out), tuple(scratch))
    return Plan(tuple(steps), out.shape, out.dtype, tuple(scratch))


def per_tile(n) -> int:
    """Return how many rows of `n` numbers a tile takes."""
    return max(1, GRAIN // max(1, n))


def column_blocks(n, inner) -> tuple:
    """Return (blocks, columns per block) of columns of `n` numbers."""
    block = min(-(-inner // LANES), max(1, BLOCK // (n * LANES))) * LANES
    return -(-inner // block), block


def fold(loop, dtypes, shape, axes, out, static=(), sums=3) -> Plan:
    """Plan a loop over rows or columns whose pointers are the inputs, then the outputs, then `sums` per column.

    Words of rows: rows, numbers per row, rows per tile. Of columns: blocks in all, blocks per tile, blocks side by side,
    columns per block, numbers per column, columns.
    """
    outer, n, inner = extents(shape, axes)
    pointers = tuple(range(len(dtypes)))
    if not outer * n * inner:
        return nothing(out)
    if inner == 1:
        grain = per_tile(n)
        kernel = Kernel(f"{loop}_rows", dtypes, None, static)
        return finished([Step(kernel, pointers, (outer, n, grain), -(-outer // grain))], out)
    blocks, block = column_blocks(n, inner)
    units, grain = outer * blocks, per_tile(n * block)
    tiles = -(-units // grain)
    words = (units, grain, blocks, block, n, inner)
    kernel = Kernel(f"{loop}_columns", (*dtypes, dtypes[0]), None, static)
    return finished([Step(kernel, (*pointers, len(pointers)), words, tiles)], out, [((tiles * sums * block,), dtypes[0])])


@planner("softmax", contiguous=True)
def softmax(inputs, attrs, out) -> Plan:
    """One pass over rows in cache."""
    return fold("softmax", (out.dtype,) * 2, inputs[0].shape, attrs["axes"], out, (False,))


@planner("log_softmax", contiguous=True)
def log_softmax(inputs, attrs, out) -> Plan:
    """The same, the logarithm of the result."""
    return fold("softmax", (out.dtype,) * 2, inputs[0].shape, attrs["axes"], out, (True,))


@planner("softmax_grad", contiguous=True)
def softmax_grad(inputs, attrs, out) -> Plan:
    """One sum over each row, then the row."""
    return fold("softmax_grad", (out.dtype,) * 3, inputs[0].shape, attrs["axes"], out, (False,), 2)


@planner("log_softmax_grad", contiguous=True)
def log_softmax_grad(inputs, attrs, out) -> Plan:
    """One sum over each row, then the row."""
    return fold("softmax_grad", (out.dtype,) * 3, inputs[0].shape, attrs["axes"], out, (True,), 2)


@planner("logsumexp", contiguous=True)
def logsumexp(inputs, attrs, out) -> Plan:
    """One number per row, in two dtypes."""
    dtype = inputs[0].dtype
    return fold("logsumexp", (dtype, dtype, "float64"), inputs[0].shape, attrs["axes"], out)


@planner("logsumexp_grad", contiguous=True)
def logsumexp_grad(inputs, attrs, out) -> Plan:
    """One pass over each row."""
    dtypes = (out.dtype, out.dtype, "float64", out.dtype)
    return fold("logsumexp_grad", dtypes, inputs[1].shape, attrs["axes"], out, (), 2)
