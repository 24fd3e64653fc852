"""Parts of an array that share a number, brought together: sums, means, extremes, counts.

Numbers may come in any order. A segment that no part names is 0 in sums, means and counts, and in extremes what any
number beats: minus or plus infinity, or the integer at that end.
"""

from ..base.arguments import integer
from ..base.errors import ShapeError, problem
from .arithmetic import maximum
from .compare import equal
from .gather import along, check_indices, scatter_sum, take_rows
from .reduce import max as largest_of
from .table import ZERO, lift, primitive


@primitive(
    vjp={
        "v": lambda g, v, indices, out, axis: shared_by_ties(g, v, indices, out, axis),
        "indices": ZERO,
    },
    accepts=("number", "index"),
)
def scatter_extreme(v, indices, *, axis, size, largest):
    """Largest (or smallest) of the parts of `v` that share an index along an axis of length `size`; NaN wins."""
    return v.shape[:axis] + (size,) + v.shape[axis + indices.ndim :]


@primitive(vjp={"indices": ZERO}, accepts=("index",), dtype="int64")
def occurrences(indices, *, size):
    """How often each of the numbers 0 to `size` - 1 is among the indices."""
    return (size,)


def shared_by_ties(g, v, indices, out, axis):
    """Gradient of an extreme: `g` where `v` equals it, divided by the number of ties."""
    hit = equal(v, take_rows(out, indices, axis=axis)).astype(g.dtype)
    ties = scatter_sum(hit, indices, axis=axis, size=out.shape[axis])
    return hit * take_rows(g / maximum(ties, 1.0), indices, axis=axis)


def length_for(op, indices) -> int:
    """Return the least length of an axis on which all `indices`, counted from 0, name an element."""
    indices = lift(indices)
    size = int(largest_of(indices)) + 1 if indices.size and indices.dtype.kind in "iu" else 0
    return size if size > 0 else 0


def _read(op, x, segments, num_segments):
    """Return (x, checked segment numbers, how many)."""
    x = lift(x)
    segments = lift(segments, x)
    if x.ndim == 0 or segments.shape != x.shape[:1]:
        raise problem(ShapeError, f"{op}: x is {x.shape} and segments {segments.shape}", "one number per part of x")
    size = length_for(op, segments) if num_segments is None else integer(num_segments, "num_segments", 0)
    return x, check_indices(op, segments, size, 0, negative=False), size


def segment_sum(x, segments, num_segments=None):
    """Return the sums of the parts of `x` along axis 0 that share a segment number.

    Parameters
    ----------
    x : array of numbers (n, ...)
    segments : vector of int (n,)
        From 0 to `num_segments - 1`, in any order.
    num_segments : int, optional
        Length of axis 0 of the result; by default the largest number and one.

    Returns
    -------
    Tensor (num_segments, ...)
        0 where no part belongs. The order of the sums depends on sizes alone, not on the number of threads.

    Raises
    ------
    IndexRangeError, ShapeError
        For a number out of range, as many numbers as parts not given.

    Examples
    --------
    >>> segment_sum([1.0, 2.0, 3.0], [0, 1, 0]).tolist()
    [4.0, 2.0]
    """
    x, segments, size = _read("segment_sum(x, segments)", x, segments, num_segments)
    return scatter_sum(x, segments, axis=0, size=size)


def segment_mean(x, segments, num_segments=None):
    """Return the means of the parts of `x` along axis 0 that share a segment number; integers as float64.

    Arguments and errors as `segment_sum`; 0 where no part belongs.

    Examples
    --------
    >>> segment_mean([1.0, 2.0, 3.0], [0, 1, 0]).tolist()
    [2.0, 2.0]
    """
    x, segments, size = _read("segment_mean(x, segments)", x, segments, num_segments)
    total = scatter_sum(x, segments, axis=0, size=size)
    count = maximum(occurrences(segments, size=size), 1)
    return total / along(count.astype(total.dtype), 0, total.ndim)


def segment_max(x, segments, num_segments=None):
    """Return the largest of the parts of `x` along axis 0 that share a segment number; NaN wins.

    Arguments and errors as `segment_sum`. Where no part belongs: -inf, or the smallest integer. The gradient is shared
    equally among ties.

    Examples
    --------
    >>> segment_max([1.0, 2.0, 3.0], [0, 1, 0]).tolist()
    [3.0, 2.0]
    """
    x, segments, size = _read("segment_max(x, segments)", x, segments, num_segments)
    return scatter_extreme(x, segments, axis=0, size=size, largest=True)


def segment_min(x, segments, num_segments=None):
    """Return the smallest of the parts of `x` along axis 0 that share a segment number; NaN wins.

    Arguments and errors as `segment_sum`. Where no part belongs: inf, or the largest integer. The gradient is shared
    equally among ties.

    Examples
    --------
    >>> segment_min([1.0, 2.0, 3.0], [0, 1, 0]).tolist()
    [1.0, 2.0]
    """
    x, segments, size = _read("segment_min(x, segments)", x, segments, num_segments)
    return scatter_extreme(x, segments, axis=0, size=size, largest=False)


def bincount(x, weights=None, minlength=0):
    """Count how often each number from 0 up occurs, or sum the weights of its occurrences, as `numpy.bincount`.

    Parameters
    ----------
    x : vector of int
        Not negative.
    weights : vector, optional
        Its dtype is that of the result; int64 without it.
    minlength : int
        Least length of the result.

    Examples
    --------
    >>> bincount([0, 2, 2]).tolist()
    [1, 0, 2]
    """
    size = max(length_for("bincount(x)", x), integer(minlength, "minlength", 0))
    if weights is not None:
        return segment_sum(weights, x, size)
    return occurrences(check_indices("bincount(x)", x, size, 0, negative=False), size=size)
