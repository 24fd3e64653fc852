"""Products of matrices: how the result is cut into blocks, and when a factor is packed first."""

from math import prod
from typing import NamedTuple

import numpy as np

from ..base.shapes import broadcast_shapes, collapse
from .epilogue import Epilogue, extra_words
from .host import block_columns, block_shape, get_host
from .plan import Kernel, Plan, Step, planner

WORK = 1 << 18  # multiplications per tile: a few microseconds
TILES = 128  # about as many at most, where there is a choice
PANEL = 6  # rows that the panels of windows take at once
THIN = 4  # up to this many rows or columns, the other factor is read once and not packed
STRIP = 1024  # columns that a thin product sums at once: they stay in the first-level cache
PART = 512  # steps of a part of k, at least


def up(n, step):
    """Return `n` rounded up to a multiple of `step`."""
    return -(-n // step) * step


def pitch_of(columns, dtype):
    """Return the length of a row of sums: panels store whole groups of 256 bytes."""
    return up(columns, 256 // np.dtype(dtype).itemsize)


def evenly(n, largest, step):
    """Return a block length, a multiple of `step`, that cuts `n` into equal parts no longer than `largest`."""
    return min(up(-(-n // -(-n // largest)), step), up(n, step))


class Factor(NamedTuple):
    """Where a factor lies: its buffer, strides of its rows and columns, strides of the batch, where it starts."""

    buffer: int
    row: int
    column: int
    batch: tuple
    start: int = 0


class Product(NamedTuple):
    """A batch of products (m, k) @ (k, n); `extras` are the layouts of the further arrays of the epilogue."""

    m: int
    k: int
    n: int
    a: Factor
    b: Factor
    batch: tuple
    out: object
    add: int = 0
    epilogue: Epilogue = Epilogue()
    extras: tuple = ()

    @property
    def buffer(self):
        """The number of the output among the buffers."""
        return 2 + len(self.extras)


@planner("matmul")
def matmul(inputs, attrs, out) -> Plan:
    """Plan (..., m, k) @ (..., k, n)."""
    a, b = inputs
    (m, k), n = a.shape[-2:], b.shape[-1]
    if not out.size or not k:
        return Plan((), out.shape, out.dtype, zero=True)
    copies = tuple(i for i, x in enumerate(inputs) if not _readable(x))
    if copies:
        inputs = [Packed(x) if i in copies else x for i, x in enumerate(inputs)]
    return plan_product(_product(*inputs, out))._replace(copies=copies)
