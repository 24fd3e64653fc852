"""Convolution: where each cell of a window looks, and how the work is cut into blocks of positions and channels.

Everything is planned over three spatial axes d, h, w; missing ones have length 1.
"""

from itertools import product
from math import gcd, prod
from typing import NamedTuple

import numpy as np

from ..base.shapes import collapse
from .blocking import up
from .finishing import finish_words
from .host import get_host
from .plan import Kernel, Plan, Step, planner

POSITIONS = 1024  # at once: the rows that a block sees are copied, and the first rows of the next block again
SPACE = 224 << 10  # bytes of such a copy: with it and the weights, a second-level cache is half full
SUMS = 64 << 10  # bytes of sums that are put into the result row by row
STACK = 512 << 10  # bytes of scratch on the stack of a thread, at most
STEPS = 768  # products summed at once: a panel of weights stays in the first-level cache
UNITS = 64  # at least, where the work allows: enough for as many threads
PARTS = 30  # remainders of the stride at once: a kernel takes 480 words
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
    def ends(self) -> tuple:
        """The first and the last place that position 0 sees."""
        return tuple(sorted((self.first, self.first + (self.cells - 1) * self.apart)))

    @property
    def inside(self) -> bool:
        """Say whether no place lies outside of the input."""
        low, high = self.ends
        return low >= 0 and high + (self.positions - 1) * self.step < self.size


def empty(out):
    """Return the plan of a result without terms."""
    return Plan((), out.shape, out.dtype, zero=True)


@planner("conv_biased", contiguous=(False, False, True))
@planner("conv_output")
def conv_output(inputs, attrs, out, rows=None) -> Plan:
    """Weights (o, (c, cell)) times planes ((c, cell), position), per image and group; then `rows`, as in `products`."""
    x, w = inputs[:2]
    if not out.size:
        return empty(out)
    axes = axes_of(x.shape[2:], w.shape[2:], out.shape[2:], attrs)
    walks = tuple(Walk(a.size, a.window, -a.before, a.stride, a.dilation, a.positions) for a in axes)
    o = out.shape[1] // attrs["groups"]
    sizes, left = (o, w.shape[1], attrs["groups"]), (o * w.strides[0], w.strides[0], w.strides[1])
    return products(inputs, [walks], left, sizes, out, rows)


@planner("conv_input_grad")
def conv_input_grad(inputs, attrs, out, rows=None) -> Plan:
    """Per remainder of the stride: weights (c, (o, cell)) times planes of y ((o, cell), place); then `rows`."""
    y, w = inputs
    if not out.size or not y.size or not w.size:
        return empty(out)
    axes = axes_of(out.shape[2:], w.shape[2:], y.shape[2:], attrs)
    o, c, groups = w.shape[0] // attrs["groups"], w.shape[1], attrs["groups"]
    sizes, left = (c, o, groups), (o * w.strides[0], w.strides[1], w.strides[0])
    parts = list(product(*map(remainders, axes)))
    seen = [walks for walks in parts if all(a.cells for a in walks)]
    return products(inputs, seen, left, sizes, out, rows)._replace(zero=len(seen) < len(parts))


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


def products(inputs, parts, left, sizes, out, rows_behind=None) -> Plan:
    """Pack the weights of every part, then add up their products; the rows that a block sees are copied once for all.

    `rows_behind` (see finishing.py) are done to each block of a result of at most PARTS parts that cover it.
    """
    x, w = inputs[:2]
    bias, rows = len(inputs) > 2, rows_for(sizes[0])
    kinds, here, steps, size, starts = (out.dtype,) * 3, len(inputs), [], 0, []
    for walks in parts:
        words, tiles, more = weight_words(w, walks, left, sizes, rows, bias)
        pointers = (1, 2 if bias else 1, here + 1)
        steps.append(Step(Kernel("conv_weights", kinds), pointers, (*words, size, rows), tiles))
        starts.append((size, size + more - rows))
        size += more
    memory = 0
    for i in range(0, len(parts), PARTS):
        words, tiles, more = product_words(x, parts[i : i + PARTS], starts[i : i + PARTS], sizes, rows, size, out, rows_behind)
        loop, body = ("conv_finished", rows_behind.body) if rows_behind else ("conv_product", None)
        steps.append(Step(Kernel(loop, kinds, body), (here + 1, 0, here), words, tiles))
        memory = max(memory, more)
    return Plan(tuple(steps), out.shape, out.dtype, (((memory or size,), out.dtype),))


def rows_for(m):
    """Return the height of a panel of weights that suits `m` rows."""
    # Time of a step per vector: its products, or at least its loads; then what every panel costs.
    return min((1, 2, 3, 4, 6, 8), key=lambda r: -(-m // r) * (max(r, 2.1) + 0.3))


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


def product_words(x, parts, starts, sizes, height, weights, out, rows=None):
    """Return (words, tiles, numbers of the buffer of weights, if scratch lies behind them) of the products of some parts."""
    m, channels, groups = sizes
    images, strides = x.shape[0], spatial(x.strides[2:])
    d, h, w = (max((walks[i] for walks in parts), key=lambda a: a.positions) for i in range(3))
    cells = sum(prod(a.cells for a in walks) for walks in parts)
    itemsize = np.dtype(out.dtype).itemsize
    few = 8 * images * groups * -(-d.positions * h.positions * w.positions // POSITIONS) < UNITS
    h_block, w_block = position_blocks(channels * d.cells * w.cells, height, h, w, itemsize, POSITIONS // 2 if few else POSITIONS)
    lay = lay_of(parts, strides, x.strides[1], len(parts) == 1 and own_copies(m, h, w), h_block, w_block, itemsize)
    c_block = evenly(channels, max(1, min(STEPS // cells, channels if lay.in_place else SPACE // itemsize // lay.channel)))
    blocks = (d.positions, -(-h.positions // h_block), -(-w.positions // w_block))
    units, m_block = images * groups * prod(blocks), m
    if units < UNITS:
        m_block = evenly(m, max(4 * height, -(-m * units // UNITS)), height)
    units *= -(-m // m_block)
    space = 0 if lay.in_place else c_block * lay.channel + 64
    memory, more = scratch_behind(weights, space, c_block * cells, itemsize)
    # Tiles with scratch of their own in memory are few.
    grain = -(-units // 4) if memory else max(1, min(GRAIN // (m_block * channels * cells * h_block * w_block), units // UNITS))
    places = rows_of((1,) * (5 - len(out.shape)) + tuple(out.shape[2:]))
    size = prod(out.shape[2:])
    words = [units, grain, groups, m, m_block, channels, c_block, int(lay.in_place), h_block, w_block]
    words += [*x.strides[:2], out.shape[1] * size, size, space]
    words += [height * ((h_block - 1) * lay.row + w_block), c_block * cells]
    words += [*blocks, -(-m // m_block), *(a.pace * s for a, s in zip((d, h, w), places)), height, memory]
    words += [*lay.words, len(parts)]
    words += part_words(parts, starts, lay, places, c_block)
    if rows:
        lengths = (out.shape[1], *(1,) * (5 - len(out.shape)), *out.shape[2:])
        strides = [(*o.strides[:2], *spatial(o.strides[2:])) for o in rows.layouts]
        words += finish_words(rows, blocks, [a.pace for a in (d, h, w)], lengths, strides)
    tiles = -(-units // grain)
    return tuple(words), tiles, memory and weights + 2 + tiles * more


def scratch_behind(numbers, space, entries, itemsize):
    """Return (byte where scratch begins behind so many numbers, numbers per tile), or zeros if the stack holds it."""
    words = -(-space * itemsize // 8) + entries
    if 8 * words <= STACK:
        return 0, 0
    return -(-numbers * itemsize // 8) * 8, -(-8 * words // itemsize)


def part_words(parts, starts, lay, places, c_block):
    """Return thirteen words for each part (see the loop `conv_product`)."""
    words, entries = [], 0
    for walks, (start, zeros) in zip(parts, starts):
        far = [a.first - base for a, base in zip(walks, lay.base)]
        words += [a.cells for a in walks] + [far[0] // lay.unit, far[1], 0 if lay.own else far[2]]
        words += [a.positions for a in walks] + [sum(a.start * s for a, s in zip(walks, places)), start, zeros, entries]
        entries += c_block * prod(a.cells for a in walks)
    return words


def position_blocks(planes, rows, h, w, itemsize, least=POSITIONS):
    """Return how many positions along h and w are taken at once: more than `least` when few planes must be copied for them."""
    most = max(least, min(SPACE // itemsize // (2 * planes), SUMS // itemsize // rows, 4096))
    w_block = w.positions if w.positions <= least else evenly(w.positions, most if h.positions == 1 else 128)
    return evenly(h.positions, max(1, most // w_block)), w_block


class Lay(NamedTuple):
    """Where the rows that a block of positions sees lie: whether each cell along w has a copy of its `own`, where the
    copy begins on each axis, places between its planes, length of a row, numbers per channel, words of the loop."""

    in_place: bool
    own: bool
    base: tuple
    unit: int
    row: int
    channel: int
    words: tuple


def lay_of(parts, strides, x_c, own, h_block, w_block, itemsize) -> Lay:
    """Return how the rows lie that parts with the same steps see: read in place, or copied."""
    d, h, w = parts[0]
    low, high = ([end(walks[i].ends[k] for walks in parts) for i in range(3)] for k, end in ((0, min), (1, max)))
    span = [z - a for a, z in zip(low, high)]
    # With one part, planes that no cell sees are left out.
    unit = abs(d.apart) if len(parts) == 1 else 1
    planes, lines, more = span[0] // unit + 1, h_block + span[1] // h.step, 0 if own else span[2] // w.step
    phases = 1 if len(parts) > 1 else min(h.cells, h.step // gcd(h.step, h.apart))
    copies = w.cells if own else 1 if len(parts) > 1 else min(w.cells, w.step // gcd(w.step, w.apart))
    base, row = (low[0], low[1], w.first if own else low[2]), w_block + more
    of_copy = up(phases * lines * row, get_host().vector_bytes // itemsize)  # what fills no vector overwrites no other copy
    by = (row, lines * row, of_copy, copies * of_copy, planes * copies * of_copy)
    in_place = len(parts) == 1 and lies_well(parts[0], strides)
    if in_place:
        own, copies, phases, row, by = False, 1, 1, strides[1], (strides[1], 0, 0, unit * strides[0], x_c)
        base = tuple(low)
    words = [d.size, strides[0], base[0], d.step, unit, planes]
    words += [h.size, strides[1], base[1], h.step, abs(h.apart), phases, span[1] // h.step]
    words += [w.size, strides[2], base[2], w.step, w.apart if own else abs(w.apart), copies, int(own), *by]
    words += [d.apart // unit, h.apart, w.apart]
    return Lay(in_place, own, base, unit, row, by[-1], tuple(words))


def own_copies(m, h, w):
    """Say whether every cell along w gets a copy: positions are then side by side without the ends of rows between."""
    if h.positions == 1:
        return False
    if h.cells * w.cells > STEPS:
        return False
    phases, junk = w.step // gcd(w.step, w.apart), (w.cells - 1) * abs(w.apart) // w.step / w.positions
    return 4 * (w.cells - phases) < junk * m * h.cells * w.cells / 2


def lies_well(walks, strides):
    """Say whether positions can be read where they are: no padding, no steps, little between the rows."""
    _, h, w = walks
    if not all(a.inside for a in walks) or h.step != 1 or w.step != 1 or (strides[2] != 1 and w.size > 1):
        return False
    return h.positions == 1 or (strides[1] - w.positions) * 16 <= w.positions


def evenly(n, most, step=1):
    """Return a block length, a multiple of `step`, that cuts `n` into equal parts of about `most` at most."""
    most = max(step, most // step * step)
    part = -(-n // -(-n // most))
    return min(-(-part // step) * step, most)
