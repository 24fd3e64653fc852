"""Products of matrices: how the result is cut into blocks, and when a factor is packed first."""

from math import prod

import numpy as np

from ..base.shapes import broadcast_shapes, collapse
from .plan import Kernel, Plan, Step, planner

WORK = 1 << 18  # multiplications per tile: a few microseconds
TILES = 64  # at most: scratch grows with the tiles, and more would serve no machine
PANEL = 6  # rows that the micro-kernel takes at once
ROWS, STEPS, COLUMNS = 256, 256, 256  # largest block: a block of the right factor stays in the second-level cache
THIN = 4  # up to this many rows or columns, the other factor is read once and not packed


def up(n, step):
    """Return `n` rounded up to a multiple of `step`."""
    return -(-n // step) * step


def pitch_of(columns, dtype):
    """Return the length of a row of sums: the micro-kernel stores whole groups of 256 bytes."""
    return up(columns, 256 // np.dtype(dtype).itemsize)


def evenly(n, largest, step):
    """Return a block length, a multiple of `step`, that cuts `n` into equal parts no longer than `largest`."""
    return min(up(-(-n // -(-n // largest)), step), up(n, step))


@planner("matmul")
def matmul(inputs, attrs, out) -> Plan:
    """Plan (..., m, k) @ (..., k, n): dot products where one side is thin and lies along k, else blocks of panels."""
    a, b = inputs
    (m, k), n = a.shape[-2:], b.shape[-1]
    if not out.size or not k:
        return Plan((), out.shape, out.dtype, zero=True)
    batch, a_batch, b_batch = _batch(a, b)
    (a_row, a_step), (b_step, b_column) = a.strides[-2:], b.strides[-2:]
    if m > 1 and not any(b_batch) and _joins(batch, a_batch, m, a_row):
        # One right factor for the whole batch: its rows are rows of one matrix.
        m, batch, a_batch, b_batch = m * prod(batch), (), (), ()
    left, right = (m, a_row, a_step), (n, b_column, b_step)
    if a_step == 1 and b_step == 1 and min(m, n) <= THIN:
        return _dots(left, right, k, batch, a_batch, b_batch, out)
    if n == 1 and m > 1 and b_step == 1:
        # A column is a row of the transposed product, whose right factor then lies along its rows.
        left, right, a_batch, b_batch = right, left, b_batch, a_batch
        return _blocks(left, right, k, batch, a_batch, b_batch, out, (1, 0))
    return _blocks(left, right, k, batch, a_batch, b_batch, out, (0, 1))


def _batch(a, b):
    """Return the batch axes, merged where possible, with the strides of both factors."""
    shape = broadcast_shapes(a.shape[:-2], b.shape[:-2])
    strides = []
    for x in (a, b):
        missing = len(shape) - (x.ndim - 2)
        strides.append((0,) * missing + tuple(0 if n == 1 else s for n, s in zip(x.shape[:-2], x.strides[:-2])))
    return collapse(shape, *strides)


def _joins(batch, strides, m, row):
    return len(batch) == 1 and strides[0] == m * row


def _blocks(left, right, k, batch, a_batch, b_batch, out, pointers) -> Plan:
    (m, a_row, a_step), (n, b_column, b_step) = left, right
    pack = b_column != 1 and n > 1
    products = prod(batch)
    wanted = max(1, min(TILES, products * m * n * k // WORK))
    n_block = evenly(n, COLUMNS, 32)
    row_block = evenly(m, ROWS, PANEL)
    if products * -(-n // n_block) * -(-m // row_block) < wanted:
        n_block = evenly(n, 128, 32)
        parts = -(-wanted // (products * -(-n // n_block)))
        # Every block of rows packs the right factor again: then it must be tall enough to pay for it.
        row_block = evenly(m, max(48 if pack else 12, -(-m // parts)), PANEL)
    n_blocks, row_blocks = -(-n // n_block), -(-m // row_block)
    units = products * n_blocks * row_blocks
    grain = max(1, -(-units // wanted))
    tiles = -(-units // grain)
    depth, pitch = min(k, STEPS), pitch_of(n_block, out.dtype)
    space = pitch * (PANEL + (depth if pack else 0))
    table = row_block + PANEL + 2 * depth
    words = [m, k, n, a_row, a_step, b_step, b_column]
    words += [row_block, depth, n_block, pitch, row_blocks, n_blocks, units, grain]
    words += [len(batch), space, table, int(pack), *_interleaved(batch, a_batch, b_batch)]
    kernel = Kernel("matmul", (out.dtype,) * 4 + ("int64",))
    step = Step(kernel, (*pointers, 2, 3, 4), tuple(words), tiles)
    return Plan((step,), out.shape, out.dtype, (((space * tiles,), out.dtype), ((table * tiles,), "int64")))


def _interleaved(batch, a_batch, b_batch):
    return [word for axis in zip(batch, a_batch, b_batch) for word in axis]


def _dots(left, right, k, batch, a_batch, b_batch, out) -> Plan:
    """Every row of the long factor against the few of the thin one, both contiguous along k."""
    pointers, steps = (0, 1), (right[0], 1)
    if left[0] < right[0]:
        left, right, a_batch, b_batch, pointers, steps = right, left, b_batch, a_batch, (1, 0), (1, right[0])
    (m, a_row, _), (n, b_row, _) = left, right
    units = prod(batch) * m
    grain = max(1, -(-units // TILES), WORK // (4 * n * k))
    tiles = -(-units // grain)
    words = [m, k, n, a_row, b_row, *steps, units, grain, len(batch), *_interleaved(batch, a_batch, b_batch)]
    step = Step(Kernel("matmul_dots", (out.dtype,) * 3), (*pointers, 2), tuple(words), tiles)
    return Plan((step,), out.shape, out.dtype)
