"""Normalisations: values brought to zero mean and unit spread over chosen axes, then scaled and shifted."""

from math import prod

from ..base.errors import ArgumentError, ShapeError, problem
from ..base.shapes import normalize_axes, normalize_axis
from . import reduce
from .arithmetic import sqrt
from .composite import float_tensor


def scaled(x, weight, bias):
    """Return `x * weight + bias`, either of which may be None."""
    if weight is not None:
        x = x * weight
    return x if bias is None else x + bias


def standardized(x, axes, eps):
    """Return `x` with mean 0 and variance 1 over `axes`."""
    d = x - reduce.mean(x, axes, True)
    return d / sqrt(reduce.mean(d * d, axes, True) + eps)


def check_parameter(op, name, value, shape, x):
    """Return `value` lifted if its shape is `shape`; None passes."""
    if value is None:
        return None
    value = float_tensor(value)
    if value.shape != shape:
        raise problem(
            ShapeError,
            f"{op}: {name} is {value.shape}; for x of {x.shape} it must be {shape}",
            f"{name} of shape {shape}",
        )
    return value


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
    x = float_tensor(x)
    axes = trailing_axes("layer_norm", x, axes, weight is not None or bias is not None)
    shape = tuple(x.shape[a] for a in axes)
    weight = check_parameter("layer_norm", "weight", weight, shape, x)
    bias = check_parameter("layer_norm", "bias", bias, shape, x)
    return scaled(standardized(x, axes, eps), weight, bias)


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
    x = float_tensor(x)
    axes = trailing_axes("rms_norm", x, axes, weight is not None)
    weight = check_parameter("rms_norm", "weight", weight, tuple(x.shape[a] for a in axes), x)
    return scaled(x / sqrt(reduce.mean(x * x, axes, True) + eps), weight, None)


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
    x = float_tensor(x)
    axis = normalize_axis(axis, x.ndim)
    shape = tuple(n if i == axis else 1 for i, n in enumerate(x.shape))
    given = {"mean": mean, "var": var, "weight": weight, "bias": bias}
    line = {k: check_parameter("batch_norm", k, v, (x.shape[axis],), x) for k, v in given.items()}
    # One multiplication per element: weight / sqrt(var + eps) is computed per channel.
    scale = 1.0 / sqrt(line["var"] + eps)
    scale = scale if weight is None else scale * line["weight"]
    return scaled(
        x - line["mean"].reshape(shape), scale.reshape(shape), None if bias is None else line["bias"].reshape(shape)
    )


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
    x = float_tensor(x)
    if x.ndim < 2 or groups < 1 or x.shape[1] % groups:
        raise problem(
            ArgumentError,
            f"group_norm(x, groups={groups}): x is {x.shape}; groups must divide its channels, axis 1",
            "a number of groups that divides x.shape[1]",
        )
    channels = x.shape[1]
    rest = (1,) * (x.ndim - 2)
    weight = check_parameter("group_norm", "weight", weight, (channels,), x)
    bias = check_parameter("group_norm", "bias", bias, (channels,), x)
    size = prod(x.shape[1:]) // groups
    out = standardized(x.reshape((x.shape[0], groups, size)), (2,), eps).reshape(x.shape)
    return scaled(
        out,
        None if weight is None else weight.reshape((channels, *rest)),
        None if bias is None else bias.reshape((channels, *rest)),
    )
