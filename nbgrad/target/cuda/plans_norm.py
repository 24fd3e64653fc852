"""Plans of normalisations: lines that a few threads or a block take, and channels whose numbers lie apart."""

from ...plan.channels import view_of
from ...plan.norms import rows_of, word_of
from ...plan.plan import Kernel, Plan, Step
from ...plan.rows import finished, nothing
from .package import package
from .plans import planner
from .plans_rows import APART, line_words, over_lines, power_of_two, team

PART = 1 << 14  # numbers that a block of threads adds up
CHUNKS = 256  # of the outer axis, at most: their sums are joined
TURNS = 4  # batches of numbers of a column that a thread takes where a pass needs no sums


def normalized(inputs, attrs, out, pointers, mode) -> Plan:
    """Words of lines, then groups, runs per line, eps."""
    x = inputs[0]
    if not x.size:
        return nothing(out)
    rows, n, groups, runs = rows_of(x.shape, attrs)
    words = (groups, runs, word_of(attrs["eps"]))
    step = over_lines("normalize_lines", (x.dtype,) * 4, (rows, n), (1,), (attrs["centered"], mode), 1, words)
    return finished([step._replace(pointers=pointers)], out)


@planner("standardize", contiguous=True)
def standardize(inputs, attrs, out) -> Plan:
    """Every line is read once where registers hold it."""
    return normalized(inputs, attrs, out, (0, 0, 0, 1), 0)


@planner("standardize_scaled", contiguous=True)
def standardize_scaled(inputs, attrs, out) -> Plan:
    """The same, with a scale and shift."""
    _, n, _, runs = rows_of(inputs[0].shape, attrs)
    return normalized(inputs, attrs, out, (0, 1, 2, 3), 1 if runs == n else 2)


def gradient(x, attrs, pointers, mode) -> Step:
    """Plan the gradient of lines; words as of `normalized`."""
    rows, n, groups, runs = rows_of(x.shape, attrs)
    words = (groups, runs, word_of(attrs["eps"]))
    step = over_lines("normalize_grad_lines", (x.dtype,) * 5, (rows, n), (1,), (attrs["centered"], mode), 2, words)
    return step._replace(pointers=pointers)


@planner("standardize_grad", contiguous=True)
def standardize_grad(inputs, attrs, out) -> Plan:
    """Sums over each line, then the line."""
    return finished([gradient(inputs[1], attrs, (0, 1, 1, 2, 2), 0)], out) if inputs[1].size else nothing(out)


@planner("standardize_scaled_grad", contiguous=True)
def standardize_scaled_grad(inputs, attrs, outs) -> Plan:
    """Inputs u, x, weight; outputs for x, weight and bias; scratch what lines are normalised by, sums for weight and bias."""
    x = inputs[1]
    rows, n, groups, runs = rows_of(x.shape, attrs)
    view = (rows // groups, groups * runs, n // runs if runs else 0)
    first = gradient(x, attrs, (0, 1, 2, 3, 6), 1 if runs == n else 2) if x.size else None
    products, space = sums("channel_products", (x.dtype,) * 3, (0, 1, 6), 7, view, (True,), (groups, runs))
    last = joined("join_sums", ("float64", x.dtype, x.dtype), (7, 5, 4), products, view)
    steps = (first, products, last) if x.size else (last,)
    return finished(steps, outs, (((3 * rows,), x.dtype), space))


def columns_of(channels) -> tuple:
    """Return (threads per channel, blocks side by side) where channels lie side by side."""
    lanes, threads = package().lanes, package().threads
    side = min(lanes, power_of_two(channels))
    return threads // side, -(-channels // side)


def sums(loop, kinds, arguments, parts, view, static=(), words=()) -> tuple:
    """Return (step, scratch) of sums over chunks of the outer axis; two numbers per channel and chunk go to buffer `parts`.

    Words: units, outer, channels, inner, outer parts per chunk, blocks side by side, then `words`.
    """
    outer, channels, inner = view
    together, blocks = columns_of(channels) if inner == 1 else (package().threads, channels)
    width = package().threads // together * max(1, inner)
    per = max(1, PART // width, -(-outer // CHUNKS))
    chunks = -(-outer // per) if channels * inner else 0
    kernel = Kernel(loop, (*kinds, "float64"), None, (together, APART, False, inner == 1, *static))
    step = Step(kernel, (*arguments, parts), (blocks * chunks, *view, per, blocks, *words), chunks)
    return step, ((2 * max(1, chunks) * channels,), "float64")


def joined(loop, kinds, pointers, first, view, *words) -> Step:
    """Join the sums of chunks. Words: those of lines (chunks of channels side by side), then outer, inner, `words`."""
    chunks, (outer, channels, inner) = first.tiles, view
    kinds_of_team = team(channels, chunks, 2, 8)
    kernel = Kernel(loop, kinds, None, kinds_of_team)
    return Step(kernel, pointers, (*line_words(kinds_of_team, channels, chunks, channels), outer, inner, *words), 1)


def applied(loop, dtype, arguments, view) -> Step:
    """Return the pass that applies factors. Words: units, outer, channels, inner, outer parts per unit, blocks side by side."""
    outer, channels, inner = view
    if inner == 1:
        together, blocks = columns_of(channels)
        static, per = (together, APART, False, True), together * APART * TURNS
        units = blocks * -(-outer // per)
    else:
        static, per, blocks = team(outer * channels, inner, 1, 8), 1, channels
        units = line_words(static, outer * channels, inner, 1)[0]
    return Step(Kernel(loop, (dtype,) * len(arguments), None, static), arguments, (units, *view, per, blocks), 1)


@planner("batch_standardize", contiguous=True)
def batch_standardize(inputs, attrs, outs) -> Plan:
    """Inputs x, weight, bias; outputs out, mean, scale, variance; scratch sums, factors."""
    x, view = inputs[0], view_of(inputs[0].shape, attrs["axis"])
    if not x.size:
        return nothing(outs)
    first, space = sums("channel_moments", (x.dtype,), (0,), 7, view)
    kinds = (x.dtype, "float64", x.dtype, x.dtype, "float64", "float64", "float64", x.dtype)
    join = joined("join_moments", kinds, (0, 7, 1, 2, 4, 5, 6, 8), first, view, word_of(attrs["eps"]))
    last = applied("channel_scale", x.dtype, (0, 8, 3), view)
    return finished((first, join, last), outs, (space, ((3 * view[1],), x.dtype)))


@planner("batch_standardize_grad", contiguous=True)
def batch_standardize_grad(inputs, attrs, outs) -> Plan:
    """Inputs u, x, weight, mean, scale; outputs for x, weight and bias; scratch sums, factors."""
    x, view = inputs[1], view_of(inputs[1].shape, attrs["axis"])
    first, space = sums("channel_products", (x.dtype, x.dtype, "float64"), (0, 1, 3), 8, view, (False,), (1, 1))
    kinds = ("float64", x.dtype, "float64", "float64", x.dtype, x.dtype, x.dtype)
    join = joined("join_products", kinds, (8, 2, 3, 4, 6, 7, 9), first, view)
    steps = (first, join, applied("channel_grad", x.dtype, (0, 1, 9, 5), view)) if x.size else (join,)
    return finished(steps, outs, (space, ((4 * view[1],), x.dtype)))


@planner("batch_rescale", contiguous=True)
def batch_rescale(inputs, attrs, out) -> Plan:
    """Inputs x, mean, variance, weight, bias; scratch factors."""
    x, view = inputs[0], view_of(inputs[0].shape, attrs["axis"])
    if not x.size:
        return nothing(out)
    first = Step(Kernel("channel_factors", (x.dtype,) * 5), (1, 2, 3, 4, 6), (view[1], word_of(attrs["eps"])), 1)
    last = applied("channel_scale", x.dtype, (0, 6, 5), view)
    return Plan((first, last), out.shape, out.dtype, (((3 * view[1],), x.dtype),))


@planner("channel_sums", contiguous=True)
def channel_sums(inputs, attrs, outs) -> Plan:
    """Inputs u, x, mean; outputs the sums of u and of u * (x - mean); scratch sums."""
    x, view = inputs[1], view_of(inputs[1].shape, attrs["axis"])
    first, space = sums("channel_products", (x.dtype,) * 3, (0, 1, 2), 5, view, (False,), (1, 1))
    join = joined("join_sums", ("float64", x.dtype, x.dtype), (5, 3, 4), first, view)
    return finished((first, join) if x.size else (join,), outs, (space,))
