"""Plans of stable sorting by index: runs that fit the first cache, then merges of neighbours; or a selection of a few."""

from math import prod

import numpy as np

from .placing import per_tile, place_steps
from .plan import Kernel, Plan, Step, planner

RUN = 2048  # elements that one tile sorts: their keys and both index arrays fit the first two cache levels
PIECE = 4096  # elements of a merge that one tile writes; divides two runs
FEW = 32  # a selection of so many is kept sorted by insertion


def keys(dtype: str) -> tuple:
    """Return (dtype in which the bits are read, whether they are a float's, dtype of keys, largest key, bits of infinity,
    bits to turn over): what makes numbers into integers of the same order.

    >>> keys("uint8")
    ('uint8', False, 'int32', 2147483647, 0, 0)
    """
    kind, width = np.dtype(dtype).kind, 8 * np.dtype(dtype).itemsize
    wide = max(32, width)
    top, sign = 2 ** (wide - 1) - 1, -(2 ** (wide - 1)) if kind == "u" and width >= 32 else 0
    bits = f"int{width}" if kind == "f" or width >= 32 else dtype
    infinity = int(np.asarray(np.inf, dtype).view(bits)) if kind == "f" else 0
    return bits, kind == "f", f"int{wide}", top, infinity, sign


@planner("order", contiguous=True)
def plan_order(inputs, attrs, out) -> Plan:
    """The first `count` places of the stable order of each row."""
    (x,) = inputs
    n, count, mode = x.shape[-1], attrs["count"], "down" if attrs["descending"] else "up"
    rows = prod(x.shape[:-1])
    if rows * count == 0:
        return Plan((), out.shape, out.dtype)
    if count <= FEW and 4 * count <= n:
        grain = per_tile(2 * n)
        step = Step(Kernel("select_first", (x.dtype, "int64"), None, (mode,)), (0, 1), (rows, grain, n, count), -(-rows // grain))
        return Plan((step,), out.shape, out.dtype)
    # Scratch: keys twice, indices once, and once more where only the first places are copied to the output.
    whole = count == n
    scratch = (((rows, n), keys(x.dtype)[2]),) * 2 + (((rows, n), "int64"),) * (1 if whole else 2)
    ends = 1 if whole else 5
    steps = _sorted_steps(x.dtype, mode, rows, n, (2, ends), (3, 4))
    if not whole:
        steps += place_steps((rows, count), (n, 1), (count, 1), 0, "int64", (ends, 1))
    return Plan(steps, out.shape, out.dtype, scratch)


def _sorted_steps(dtype, mode, rows, n, ends, other) -> tuple:
    """Return the steps that leave the sorted keys and their indices in the buffers `ends`; `other` are as large."""
    widths = []
    while RUN << len(widths) < n:
        widths.append(RUN << len(widths))
    source, target = (ends, other) if len(widths) % 2 == 0 else (other, ends)
    runs, run = -(-n // RUN), min(n, RUN)
    units, grain = rows * runs, per_tile(run * run.bit_length())
    bits, floating, key, *limits = keys(dtype)
    kernel = Kernel("sort_runs", (bits, key, "int64", key, "int64"), None, (floating, mode))
    steps = [Step(kernel, (0, *source, *target), (units, grain, runs, run, n, *limits), -(-units // grain))]
    pieces = -(-n // PIECE)
    units, grain = rows * pieces, per_tile(4 * PIECE)
    kernel = Kernel("merge_runs", (key, "int64", key, "int64"))
    for width in widths:
        steps.append(Step(kernel, (*source, *target), (units, grain, pieces, PIECE, n, width), -(-units // grain)))
        source, target = target, source
    return tuple(steps)
