"""Sorting and what follows from it: order, largest elements, median, quantiles. Gradients go where the elements came from."""

from math import prod

import numpy as np

from ..base.arguments import integer, switch
from ..base.errors import ArgumentError, ShapeError, problem
from ..base.shapes import normalize_axes, normalize_axis, reduced_shape
from . import views
from .arithmetic import where
from .compare import equal, isnan
from .gather import take_each, take_rows
from .movement import axis_part, moveaxis, ravel, squeeze
from .table import ZERO, lift, primitive


@primitive(vjp={"x": ZERO}, accepts="any", dtype="int64")
def order(x, *, count, descending):
    """Where the first `count` elements of each sorted row of `x` (its last axis) stand; equal ones stay in order."""
    return (*x.shape[:-1], count)


def _order(x, axis, count, descending):
    """Return the first `count` places of the order along any axis."""
    if axis == x.ndim - 1:
        return order(x, count=count, descending=bool(descending))
    return moveaxis(order(moveaxis(x, axis, -1), count=count, descending=bool(descending)), -1, axis)


def _along(x, axis):
    x = lift(x)
    return (ravel(x), 0) if axis is None else (x, normalize_axis(axis, x.ndim))


def argsort(x, axis=-1, kind=None, descending=False):
    """Return the indices that sort along an axis, as `numpy.argsort` (int64).

    Parameters
    ----------
    x : array, any dtype
    axis : int, optional
        None sorts the flattened array.
    kind : str, optional
        Taken for NumPy's sake; the order is always stable.
    descending : bool
        Largest first; equal elements stay in order then too.

    Returns
    -------
    Tensor
        NaN counts as the largest number: last, or first when descending.

    Examples
    --------
    >>> argsort([3.0, 1.0, 2.0]).tolist()
    [1, 2, 0]
    """
    x, axis = _along(x, axis)
    return _order(x, axis, x.shape[axis], descending)


def sort(x, axis=-1, kind=None, descending=False):
    """Return `x` sorted along an axis, as `numpy.sort`; arguments as `argsort`.

    >>> sort([3.0, 1.0, 2.0]).tolist()
    [1.0, 2.0, 3.0]
    """
    x, axis = _along(x, axis)
    return take_each(x, _order(x, axis, x.shape[axis], descending), axis=axis)


def topk(x, k, axis=-1, largest=True):
    """Return the `k` largest (or smallest) elements along an axis in order, and where they stand.

    Parameters
    ----------
    x : array (..., n, ...), any dtype
    k : int
        From 0 to `n`.
    axis : int
    largest : bool
        NaN counts as the largest number.

    Returns
    -------
    (Tensor, Tensor)
        Values, and int64 indices, (..., k, ...); of equal elements the first comes first.

    Raises
    ------
    ArgumentError
        For a `k` that is not from 0 to `n`.

    Examples
    --------
    >>> values, indices = topk([1.0, 5.0, 3.0], 2)
    >>> values.tolist(), indices.tolist()
    ([5.0, 3.0], [1, 2])
    """
    x, axis = _along(x, axis)
    k = integer(k, "k")
    if not 0 <= k <= x.shape[axis]:
        raise problem(ArgumentError, f"topk(x, k={k}): axis {axis} of x {x.shape} has {x.shape[axis]} elements",
                      f"k from 0 to {x.shape[axis]}")
    indices = _order(x, axis, k, largest)
    return take_each(x, indices, axis=axis), indices


def _sorted_lines(x, axis):
    """Return (float `x` with the axes as one sorted last axis, the axes)."""
    x = lift(x)
    x = x if x.dtype.kind == "f" else x.astype("float64")
    axes = normalize_axes(axis, x.ndim)
    kept = tuple(a for a in range(x.ndim) if a not in axes)
    n = prod(x.shape[a] for a in axes)
    lines = views.reshape(views.permute(x, axes=kept + axes), shape=(*(x.shape[a] for a in kept), n))
    return sort(lines), reduced_shape(x.shape, axes, True)


def _last(lines, start, stop):
    return squeeze(axis_part(lines, lines.ndim - 1, start, stop), -1)


def median(x, axis=None, keepdims=False):
    """Return the middle of the sorted elements over axes, the mean of the two middle ones for an even number.

    Parameters
    ----------
    x : array of numbers
        Integers are computed in float64.
    axis : int or tuple of int, optional
        None means all.
    keepdims : bool

    Returns
    -------
    Tensor
        As `numpy.median`; NaN where there is a NaN, and of no elements.

    Examples
    --------
    >>> float(median([3.0, 1.0, 2.0, 10.0]))
    2.5
    """
    lines, kept = _sorted_lines(x, axis)
    n, keepdims = lines.shape[-1], switch(keepdims, "keepdims")
    if n == 0:
        return views.constant(np.nan, kept if keepdims else lines.shape[:-1], lines.dtype)
    middle = _last(lines, n // 2, n // 2 + 1)
    if n % 2 == 0:
        middle = (_last(lines, n // 2 - 1, n // 2) + middle) * 0.5
    top = _last(lines, n - 1, n)
    out = where(isnan(top), top, middle)
    return views.reshape(out, shape=kept) if keepdims else out


def quantile(x, q, axis=None, method="linear", keepdims=False):
    """Return the elements below which the fractions `q` of the elements over axes lie.

    Parameters
    ----------
    x : array of numbers
        Integers are computed in float64.
    q : float or array of float
        From 0 to 1; a constant. Its axes come first in the result.
    axis : int or tuple of int, optional
        None means all.
    method : {"linear"}
        Between two elements the value is on the line between them (Hyndman and Fan 1996, doi:10.2307/2684934, type 7).
    keepdims : bool

    Returns
    -------
    Tensor
        As `numpy.quantile`; NaN where there is a NaN.

    Raises
    ------
    ArgumentError, ShapeError
        For a `q` outside of [0, 1] or one that wants a gradient, another method, no element.

    Examples
    --------
    >>> quantile([1.0, 2.0, 4.0], [0.25, 1.0]).tolist()
    [1.5, 4.0]
    """
    if method != "linear":
        raise problem(ArgumentError, f"quantile: method={method!r} is unknown", "'linear'")
    q, keepdims = _fractions(q), switch(keepdims, "keepdims")
    if q.size and not (q.min() >= 0.0 and q.max() <= 1.0):
        raise problem(ArgumentError, "quantile: a q is outside of [0, 1]", "a fraction, or percentile")
    lines, kept = _sorted_lines(x, axis)
    if not lines.shape[-1]:
        raise problem(ShapeError, f"quantile of shape {lift(x).shape} over axis {axis}: there is nothing to choose from",
                      "an array that is not empty along the axes")
    at = q * (lines.shape[-1] - 1)
    low = np.floor(at).astype(np.int64)
    share = (at - low).astype(lines.dtype)
    last = lines.ndim - 1
    a, b = (take_rows(lines, i, axis=last) for i in (low, np.ceil(at).astype(np.int64)))
    # From the nearer end, as NumPy; equal ends (infinities too) give themselves.
    between = where(share < 0.5, a + (b - a) * share, b - (b - a) * (1.0 - share).astype(lines.dtype))
    top = views.reshape(axis_part(lines, last, lines.shape[-1] - 1, lines.shape[-1]), shape=lines.shape[:-1] + (1,) * q.ndim)
    out = where(isnan(top), top, where(equal(a, b), a, between))
    out = views.permute(out, axes=(*range(last, last + q.ndim), *range(last)))
    return views.reshape(out, shape=q.shape + kept) if keepdims else out


def _fractions(q):
    """Return `q` as an array; it is a constant, so one that wants a gradient is refused."""
    q = lift(q)
    if q.requires_grad:
        raise problem(ArgumentError, "quantile: q wants a gradient; quantiles are differentiated in x alone", "q.detach()")
    return np.asarray(q.numpy(), np.float64)


def percentile(x, q, axis=None, method="linear", keepdims=False):
    """Return quantiles of fractions given in percent, as `numpy.percentile`; arguments as `quantile`.

    >>> float(percentile([1.0, 2.0, 4.0], 50))
    2.0
    """
    return quantile(x, _fractions(q) / 100.0, axis, method, keepdims)
