"""Plans of cross entropy: losses of lines, their sums in parts of samples, and the gradient."""

from ...plan.entropy import options
from ...plan.plan import Kernel, Plan, Step
from ...plan.rows import extents, finished, nothing
from .plans import planner
from .plans_rows import over_lines

PART = 1 << 13  # samples whose losses a block of threads adds up


def lines_of(x, axis) -> tuple:
    """Return (lengths as (outer, classes, inner), the axis of classes among them)."""
    return extents(x.shape, (axis,)), (1,)


@planner("class_entropy", contiguous=True)
def class_entropy(inputs, attrs, outs) -> Plan:
    """Inputs x, labels, weight; outputs loss, stats; scratch losses, sums and places of wrong labels by part."""
    x, samples, alone = inputs[0], inputs[1].size, attrs["reduction"] == "none"
    losses = 3 if alone else 5
    kinds = (x.dtype, "int64", x.dtype, x.dtype, "float64")
    first = over_lines("entropy_lines", kinds, *lines_of(x, attrs["axis"]), (attrs["logs"], attrs["spread"] > 0.0), 1, options(attrs))
    first = first._replace(pointers=(0, 1, 2, losses, 4))
    parts = max(1, -(-samples // PART))
    words = (parts, samples, x.shape[attrs["axis"]], *options(attrs)[:2], PART)
    mode = (attrs["reduction"] == "mean", not alone)
    kinds = (x.dtype, "int64", x.dtype, "float64", "int64", x.dtype, "float64")
    sums = Step(Kernel("entropy_sums", kinds, None, (*mode, parts == 1)), (losses, 1, 2, 6, 7, 3, 4), words, parts)
    join = Step(Kernel("entropy_join", ("float64", "int64", x.dtype, "float64"), None, mode), (6, 7, 3, 4), (parts, samples), 1)
    steps = (*([first] if samples else []), sums, *([join] if parts > 1 else []))
    return finished(steps, outs, (((samples,), x.dtype), ((2 * parts,), "float64"), ((parts,), "int64")))


@planner("class_entropy_grad", contiguous=True)
def class_entropy_grad(inputs, attrs, out) -> Plan:
    """Inputs u, x, labels, weight, stats."""
    x, reduction = inputs[1], attrs["reduction"]
    if not out.size:
        return nothing(out)
    static = (attrs["logs"], attrs["spread"] > 0.0, reduction != "none", reduction == "mean")
    kinds = (x.dtype, x.dtype, "int64", x.dtype, "float64", x.dtype)
    return finished([over_lines("entropy_grad_lines", kinds, *lines_of(x, attrs["axis"]), static, 1, options(attrs))], out)


@planner("soft_entropy", contiguous=True)
def soft_entropy(inputs, attrs, outs) -> Plan:
    """Inputs x and probabilities, classes last; outputs losses, whole."""
    x = inputs[0]
    kinds = (x.dtype,) * 3 + ("float64",)
    return finished([over_lines("soft_entropy_lines", kinds, x.shape, (x.ndim - 1,))] if x.size else (), outs)


@planner("soft_entropy_grad", contiguous=True)
def soft_entropy_grad(inputs, attrs, outs) -> Plan:
    """Inputs u, x, probabilities, whole; outputs for x and the probabilities."""
    x = inputs[1]
    kinds = (x.dtype,) * 3 + ("float64", x.dtype, x.dtype)
    step = [over_lines("soft_entropy_grad_lines", kinds, x.shape, (x.ndim - 1,), (attrs["both"],), 2)] if x.size else ()
    return finished(step, outs)
