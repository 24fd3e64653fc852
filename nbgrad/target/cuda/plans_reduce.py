"""Reductions cut for a device: into as many chunks as keep all its threads busy, by lengths alone."""

from math import prod

from ...plan import reducing
from ...plan.folding import Axis, Cut, plan_axes
from ...plan.mapping import Body, Reduced
from ...plan.plan import Kernel, Plan, Step
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


def plan_arg(largest, x, axis, out) -> Plan:
    """Plan an index reduction along one axis, as `plan.reducing.plan_arg`; the words are those of `arg_text`."""
    m, n = out.size, x.shape[axis]
    if m == 0:
        return Plan((), out.shape, out.dtype)
    kept, run = reducing.dims(x, (axis,))[0], reducing.Dim(n, x.strides[axis])
    column = _inner(kept, [run])
    rows = column is run
    size = _rows(None, n, m) if rows else -(-_columns(None, n, m, column.length)[1] // min(column.length, TOGETHER))
    size = n if n < 2 * size else size
    chunks, others = -(-n // size), [d for d in kept if rows or d is not column] or [reducing.Dim(1, 0)]
    words = [prod(d.length for d in others) * chunks, chunks, m, n, run.step, size, *([] if rows else column), len(others)]
    words += [*[d.length for d in others], *[d.step for d in others], *([] if rows else [d.to for d in others])]
    found = (x.dtype, "int64") if chunks > 1 else ("int64",)
    kernel = Kernel("arg_rows" if rows else "arg_columns", (x.dtype, *found), largest)
    first = Step(kernel, (0, 2, 3) if chunks > 1 else (0, 1), tuple(words), 1)
    if chunks == 1:
        return Plan((first,), out.shape, "int64")
    last = Step(Kernel("arg_finish", (x.dtype, "int64", "int64"), largest), (2, 3, 1), (m, chunks), 1)
    return Plan((first, last), out.shape, "int64", (((m * chunks,), x.dtype), ((m * chunks,), "int64")))
