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
    own = own_copies(m, h, w)
    in_place = lies_well(walks, strides) and (strides[1] - w.positions) * 16 <= w.positions
    h_block, w_block = position_blocks(channels * d.cells * w.cells, block[0], h, w)
    lay = layout_of(walks, own, h_block, w_block)
    cells = prod(a.cells for a in walks)
    c_block = evenly(channels, max(1, min(STEPS // cells, channels if in_place else SPACE // lay.plane)))
    units = images * groups * d.positions * -(-h.positions // h_block) * -(-w.positions // w_block)
    m_block = m
    if units < UNITS:
        m_block = evenly(m, max(4 * block[0], -(-m * units // UNITS)), block[0])
    units *= -(-m // m_block)
    work = m_block * channels * cells * h_block * w_block
    grain = max(1, min(GRAIN // work, units // UNITS))
    n = (h_block - 1) * (strides[1] if in_place else lay.pitch) + w_block
    places = rows_of((1,) * (5 - len(out.shape)) + tuple(out.shape[2:]))
    start, size = sum(a.start * s for a, s in zip(walks, places)), prod(out.shape[2:])
    words = [units, grain, groups, m, m_block, channels, c_block, int(in_place), h_block, w_block]
    words += [x.strides[0], channels * x.strides[1], x.strides[1], out.shape[1] * size, size, start]
    words += [0 if in_place else c_block * lay.plane + 64, block[0] * n, 0, zeros - block[0]]
    for a, stride, place in zip(walks, strides, places):
        words += [a.size, stride, a.cells, a.first, a.step, a.apart, a.positions, a.pace * place]
    return (*words, h.phases, lay.copies, int(own)), -(-units // grain)


def position_blocks(planes, rows, h, w):
    """Return how many positions along h and w are taken at once: more when few planes must be copied for them."""
    most = max(POSITIONS, min(SPACE // (2 * planes), 16384 // rows, 4096))
    w_block = w.positions if w.positions <= POSITIONS else evenly(w.positions, most if h.positions == 1 else 128)
    return evenly(h.positions, max(1, most // w_block)), w_block


class Lay(NamedTuple):
    """How the copy of a block lies: copies (or phases) along w, length of a row, numbers per channel."""

    copies: int
    pitch: int
    plane: int


def layout_of(walks, own, h_block, w_block):
    """Return the `Lay` of a block: with copies of their `own` for the cells along w, or rows that all of them share."""
    d, h, w = walks
    copies = w.cells if own else w.phases
    pitch = w_block + (0 if own else (w.cells - 1) * abs(w.apart) // w.step)
    rows = h_block + (h.cells - 1) * abs(h.apart) // h.step
    return Lay(copies, pitch, d.cells * copies * h.phases * rows * pitch)


def own_copies(m, h, w):
    """Say whether every cell along w gets a copy: positions are then side by side without the ends of rows between."""
    if h.positions == 1:
        return False
    junk = (w.cells - 1) * abs(w.apart) // w.step / w.positions
    return 4 * (w.cells - w.phases) < junk * m * h.cells * w.cells / 2


def lies_well(walks, strides):
    """Say whether the input can be read where it is, row by row: no padding, no steps."""
    d, h, w = walks
    return all(a.inside for a in walks) and h.step == 1 and w.step == 1 and (strides[2] == 1 or w.size == 1)


def evenly(n, most, step=1):
    """Return a block length, a multiple of `step`, that cuts `n` into equal parts of about `most` at most."""
    most = max(step, most // step * step)
    parts = -(-n // most)
    return min(-(-(-(-n // parts)) // step) * step, most)
