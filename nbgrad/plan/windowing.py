"""Sliding windows: where each cell of a window looks, which padded copies are made, how the work is cut into tiles.

Everything is planned over three spatial axes; missing ones have length 1.
"""

from itertools import product
from math import prod

from .multiplying import PANEL, TILES, WORK, evenly, pitch_of, up
from .plan import GRAIN, Kernel, Plan, Step, planner

BLOCK = 256  # positions at once
FOOTPRINT = 1 << 17  # numbers of the right factor that a block of positions may touch: half a second-level cache
DEPTH = 512  # positions summed at once in a weight gradient


class Axes:
    """The three spatial axes of a call: window, stride, padding before, dilation, size and positions of each."""

    def __init__(self, window, attrs, size, positions):
        missing = 3 - len(window)
        ones, zeros = (1,) * missing, (0,) * missing
        self.window, self.size, self.positions = ones + tuple(window), ones + tuple(size), ones + tuple(positions)
        self.stride, self.dilation = ones + tuple(attrs["stride"]), ones + tuple(attrs["dilation"])
        self.before = zeros + tuple(p[0] for p in attrs["padding"])

    def cells(self):
        """Return (d, h, w) of each cell of the window, in order."""
        return list(product(*map(range, self.window)))


def spatial(strides):
    """Return the strides of three spatial axes."""
    return (0,) * (3 - len(strides)) + tuple(strides)


class Planes:
    """Where one factor's planes lie: buffer, strides over images and channels, and cells (d, h, w) of a phase."""

    def __init__(self, buffer, n, c, cells, phases=((0,), (0,), (0,)), before=(0, 0, 0)):
        self.buffer, self.n, self.c, self.cells, self.phases, self.before = buffer, n, c, cells, phases, before

    def offset(self, place, stride):
        """Return where a place (of the padded axes) is, for positions that advance by `stride`."""
        total = 0
        for p, s, phases, cells in zip(place, stride, self.phases, self.cells):
            total = total * len(phases) + phases.index(p % s)
        for p, s, cells in zip(place, stride, self.cells):
            total = total * cells + p // s
        return total


def padded(x, buffer, axes_stride, before, cells, phases):
    """Return (step that copies x into padded phases, Planes of the copy, its scratch)."""
    n, c = x.shape[:2]
    size, strides = (1,) * (5 - x.ndim) + x.shape[2:], spatial(x.strides[2:])
    plane = prod(cells) * prod(map(len, phases))
    grain = max(1, GRAIN // plane)
    words = [n * c, grain, c, *x.strides[:2], *strides]
    for axis in range(3):
        words += [size[axis], axes_stride[axis], before[axis], len(phases[axis]), cells[axis]]
    words += [p for own in phases for p in own]
    step = Step(Kernel("window_pad", (x.dtype,) * 2), (0, buffer), tuple(words), -(-n * c // grain))
    return step, Planes(buffer, c * plane, plane, cells, phases, before), ((n * c * plane,), x.dtype)


def in_rows(x):
    """Say whether the spatial axes of x lie row by row, without gaps."""
    size, strides = (1,) * (5 - x.ndim) + x.shape[2:], spatial(x.strides[2:])
    step = 1
    for n, s in zip(reversed(size), reversed(strides)):
        if n > 1 and s != step:
            return False
        step *= n
    return True


def empty(out):
    return Plan((), out.shape, out.dtype, zero=True)


@planner("conv_output")
def conv_output(inputs, attrs, out) -> Plan:
    """Weights (o, (c, cell)) times planes ((c, cell), position), per image and group."""
    x, w = inputs
    if not out.size or not x.size or not w.size:
        return empty(out)
    axes, groups, w = Axes(w.shape[2:], attrs, x.shape[2:], out.shape[2:]), attrs["groups"], spread_weight(w)
    steps, scratch = [], []
    if max(axes.stride) == 1 and not any(sum(p) for p in attrs["padding"]) and in_rows(x):
        planes = Planes(0, x.strides[0], x.strides[1], axes.size)
    else:
        seen = [[k * d for k in range(n)] for n, d in zip(axes.window, axes.dilation)]
        phases = tuple(tuple(sorted({p % s for p in own})) for own, s in zip(seen, axes.stride))
        cells = tuple(n + max(own) // s for n, own, s in zip(axes.positions, seen, axes.stride))
        step, planes, size = padded(x, 3, axes.stride, axes.before, cells, phases)
        steps, scratch = [step], [size]
    places = [tuple(k * d for k, d in zip(cell, axes.dilation)) for cell in axes.cells()]
    pairs = [(at(w, cell), planes.offset(place, axes.stride)) for cell, place in zip(axes.cells(), places)]
    o, c = w.shape[0] // groups, w.shape[1]
    t = axes.positions
    size = prod(t)
    factor = (o * w.strides[0], w.strides[0], w.strides[1])
    result = (out.shape[1] * size, o * size, size, 0, t[1] * t[2], t[2], 1)
    return finished(steps, scratch, [(pairs, t, result)], factor, planes, (o, c, groups, x.shape[0]), out)


def spread_weight(w):
    """Return the layout of a weight over three spatial axes."""
    missing = 5 - w.ndim
    return w._replace(shape=w.shape[:2] + (1,) * missing + w.shape[2:], strides=w.strides[:2] + (0,) * missing + w.strides[2:])


def at(w, cell):
    """Return where a cell lies in one window of the weight."""
    return sum(i * s for i, s in zip(cell, w.strides[2:]))


@planner("conv_input_grad")
def conv_input_grad(inputs, attrs, out) -> Plan:
    """Per remainder of the stride: weights (c, (o, cell)) times planes of y ((o, cell), place).

    A place s * q + r sees position q + (r + before - cell) / s through the cells for which that is whole.
    """
    y, w = inputs
    if not out.size or not y.size or not w.size:
        return empty(out)
    axes, groups, w = Axes(w.shape[2:], attrs, out.shape[2:], y.shape[2:]), attrs["groups"], spread_weight(w)
    ways = [remainders(*one) for one in zip(axes.size, axes.window, axes.stride, axes.before, axes.dilation)]
    before = tuple(max(0, -min((shift for _, _, own in way for _, shift in own), default=0)) for way in ways)
    cells = tuple(max([n + b, *(count + shift + b for _, count, own in way for _, shift in own)])
                  for n, way, b in zip(axes.positions, ways, before))
    steps, scratch = [], []
    if cells == axes.positions and in_rows(y):
        planes = Planes(0, y.strides[0], y.strides[1], cells)
    else:
        step, planes, size = padded(y, 3, (1, 1, 1), before, cells, ((0,), (0,), (0,)))
        steps, scratch = [step], [size]
    o, c = w.shape[0] // groups, w.shape[1]
    d, h, s = out_strides(axes.size)
    size = prod(axes.size)
    parts = []
    for way in product(*ways):
        (rd, rh, rw), t, own = zip(*way)
        if not prod(t):
            continue
        pairs = [(at(w, tuple(k for k, _ in cell)), planes.offset(tuple(f + b for (_, f), b in zip(cell, before)), (1, 1, 1)))
                 for cell in product(*own)]
        result = (out.shape[1] * size, c * size, size, rd * d + rh * h + rw * s,
                  d * axes.stride[0], h * axes.stride[1], s * axes.stride[2])
        parts.append((pairs, t, result))
    factor = (o * w.strides[0], w.strides[1], w.strides[0])
    return finished(steps, scratch, parts, factor, planes, (c, o, groups, y.shape[0]), out)


def out_strides(size):
    return size[1] * size[2], size[2], 1


def remainders(size, window, stride, before, dilation):
    """Return, per remainder of the stride, (remainder, how many places have it, ((cell, shift), ...))."""
    out = []
    for r in range(min(stride, size)):
        cells = [(k, r + before - k * dilation) for k in range(window)]
        own = tuple((k, f // stride) for k, f in cells if f % stride == 0)
        out.append((r, -(-(size - r) // stride), own))
    return out


def finished(steps, scratch, parts, factor, planes, sizes, out) -> Plan:
    """Add one product per part: (pairs of offsets, positions, where the results go)."""
    m, channels, groups, images = sizes
    space, table = 0, 0
    made = []
    for pairs, t, result in parts:
        words, tiles, need, entries = product_words(pairs, t, result, factor, planes, m, channels, groups, images, out.dtype)
        made.append((words, tiles))
        space, table = max(space, need * tiles), max(table, entries * tiles)
    work = 3 + len(scratch)
    kernel = Kernel("window_product", (out.dtype,) * 4 + ("int64",))
    pointers = (1, planes.buffer, 2, work, work + 1)
    steps = [*steps, *(Step(kernel, pointers, words, tiles) for words, tiles in made)]
    return Plan(tuple(steps), out.shape, out.dtype, (*scratch, ((space,), out.dtype), ((table,), "int64")))


def product_words(pairs, t, result, factor, planes, m, channels, groups, images, dtype):
    """Return (words, tiles, sums per tile, table entries per tile) of one product."""
    h_cells, w_cells = planes.cells[1:]
    n = ((t[0] - 1) * h_cells + t[1] - 1) * w_cells + t[2]
    k = channels * len(pairs)
    largest = max(64, min(BLOCK, up(FOOTPRINT // channels, 32)))
    block, row_block = evenly(n, largest, 32), evenly(m, 1024, PANEL)
    results = images * groups * m * n
    wanted = max(1, min(TILES, max(results * k // WORK, results // GRAIN)))
    have = images * groups * -(-n // block)
    if have < wanted:
        row_block = evenly(m, max(24, -(-m // -(-wanted // have))), PANEL)
    blocks, row_blocks = -(-n // block), -(-m // row_block)
    units = images * groups * blocks * row_blocks
    grain = -(-units // wanted)
    pitch = pitch_of(block, dtype)
    space, table = PANEL * pitch, row_block + PANEL + 2 * k + 3 * (block // w_cells + 2)
    words = [units, grain, blocks, row_blocks, groups, m, row_block, channels, len(pairs), block, pitch, *factor]
    words += [planes.n, channels * planes.c, planes.c, *result, h_cells, w_cells, t[1], t[2], n, space, table]
    return (*words, *(offset for pair in pairs for offset in pair)), -(-units // grain), space, table


@planner("conv_weight_grad")
def conv_weight_grad(inputs, attrs, out) -> Plan:
    """Cells ((c, cell), position) times channels of y (position, o), in chunks of images; then the chunks are added."""
    x, y = inputs
    if not out.size or not x.size or not y.size:
        return empty(out)
    axes, groups = Axes(attrs["window"], attrs, x.shape[2:], y.shape[2:]), attrs["groups"]
    o, c = out.shape[0] // groups, out.shape[1]
    steps, scratch, buffer = [], [], 0
    strides = (*x.strides[:2], *spatial(x.strides[2:]))
    cells = axes.size
    if any(sum(p) for p in attrs["padding"]):
        cells = tuple((t - 1) * s + d * (k - 1) + 1 for t, s, d, k in zip(axes.positions, axes.stride, axes.dilation, axes.window))
        buffer = 3
        step, planes, size = padded(x, buffer, (1, 1, 1), axes.before, cells, ((0,), (0,), (0,)))
        steps, scratch = [step], [size]
        strides = (planes.n, planes.c, *out_strides(cells))
    x = Factor(buffer, x.shape[0], strides, cells, x.dtype)
    y = Factor(1, y.shape[0], (*y.strides[:2], *spatial(y.strides[2:])), axes.positions, y.dtype)
    if o <= 8 and groups >= max(8, 2 * o):
        return by_groups(steps, scratch, x, y, axes, o, c, groups, out)
    if not y.channels_last(o * groups):
        step, y, size = y.turned(3 + len(scratch), groups, o, (o * y.strides[1], y.strides[1]))
        steps, scratch = [*steps, step], [*scratch, size]
        yn, yg = y.strides[0], y.strides[1]
    else:
        yn, yg = y.strides[0], o
    xn, xc, *xs = x.strides
    pairs = places(axes, xs)
    given = (xn, c * xc, xc, *(p * s for p, s in zip(xs, axes.stride)), yn, yg, y.strides[4])
    words, tiles, parts, space, table, length = weight_words(pairs, given, x.images, o, c, groups, axes.positions, out.dtype)
    first, m = 3 + len(scratch), c * len(pairs)
    scratch += [((parts * groups * m * length,), out.dtype), ((space * tiles,), out.dtype), ((table * tiles,), "int64")]
    pointers = (x.buffer, y.buffer, first, first + 1, first + 2)
    steps.append(Step(Kernel("window_weight_product", (out.dtype,) * 4 + ("int64",)), pointers, words, tiles))
    steps.append(joined(first, parts, groups, m, o, length, (o * m, m), out.dtype))
    return Plan(tuple(steps), out.shape, out.dtype, tuple(scratch))


def places(axes, strides):
    """Return the offset of each cell of the window."""
    return [sum(k * d * s for k, d, s in zip(cell, axes.dilation, strides)) for cell in axes.cells()]


class Factor:
    """One factor of a weight gradient: buffer, images, strides over (n, channel, d, h, w), cells of (d, h, w)."""

    def __init__(self, buffer, images, strides, cells, dtype):
        self.buffer, self.images, self.strides, self.cells, self.dtype = buffer, images, strides, cells, dtype

    def channels_last(self, channels):
        """Say whether channels lie side by side and places in even steps."""
        _, c, d, h, w = self.strides
        depth, height, width = self.cells
        return (c == 1 or channels == 1) and width > 1 and (height == 1 or h == w * width) and (depth == 1 or d == h * height)

    def turned(self, buffer, outer, inner, strides):
        """Return (step, Factor, scratch) of a copy [image][outer][place][inner] with `strides` over outer and inner."""
        (d, h, w), (sd, sh, sw) = self.cells, self.strides[2:]
        total, pitch = d * h * w, up(inner, 4)
        if sw == 1 and sh == w and (d == 1 or sd == h * w):
            (d, h, w), (sd, sh) = (1, 1, total), (0, 0)
        rows, grain = self.images * outer * d * h, max(1, GRAIN // (w * inner))
        words = (rows, grain, outer, inner, pitch, d, h, w, self.strides[0], *strides, sd, sh, sw)
        step = Step(Kernel("window_transpose", (self.dtype,) * 2), (self.buffer, buffer), words, -(-rows // grain))
        depth, height, width = self.cells
        new = (outer * total * pitch, total * pitch, height * width * pitch, width * pitch, pitch)
        return step, Factor(buffer, self.images, new, self.cells, self.dtype), ((self.images * outer * total * pitch,), self.dtype)


def by_groups(steps, scratch, x, y, axes, o, c, groups, out) -> Plan:
    """Many small groups: both factors with their groups last, multiplied side by side."""
    x_step, x, x_size = x.turned(3 + len(scratch), c, groups, (x.strides[1], c * x.strides[1]))
    y_step, y, y_size = y.turned(4 + len(scratch), o, groups, (y.strides[1], o * y.strides[1]))
    xn, xc, *xs = x.strides
    pairs = places(axes, xs)
    m, length = c * len(pairs), up(groups, 16)
    work = x.images * prod(axes.positions) * m * o * groups
    chunk = -(-x.images // max(1, min(x.images, TILES // m, work // WORK)))
    parts = -(-x.images // chunk)
    grain = -(-m * parts // max(1, min(TILES, work // WORK)))
    words = [m * parts, grain, x.images, chunk, groups, c, o, len(pairs), *axes.positions]
    words += [xn, xc, *(p * s for p, s in zip(xs, axes.stride)), y.strides[0], y.strides[1], y.strides[4], length, *pairs]
    first = 5 + len(scratch)
    product = Step(Kernel("window_weight_groups", (out.dtype,) * 3), (x.buffer, y.buffer, first), tuple(words), -(-m * parts // grain))
    join = joined(first, parts, o, m, groups, length, (m, o * m), out.dtype)
    scratch = (*scratch, x_size, y_size, ((parts * o * m * length,), out.dtype))
    return Plan((*steps, x_step, y_step, product, join), out.shape, out.dtype, scratch)


def joined(buffer, parts, groups, m, o, length, out_strides, dtype):
    """Return the step that adds the parts of the sums and puts the output channel first."""
    units = groups * -(-o // 16)
    grain = max(1, GRAIN // (min(o, 16) * m * parts))
    words = (parts, groups, m, o, grain, length, *out_strides)
    return Step(Kernel("window_join", (dtype,) * 2), (buffer, 2), words, -(-units // grain))


def weight_words(pairs, strides, images, o, c, groups, positions, dtype):
    """Return (words, tiles, chunks of images, sums per tile, table entries per tile, length of a row of results)."""
    m, t = c * len(pairs), prod(positions)
    wanted = max(1, min(TILES, images * groups * m * o * t // WORK))
    block, row_block = evenly(o, BLOCK, 16), evenly(m, 96, PANEL)
    blocks, row_blocks = -(-o // block), -(-m // row_block)
    have = groups * blocks * row_blocks
    chunk = -(-images // max(1, min(images, wanted // have)))
    parts = -(-images // chunk)
    units = have * parts
    grain = -(-units // wanted)
    depth, pitch = min(t, DEPTH), pitch_of(block, dtype)
    # 16 more: rows of a power of two would share a few lines of the cache when they are turned.
    space, table, length = PANEL * pitch, row_block + PANEL + 2 * depth, up(o, 16) + 16
    words = [units, grain, blocks, row_blocks, groups, images, chunk, m, row_block, o, block, t, depth, positions[1], positions[2]]
    words += [len(pairs), pitch, *strides, space, table, length, *pairs]
    return tuple(words), -(-units // grain), parts, space, table, length


@planner("pool_argmax")
def pool_argmax(inputs, attrs, out) -> Plan:
    """Rows of positions, shared over the tiles."""
    (x,) = inputs
    if not out.size:
        return Plan((), out.shape, out.dtype)
    axes = Axes(attrs["window"], attrs, x.shape[2:], out.shape[2:])
    nd, nh, nw = axes.positions
    rows = x.shape[0] * x.shape[1] * nd * nh
    grain = max(1, GRAIN // (nw * prod(axes.window)))
    words = [rows, grain, x.shape[1], *x.strides[:2]]
    for one in zip(spatial(x.strides[2:]), axes.size, axes.window, axes.stride, axes.before, axes.dilation, axes.positions):
        words += one
    tiles = -(-rows // grain)
    step = Step(Kernel("pool_argmax", (x.dtype, "int64", x.dtype)), (0, 1, 2), tuple(words), tiles)
    return Plan((step,), out.shape, out.dtype, (((tiles * nw,), x.dtype),))
