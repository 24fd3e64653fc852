"""Reductions cut for a device: into as many chunks as keep all its threads busy, by lengths alone."""

from math import prod

from ...plan import reducing
from ...plan.cutting import DEVICE
from ...plan.folding import Axis, plan_axes
from ...plan.mapping import Body, Reduced
from ...plan.plan import Kernel, Plan, Step


def plan_reduce(op, x, axes, out, acc) -> Plan:
    """Plan a reduction, as `plan.reducing.plan_reduce`: the loops are those of rows whose values are folded, without the rows."""
    if out.size == 0 or prod(x.shape[a] for a in axes) == 0:
        return reducing.plan_reduce(op, x, axes, out, acc)
    kept, fold = [[Axis(d.length, d.step, d.to, (d.step,)) for d in found] for found in reducing.dims(x, axes)]
    body = Body((), (), False, (Reduced(op, 0, x.dtype, acc, out.dtype),))
    plan = plan_axes(body, kept, fold, (x,), (), DEVICE)
    first = plan.steps[0]
    first = first._replace(kernel=first.kernel._replace(loop=first.kernel.loop.removeprefix("map_")))
    return plan._replace(steps=(first, *plan.steps[1:]), shape=out.shape, dtype=out.dtype)


def _size(n, m, width):
    """Return how many of `n` numbers make a chunk, of runs or of so many columns."""
    if width is None:
        return DEVICE.rows(None, n, m)
    wide, most = DEVICE.columns(None, n, m, width)
    return -(-most // wide)


def plan_arg(largest, x, axis, out) -> Plan:
    """Plan an index reduction along one axis, as `plan.reducing.plan_arg`; the words are those of `arg_text`."""
    m, n = out.size, x.shape[axis]
    if m == 0:
        return Plan((), out.shape, out.dtype)
    kept, run = reducing.dims(x, (axis,))[0], reducing.Dim(n, x.strides[axis])
    column = DEVICE.inner(kept, [run])
    rows = column is run
    size = _size(n, m, None if rows else column.length)
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
