"""Pooling: rows of positions, or planes, shared over the tiles."""

from math import prod

from .plan import GRAIN, Kernel, Plan, Step, planner
from .windowing import axes_of, spatial

CELLS = 16  # of a window, at most, for which loops over its cells are written out
TILES = 256  # at most: each has a row of values and places as scratch


@planner("pool_max")
def pool_max(inputs, attrs, out) -> Plan:
    """Plan the largest value of each window."""
    (x,) = inputs
    if not out.size:
        return Plan((), out.shape, out.dtype)
    axes = axes_of(x.shape[2:], attrs["window"], out.shape[2:], attrs)
    rows, grain = _rows(x, axes, attrs)
    if tiled(x, axes):
        step = tiled_step("pool_max_tiled", (x.dtype, out.dtype), axes, prod(rows), grain)
        return Plan((step,), out.shape, out.dtype)
    words = (prod(rows), grain, *axis_words(x, axes))
    kernel = Kernel("pool_max", (x.dtype, out.dtype), None, (x.dtype, _step(x, axes)))
    return Plan((Step(kernel, (0, 1), words, -(-prod(rows) // grain)),), out.shape, out.dtype)


@planner("pool_pick", contiguous=(True, False))
def pool_pick(inputs, attrs, out) -> Plan:
    """Plan what stands where each window is largest, row by row of positions."""
    return _where_largest("pool_pick", *inputs, inputs[0].shape[2:], out.shape[2:], attrs, out)


@planner("pool_unpick", contiguous=(True, False))
def pool_unpick(inputs, attrs, out) -> Plan:
    """Plan the adjoint of `pool_pick`, plane by plane."""
    return _where_largest("pool_unpick", *inputs, out.shape[2:], inputs[0].shape[2:], attrs, out)


def _where_largest(name, v, x, size, positions, attrs, out):
    if not out.size or not v.size:
        return Plan((), out.shape, out.dtype, zero=True)
    axes = axes_of(size, attrs["window"], positions, attrs)
    (planes, rows), grain = _rows(x, axes, attrs)
    if name == "pool_unpick" and tiled(x, axes) and axes[1].window > 1 and out.dtype.startswith("float"):
        return Plan((tiled_step("pool_unpick_tiled", (v.dtype, x.dtype, out.dtype), axes, planes * rows, grain),), out.shape, out.dtype)
    units = planes * rows
    if name == "pool_unpick":
        units, grain = planes, max(-(-grain // rows), -(-planes // TILES))
    tiles, nw = -(-units // grain), axes[2].positions
    words = (units, grain, prod(size), rows, nw, *axis_words(x, axes))
    kernel = Kernel(name, (v.dtype, x.dtype, out.dtype, x.dtype, "int64"), None, (x.dtype, _step(x, axes)))
    scratch = (((tiles * nw,), x.dtype), ((tiles * nw,), "int64"))
    return Plan((Step(kernel, (0, 1, 2, 3, 4), words, tiles),), out.shape, out.dtype, scratch)


def tiled(x, axes) -> bool:
    """Say whether windows of two axes, without gaps or overlaps, cover all of a contiguous input."""
    d, h, w = axes
    fits = all(a.window == a.stride and not a.before and a.dilation == 1 and a.positions * a.window == a.size for a in (h, w))
    return fits and d.window == d.size == 1 and h.window * w.window <= CELLS and x.contiguous


def tiled_step(loop, dtypes, axes, rows, grain) -> Step:
    """Return a pass over windows that tile planes. Words: rows of windows, rows per tile, windows per row, numbers per row."""
    _, h, w = axes
    kernel, words = Kernel(loop, dtypes, None, (h.window, w.window)), (rows, grain, w.positions, w.size)
    return Step(kernel, tuple(range(len(dtypes))), words, -(-rows // grain))


def _rows(x, axes, attrs):
    """Return ((planes, rows of positions in each), rows per tile)."""
    rows = axes[0].positions * axes[1].positions
    planes = x.shape[0] * x.shape[1]
    return (planes, rows), max(1, GRAIN // (axes[2].positions * prod(attrs["window"])), -(-planes * rows // TILES))


def _step(x, axes):
    """Return the distance in x of neighbouring positions where the compiler should know it, else 0."""
    step = spatial(x.strides[2:])[2] * axes[2].stride
    return step if step in (1, 2) else 0


def axis_words(x, axes) -> list:
    """Return words: channels, strides of x over images and channels, then what `pool_max` asks of each axis."""
    words = [x.shape[1], *x.strides[:2]]
    for a, stride in zip(axes, spatial(x.strides[2:])):
        words += [stride, a.size, a.window, a.stride, a.before, a.dilation, a.positions]
    return words
