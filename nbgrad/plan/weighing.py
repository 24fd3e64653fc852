"""The gradient of a convolution in its weight: cells of the input times channels of the output, over all positions."""

from math import prod

import numpy as np

from .plan import Kernel, Plan, Step, planner
from .windowing import (
    SPACE,
    STEPS,
    Walk,
    axes_of,
    empty,
    evenly,
    lay_of,
    part_words,
    position_blocks,
    scratch_behind,
    spatial,
)  # fmt: skip

POSITIONS = 448  # summed at once
TURNED = 192 << 10  # bytes of turned gradient: with the sums, a second-level cache is half full
COPIED = 32 << 10  # bytes of padded input at once
WORK = 1 << 20  # products per unit of work: hides its start
UNITS = 64  # at most: enough for 64 threads; more would be more to add
ROWS = 256  # of weights: every block of them turns the gradient again
FEW = 8  # output channels per group that would leave half of a vector empty
ADDED = 1 << 14  # numbers per tile when chunks are added
JOIN = 12  # rows and columns of a block that are added and turned at once


@planner("conv_weight_grad")
def conv_weight_grad(inputs, attrs, out) -> Plan:
    """Cells ((c, cell), position) times channels of y (position, o), in chunks of images; then the chunks are added."""
    x, y = inputs
    if not out.size or not x.size or not y.size:
        return empty(out)
    axes = axes_of(x.shape[2:], attrs["window"], y.shape[2:], attrs)
    walks = tuple(Walk(a.size, a.window, -a.before, a.stride, a.dilation, a.positions) for a in axes)
    groups, c = attrs["groups"], out.shape[1]
    o, m = out.shape[0] // groups, c * prod(attrs["window"])
    if o < FEW and m <= STEPS and (y.strides[-1] == 1 or y.shape[-1] == 1):
        return by_dots(x, y, walks, (o, c, groups), out)
    words, tiles, parts, length, size = sums_words(x, y, walks, (o, c, groups), 6 if o > 48 else 8)
    step = Step(Kernel("conv_weight_sums", (out.dtype,) * 3), (0, 1, 3), words, tiles)
    units = groups * -(-o // 16) * -(-m // 64)
    words = (units, parts, groups, m, o, length, JOIN)
    join = Step(Kernel("conv_weight_join", (out.dtype,) * 2), (3, 2), words, -(-units // JOIN))
    return Plan((step, join), out.shape, out.dtype, (((size,), out.dtype),))


def by_dots(x, y, walks, sizes, out) -> Plan:
    """Few output channels per group: dot products along the rows of positions."""
    o, channels, groups = sizes
    images, (d, h, w) = x.shape[0], walks
    m, positions, strides = channels * prod(a.cells for a in walks), prod(a.positions for a in walks), spatial(x.strides[2:])
    rows = 1 if o == 1 else 2 if o == 2 else 4
    cells = evenly(m, min(12, 20 // rows))
    itemsize = np.dtype(out.dtype).itemsize
    h_block, w_block = position_blocks(channels * d.cells * w.cells, 1, h, w, itemsize)
    lay = lay_of([walks], strides, x.strides[1], False, h_block, w_block, itemsize)
    c_block = evenly(channels, max(1, min(STEPS * channels // m, channels if lay.in_place else SPACE // itemsize // lay.channel)))
    wanted = min(UNITS, 1 + images * positions * groups * o * m // WORK)
    parts = max(1, min(images, wanted // groups))
    chunk = -(-images // parts)
    parts, units = -(-images // chunk), groups * -(-images // chunk)
    grain = max(1, units // wanted)
    words = [units, grain, groups, images, chunk, channels, c_block, int(lay.in_place), h_block, w_block]
    words += [*x.strides[:2], o, y.strides[0], 0 if lay.in_place else c_block * lay.channel + 64, 0]
    words += [c_block * m // channels, d.positions, -(-h.positions // h_block), -(-w.positions // w_block)]
    words += [y.strides[1], *spatial(y.strides[2:])[:2], rows, cells, 0, *lay.words, 1]
    words += part_words([walks], [(0, 0)], lay, (0, 0, 0), c_block)
    kernel, tiles = Kernel("conv_weight_dots", (out.dtype,) * 3), -(-units // grain)
    if parts == 1:
        return Plan((Step(kernel, (0, 1, 2), tuple(words), tiles),), out.shape, out.dtype)
    add = Kernel("conv_weight_add", (out.dtype,) * 2)
    add = Step(add, (3, 2), (parts, out.size, ADDED), -(-out.size // ADDED))
    steps = (Step(kernel, (0, 1, 3), tuple(words), tiles), add)
    return Plan(steps, out.shape, out.dtype, (((parts * out.size,), out.dtype),))


def sums_words(x, y, walks, sizes, rows):
    """Return (words, tiles, chunks of images, length of a row of sums, numbers of the buffer of sums)."""
    o, channels, groups = sizes
    images, (d, h, w) = x.shape[0], walks
    cells, positions = prod(a.cells for a in walks), prod(a.positions for a in walks)
    o_block = o if o <= 96 else 64
    pitch = -(-o_block // 16) * 16
    itemsize = np.dtype(x.dtype).itemsize
    most = max(64, min(POSITIONS, TURNED // itemsize // pitch))
    w_block = evenly(w.positions, most)
    h_block = evenly(h.positions, max(1, most // w_block))
    in_place = all(a.inside for a in walks)
    plane = d.cells * reach(h, h_block) * reach(w, w_block)
    c_copy = max(1, min(channels, COPIED // itemsize // plane, -(-1024 // cells)))
    wanted = min(UNITS, 1 + images * positions * groups * o * channels * cells // WORK)
    blocks = groups * -(-o // o_block)
    parts = max(1, min(images, images * positions // 512, -(-wanted // blocks)))
    chunk = -(-images // parts)
    parts = -(-images // chunk)
    c_block = evenly(channels, max(-(-ROWS // cells), -(-channels * blocks * parts // wanted)))
    units = blocks * parts * -(-channels // c_block)
    length, c_copy = -(-o // 16) * 16, min(c_copy, c_block)
    space, entries = 0 if in_place else c_copy * plane + 64, c_copy * cells + rows + h_block * w_block
    size = parts * groups * channels * cells * length + 16
    memory, more = scratch_behind(size, space, entries, itemsize)
    grain = -(-units // 4) if memory else max(1, units // wanted)
    tiles = -(-units // grain)
    words = [units, grain, groups, images, chunk, channels, c_block, c_copy, o, o_block, length]
    words += [h_block, w_block, int(in_place), space]
    words += [x.strides[0], x.strides[1], y.strides[0], y.strides[1]]
    for a, stride, place in zip(walks, spatial(x.strides[2:]), spatial(y.strides[2:])):
        words += [a.size, stride, a.cells, a.first, a.step, a.apart, a.positions, place]
    return (*words, rows, memory), tiles, parts, length, size + 2 + tiles * more


def reach(walk, positions):
    """Return how many places so many neighbouring positions see, from first to last."""
    return (positions - 1) * walk.step + (walk.cells - 1) * walk.apart + 1
