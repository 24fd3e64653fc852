"""Plans of scans: one element after the other along an axis, lines side by side."""

from .gathering import split_shape
from .placing import per_tile
from .plan import GRAIN, Kernel, Plan, Step, planner

COLUMNS = 32  # columns that one tile takes at least: whole cache lines


def columns(n: int, inner: int) -> tuple:
    """Return (blocks, block): how `inner` columns of a scan of `n` rows are shared out."""
    block = min(inner, max(COLUMNS, GRAIN // max(1, n)))
    return -(-inner // block), block


def scan(loop, kinds, inputs, axis, reverse, out, static=()) -> Plan:
    """Plan a scan over `axis` of inputs of one shape.

    Kernel words: units, units per tile, blocks per outer, columns per block, length, columns, first element, step.
    """
    if out.size == 0:
        return Plan((), out.shape, out.dtype)
    outer, n, inner = split_shape(out.shape, axis)
    blocks, block = columns(n, inner)
    units, grain = outer * blocks, per_tile(2 * n * block)
    words = (units, grain, blocks, block, n, inner, (n - 1) * inner if reverse else 0, -inner if reverse else inner)
    kernel = Kernel(loop, kinds, None, (*static, inner == 1))
    return Plan((Step(kernel, tuple(range(len(inputs) + 1)), words, -(-units // grain)),), out.shape, out.dtype)


@planner("running_sum", contiguous=True)
def plan_running_sum(inputs, attrs, out) -> Plan:
    """Running sums."""
    return scan("running_sum", (out.dtype, out.dtype), inputs, attrs["axis"], attrs["reverse"], out)


@planner("recurrence", contiguous=True)
def plan_linear_recurrence(inputs, attrs, out) -> Plan:
    """s = a * s + b along an axis."""
    return scan("linear_recurrence", (out.dtype,) * 3, inputs, attrs["axis"], attrs["reverse"], out)


@planner("running_arg", contiguous=True)
def plan_running_arg(inputs, attrs, out) -> Plan:
    """Where the extreme so far was met."""
    mode = "max" if attrs["largest"] else "min"
    return scan("running_arg", (inputs[0].dtype, "int64"), inputs, attrs["axis"], False, out, (mode,))
