"""Plans that copy one strided layout into part of another: place, overwrite, concat."""

from math import prod

import numpy as np

from ..base.shapes import collapse, contiguous_strides
from .plan import GRAIN, Kernel, Plan, Step, planner


def bits(dtype: str) -> str:
    """Return the unsigned dtype of the same width: loops that only move numbers are compiled once per width.

    >>> bits("float32")
    'uint32'
    """
    widths = {"bool": 8, "int8": 8, "uint8": 8, "int16": 16, "uint16": 16, "int32": 32, "uint32": 32, "float32": 32}
    return f"uint{widths.get(dtype, 64)}"


def per_tile(work: int) -> int:
    """Return how many units of `work` operations make one tile."""
    return max(1, GRAIN // max(1, work))


def rectangles(rows: int, columns: int, cost: int = 1, least: int = 1) -> tuple:
    """Return (words, tiles): how `rows` of `columns` elements, `cost` operations each, are cut so that a piece fills a tile.

    A tile takes whole rows, or `least` columns and more of one row. The words are those of the helper `rectangle` of the
    loops: rows, rows of a tile, columns, columns of a tile.

    >>> rectangles(10, 40000)
    ((10, 1, 40000, 16384), 30)
    """
    width = min(columns, max(least, GRAIN // cost))
    height = per_tile(width * cost)
    return (rows, height, columns, width), -(-rows // height) * -(-columns // width)


def lanes(columns: int, dtype: str) -> int:
    """Return how many elements of a row a vector takes: a cache line, or the largest power of two that a short row holds.

    >>> lanes(256, "float32"), lanes(5, "float32")
    (16, 4)
    """
    return 1 << min(64 // np.dtype(dtype).itemsize, max(1, columns)).bit_length() - 1


def place_steps(shape, v_strides, strides, offset, dtype, pointers) -> tuple:
    """Return the steps (one, or none) that write buffer `pointers[0]`, walked by `v_strides`, into buffer `pointers[1]`
    at element `offset` and `strides`.

    Kernel words: offset, the rectangle of rows and elements of the innermost axis, its stride in both, row axes, their
    lengths, their strides in `v`, their strides in the output.
    """
    if prod(shape) == 0:
        return ()
    shape, source, target = collapse(shape, v_strides, strides)
    if not shape:
        shape, source, target = (1,), (1,), (1,)
    rows = shape[:-1]
    cut, tiles = rectangles(prod(rows), shape[-1])
    words = (offset, *cut, source[-1], target[-1], len(rows), *rows, *source[:-1], *target[:-1])
    dense = source[-1] == target[-1] == 1
    kernel = Kernel("place", (bits(dtype),) * 2, None, (lanes(cut[3], dtype) if dense else 1, dense))
    return (Step(kernel, pointers, words, tiles),)


@planner("place")
def plan_place(inputs, attrs, out) -> Plan:
    """Zeros, with `g` written at the index map."""
    (g,) = inputs
    steps = place_steps(g.shape, g.strides, attrs["strides"], attrs["offset"], out.dtype, (0, 1))
    return Plan(steps, out.shape, out.dtype, zero=True)


@planner("overwrite")
def plan_overwrite(inputs, attrs, out) -> Plan:
    """A copy of `x`, then `v` over it."""
    x, v = inputs
    steps = place_steps(x.shape, x.strides, out.strides, 0, out.dtype, (0, 2))
    steps += place_steps(v.shape, v.strides, attrs["strides"], attrs["offset"], out.dtype, (1, 2))
    return Plan(steps, out.shape, out.dtype)


@planner("concat")
def plan_concat(inputs, attrs, out) -> Plan:
    """Each input at its place along the axis."""
    steps, start, axis = (), 0, attrs["axis"]
    strides = contiguous_strides(out.shape)
    for i, x in enumerate(inputs):
        steps += place_steps(x.shape, x.strides, strides, start * strides[axis], out.dtype, (i, len(inputs)))
        start += x.shape[axis]
    return Plan(steps, out.shape, out.dtype)
