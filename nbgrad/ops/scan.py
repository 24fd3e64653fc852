"""Scans: running sums, products and extremes along an axis, and the linear recurrence beneath them."""

from math import prod

import numpy as np

from ..base.dtypes import check_dtype
from ..base.errors import ShapeError, problem
from ..base.shapes import broadcast_shapes, normalize_axis
from . import views
from .gather import take_each
from .movement import axis_part, broadcast_to, ravel
from .table import ZERO, lift, primitive
from .views import inverse, permute, reshape


@primitive(
    vjp={"x": lambda g, axis, reverse: running_sum(g, axis=axis, reverse=not reverse)}, accepts="number", linear=("x",),
)  # fmt: skip
def running_sum(x, *, axis, reverse):
    """Sums of everything up to each element along an axis, from the end when `reverse`."""
    return x.shape


@primitive(
    vjp={
        "a": lambda g, a, out, axis, reverse: transposed(a, g, axis, reverse) * shifted(out, axis, -1 if reverse else 1),
        "b": lambda g, a, axis, reverse: transposed(a, g, axis, reverse),
    },
    accepts="number",
)
def recurrence(a, b, *, axis, reverse):
    """The s with s[i] = a[i] * s[i - 1] + b[i] along an axis (from the end when `reverse`); the first a is not read."""
    if a.shape != b.shape:
        raise problem(ShapeError, f"linear_recurrence(a, b): a is {a.shape} and b is {b.shape}", "arrays of one shape")
    return b.shape


@primitive(vjp={"x": ZERO}, accepts="any", dtype="int64")
def running_arg(x, *, axis, largest):
    """Where along an axis the largest (or smallest) element so far was first met; a NaN beats every number."""
    return x.shape


def transposed(a, g, axis, reverse):
    """Gradient of a recurrence's `b`: the same recurrence from the other end, each `a` one place earlier."""
    return recurrence(shifted(a, axis, 1 if reverse else -1), g, axis=axis, reverse=not reverse)


def shifted(x, axis, by):
    """Return `x` moved by 1 or -1 place along an axis, with a zero at the place left free.

    >>> shifted(lift([1.0, 2.0, 3.0]), 0, 1).tolist()
    [0.0, 1.0, 2.0]
    """
    n = x.shape[axis]
    start, to = (0, 1) if by == 1 else (1, 0)
    kept = axis_part(x, axis, min(start, n), max(n - to, min(start, n)))
    cut = (min(to, n), 1, kept.shape[axis])
    return views.place_cuts(kept, x.shape, tuple(cut if a == axis else (0, 1, m) for a, m in enumerate(x.shape)))


def _scanned(x, axis, dtype=None):
    """Return `x` and its axis (flattened for None), small integers and bools as 64-bit integers."""
    x = lift(x)
    if dtype is None and x.dtype.kind in "biu":
        dtype = "uint64" if x.dtype.kind == "u" else "int64"
    x = x if dtype is None else x.astype(check_dtype(dtype))
    return (ravel(x), 0) if axis is None else (x, normalize_axis(axis, x.ndim))


def cumsum(x, axis=None, dtype=None, reverse=False):
    """Return the running sums along an axis, as `numpy.cumsum`.

    Parameters
    ----------
    x : array of numbers
    axis : int, optional
        None sums over the flattened array.
    dtype : dtype, optional
        That of the result; by default that of `x`, small integers and bools as int64.
    reverse : bool
        Sum from the end.

    Examples
    --------
    >>> cumsum([1, 2, 3]).tolist()
    [1, 3, 6]
    """
    x, axis = _scanned(x, axis, dtype)
    return running_sum(x, axis=axis, reverse=bool(reverse))


def cumprod(x, axis=None, dtype=None):
    """Return the running products along an axis, as `numpy.cumprod`; gradients are right where factors are zero.

    Arguments as `cumsum`.

    >>> cumprod([1, 2, 3]).tolist()
    [1, 2, 6]
    """
    x, axis = _scanned(x, axis, dtype)
    cuts = tuple((0, 1, min(1, n)) if a == axis else (0, 1, n) for a, n in enumerate(x.shape))
    return recurrence(x, views.place_cuts(views.slice_(x, cuts=cuts), x.shape, cuts), axis=axis, reverse=False)


def linear_recurrence(a, b, axis=-1, reverse=False):
    """Return the s with s[i] = a[i] * s[i - 1] + b[i] along an axis, s[0] = b[0].

    Parameters
    ----------
    a, b : arrays of numbers
        Broadcast to one shape; the first `a` along the axis is not read.
    axis : int
    reverse : bool
        Start at the end: s[i] = a[i] * s[i + 1] + b[i].

    Returns
    -------
    Tensor
        Differentiable to any order; products of zeros included. State-space layers, exponential averages and running
        products are of this form (Blelloch 1990, CMU-CS-90-190).

    Examples
    --------
    >>> linear_recurrence([0.5, 0.5, 0.5], [1.0, 1.0, 1.0]).tolist()
    [1.0, 1.5, 1.75]
    """
    a, b = lift(a), lift(b)
    shape = broadcast_shapes(a.shape, b.shape)
    a, b = broadcast_to(a, shape), broadcast_to(b, shape)
    return recurrence(a, b, axis=normalize_axis(axis, len(shape)), reverse=bool(reverse))


def cummax(x, axis=None):
    """Return the largest value so far along an axis (None: of the flattened array), as `numpy.maximum.accumulate`.

    NaN stays from where it is met. The gradient goes to the first of equal values.

    >>> cummax([1.0, 3.0, 2.0]).tolist()
    [1.0, 3.0, 3.0]
    """
    return _extreme(x, axis, True)


def cummin(x, axis=None):
    """Return the smallest value so far along an axis (None: of the flattened array), as `numpy.minimum.accumulate`.

    NaN stays from where it is met. The gradient goes to the first of equal values.

    >>> cummin([2.0, 3.0, 1.0]).tolist()
    [2.0, 2.0, 1.0]
    """
    return _extreme(x, axis, False)


def _extreme(x, axis, largest):
    x = lift(x)
    x, axis = (ravel(x), 0) if axis is None else (x, normalize_axis(axis, x.ndim))
    return take_each(x, running_arg(x, axis=axis, largest=largest), axis=axis)


def prod_partial(x, axis):
    """Return, for each element, the product of the others over the axes `axis` (a tuple): d prod(x) / d x.

    Running products from both ends meet at each element, so no element is divided by: zeros are no exception.

    >>> prod_partial([2.0, 0.0, 5.0], (0,)).tolist()
    [0.0, 10.0, 0.0]
    """
    x = lift(x)
    order = (*(a for a in range(x.ndim) if a not in axis), *axis)
    moved = permute(x, axes=order)
    lines = reshape(moved, shape=(*moved.shape[: x.ndim - len(axis)], prod(moved.shape[x.ndim - len(axis) :])))
    last, n = lines.ndim - 1, lines.shape[-1]
    ends = np.zeros((2, n), x.dtype)
    ends[0, :1] = ends[1, -1:] = 1
    before = recurrence(shifted(lines, last, 1), broadcast_to(ends[0], lines.shape), axis=last, reverse=False)
    behind = recurrence(shifted(lines, last, -1), broadcast_to(ends[1], lines.shape), axis=last, reverse=True)
    return permute(reshape(before * behind, shape=moved.shape), axes=inverse(order))
