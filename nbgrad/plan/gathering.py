"""Plans of the loops that read or write where integers say. Arrays are seen as (outer, indexed axis, inner)."""

from math import prod

import numpy as np

from .placing import bits, blocked, per_tile, place_steps
from .plan import GRAIN, Kernel, Plan, Step, planner

COLUMNS = 32  # columns of a scatter that one tile takes at least: whole cache lines


def fill_bits(dtype: str) -> int:
    """Return, as an integer, the bits that stand for an element that is not there: NaN, or 0 for integers."""
    return int(np.asarray(np.nan, dtype).view(f"int{8 * np.dtype(dtype).itemsize}")) if "float" in dtype else 0


def split_shape(shape, axis) -> tuple:
    """Return (outer, n, inner) of an array seen from one of its axes.

    >>> split_shape((2, 3, 4, 5), 1)
    (2, 3, 20)
    """
    return prod(shape[:axis]), shape[axis], prod(shape[axis + 1 :])


def columns(n: int, inner: int) -> tuple:
    """Return (blocks, block): how `inner` columns of a scatter of `n` rows are shared out."""
    block = min(inner, max(COLUMNS, GRAIN // max(1, n)))
    return -(-inner // block), block


@planner("take_rows", contiguous=True)
def plan_take(inputs, attrs, out) -> Plan:
    """Rows of `x` along an axis, by index."""
    x, index = inputs
    if out.size == 0:
        return Plan((), out.shape, out.dtype)
    outer, size, inner = split_shape(x.shape, attrs["axis"])
    width, n, fill = bits(x.dtype), index.size, fill_bits(x.dtype)
    if inner == 1 and size:
        total, grain = outer * n, GRAIN // 2
        step = Step(Kernel("take_flat", (width, "int64", width)), (0, 1, 2), (total, grain, n, size, fill), -(-total // grain))
        return Plan((step,), out.shape, out.dtype)
    blocks, block = blocked(inner)
    units, grain = outer * n * blocks, per_tile(block)
    words = (units, grain, blocks, block, n, size, inner, fill)
    return Plan((Step(Kernel("take", (width, "int64", width)), (0, 1, 2), words, -(-units // grain)),), out.shape, out.dtype)


def scatter_steps(loop, mode, dtype, outer, n, size, inner, pointers) -> tuple:
    """Return the step that adds or writes rows at indices; none where there is nothing to write."""
    if outer * n * inner * size == 0:
        return ()
    blocks, block = columns(n, inner)
    units, grain = outer * blocks, per_tile(n * block)
    width = dtype if mode == "add" else bits(dtype)
    words = (units, grain, blocks, block, n, size, inner)
    return (Step(Kernel(loop, (width, "int64", width), None, (mode,)), pointers, words, -(-units // grain)),)


@planner("scatter_sum", contiguous=True)
def plan_scatter_sum(inputs, attrs, out) -> Plan:
    """Zeros, with the rows of `v` added at their indices."""
    _, index = inputs
    outer, size, inner = split_shape(out.shape, attrs["axis"])
    steps = scatter_steps("scatter", "add", out.dtype, outer, index.size, size, inner, (0, 1, 2))
    return Plan(steps, out.shape, out.dtype, zero=True)


@planner("scatter_set", contiguous=(False, True, True))
def plan_scatter_set(inputs, attrs, out) -> Plan:
    """A copy of `x`, then the rows of `v` over it at their indices."""
    x, index, _ = inputs
    outer, size, inner = split_shape(out.shape, attrs["axis"])
    steps = place_steps(x.shape, x.strides, out.strides, 0, out.dtype, (0, 3))
    steps += scatter_steps("scatter", "set", out.dtype, outer, index.size, size, inner, (2, 1, 3))
    return Plan(steps, out.shape, out.dtype)


@planner("take_each", contiguous=True)
def plan_take_each(inputs, attrs, out) -> Plan:
    """One element of `x` for each index, other axes alike."""
    x, index = inputs
    if out.size == 0:
        return Plan((), out.shape, out.dtype)
    outer, size, inner = split_shape(x.shape, attrs["axis"])
    plane, width = index.shape[attrs["axis"]] * inner, bits(x.dtype)
    blocks, block = blocked(plane, 2)
    units, grain = outer * blocks, per_tile(2 * block)
    words = (units, grain, blocks, block, plane, size, inner, fill_bits(x.dtype))
    return Plan((Step(Kernel("take_along", (width, "int64", width)), (0, 1, 2), words, -(-units // grain)),), out.shape, out.dtype)


@planner("add_each", contiguous=True)
def plan_add_each(inputs, attrs, out) -> Plan:
    """Zeros, with each element of `v` added at its index, other axes alike."""
    v, _ = inputs
    outer, size, inner = split_shape(out.shape, attrs["axis"])
    steps = scatter_steps("scatter_along", "add", out.dtype, outer, v.shape[attrs["axis"]], size, inner, (0, 1, 2))
    return Plan(steps, out.shape, out.dtype, zero=True)


@planner("last_at", contiguous=True)
def plan_last_at(inputs, attrs, out) -> Plan:
    """The last position of each index, in one tile: positions are met in order."""
    words = (inputs[0].size, attrs["size"])
    steps = (Step(Kernel("last_at", ("int64", "int64")), (0, 1), words, 1),) if inputs[0].size and out.size else ()
    return Plan(steps, out.shape, out.dtype, zero=True)


@planner("search", contiguous=True)
def plan_search(inputs, attrs, out) -> Plan:
    """A binary search for each element."""
    a, _ = inputs
    grain = max(1, GRAIN // (2 * max(1, a.size.bit_length())))
    kernel = Kernel("searchsorted", (a.dtype, a.dtype, "int64"), None, (attrs["side"],))
    steps = (Step(kernel, (0, 1, 2), (out.size, grain, a.size), -(-out.size // grain)),) if out.size else ()
    return Plan(steps, out.shape, out.dtype)
