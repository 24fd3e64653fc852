"""Plans of softmax and its kin: rows where the axes are the last ones, else columns side by side."""

import functools
from math import prod

from .plan import GRAIN, Kernel, Plan, Step, planner

BLOCK = 1 << 14  # numbers of a block of columns: both passes over them find them in the second-level cache
LANES = 64  # columns of a block come in such steps
SUMS = {"softmax": 3, "logsumexp": 3, "softmax_grad": 2, "logsumexp_grad": 2}  # numbers per column that a loop keeps beside it


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


def fold(loop, dtypes, shape, axes, out, static) -> Plan:
    """Plan a loop over rows or columns whose pointers are the inputs, then the outputs, then `SUMS` per column.

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
    return finished([Step(kernel, (*pointers, len(pointers)), words, tiles)], out, [((tiles * SUMS[loop] * block,), dtypes[0])])


KIN = {  # row -> its loop, what dtypes its pointers have (None: that of the lines), which input has their shape, static choices
    "softmax": ("softmax", (None,) * 2, 0, (False,)),
    "log_softmax": ("softmax", (None,) * 2, 0, (True,)),
    "softmax_grad": ("softmax_grad", (None,) * 3, 0, (False,)),
    "log_softmax_grad": ("softmax_grad", (None,) * 3, 0, (True,)),
    "logsumexp": ("logsumexp", (None, None, "float64"), 0, ()),
    "logsumexp_grad": ("logsumexp_grad", (None, None, "float64", None), 1, ()),
}


def plan_kin(planner, fold):
    """Register the planners of softmax and its kin: `fold(loop, dtypes, shape, axes, out, static)` plans a loop over lines."""
    for row in KIN:
        planner(row, contiguous=True)(functools.partial(_plan_row, fold, *KIN[row]))


def _plan_row(fold, loop, kinds, lines, static, inputs, attrs, out) -> Plan:
    x = inputs[lines]
    return fold(loop, tuple([kind or x.dtype for kind in kinds]), x.shape, attrs["axes"], out, static)


plan_kin(planner, fold)
