"""Reductions: how an accumulator takes one more number, and what the accumulator means in the end."""

import numpy as np

from ..base.arguments import switch
from ..base.errors import ShapeError, problem
from ..base.shapes import normalize_axis
from .compare import equal
from .movement import expand_dims, reshape
from .scan import prod_partial
from .table import ZERO, lift, primitive, reduction


@reduction(start=0.0, df=lambda: 1.0, ref=np.sum, accepts="number", wide=True, linear=("x",))
def sum(acc, x):
    """Sum over the given axes; integers are summed as 64-bit integers.

    Float32 is summed in float64 and rounded once. Float64 is summed in lanes and chunks that are joined by halves:
    along a run of n numbers the error is at most (33 + log2(1 + n / 16384)) * 2**-53 * sum(|x|), about that of NumPy's
    pairwise sums; down the columns of a matrix it grows with an eighth of at most 128 rows or so, where NumPy's grows
    with all. It does not depend on the number of threads. On a GPU a thread adds up at most 128 numbers or so one after the
    other, in four sums; those of threads are joined by halves.
    """
    return acc + x


@reduction(start=0.0, finish=lambda acc, n: acc / n, df=lambda n: 1.0 / n, ref=np.mean, wide=True, linear=("x",))
def mean(acc, x):
    """Arithmetic mean over the given axes."""
    return acc + x


@reduction(start=1.0, vjp={"x": lambda g, x, axis: g * prod_partial(x, axis)}, ref=np.prod, accepts="number", wide=True)
def prod(acc, x):
    """Product over the given axes; the gradient is right where factors are zero."""
    return acc * x


@reduction(
    vjp={"x": lambda g, x, out, axis: shared_extreme(g, x, out, axis)}, quick=lambda acc, x: x if x > acc else acc,
    ref=np.max, accepts="any",
)  # fmt: skip
def max(acc, x):
    """Largest value over the given axes; NaN wins; the gradient is shared equally among ties."""
    return x if x > acc or x != x else acc


@reduction(
    vjp={"x": lambda g, x, out, axis: shared_extreme(g, x, out, axis)}, quick=lambda acc, x: x if x < acc else acc,
    ref=np.min, accepts="any",
)  # fmt: skip
def min(acc, x):
    """Smallest value over the given axes; NaN wins; the gradient is shared equally among ties."""
    return x if x < acc or x != x else acc


@reduction(start=False, df=ZERO, merge=lambda a, b: a or b, ref=np.any, accepts="any", returns="bool")
def any(acc, x):
    """Whether some value over the given axes is true (not zero)."""
    return acc or x != 0


@reduction(start=True, df=ZERO, merge=lambda a, b: a and b, ref=np.all, accepts="any", returns="bool")
def all(acc, x):
    """Whether every value over the given axes is true (not zero)."""
    return acc and x != 0


@reduction(start=0, df=ZERO, merge=lambda a, b: a + b, ref=np.count_nonzero, accepts="any", returns="int64")
def count_nonzero(acc, x):
    """Number of values that are not zero."""
    return acc + (1 if x != 0 else 0)


@primitive(vjp={"x": ZERO}, dtype="int64", accepts="any")
def arg_extreme(x, *, axis, largest):
    """Index of the largest or smallest value along one axis; the first of ties, and of NaNs."""
    if x.shape[axis] == 0:
        raise problem(
            ShapeError,
            f"argmax or argmin of shape {x.shape} over axis {axis}: there is nothing to choose from",
            "an array that is not empty along the axis",
        )
    return x.shape[:axis] + x.shape[axis + 1 :]


def shared_extreme(g, x, out, axis):
    """Gradient of an extreme: `g` where `x` equals it, divided by the number of ties."""
    hit = equal(x, out).astype(g.dtype)
    return hit * (g / sum(hit, axis, True))


def argmax(x, axis=None, keepdims=False):
    """Index of the largest value, as `numpy.argmax` (int64); the first of ties, and of NaNs.

    >>> int(argmax([3.0, 7.0, 5.0]))
    1
    """
    return _arg(x, axis, keepdims, True)


def argmin(x, axis=None, keepdims=False):
    """Index of the smallest value, as `numpy.argmin` (int64); the first of ties, and of NaNs.

    >>> int(argmin([3.0, 7.0, 5.0]))
    0
    """
    return _arg(x, axis, keepdims, False)


def _arg(x, axis, keepdims, largest):
    x, keepdims = lift(x), switch(keepdims, "keepdims")
    if axis is None:
        out = arg_extreme(reshape(x, (x.size,)), axis=0, largest=largest)
        return reshape(out, (1,) * x.ndim) if keepdims else out
    axis = normalize_axis(axis, x.ndim)
    out = arg_extreme(x, axis=axis, largest=largest)
    return expand_dims(out, axis) if keepdims else out


def ptp(x, axis=None, keepdims=False):
    """Largest minus smallest value, as `numpy.ptp`.

    >>> float(ptp([3.0, 7.0, 5.0]))
    4.0
    """
    return max(x, axis, keepdims) - min(x, axis, keepdims)
