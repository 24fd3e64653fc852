"""Reductions cut for a device: into as many chunks as keep all its threads busy, by lengths alone."""

from math import prod

from ...plan import reducing
from ...plan.folding import Axis, Cut, plan_axes
from ...plan.mapping import Body, Reduced
from ...plan.plan import Plan
from ...plan.reducing import nearest
from .grids import BUSY

NARROW = 8  # numbers that a memory brings at once, or more: fewer neighbours are no reason to loop along an axis
BLOCK = 1 << 10  # numbers worth a block
SHORT = 1 << 13  # numbers of a result that are not cut: a second launch takes longer than a block for so many
LEAST, MOST = 1 << 11, 1 << 14  # numbers of a chunk: a block's threads have some each, and few enough that sums stay exact
TOGETHER = 32  # columns that are taken together, at least


def _chunk(numbers):
    return max(LEAST, min(MOST, numbers // BUSY))


def _inner(kept, fold) -> Axis:
    """Return the axis along which neighbouring threads walk: a folded one, or columns that give a block enough to do."""
    n = prod(a.length for a in fold)
    run, column = nearest(fold, NARROW), nearest(kept, BLOCK // n) if kept else None
    return run if column is None or column.length == 1 or nearest([run, column], 1) is run else column


def _rows(body, n, m):
    return n if n < SHORT else _chunk(n * m)


def _columns(body, n, m, width):
    wide = min(width, TOGETHER)
    return wide, n * wide if n * wide < SHORT else _chunk(n * m)


CUT = Cut(_inner, _rows, _columns)


def plan_reduce(op, x, axes, out, acc) -> Plan:
    """Plan a reduction, as `plan.reducing.plan_reduce`: the loops are those of rows whose values are folded, without the rows."""
    if out.size == 0 or prod(x.shape[a] for a in axes) == 0:
        return reducing.plan_reduce(op, x, axes, out, acc)
    kept, fold = [[Axis(d.length, d.step, d.to, (d.step,)) for d in found] for found in reducing.dims(x, axes)]
    body = Body((), (), False, (Reduced(op, 0, x.dtype, acc, out.dtype),))
    plan = plan_axes(body, kept, fold, (x,), (), CUT)
    first = plan.steps[0]
    first = first._replace(kernel=first.kernel._replace(loop=first.kernel.loop.removeprefix("map_")))
    return plan._replace(steps=(first, *plan.steps[1:]), shape=out.shape, dtype=out.dtype)
