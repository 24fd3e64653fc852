"""The gradient of a convolution in its weight: cells of the input times channels of the output, over all positions."""

from math import prod
from typing import NamedTuple

from .multiplying import PANEL, TILES, WORK, evenly, pitch_of, up
from .plan import GRAIN, Kernel, Plan, Step, planner
from .windowing import BLOCK, axes_of, empty, padded, planes_of

DEPTH = 512  # positions summed at once


class Turned(NamedTuple):
    """A factor with one of its axes last: buffer, strides over images, the other channels, (d, h, w)."""

    buffer: int
    n: int
    c: int
    strides: tuple


@planner("conv_weight_grad")
def conv_weight_grad(inputs, attrs, out) -> Plan:
    """Cells ((c, cell), position) times channels of y (position, o), in chunks of images; then the chunks are added."""
    x, y = inputs
    if not out.size or not x.size or not y.size:
        return empty(out)
    axes = axes_of(x.shape[2:], attrs["window"], y.shape[2:], attrs)
    steps, scratch, left, right = [], [], planes_of(x, 0), planes_of(y, 1)
    if any(sum(p) for p in attrs["padding"]):
        step, left, size = padded(x, left, 3, tuple(a.reach for a in axes), tuple(a.before for a in axes))
        steps, scratch = [step], [size]
    groups, o, c = attrs["groups"], out.shape[0] // attrs["groups"], out.shape[1]
    sizes = (x.shape[0], groups, o, c)
    if o <= 8 and groups >= max(8, 2 * o):
        return by_groups(steps, scratch, left, right, axes, sizes, out)
    if channels_last(right, o * groups):
        right = Turned(1, right.n, o, right.strides)
    else:
        step, right, size = turned(right, 3 + len(scratch), x.shape[0], groups, o, (o * right.c, right.c), out.dtype)
        steps, scratch = [*steps, step], [*scratch, size]
    words, tiles, parts, space, table, length = product_words(left, right, axes, sizes, out.dtype)
    first, m = 3 + len(scratch), c * prod(attrs["window"])
    scratch += [((parts * groups * m * length,), out.dtype), ((space * tiles,), out.dtype), ((table * tiles,), "int64")]
    pointers = (left.buffer, right.buffer, first, first + 1, first + 2)
    product = Step(Kernel("window_weight_product", (out.dtype,) * 4 + ("int64",)), pointers, words, tiles)
    join = joined(first, parts, groups, m, o, length, (o * m, m), out.dtype)
    return Plan((*steps, product, join), out.shape, out.dtype, tuple(scratch))


def channels_last(planes, channels) -> bool:
    """Say whether channels lie side by side and places in even steps."""
    (d, h, w), (depth, height, width) = planes.strides, planes.cells
    return (
        (planes.c == 1 or channels == 1)
        and width > 1
        and (height == 1 or h == w * width)
        and (depth == 1 or d == h * height)
    )


def turned(planes, buffer, images, outer, inner, strides, dtype):
    """Return (step, result, scratch) of a copy [image][outer][place][inner]; `strides` over outer and inner."""
    (d, h, w), (sd, sh, sw) = planes.cells, planes.strides
    height, width = h, w
    total, pitch = d * h * w, up(inner, 4)
    if sw == 1 and (h == 1 or sh == w) and (d == 1 or sd == h * w):
        d, h, w, sd, sh = 1, 1, total, 0, 0
    rows, grain = images * outer * d * h, max(1, GRAIN // (w * inner))
    words = (rows, grain, outer, inner, pitch, d, h, w, planes.n, *strides, sd, sh, sw)
    step = Step(Kernel("window_transpose", (dtype,) * 2), (planes.buffer, buffer), words, -(-rows // grain))
    result = Turned(buffer, outer * total * pitch, total * pitch, (height * width * pitch, width * pitch, pitch))
    return step, result, ((images * outer * total * pitch,), dtype)


def walk_words(axes, strides):
    """Return the words of a walk over the window: cells along h and w, what a cell adds along each axis."""
    return [axes[1].window, axes[2].window, *(a.dilation * s for a, s in zip(axes, strides))]


def chunks(images, most):
    """Return (images per chunk, chunks) for at most `most` chunks."""
    chunk = -(-images // max(1, min(images, most)))
    return chunk, -(-images // chunk)


def product_words(left, right, axes, sizes, dtype):
    """Return (words, tiles, chunks of images, sums per tile, table entries per tile, length of a row of results)."""
    images, groups, o, c = sizes
    m, t, cells = c * prod(a.window for a in axes), prod(a.positions for a in axes), prod(a.window for a in axes)
    wanted = max(1, min(TILES, images * groups * m * o * t // WORK))
    block, row_block = evenly(o, BLOCK, 32), evenly(m, 96, PANEL)
    blocks, row_blocks = -(-o // block), -(-m // row_block)
    have = groups * blocks * row_blocks
    chunk, parts = chunks(images, wanted // have)
    grain = -(-have * parts // wanted)
    depth, pitch = min(t, DEPTH), pitch_of(block, dtype)
    # 16 more: rows of a power of two would share a few lines of the cache when they are turned.
    space, table, length = PANEL * pitch, row_block + PANEL + 2 * depth, up(o, 16) + 16
    words = [have * parts, grain, blocks, row_blocks, groups, images, chunk, m, row_block, o, block, t, depth]
    words += [axes[1].positions, axes[2].positions, cells, pitch, left.n, c * left.c, left.c]
    words += [a.stride * s for a, s in zip(axes, left.strides)]
    words += [right.n, right.c, right.strides[2], space, table, length]
    return (*words, *walk_words(axes, left.strides)), -(-have * parts // grain), parts, space, table, length


def by_groups(steps, scratch, left, right, axes, sizes, out) -> Plan:
    """Many small groups: both factors with their groups last, multiplied side by side."""
    images, groups, o, c = sizes
    first = 3 + len(scratch)
    x_step, x, x_size = turned(left, first, images, c, groups, (left.c, c * left.c), out.dtype)
    y_step, y, y_size = turned(right, first + 1, images, o, groups, (right.c, o * right.c), out.dtype)
    cells, positions = prod(a.window for a in axes), tuple(a.positions for a in axes)
    m, length = c * cells, up(groups, 16)
    work = images * prod(positions) * m * o * groups
    chunk, parts = chunks(images, min(TILES // m, work // WORK))
    grain = -(-m * parts // max(1, min(TILES, work // WORK)))
    words = [m * parts, grain, images, chunk, groups, c, o, cells, *positions, x.n, x.c]
    words += [a.stride * s for a, s in zip(axes, x.strides)]
    words += [y.n, y.c, y.strides[2], length, *walk_words(axes, x.strides)]
    pointers = (first, first + 1, first + 2)
    product = Step(Kernel("window_weight_groups", (out.dtype,) * 3), pointers, tuple(words), -(-m * parts // grain))
    join = joined(first + 2, parts, o, m, groups, length, (m, o * m), out.dtype)
    scratch = (*scratch, x_size, y_size, ((parts * o * m * length,), out.dtype))
    return Plan((*steps, x_step, y_step, product, join), out.shape, out.dtype, scratch)


def joined(buffer, parts, groups, m, o, length, out_strides, dtype):
    """Return the step that adds the parts of the sums and puts the output channel first."""
    units = groups * -(-o // 16)
    grain = max(1, GRAIN // (min(o, 16) * m * parts))
    words = (parts, groups, m, o, grain, length, *out_strides)
    return Step(Kernel("window_join", (dtype,) * 2), (buffer, 2), words, -(-units // grain))
