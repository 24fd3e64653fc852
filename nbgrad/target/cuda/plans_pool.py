"""Pooling where a thread takes one window, or one number of the input."""

from math import prod

from ...plan.plan import Kernel, Plan, Step
from ...plan.pooling import axis_words, tiled, tiled_step
from ...plan.windowing import axes_of
from .plans import planner


@planner("pool_pick", contiguous=(True, False))
def pool_pick(inputs, attrs, out) -> Plan:
    """What stands where each window is largest. Words: windows, numbers of a plane, then as of `pool_max`."""
    v, x = inputs
    if not out.size:
        return Plan((), out.shape, out.dtype)
    axes = axes_of(x.shape[2:], attrs["window"], out.shape[2:], attrs)
    words = (out.size, prod(x.shape[2:]), *axis_words(x, axes))
    return Plan((Step(Kernel("pool_pick", (v.dtype, x.dtype, out.dtype)), (0, 1, 2), words, 1),), out.shape, out.dtype)


@planner("pool_unpick", contiguous=(True, False))
def pool_unpick(inputs, attrs, out) -> Plan:
    """The adjoint: where each window is largest, then every number of the input adds up what it gets, window after window.

    Words of the first step: windows, 0, then as of `pool_max`; of the second the numbers of the input instead.
    """
    g, x = inputs
    if not out.size or not g.size:
        return Plan((), out.shape, out.dtype, zero=True)
    axes = axes_of(x.shape[2:], attrs["window"], g.shape[2:], attrs)
    if tiled(x, axes):
        rows = prod(g.shape[:-1])
        return Plan((tiled_step("pool_unpick_tiled", (g.dtype, x.dtype, out.dtype), axes, rows, 1),), out.shape, out.dtype)
    size = prod(x.shape[2:])
    places = Step(Kernel("pool_places", (x.dtype, "int64")), (1, 3), (g.size, size, *axis_words(x, axes)), 1)
    collect = Kernel("pool_collect", (g.dtype, "int64", out.dtype))
    step = Step(collect, (0, 3, 2), (out.size, size, *axis_words(x, axes)), 1)
    return Plan((places, step), out.shape, out.dtype, (((g.size,), "int64"),))
