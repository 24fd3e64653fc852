"""Convolution: where each cell of a window looks, and how the work is cut into blocks of positions and channels.

Everything is planned over three spatial axes d, h, w; missing ones have length 1.
"""

from itertools import product
from math import gcd, prod
from typing import NamedTuple

from ..base.shapes import collapse
from .plan import Kernel, Plan, Step, planner

POSITIONS = 512  # at once: the rows that a block sees are copied, and the first rows of the next block again
SPACE = 56 << 10  # numbers of such a copy: with them and the weights, a second-level cache is half full
STEPS = 768  # products summed at once: a panel of weights stays in the first-level cache
UNITS = 128  # at least, where the work allows: enough for 64 threads
GRAIN = 1 << 20  # products per unit of work worth a start


class Axis(NamedTuple):
    """One spatial axis of a call: lengths of the input, the window and the output, and how the window moves."""

    size: int
    window: int
    positions: int
    stride: int
    before: int
    dilation: int


def axes_of(size, window, positions, attrs):
    """Return the three axes of a call."""
    given = zip(size, window, positions, attrs["stride"], (p[0] for p in attrs["padding"]), attrs["dilation"])
    return (Axis(1, 1, 1, 1, 0, 1),) * (3 - len(size)) + tuple(Axis(*one) for one in given)


def spatial(strides):
    """Return the strides of three spatial axes."""
    return (0,) * (3 - len(strides)) + tuple(strides)


def rows_of(cells):
    """Return the strides of planes that lie row by row."""
    return cells[1] * cells[2], cells[2], 1


class Walk(NamedTuple):
    """One axis of a product: position q sees, through cell i, place first + q * step + i * apart of the input.

    `cell` and `cell_step` name the cell of the weight; the result is written at start + q * pace.
    """

    size: int
    cells: int
    first: int
    step: int
    apart: int
    positions: int
    cell: int = 0
    cell_step: int = 1
    start: int = 0
    pace: int = 1

    @property
    def phases(self) -> int:
        """How many remainders of the step the cells fall on."""
        return min(self.cells, self.step // gcd(self.step, self.apart))

    @property
    def inside(self) -> bool:
        """Say whether no place lies outside of the input."""
        ends = [self.first + i * self.apart + q * self.step for i in (0, self.cells - 1) for q in (0, self.positions - 1)]
        return min(ends) >= 0 and max(ends) < self.size


def empty(out):
    """Return the plan of a result without terms."""
    return Plan((), out.shape, out.dtype, zero=True)


@planner("conv_output")
def conv_output(inputs, attrs, out) -> Plan:
    """Weights (o, (c, cell)) times planes ((c, cell), position), per image and group."""
    x, w = inputs[:2]
    if not out.size or not x.size or not w.size:
        return empty(out)
    axes = axes_of(x.shape[2:], w.shape[2:], out.shape[2:], attrs)
    walks = tuple(Walk(a.size, a.window, -a.before, a.stride, a.dilation, a.positions) for a in axes)
    o = out.shape[1] // attrs["groups"]
    sizes, left = (o, w.shape[1], attrs["groups"]), (o * w.strides[0], w.strides[0], w.strides[1])
    return products(inputs, [walks], left, sizes, out)


@planner("conv_input_grad")
def conv_input_grad(inputs, attrs, out) -> Plan:
    """Per remainder of the stride: weights (c, (o, cell)) times planes of y ((o, cell), place)."""
    y, w = inputs
    if not out.size or not y.size or not w.size:
        return empty(out)
    axes = axes_of(out.shape[2:], w.shape[2:], y.shape[2:], attrs)
    o, c, groups = w.shape[0] // attrs["groups"], w.shape[1], attrs["groups"]
    sizes, left = (c, o, groups), (o * w.strides[0], w.strides[1], w.strides[0])
    parts = list(product(*map(remainders, axes)))
    seen = [walks for walks in parts if all(a.cells for a in walks)]
    return products(inputs, seen, left, sizes, out)._replace(zero=len(seen) < len(parts))


def remainders(axis) -> list:
    """Return a walk per remainder of the stride; position * stride = place + before - cell * dilation must be whole."""
    step = axis.stride // gcd(axis.stride, axis.dilation)
    out = []
    for r in range(min(axis.stride, axis.size)):
        far = r + axis.before
        cell = next(
            (k for k in range(min(step, axis.window)) if (far - k * axis.dilation) % axis.stride == 0), axis.window
        )
        count = -(-(axis.window - cell) // step)
        first = (far - cell * axis.dilation) // axis.stride if count else 0
        places = -(-(axis.size - r) // axis.stride)
        apart = -step * axis.dilation // axis.stride
        out.append(
            Walk(axis.positions, count, first, 1, apart, places, cell if count else 0, step, r, axis.stride)
        )
    return out


def products(inputs, parts, left, sizes, out) -> Plan:
    """Add one product per part, each with its own weights packed."""
    m, channels, groups = sizes
    x, w = inputs[:2]
    block, here, steps, scratch = block_of(m, out.dtype), len(inputs), [], []
    kinds = (out.dtype,) * 3
    for walks in parts:
        buffer, cells = here + 1 + len(scratch), tuple(a.cells for a in walks)
        words, tiles, size = weight_words(w, walks, left, sizes, block[0], len(inputs) > 2)
        pointers = (1, 2 if len(inputs) > 2 else 1, buffer)
        steps.append(Step(Kernel("conv_weights", kinds, None, (block[0], block[2])), pointers, words, tiles))
        words, tiles = product_words(x, walks, sizes, block, size, out)
        steps.append(Step(Kernel("conv_product", kinds, None, block), (buffer, 0, here), words, tiles))
        scratch.append(((size,), out.dtype))
    return Plan(tuple(steps), out.shape, out.dtype, tuple(scratch))


def block_of(m, dtype):
    """Return (rows, vectors, bytes of a vector) of the block of sums that suits `m` rows."""
    registers, width = 24, 64
    # Time of a step per vector: its products, or at least its loads; then what every panel costs.
    rows = min((1, 2, 3, 4, 6, 8), key=lambda r: -(-m // r) * (max(r, 2.1) + 0.3))
    return rows, min(16, registers // rows), width


def weight_words(w, walks, left, sizes, rows, with_bias):
    """Return (words, tiles, numbers) of the packed weights of a part."""
    m, channels, groups = sizes
    strides = spatial(w.strides[2:])
    k, panels = channels * prod(a.cells for a in walks), -(-m // rows)
    grain = max(1, 16384 // (k * rows))
    start = sum(a.cell * s for a, s in zip(walks, strides))
    steps = (left[2], *(a.cell_step * s for a, s in zip(walks, strides)))
    shape, steps = collapse((channels, *(a.cells for a in walks)), steps)
    missing = 4 - len(shape)
    words = [panels, m, k, int(with_bias), *(1,) * missing, *shape, *(0,) * missing, *steps, start, *left[:2]]
    return (*words, groups * panels, grain), -(-groups * panels // grain), (groups * panels * (1 + k) + 1) * rows


def product_words(x, walks, sizes, block, zeros, out):
    """Return (words, tiles) of one product."""
    m, channels, groups = sizes
    images, (d, h, w) = x.shape[0], walks
    strides = spatial(x.strides[2:])
    in_place = lies_well(walks, strides)
    w_block = w.positions if w.positions <= POSITIONS else evenly(w.positions, POSITIONS if h.positions == 1 else 128)
    h_block = evenly(h.positions, max(1, POSITIONS // w_block))
    own = w.positions > 1 and h.positions > 1
    copies = w.cells if own else w.phases
    rows = h_block + (h.cells - 1) * abs(h.apart) // h.step
    pitch = w_block + (0 if own else (w.cells - 1) * abs(w.apart) // w.step)
    cells = prod(a.cells for a in walks)
    plane = d.cells * copies * h.phases * rows * pitch
    most = max(1, min(STEPS // cells, channels if in_place else SPACE // plane))
    c_block = evenly(channels, most)
    units = images * groups * d.positions * -(-h.positions // h_block) * -(-w.positions // w_block)
    m_block = m
    if units < UNITS:
        m_block = evenly(m, max(4 * block[0], -(-m * units // UNITS)), block[0])
    units *= -(-m // m_block)
    work = m_block * channels * cells * h_block * w_block
    grain = max(1, min(GRAIN // work, units // UNITS))
    space = 0 if in_place else c_block * plane + 64
    n = (h_block - 1) * (strides[1] if in_place else pitch) + w_block
    places = out_strides(walks, out)
    start = sum(a.start * s for a, s in zip(walks, places))
    size = prod(out.shape[2:])
    words = [units, grain, groups, m, m_block, channels, c_block, int(in_place), h_block, w_block]
    words += [x.strides[0], channels * x.strides[1], x.strides[1], out.shape[1] * size, size, start]
    words += [space, block[0] * n, 0, zeros - block[0]]
    for a, stride, place in zip(walks, strides, places):
        words += [a.size, stride, a.cells, a.first, a.step, a.apart, a.positions, a.pace * place]
    return (*words, h.phases, copies, int(own)), -(-units // grain)


def out_strides(walks, out):
    """Return the strides of the three axes of a row-major result."""
    shape = (1,) * (5 - len(out.shape)) + tuple(out.shape[2:])
    return rows_of(shape)


def lies_well(walks, strides):
    """Say whether positions can be read where they are: no padding, no steps, rows one after the other."""
    d, h, w = walks
    if not all(a.inside for a in walks) or h.step != 1 or w.step != 1 or strides[2] != 1 and w.size > 1:
        return False
    wide = h.positions > 1
    return not wide or (strides[1] - w.positions) * 16 <= w.positions


def evenly(n, most, step=1):
    """Return a block length, a multiple of `step`, that cuts `n` into equal parts of about `most` at most."""
    most = max(step, most // step * step)
    parts = -(-n // most)
    return min(-(-(-(-n // parts)) // step) * step, most)
