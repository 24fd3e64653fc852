"""Plans of normalisations: rows of neighbours, and channels whose numbers lie apart."""

from math import prod
from struct import pack, unpack

from .plan import GRAIN, Kernel, Plan, Step, planner
from .rows import finished, nothing, per_tile

ROWS_APART = 12  # numbers per chunk that say what its latest rows are normalised by
CHUNKS = 64  # at most, of rows whose gradients of scale and shift are added up side by side


def word_of(x) -> int:
    """Return a float64 as a word: the integer with its bits."""
    return unpack("q", pack("d", x))[0]


def rows_of(shape, attrs) -> tuple:
    """Return (rows, numbers per row, groups of rows, runs per row)."""
    if not attrs["groups"]:
        n = prod(shape[attrs["axis"] :])
        return prod(shape[: attrs["axis"]]), n, 1, n
    groups = attrs["groups"]
    return shape[0] * groups, prod(shape[1:]) // groups, groups, shape[1] // groups


@planner("standardize", contiguous=True)
def standardize(inputs, attrs, out) -> Plan:
    """Three passes over rows in cache."""
    return normalized(inputs, attrs, out, (0, 0, 0, 1), 0)


@planner("standardize_scaled", contiguous=True)
def standardize_scaled(inputs, attrs, out) -> Plan:
    """The same, with a scale and shift."""
    _, n, _, runs = rows_of(inputs[0].shape, attrs)
    return normalized(inputs, attrs, out, (0, 1, 2, 3), 1 if runs == n else 2)


def normalized(inputs, attrs, out, pointers, mode) -> Plan:
    """Words: rows, numbers per row, rows per tile, groups, runs per row, eps."""
    x = inputs[0]
    if not x.size:
        return nothing(out)
    rows, n, groups, runs = rows_of(x.shape, attrs)
    grain = per_tile(n)
    kernel = Kernel("normalize_rows", (x.dtype,) * 4, None, (attrs["centered"], mode))
    words = (rows, n, grain, groups, runs, word_of(attrs["eps"]))
    return Plan((Step(kernel, pointers, words, -(-rows // grain)),), out.shape, out.dtype)


def joined(loop, kinds, pointers, chunks, channels, *words) -> Step:
    """Join the sums of chunks, which lie side by side by channel; words: chunks, channels, `words`, channels per tile."""
    grain = max(64, GRAIN // max(1, chunks))
    return Step(Kernel(loop, kinds), pointers, (chunks, channels, *words, grain), -(-channels // grain))


@planner("standardize_grad", contiguous=True)
def standardize_grad(inputs, attrs, out) -> Plan:
    """Two passes of sums over each row, then the row. Words as of `normalized`."""
    x = inputs[1]
    if not x.size:
        return nothing(out)
    rows, n, groups, runs = rows_of(x.shape, attrs)
    grain = per_tile(n)
    kernel = Kernel("normalize_grad_rows", (x.dtype,) * 5 + ("float64",), None, (attrs["centered"], 0))
    words = (rows, n, grain, groups, runs, word_of(attrs["eps"]))
    return Plan((Step(kernel, (0, 1, 1, 2, 2, 2), words, -(-rows // grain)),), out.shape, out.dtype)


@planner("standardize_scaled_grad", contiguous=True)
def standardize_scaled_grad(inputs, attrs, outs) -> Plan:
    """The same in chunks of rows, each with sums for weight and bias, which are then joined."""
    x = inputs[1]
    rows, n, groups, runs = rows_of(x.shape, attrs)
    pairs, mode = groups * runs, 1 if runs == n else 2
    grain = max(per_tile(n), -(-rows // CHUNKS))
    chunks = -(-rows // grain) if n else 0
    lanes = x.dtype if mode == 1 else "float64"
    kernel = Kernel("normalize_grad_rows", (x.dtype,) * 4 + (lanes, "float64"), None, (attrs["centered"], mode))
    words = (rows, n, grain, groups, runs, word_of(attrs["eps"]))
    first = Step(kernel, (0, 1, 2, 3, 6, 7), words, chunks)
    last = joined("join_sums", ("float64", x.dtype, x.dtype), (7, 4, 5), chunks, pairs)
    space = 2 * pairs * max(1, chunks)
    work = space + ROWS_APART * max(1, chunks)
    return finished((first, last) if chunks else (last,), outs, (((work,), lanes), ((space,), "float64")))
