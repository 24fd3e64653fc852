"""Plans of the loops that write where integers say. Arrays are seen as (outer, indexed axis, inner).

How the rows of a scatter are shared out depends on sizes alone, so that sums do not depend on the number of threads:
by columns; or, where the indexed axis is long, by buckets of neighbouring cells, into which the positions of the indices
are sorted first; or, where it is short and the rows are many, by chunks of rows, each with a copy of the output.
"""

import numpy as np

from .gathering import fill_step, number_bits, split_shape
from .placing import bits, lanes, place_steps, rectangles
from .plan import GRAIN, Kernel, Plan, Step, planner

COLUMNS = 32  # columns of a scatter that one tile takes at least: whole cache lines
CHUNK = 65536  # indices that one tile sorts into buckets
BUCKETS = 256  # counters that stay in the first cache beside what they count
PARTS = 32  # copies of the output at most
ENOUGH = 8  # copies from which on they are worth it where rows could be sorted
DENSE = 8  # rows of a chunk for each row of its copy, at least: what zeroing and joining the copies may cost
NARROW = 8  # columns of rows that are worth sorting
PIECE = 1024  # columns of a row that one tile takes at most


def start_bits(mode: str, dtype: str) -> int:
    """Return the bits of the number that a mode begins with: 0, or what every other number is larger (smaller) than."""
    if mode in ("add", "count"):
        return 0
    kind = np.dtype(dtype)
    low, high = (-np.inf, np.inf) if kind.kind == "f" else (np.iinfo(kind).min, np.iinfo(kind).max)
    return number_bits(low if mode == "max" else high, dtype)


def scatter_steps(mode, dtype, shape, axis, n, pointers, scratch) -> tuple:
    """Return (steps, scratch) that write `n` rows along an axis into an output that holds what the mode begins with.

    `pointers` are the buffers of rows, indices and output, `scratch` is the number of the first free buffer.
    """
    outer, size, inner = split_shape(shape, axis)
    if outer * n * inner * size == 0:
        return (), ()
    width = bits(dtype) if mode == "set" else dtype
    if outer == 1 and n * inner > GRAIN:
        parts = min(PARTS, n * inner // GRAIN, n // (DENSE * size))
        if inner >= NARROW and (parts < ENOUGH or mode == "set"):
            return bucket_steps(mode, width, n, size, inner, pointers, scratch)
        if parts > 1 and mode != "set":
            return part_steps(mode, width, n, size, inner, parts, pointers, scratch)
    if inner == 1:
        return (flat_step(mode, width, outer, n, size, 0, pointers),), ()
    cut, tiles = rectangles(outer, inner, n, COLUMNS)
    kernel = Kernel("scatter", (width, "int64", width), None, (mode, lanes(cut[3], width)))
    return (Step(kernel, pointers, (*cut, n, size, inner), tiles),), ()


def flat_step(mode, width, outer, n, size, index_step, pointers) -> Step:
    """Return the step that writes single elements, `n` to a row of `size` cells, their indices `index_step` apart."""
    grain = max(1, GRAIN // n)
    kernel = Kernel("scatter_flat", (width, "int64", width), None, (mode,))
    return Step(kernel, pointers, (outer, grain, n, size, index_step), -(-outer // grain))


def part_steps(mode, width, n, size, inner, parts, pointers, scratch) -> tuple:
    """Return the steps of a scatter of very many rows: chunks into copies of the output, and the copies joined."""
    v, index, out = pointers
    total, chunk = size * inner, -(-n // parts)
    parts = -(-n // chunk)
    into = Kernel("scatter_parts", (width, "int64", width), None, (mode, lanes(inner, width)))
    grain = max(COLUMNS, GRAIN // parts)
    join = Kernel("join_parts", (width, width), None, ("add" if mode == "count" else mode, lanes(grain, width)))
    steps = (
        fill_step(parts * total, start_bits(mode, width), width, scratch),
        Step(into, (v, index, scratch), (n, chunk, size, inner), parts),
        Step(join, (scratch, out), (total, grain, parts), -(-total // grain)),
    )
    return steps, (((parts, total), width),)


def bucket_steps(mode, width, n, size, inner, pointers, scratch) -> tuple:
    """Return the steps of a scatter into many rows: positions sorted into buckets, then bucket by bucket."""
    v, index, out = pointers
    counts, order = scratch, scratch + 1
    wanted = min(BUCKETS, size, -(-n * inner // GRAIN))
    shift = ((size - 1) // wanted).bit_length()
    buckets, chunks = -(-size >> shift), -(-n // CHUNK)
    split = (n, CHUNK, size, shift, buckets)
    # Only long rows are cut, for a row read in one piece is read faster.
    piece = min(inner, PIECE)
    tiles = buckets * -(-inner // piece)
    words = (buckets, 1, inner, piece, size, inner, chunks * buckets)
    kinds = (width, "int64", "int64", "int64", width)
    kernel = Kernel("scatter_buckets", kinds, None, (mode, lanes(piece, width)))
    cells = (chunks + 1) * buckets + 1
    steps = (
        fill_step(cells, 0, "int64", counts),
        Step(Kernel("bucket_count", ("int64", "int64")), (index, counts), split, chunks),
        Step(Kernel("bucket_start", ("int64",)), (counts,), (chunks, buckets), 1),
        Step(Kernel("bucket_place", ("int64",) * 3), (index, counts, order), split, chunks),
        Step(kernel, (v, index, order, counts, out), words, tiles),
    )
    return steps, (((cells,), "int64"), ((n,), "int64"))


@planner("scatter_sum", contiguous=True)
def plan_scatter_sum(inputs, attrs, out) -> Plan:
    """Zeros, with the rows of `v` added at their indices."""
    steps, scratch = scatter_steps("add", out.dtype, out.shape, attrs["axis"], inputs[1].size, (0, 1, 2), 3)
    return Plan(steps, out.shape, out.dtype, scratch, zero=True)


@planner("occurrences", contiguous=True)
def plan_occurrences(inputs, attrs, out) -> Plan:
    """Zeros, with 1 added at each index."""
    steps, scratch = scatter_steps("count", out.dtype, out.shape, 0, inputs[0].size, (0, 0, 1), 2)
    return Plan(steps, out.shape, out.dtype, scratch, zero=True)


@planner("scatter_extreme", contiguous=True)
def plan_scatter_extreme(inputs, attrs, out) -> Plan:
    """The lowest (or highest) number everywhere, with the rows of `v` joined at their indices."""
    mode = "max" if attrs["largest"] else "min"
    if out.size == 0:
        return Plan((), out.shape, out.dtype)
    steps, scratch = scatter_steps(mode, out.dtype, out.shape, attrs["axis"], inputs[1].size, (0, 1, 2), 3)
    fill = fill_step(out.size, start_bits(mode, out.dtype), out.dtype, 2)
    return Plan((fill, *steps), out.shape, out.dtype, scratch)


@planner("scatter_set", contiguous=(False, True, True))
def plan_scatter_set(inputs, attrs, out) -> Plan:
    """A copy of `x`, then the rows of `v` over it at their indices."""
    x, index, _ = inputs
    steps, scratch = scatter_steps("set", out.dtype, out.shape, attrs["axis"], index.size, (2, 1, 3), 4)
    return Plan((*place_steps(x.shape, x.strides, out.strides, 0, out.dtype, (0, 3)), *steps), out.shape, out.dtype, scratch)


@planner("add_each", contiguous=True)
def plan_add_each(inputs, attrs, out) -> Plan:
    """Zeros, with each element of `v` added at its index, other axes alike."""
    v, _ = inputs
    outer, size, inner = split_shape(out.shape, attrs["axis"])
    n = v.shape[attrs["axis"]]
    if v.size * size == 0:
        return Plan((), out.shape, out.dtype, zero=True)
    if outer * inner == 1:
        return plan_scatter_sum(inputs, {"axis": attrs["axis"]}, out)
    if inner == 1:
        step = flat_step("add", out.dtype, outer, n, size, n, (0, 1, 2))
    else:
        cut, tiles = rectangles(outer, inner, n, COLUMNS)
        kernel = Kernel("scatter_along", (out.dtype, "int64", out.dtype))
        step = Step(kernel, (0, 1, 2), (*cut, n, size, inner), tiles)
    return Plan((step,), out.shape, out.dtype, zero=True)


@planner("last_at", contiguous=True)
def plan_last_at(inputs, attrs, out) -> Plan:
    """The last position of each index, in one tile: positions are met in order."""
    words = (inputs[0].size, attrs["size"])
    steps = (Step(Kernel("last_at", ("int64", "int64")), (0, 1), words, 1),) if inputs[0].size and out.size else ()
    return Plan(steps, out.shape, out.dtype, zero=True)
