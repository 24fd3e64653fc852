"""Products of matrices: which loop suits a shape."""

import numpy as np

from ..ops.arithmetic import add
from .blocking import WORK, Blocks, evenly, plan_blocks, up, wanted_tiles
from .epilogue import COLUMN, Epilogue
from .host import block_columns, block_shape
from .plan import Kernel, Layout, Plan, Step, packed, planner
from .product import product_of

THIN = 4  # up to this many rows or columns, the other factor is read once and not packed
STRIP = 1024  # columns that a thin product sums at once: they stay in the first-level cache
PART = 1024  # steps of a part of k of a thin product, at least
SMALL = 1 << 15  # multiplications of a product of a batch, up to which it is taken as a whole
HELD = 1 << 18  # bytes of a right factor that stay in cache while thin products read it


@planner("matmul")
def matmul(inputs, attrs, out) -> Plan:
    """Plan (..., m, k) @ (..., k, n)."""
    if not out.size or not inputs[0].shape[-1]:
        return Plan((), out.shape, out.dtype, zero=True)
    p, copies = product_call("matmul", inputs, out)
    return plan_product(p)._replace(copies=copies)


@planner("linear")
def linear(inputs, attrs, out) -> Plan:
    """Plan (..., n_in) @ (n_out, n_in).T plus a bias per column, which is added while the sums are in cache."""
    if not out.size:
        return Plan((), out.shape, out.dtype)
    p, copies = product_call("linear", inputs, out)
    return plan_product(p)._replace(copies=copies)


def product_call(name, inputs, out):
    """Return (Product, inputs that must be copied first) of a call of `matmul` or `linear`."""
    if name == "matmul":
        a, b = inputs
        p = product_of(a, b, out)
        if 1 in (p.b.row, p.b.column):
            return p, ()
        # Neither rows nor columns of the right factor lie in one piece.
        return product_of(a, packed(b.shape, b.dtype), out), (1,)
    x, weight, bias = inputs
    if x.ndim == 1:
        x = Layout((1, *x.shape), (0, *x.strides), x.dtype)
    right = Layout(weight.shape[::-1], weight.strides[::-1], weight.dtype)
    copies = () if 1 in right.strides or 1 in right.shape else (1,)
    if copies:
        right = Layout(right.shape, (1, right.shape[0]), right.dtype)
    if bias.size > 1 and bias.strides[0] != 1:
        copies += (2,)
    return product_of(x, right, out, epilogue=Epilogue(((add, (0, 1)),), (COLUMN,)), extras=(bias,)), copies


def plan_product(p) -> Plan:
    """Plan a product whose right factor has rows or columns that lie in one piece."""
    if not p.epilogue.calls and not p.add:
        if p.a.column == 1 and p.b.row == 1 and min(p.m, p.n) <= THIN:
            return _dots(p)
        if p.n == 1 and p.b.row == 1 and p.a.row == 1 and p.m > 1:
            # A column is a row of the transposed product, whose right factor then lies along its rows.
            a, b = p.b._replace(row=0, column=1), p.a._replace(row=p.a.column, column=1)
            p = p._replace(m=1, n=p.m, a=a, b=b)
        if p.m <= THIN and p.b.column == 1 and p.k * p.n * np.dtype(p.out.dtype).itemsize > HELD:
            return _rows(p)
    if p.b.column == 1 and p.batch and p.m * p.n * p.k <= SMALL:
        return _batch(p)
    return plan_blocks(p)


def _batch(p) -> Plan:
    """Many small products, one after the other."""
    tiles = min(p.count, wanted_tiles(p))
    grain = -(-p.count // tiles)
    words = [p.m, p.k, p.n, p.a.row, p.a.column, p.b.row, p.n, p.m * p.n, p.count, grain, p.add, *p.batch_words]
    blocks = Blocks(p)
    blocks.step("matmul_batch", (p.a.buffer, p.b.buffer, blocks.out), words, -(-p.count // grain), epilogue=True)
    return blocks.made()


def _parts(p, units):
    """Return (parts of k, steps of a part): several where there is too little else to share among threads."""
    wanted = wanted_tiles(p)
    parts = max(1, min(-(-wanted // units), p.k // PART)) if 2 * units <= wanted else 1
    steps = up(-(-p.k // parts), 64)
    return -(-p.k // steps), steps


def _joined(p, parts, step):
    """Return the plan of a step whose parts of k are added afterwards."""
    if parts == 1:
        return Plan((step(2),), p.out.shape, p.out.dtype)
    size, rows = p.count * p.m * p.n, p.count * p.m
    shape = (*block_shape(p.out.dtype), block_columns(p.out.dtype))
    join = Step(Kernel("matmul_join", (p.out.dtype,) * 2, None, shape), (2, 3), (parts, rows, p.n, p.m, 1, 0, 0), rows)
    return Plan((step(3), join), p.out.shape, p.out.dtype, (((parts * size,), p.out.dtype),))


def _rows(p) -> Plan:
    """A few rows times a factor that is read once."""
    strip = evenly(p.n, STRIP, 64)
    blocks = -(-p.n // strip)
    parts, steps = _parts(p, p.count * blocks)
    words = (p.m, p.k, p.n, p.a.row, p.a.column, p.b.row, p.n, p.count * p.m * p.n, p.m * p.n, strip, blocks, parts, steps, 0)
    kernel = Kernel("matmul_rows", (p.out.dtype,) * 3)
    buffers, tiles = (p.a.buffer, p.b.buffer), p.count * parts * blocks
    return _joined(p, parts, lambda to: Step(kernel, (*buffers, to), (*words, *p.batch_words), tiles))


def _dots(p) -> Plan:
    """Every row of the long factor against the few of the thin one, both contiguous along k."""
    (m, a_row, a_batch), (n, b_row, b_batch) = (p.m, p.a.row, p.a.batch), (p.n, p.b.column, p.b.batch)
    buffers, places = (p.a.buffer, p.b.buffer), (n, 1)
    if m < n:
        m, a_row, a_batch, n, b_row, b_batch = n, b_row, b_batch, m, a_row, a_batch
        buffers, places = buffers[::-1], (1, m)
    parts, steps = _parts(p, p.count * m)
    units = p.count * m * parts
    grain = -(-units // min(units, max(1, 4 * p.work // WORK)))
    words = [m, p.k, n, a_row, b_row, *places, p.count * p.m * p.n, units, grain, parts, steps]
    axes = [word for axis in zip(p.batch, a_batch, b_batch) for word in axis]
    words, tiles = (*words, len(p.batch), *axes), -(-units // grain)
    kernel = Kernel("matmul_dots", (p.out.dtype,) * 3)
    return _joined(p, parts, lambda to: Step(kernel, (*buffers, to), words, tiles))
