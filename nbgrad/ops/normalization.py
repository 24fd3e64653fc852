"""Normalisations: values brought to zero mean and unit spread over chosen axes, then scaled and shifted."""

import functools

import numpy as np

from ..base.errors import ArgumentError, ShapeError, problem
from ..base.shapes import normalize_axes, normalize_axis
from .channels import batch_rescale, batch_standardize
from .movement import permute
from .standardize import standardize, standardize_scaled
from .table import lift
from .views import inverse


@functools.lru_cache(maxsize=256)
def filled(value, shape, dtype):
    """Return a constant that stands for a scale or shift that is not given."""
    return lift(np.full(shape, value, dtype))


def standardized(x, weight, bias, axis, groups, eps, centered):
    """Return `x` normalised over the axes from `axis` on (or in `groups` of channels), scaled and shifted."""
    plain = weight is None and bias is None
    row = (standardize if plain else standardize_scaled).fixed(axis=axis, groups=groups, eps=eps, centered=centered)
    if plain:
        return row(x)
    if weight is None or bias is None:
        shape = (x.shape[1],) if groups else x.shape[axis:]
        weight = filled(1.0, shape, dtype_of(x)) if weight is None else weight
        bias = filled(0.0, shape, dtype_of(x)) if bias is None else bias
    return row(x, weight, bias)


def layer_norm(x, weight=None, bias=None, axes=-1, eps=1e-5):
    """Normalise each sample over its last axes (Ba, Kiros and Hinton 2016, arXiv:1607.06450).

    Parameters
    ----------
    x : array of float (..., n)
        Mean and (biased) variance are taken over `axes`.
    weight, bias : arrays with the lengths of `axes`, optional
        Scale and shift after normalising.
    axes : int or tuple of int
        Axes to normalise over; with `weight` or `bias` they must be the last ones.
    eps : float
        Added to the variance.

    Examples
    --------
    >>> layer_norm([1.0, 3.0], eps=0.0).numpy()
    array([-1.,  1.])
    """
    x = lift(x)
    if axes == -1 and x.ndim:
        return standardized(x, weight, bias, x.ndim - 1, 0, float(eps), True)
    return over(x, trailing_axes("layer_norm", x, axes, weight is not None or bias is not None), weight, bias, eps, True)


def over(x, axes, weight, bias, eps, centered):
    """Return `x` normalised over ascending axes; others than the last ones are moved there for the call."""
    first = x.ndim - len(axes)
    if axes == tuple(range(first, x.ndim)):
        return standardized(x, weight, bias, first, 0, float(eps), centered)
    order = (*(a for a in range(x.ndim) if a not in axes), *axes)
    return permute(standardized(permute(x, order), None, None, first, 0, float(eps), centered), inverse(order))


def trailing_axes(op, x, axes, scaled_after):
    """Return `axes` in order; they must be the last ones if a weight or bias is to line up with them."""
    axes = tuple(sorted(normalize_axes(axes, x.ndim)))
    if scaled_after and axes != tuple(range(x.ndim - len(axes), x.ndim)):
        raise problem(
            ShapeError,
            f"{op}: axes {axes} of x {x.shape} are not the last ones, but weight and bias line up with the last",
            "move the normalised axes to the end, or scale afterwards",
        )
    return axes


def rms_norm(x, weight=None, axes=-1, eps=1e-6):
    """Divide by the root mean square over `axes` (Zhang and Sennrich 2019, arXiv:1910.07467).

    Parameters
    ----------
    x : array of float (..., n)
    weight : array with the lengths of `axes`, optional
        Scale after normalising.
    axes : int or tuple of int
        Axes of the mean; with `weight` they must be the last ones.
    eps : float
        Added to the mean square.

    Examples
    --------
    >>> rms_norm([3.0, -3.0], eps=0.0).numpy()
    array([ 1., -1.])
    """
    x = lift(x)
    if axes == -1 and x.ndim:
        return standardized(x, weight, None, x.ndim - 1, 0, float(eps), False)
    return over(x, trailing_axes("rms_norm", x, axes, weight is not None), weight, None, eps, False)


def batch_norm(x, mean, var, weight=None, bias=None, axis=1, eps=1e-5):
    """Normalise each channel by given statistics (Ioffe and Szegedy 2015, arXiv:1502.03167).

    Parameters
    ----------
    x : array of float (..., c, ...)
        Channels lie along `axis`.
    mean, var, weight, bias : arrays (c,)
        Statistics of the batch (computed from `x` by the caller, gradients flow through) or running ones; weight and
        bias may be None.
    axis : int
        The channel axis.
    eps : float
        Added to `var`.

    Examples
    --------
    >>> batch_norm([[1.0], [3.0]], [2.0], [1.0], eps=0.0).numpy().ravel()
    array([-1.,  1.])
    """
    x = lift(x)
    axis = normalize_axis(axis, x.ndim)
    row = batch_rescale.fixed(axis=axis, eps=float(eps))
    return row(x, mean, var, *scale_and_shift(x, axis, weight, bias))


def batch_standardized(x, weight=None, bias=None, axis=1, eps=1e-5):
    """Normalise each channel by the statistics of the batch; gradients flow through them.

    Parameters
    ----------
    x, weight, bias, axis, eps
        As of `batch_norm`.

    Returns
    -------
    tuple of Tensor
        The result like `x`; mean and biased variance of each channel, float64, without history.

    Examples
    --------
    >>> out, mean, variance = batch_standardized([[1.0], [3.0]], eps=0.0)
    >>> out.numpy().ravel(), float(mean), float(variance)
    (array([-1.,  1.]), 2.0, 1.0)
    """
    x = lift(x)
    axis = normalize_axis(axis, x.ndim)
    row = batch_standardize.fixed(axis=axis, eps=float(eps))
    out, mean, _, variance = row(x, *scale_and_shift(x, axis, weight, bias))
    return out, mean, variance


def scale_and_shift(x, axis, weight, bias):
    """Return one weight and bias per channel, constants where they are None."""
    return filled(1.0, (x.shape[axis],), dtype_of(x)) if weight is None else weight, (
        filled(0.0, (x.shape[axis],), dtype_of(x)) if bias is None else bias
    )


def dtype_of(x):
    """Return the dtype that a float function computes in."""
    return x.dtype if x.dtype.kind == "f" else "float64"


def group_norm(x, groups, weight=None, bias=None, eps=1e-5):
    """Normalise groups of channels of each sample (Wu and He 2018, arXiv:1803.08494).

    Parameters
    ----------
    x : array of float (n, c, ...)
    groups : int
        Number of groups; divides `c`. `groups=c` is instance normalisation.
    weight, bias : arrays (c,), optional
        Scale and shift per channel.
    eps : float
        Added to the variance.

    Examples
    --------
    >>> group_norm([[1.0, 3.0, 5.0, 9.0]], 2, eps=0.0).numpy()
    array([[-1.,  1., -1.,  1.]])
    """
    x = lift(x)
    if x.ndim < 2 or groups < 1 or x.shape[1] % groups:
        raise problem(
            ArgumentError,
            f"group_norm(x, groups={groups}): x is {x.shape}; groups must divide its channels, axis 1",
            "a number of groups that divides x.shape[1]",
        )
    return standardized(x, weight, bias, 1, groups, float(eps), True)
