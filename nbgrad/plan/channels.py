"""Plans of batch normalisation: sums over chunks of the outer axis, joined in order, then one pass that applies them."""

from math import prod

from .norms import joined, word_of
from .plan import GRAIN, Kernel, Plan, Step, planner
from .rows import finished, nothing

CHUNK = 1 << 15  # numbers of a chunk: both passes over them find them in the second-level cache
CHUNKS = 256  # at most


def view_of(shape, axis) -> tuple:
    """Return (outer, channels, inner)."""
    return prod(shape[:axis]), shape[axis], prod(shape[axis + 1 :])


def chunks_of(outer, channels, inner) -> tuple:
    """Return (outer parts per chunk, chunks, channels per block, blocks): by the lengths alone."""
    per = max(1, CHUNK // max(1, channels * inner), -(-outer // CHUNKS))
    block = max(1, min(channels, CHUNK // max(1, per * inner)))
    if inner == 1:
        block = max(1, min(channels, max(64, block // 64 * 64)))
    return per, -(-outer // per), block, -(-channels // block)


def sums(loop, kinds, arguments, parts, view) -> tuple:
    """Return (step, scratch) of sums over chunks; two numbers per channel and chunk go to buffer `parts`.

    Words: outer, channels, inner, outer parts per chunk, channels per block, blocks.
    """
    per, chunks, block, blocks = chunks_of(*view)
    kernel = Kernel(loop, (*kinds, "float64", kinds[0]), None, (view[2] == 1,))
    step = Step(kernel, (*arguments, parts, parts + 1), (*view, per, block, blocks), chunks * blocks)
    return step, (((2 * max(1, chunks) * view[1],), "float64"), ((3 * block * chunks * blocks,), kinds[0]))


def applied(loop, dtype, arguments, view) -> Step:
    """Return the pass that applies factors. Words: rows (or runs), channels, inner, rows (or runs) per tile."""
    outer, channels, inner = view
    units, width = (outer, channels) if inner == 1 else (outer * channels, inner)
    grain = max(1, GRAIN // width)
    kernel = Kernel(loop, (dtype,) * len(arguments), None, (inner == 1,))
    return Step(kernel, arguments, (units, channels, inner, grain), -(-units // grain))


@planner("batch_standardize", contiguous=True)
def batch_standardize(inputs, attrs, outs) -> Plan:
    """Inputs x, weight, bias; outputs out, mean, scale, variance; scratch sums, lanes, factors."""
    x, view = inputs[0], view_of(inputs[0].shape, attrs["axis"])
    if not x.size:
        return nothing(outs)
    first, scratch = sums("channel_moments", (x.dtype,), (0,), 7, view)
    per, chunks, _, _ = chunks_of(*view)
    kinds = ("float64", x.dtype, x.dtype, "float64", "float64", "float64", x.dtype)
    words = (view[0], view[2], per, word_of(attrs["eps"]))
    join = joined("join_moments", kinds, (7, 1, 2, 4, 5, 6, 9), chunks, view[1], *words)
    last = applied("channel_scale", x.dtype, (0, 9, 3), view)
    return finished((first, join, last), outs, (*scratch, ((3 * view[1],), x.dtype)))


@planner("batch_standardize_grad", contiguous=True)
def batch_standardize_grad(inputs, attrs, outs) -> Plan:
    """Inputs u, x, weight, mean, scale; outputs for x, weight and bias; scratch sums, lanes, factors."""
    x, view = inputs[1], view_of(inputs[1].shape, attrs["axis"])
    first, scratch = sums("channel_products", (x.dtype, x.dtype, "float64"), (0, 1, 3), 8, view)
    chunks = chunks_of(*view)[1] if x.size else 0
    kinds = ("float64", x.dtype, "float64", "float64", x.dtype, x.dtype, x.dtype)
    join = joined("join_products", kinds, (8, 2, 3, 4, 6, 7, 10), chunks, view[1], view[0] * view[2])
    last = applied("channel_grad", x.dtype, (0, 1, 10, 5), view)
    scratch = (*scratch, ((4 * view[1],), x.dtype))
    return finished((first, join, last) if x.size else (join,), outs, scratch)


@planner("batch_rescale", contiguous=True)
def batch_rescale(inputs, attrs, out) -> Plan:
    """Inputs x, mean, variance, weight, bias; scratch factors."""
    x, view = inputs[0], view_of(inputs[0].shape, attrs["axis"])
    if not x.size:
        return nothing(out)
    words = (view[1], word_of(attrs["eps"]))
    first = Step(Kernel("channel_factors", (x.dtype,) * 5), (1, 2, 3, 4, 6), words, 1)
    last = applied("channel_scale", x.dtype, (0, 6, 5), view)
    return Plan((first, last), out.shape, out.dtype, (((3 * view[1],), x.dtype),))


@planner("channel_sums", contiguous=True)
def channel_sums(inputs, attrs, outs) -> Plan:
    """Inputs u, x, mean; outputs the sums of u and of u * (x - mean); scratch sums, lanes."""
    x, view = inputs[1], view_of(inputs[1].shape, attrs["axis"])
    first, scratch = sums("channel_products", (x.dtype,) * 3, (0, 1, 2), 5, view)
    chunks = chunks_of(*view)[1] if x.size else 0
    join = joined("join_sums", ("float64", x.dtype, x.dtype), (5, 3, 4), chunks, view[1])
    return finished((first, join) if x.size else (join,), outs, scratch)
