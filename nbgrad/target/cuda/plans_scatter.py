"""Plans of the loops that write where integers say, on a GPU. Arrays are seen as (outer, indexed axis, inner).

Few indices are looked at by every cell. Otherwise they are put in order, so that each cell finds its own one after the
other; cells with very many take theirs in pieces. Results depend on sizes alone.
"""

from ...plan.gathering import fill_step, split_shape
from ...plan.placing import bits, place_steps
from ...plan.plan import Kernel, Plan, Step
from ...plan.scattering import start_bits
from .plans import planner
from .plans_sort import RUN, digit_steps, short_steps

VERY_FEW = 4  # indices that every cell looks at
FEW = 32  # and so many, where it is not more than LOOKS looks altogether
LOOKS = 1 << 24
COLUMNS = 1 << 16  # columns with indices of their own that are enough for a thread each
PIECE = 64  # sources of a cell at least that are joined one after the other


def order_steps(index, total, cells, limits, scratch) -> tuple:
    """Return (steps, scratch, buffer of the order, buffer of where each cell's part of it begins).

    limits : (n, size, inner) of what the indices, `total` of them, name `cells` cells of.
    """
    order, starts = scratch, scratch + 1
    kind, form = "index" if limits == (total, cells, 1) else "cell", ((total,), "int64")
    given = kind, "int64", limits, False
    if total <= RUN:
        steps, made = short_steps(given, 1, total, total, (index, order), scratch + 2)
    else:
        steps, made = digit_steps(given, cells.bit_length(), 1, total, total, (index, order), scratch + 2)
    found = Step(Kernel("cell_starts", ("int64",) * 3, None, (kind,)), (index, order, starts), (total, cells, *limits), 1)
    return (*steps, found), (form, ((cells + 1,), "int64"), *made), order, starts


def cell_steps(mode, dtype, outer, n, size, inner, pointers, ordered) -> tuple:
    """Return (steps, scratch) that write each cell by what names it, in order; `ordered` is what `order_steps` returns."""
    (before, made, order, starts), (v, out) = ordered, pointers
    taken = "int64" if mode in ("count", "last") else dtype
    length = max(PIECE, 1 << max(0, (n.bit_length() + 1) // 2 - 2))  # of many: for a cell that all name, there are not many more pieces
    half, slots = length.bit_length() - 2, 0
    parts, pieces = out, ()
    if n > length and mode in ("add", "max", "min"):
        slots, parts = (n >> half) + 1, starts + len(made) - 1
        made = (*made, ((outer, slots, inner), dtype))
        kernel = Kernel("join_pieces", ("int64", dtype, dtype), None, (mode,))
        pieces = (Step(kernel, (starts, parts, out), (outer, size, inner, half, slots), 1),)
    kernel = Kernel("scatter_cells", (taken, "int64", "int64", dtype, dtype), None, (mode,))
    step = Step(kernel, (v, order, starts, parts, out), (outer, n, size, inner, half, slots), 1)
    return (*before, step, *pieces), made


def scatter_steps(mode, dtype, shape, axis, n, pointers, scratch) -> tuple:
    """Return (steps, scratch) that write `n` rows along an axis; `pointers` are the buffers of rows, indices and output."""
    outer, size, inner = split_shape(shape, axis)
    v, index, out = pointers
    if few(n, outer * size * inner):
        kernel = Kernel("scatter_few", ("int64" if mode in ("count", "last") else dtype, "int64", dtype), None, (mode, False))
        return (Step(kernel, pointers, (outer, n, size, inner), 1),), ()
    return cell_steps(mode, dtype, outer, n, size, inner, (v, out), order_steps(index, n, size, (n, size, 1), scratch))


def few(n, cells) -> bool:
    """Say whether every cell looks at all of the indices that may name it."""
    return n <= VERY_FEW or (n <= FEW and n * cells <= LOOKS)


def written(steps, out, prepared=()) -> Plan:
    """Return the plan of a scatter, with the steps before it."""
    steps, scratch = steps
    return Plan((*prepared, *steps), out.shape, out.dtype, scratch)


@planner("scatter_sum", contiguous=True)
def plan_scatter_sum(inputs, attrs, out) -> Plan:
    """Zeros, with the rows of `v` added at their indices."""
    if inputs[0].size * out.size == 0:
        return Plan((), out.shape, out.dtype, zero=True)
    return written(scatter_steps("add", out.dtype, out.shape, attrs["axis"], inputs[1].size, (0, 1, 2), 3), out)


@planner("occurrences", contiguous=True)
def plan_occurrences(inputs, attrs, out) -> Plan:
    """Zeros, with 1 added at each index."""
    return counted(inputs, out, "count")


@planner("last_at", contiguous=True)
def plan_last_at(inputs, attrs, out) -> Plan:
    """The last position of each index, and one."""
    return counted(inputs, out, "last")


def counted(inputs, out, mode) -> Plan:
    """Return the plan of what indices alone say of each cell."""
    n = inputs[0].size
    if n * out.size == 0:
        return Plan((), out.shape, out.dtype, zero=True)
    return written(scatter_steps(mode, out.dtype, out.shape, 0, n, (0, 0, 1), 2), out)


@planner("scatter_extreme", contiguous=True)
def plan_scatter_extreme(inputs, attrs, out) -> Plan:
    """The lowest (or highest) number everywhere, with the rows of `v` joined at their indices."""
    mode = "max" if attrs["largest"] else "min"
    if out.size == 0:
        return Plan((), out.shape, out.dtype)
    fill = fill_step(out.size, start_bits(mode, out.dtype), out.dtype, 2)
    if inputs[0].size == 0:
        return Plan((fill,), out.shape, out.dtype)
    return written(scatter_steps(mode, out.dtype, out.shape, attrs["axis"], inputs[1].size, (0, 1, 2), 3), out, (fill,))


@planner("scatter_set", contiguous=(False, True, True))
def plan_scatter_set(inputs, attrs, out) -> Plan:
    """A copy of `x`, then the rows of `v` over it at their indices."""
    x, index, v = inputs
    copied = place_steps(x.shape, x.strides, out.strides, 0, out.dtype, (0, 3))
    if v.size * out.size == 0:
        return Plan(copied, out.shape, out.dtype)
    return written(scatter_steps("set", bits(out.dtype), out.shape, attrs["axis"], index.size, (2, 1, 3), 4), out, copied)


@planner("add_each", contiguous=True)
def plan_add_each(inputs, attrs, out) -> Plan:
    """Zeros, with each element of `v` added at its index, other axes alike."""
    v, _ = inputs
    outer, size, inner = split_shape(out.shape, attrs["axis"])
    n = v.shape[attrs["axis"]]
    if v.size * out.size == 0:
        return Plan((), out.shape, out.dtype, zero=True)
    kinds, words = (v.dtype, "int64", out.dtype), (outer, n, size, inner)
    if few(n, out.size):
        return Plan((Step(Kernel("scatter_few", kinds, None, ("add", True)), (0, 1, 2), words, 1),), out.shape, out.dtype)
    if outer * inner >= COLUMNS:
        return Plan((Step(Kernel("scatter_along", kinds), (0, 1, 2), words, 1),), out.shape, out.dtype, zero=True)
    ordered = order_steps(1, v.size, out.size, (n, size, inner), 3)
    return written(cell_steps("add", out.dtype, 1, v.size, out.size, 1, (0, 2), ordered), out)
