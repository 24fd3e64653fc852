"""Sliding windows: where each cell of a window looks, which padded copies are made, how the work is cut into tiles.

Everything is planned over three spatial axes d, h, w; missing ones have length 1.
"""

from itertools import product
from math import gcd, prod
from typing import NamedTuple

from .multiplying import PANEL, TILES, WORK, evenly, pitch_of
from .plan import GRAIN, Kernel, Plan, Step, planner

BLOCK = 256  # positions at once
FOOTPRINT = 1 << 17  # numbers of the right factor that a block of positions may touch: half a second-level cache


class Axis(NamedTuple):
    """One spatial axis of a call: lengths of the input, the window and the output, and how the window moves."""

    size: int
    window: int
    positions: int
    stride: int
    before: int
    dilation: int

    @property
    def phases(self) -> int:
        """How many remainders of the stride the cells of a window fall on."""
        return min(self.window, self.stride // gcd(self.stride, self.dilation))

    @property
    def reach(self) -> int:
        """Cells from the first that a window sees to the last that any window sees."""
        return (self.positions - 1) * self.stride + self.dilation * (self.window - 1) + 1


def axes_of(size, window, positions, attrs):
    """Return the three axes of a call."""
    given = zip(size, window, positions, attrs["stride"], (p[0] for p in attrs["padding"]), attrs["dilation"])
    return (Axis(1, 1, 1, 1, 0, 1),) * (3 - len(size)) + tuple(Axis(*one) for one in given)


class Cells(NamedTuple):
    """How one axis of a product walks its cells: number i is at i * left in the weight, and in the planes at
    (i % phases) * phase + (i * apart // stride) * step."""

    count: int
    left: int
    apart: int
    stride: int
    phases: int
    phase: int
    step: int


class Planes(NamedTuple):
    """Where the planes of a factor lie: buffer, strides over images, channels and (d, h, w), cells of (d, h, w)."""

    buffer: int
    n: int
    c: int
    strides: tuple
    cells: tuple


def spatial(strides):
    """Return the strides of three spatial axes."""
    return (0,) * (3 - len(strides)) + tuple(strides)


def rows_of(cells):
    """Return the strides of planes that lie row by row."""
    return cells[1] * cells[2], cells[2], 1


def planes_of(x, buffer) -> Planes:
    """Return an input's planes as they lie in memory."""
    return Planes(buffer, *x.strides[:2], spatial(x.strides[2:]), (1,) * (5 - x.ndim) + tuple(x.shape[2:]))


def in_rows(planes) -> bool:
    """Say whether planes lie row by row, without gaps."""
    wanted = rows_of(planes.cells)
    return all(n == 1 or s == w for n, s, w in zip(planes.cells, planes.strides, wanted))


def padded(x, planes, buffer, cells, before, stride=(1, 1, 1), dilation=(1, 1, 1), phases=(1, 1, 1)):
    """Return (step that copies x into zeros, phase by phase, the planes of the copy, its scratch)."""
    n, c = x.shape[:2]
    plane = prod(cells) * prod(phases)
    grain = max(1, GRAIN // plane)
    words = [n * c, grain, c, planes.n, planes.c, *planes.strides]
    for one in zip(planes.cells, stride, dilation, before, phases, cells):
        words += one
    step = Step(Kernel("window_pad", (x.dtype,) * 2), (planes.buffer, buffer), tuple(words), -(-n * c // grain))
    return step, Planes(buffer, c * plane, plane, rows_of(cells), cells), ((n * c * plane,), x.dtype)


def empty(out):
    """Return the plan of a result without terms."""
    return Plan((), out.shape, out.dtype, zero=True)


@planner("conv_output")
def conv_output(inputs, attrs, out) -> Plan:
    """Weights (o, (c, cell)) times planes ((c, cell), position), per image and group."""
    x, w = inputs
    if not out.size or not x.size or not w.size:
        return empty(out)
    axes = axes_of(x.shape[2:], w.shape[2:], out.shape[2:], attrs)
    steps, scratch, planes = [], [], planes_of(x, 0)
    if any(a.stride > 1 for a in axes) or any(sum(p) for p in attrs["padding"]) or not in_rows(planes):
        cells = tuple(a.positions + a.dilation * (a.window - 1) // a.stride for a in axes)
        moves = [tuple(getattr(a, name) for a in axes) for name in ("before", "stride", "dilation", "phases")]
        step, planes, size = padded(x, planes, 3, cells, *moves)
        steps, scratch = [step], [size]
    phase = prod(planes.cells) * prod(a.phases for a in axes)
    walk = []
    for a, left, step in zip(axes, spatial(w.strides[2:]), planes.strides):
        phase //= a.phases
        walk.append(Cells(a.window, left, a.dilation, a.stride, a.phases, phase, step))
    o, c, groups = out.shape[1] // attrs["groups"], w.shape[1], attrs["groups"]
    positions = tuple(a.positions for a in axes)
    size = prod(positions)
    result = (out.shape[1] * size, o * size, size, 0, *rows_of(positions))
    left = (o * w.strides[0], w.strides[0], w.strides[1])
    return products(steps, scratch, [(walk, 0, 0, positions, result)], left, planes, (o, c, groups, x.shape[0]), out)


@planner("conv_input_grad")
def conv_input_grad(inputs, attrs, out) -> Plan:
    """Per remainder of the stride: weights (c, (o, cell)) times planes of y ((o, cell), place)."""
    y, w = inputs
    if not out.size or not y.size or not w.size:
        return empty(out)
    axes = axes_of(out.shape[2:], w.shape[2:], y.shape[2:], attrs)
    ways = [remainders(a) for a in axes]
    before = tuple(max(0, *(-way.last for way in own)) for own in ways)
    cells = tuple(
        max(a.positions + b, *(way.places + way.first + b for way in own)) for a, own, b in zip(axes, ways, before)
    )
    steps, scratch, planes = [], [], planes_of(y, 0)
    if cells != planes.cells or not in_rows(planes):
        step, planes, size = padded(y, planes, 3, cells, before)
        steps, scratch = [step], [size]
    o, c, groups = w.shape[0] // attrs["groups"], w.shape[1], attrs["groups"]
    sizes, lefts = tuple(a.size for a in axes), spatial(w.strides[2:])
    size, strides = prod(sizes), rows_of(tuple(a.size for a in axes))
    parts = []
    for way in product(*ways):
        walk = [
            Cells(r.cells, r.step * left, -r.shift, 1, 1, 0, step) for r, left, step in zip(way, lefts, planes.strides)
        ]
        start = sum(r.cell * left for r, left in zip(way, lefts))
        first = sum((r.first + b) * step for r, b, step in zip(way, before, planes.strides))
        at = sum(r.remainder * s for r, s in zip(way, strides))
        result = (out.shape[1] * size, c * size, size, at, *(a.stride * s for a, s in zip(axes, strides)))
        parts.append((walk, start, first, tuple(r.places for r in way), result))
    left = (o * w.strides[0], w.strides[1], w.strides[0])
    return products(steps, scratch, parts, left, planes, (c, o, groups, y.shape[0]), out)


class Remainder(NamedTuple):
    """The places s * q + remainder of an axis: they see position q + first through `cell`, and through every later
    cell by `step` a position that is less by `shift`."""

    remainder: int
    places: int
    cells: int
    cell: int
    step: int
    first: int
    shift: int

    @property
    def last(self) -> int:
        return self.first - (self.cells - 1) * self.shift if self.cells else 0


def remainders(axis) -> list:
    """Return the remainders of the stride; position * stride = place + before - cell * dilation must be whole."""
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
        out.append(Remainder(r, places, count, cell if count else 0, step, first, step * axis.dilation // axis.stride))
    return out


def products(steps, scratch, parts, left, planes, sizes, out) -> Plan:
    """Add one product per part: (walk of the cells, where both factors start, positions, where the results go)."""
    space, table, made = 0, 0, []
    for walk, a_start, b_start, positions, result in parts:
        words, tiles, need, entries = product_words(
            prod(c.count for c in walk), positions, result, left, planes, sizes, out.dtype
        )
        words += [a_start, b_start, *(c.count for c in walk), *(word for c in walk for word in c[1:])]
        made.append((tuple(words), tiles))
        space, table = max(space, need * tiles), max(table, entries * tiles)
    work = 3 + len(scratch)
    kernel = Kernel("window_product", (out.dtype,) * 4 + ("int64",))
    steps = [*steps, *(Step(kernel, (1, planes.buffer, 2, work, work + 1), words, tiles) for words, tiles in made)]
    return Plan(tuple(steps), out.shape, out.dtype, (*scratch, ((space,), out.dtype), ((table,), "int64")))


def product_words(cells, positions, result, left, planes, sizes, dtype):
    """Return (words, tiles, sums per tile, table entries per tile) of one product."""
    m, channels, groups, images = sizes
    h_cells, w_cells = planes.cells[1:]
    n = ((positions[0] - 1) * h_cells + positions[1] - 1) * w_cells + positions[2]
    k, results = channels * cells, images * groups * m * n
    block = evenly(n, max(64, min(BLOCK, FOOTPRINT // channels // 32 * 32)), 32)
    wanted = max(1, min(TILES, max(results * k // WORK, results // GRAIN)))
    have, row_block = images * groups * -(-n // block), evenly(m, 1024, PANEL)
    if have < wanted:
        row_block = evenly(m, max(24, -(-m // -(-wanted // have))), PANEL)
    blocks, row_blocks = -(-n // block), -(-m // row_block)
    units = images * groups * blocks * row_blocks
    grain, pitch = -(-units // wanted), pitch_of(block, dtype)
    space, table = PANEL * pitch, row_block + PANEL + 2 * k + 3 * (block // w_cells + 2)
    words = [units, grain, blocks, row_blocks, groups, m, row_block, channels, k, block, pitch, *left]
    words += [planes.n, channels * planes.c, planes.c, *result, h_cells, w_cells, *positions[1:], n, space, table]
    return words, -(-units // grain), space, table


@planner("pool_argmax")
def pool_argmax(inputs, attrs, out) -> Plan:
    """Rows of positions, shared over the tiles."""
    (x,) = inputs
    if not out.size:
        return Plan((), out.shape, out.dtype)
    axes = axes_of(x.shape[2:], attrs["window"], out.shape[2:], attrs)
    nd, nh, nw = (a.positions for a in axes)
    rows = x.shape[0] * x.shape[1] * nd * nh
    grain = max(1, GRAIN // (nw * prod(attrs["window"])))
    words = [rows, grain, x.shape[1], *x.strides[:2]]
    for a, stride in zip(axes, spatial(x.strides[2:])):
        words += [stride, a.size, a.window, a.stride, a.before, a.dilation, a.positions]
    tiles = -(-rows // grain)
    step = Step(Kernel("pool_argmax", (x.dtype, "int64", x.dtype)), (0, 1, 2), tuple(words), tiles)
    return Plan((step,), out.shape, out.dtype, (((tiles * nw,), x.dtype),))
