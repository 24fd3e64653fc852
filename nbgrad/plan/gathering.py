"""Plans of the loops that read where integers say. Arrays are seen as (outer, indexed axis, inner)."""

from math import prod

import numpy as np

from .placing import bits, lanes, rectangles
from .plan import GRAIN, Kernel, Plan, Step, planner


def fill_bits(dtype: str) -> int:
    """Return, as an integer, the bits that stand for an element that is not there: NaN, or 0 for integers."""
    return number_bits(np.nan, dtype) if "float" in dtype else 0


def number_bits(value, dtype: str) -> int:
    """Return the bits of a number as a signed integer, which a word of a kernel can hold.

    >>> number_bits(-1.0, "float32"), number_bits(2**64 - 1, "uint64")
    (-1082130432, -1)
    """
    return int(np.asarray(value, dtype).view(f"int{8 * np.dtype(dtype).itemsize}"))


def split_shape(shape, axis) -> tuple:
    """Return (outer, n, inner) of an array seen from one of its axes.

    >>> split_shape((2, 3, 4, 5), 1)
    (2, 3, 20)
    """
    return prod(shape[:axis]), shape[axis], prod(shape[axis + 1 :])


def flat_step(outer, n, size, index_step, out) -> Step:
    """Return the step that takes one element of a row of `size` per index; `n` indices a row, `index_step` apart."""
    width = bits(out.dtype)
    cut, tiles = rectangles(outer, n, 2)
    words = (*cut, n, size, index_step, fill_bits(out.dtype))
    return Step(Kernel("take_flat", (width, "int64", width)), (0, 1, 2), words, tiles)


@planner("take_rows", contiguous=True)
def plan_take(inputs, attrs, out) -> Plan:
    """Rows of `x` along an axis, by index."""
    x, index = inputs
    if out.size == 0:
        return Plan((), out.shape, out.dtype)
    outer, size, inner = split_shape(x.shape, attrs["axis"])
    n, width = index.size, bits(x.dtype)
    if inner == 1:
        return Plan((flat_step(outer, n, size, 0, out),), out.shape, out.dtype)
    cut, tiles = rectangles(outer * n, inner)
    kernel = Kernel("take", (width, "int64", width), None, (lanes(cut[3], width),))
    step = Step(kernel, (0, 1, 2), (*cut, n, size, inner, fill_bits(x.dtype)), tiles)
    return Plan((step,), out.shape, out.dtype)


@planner("take_each", contiguous=True)
def plan_take_each(inputs, attrs, out) -> Plan:
    """One element of `x` for each index, other axes alike."""
    x, index = inputs
    outer, size, inner = split_shape(x.shape, attrs["axis"])
    n, width = index.shape[attrs["axis"]], bits(x.dtype)
    if out.size == 0:
        return Plan((), out.shape, out.dtype)
    if inner == 1:
        return Plan((flat_step(outer, n, size, n, out),), out.shape, out.dtype)
    cut, tiles = rectangles(outer * n, inner, 2)
    kernel = Kernel("take_along", (width, "int64", width))
    step = Step(kernel, (0, 1, 2), (*cut, n, size, inner, fill_bits(x.dtype)), tiles)
    return Plan((step,), out.shape, out.dtype)


def fill_step(total, value, dtype, buffer) -> Step:
    """Return the step that sets the `total` elements of a buffer to the bits `value`."""
    return Step(Kernel("fill", (bits(dtype),)), (buffer,), (total, GRAIN, value), -(-total // GRAIN))


@planner("outside", contiguous=True)
def plan_outside(inputs, attrs, out) -> Plan:
    """How many integers of each block are out of range."""
    (index,) = inputs
    words = (index.size, attrs["block"], attrs["low"], attrs["stop"])
    steps = (Step(Kernel("outside", (index.dtype, "int64")), (0, 1), words, out.size),) if out.size else ()
    return Plan(steps, out.shape, out.dtype)


@planner("search", contiguous=True)
def plan_search(inputs, attrs, out) -> Plan:
    """A binary search for each element."""
    a, _ = inputs
    grain = max(1, GRAIN // (2 * max(1, a.size.bit_length())))
    kernel = Kernel("searchsorted", (a.dtype, a.dtype, "int64"), None, (attrs["side"] == "left",))
    steps = (Step(kernel, (0, 1, 2), (out.size, grain, a.size), -(-out.size // grain)),) if out.size else ()
    return Plan(steps, out.shape, out.dtype)
