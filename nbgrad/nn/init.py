"""First values of parameters, for shapes (out, in, *kernel), drawn from `ng.random`, so that a seed repeats them."""

import math

import numpy as np

from .. import random
from ..base.arguments import lengths
from ..base.errors import ArgumentError, ShapeError, problem
from ..creation import asarray, full
from ..ops.special import scipy_special
from ..tensor import Tensor


def zeros(shape, dtype="float32") -> Tensor:
    """Zeros.

    >>> zeros(2).numpy()
    array([0., 0.], dtype=float32)
    """
    return constant(shape, 0.0, dtype)


def ones(shape, dtype="float32") -> Tensor:
    """Ones.

    >>> ones(2).numpy()
    array([1., 1.], dtype=float32)
    """
    return constant(shape, 1.0, dtype)


def constant(shape, value, dtype="float32") -> Tensor:
    """One value everywhere.

    >>> constant(2, 0.5).numpy()
    array([0.5, 0.5], dtype=float32)
    """
    return full(lengths(shape), value, dtype)


def uniform(shape, low=0.0, high=1.0, dtype="float32") -> Tensor:
    """Uniform numbers in [low, high).

    >>> uniform((2, 3), -1.0, 1.0).shape
    (2, 3)
    """
    return random.uniform(lengths(shape), low, high, dtype)


def normal(shape, mean=0.0, std=1.0, dtype="float32") -> Tensor:
    """Normal numbers.

    >>> normal((2, 3), std=0.02).shape
    (2, 3)
    """
    return random.normal(lengths(shape), mean, std, dtype)


def truncated_normal(shape, mean=0.0, std=1.0, low=-2.0, high=2.0, dtype="float32") -> Tensor:
    """Normal numbers within [low, high] (absolute bounds), by inverting the distribution function.

    >>> bool((truncated_normal(1000).numpy() <= 2.0).all())
    True
    """
    if not low < high or not std > 0:
        raise problem(
            ArgumentError,
            f"truncated_normal: needs low < high and std > 0, not {low}, {high}, {std}",
            "low=-2.0, high=2.0",
        )
    # Above the mean the distribution function is near 1, where float64 is coarse: the far tail is drawn mirrored.
    a, b = (low - mean) / std, (high - mean) / std
    sign = -1.0 if a > 0 else 1.0
    a, b = (a, b) if sign > 0 else (-b, -a)
    share = random.uniform(lengths(shape), 0.0, 1.0, "float64").numpy()
    ndtr, ndtri = scipy_special("ndtr"), scipy_special("ndtri")
    values = mean + sign * std * ndtri(ndtr(a) + share * (ndtr(b) - ndtr(a)))
    return asarray(np.clip(values, low, high).astype(dtype))


def fans(shape):
    """Return (values an output is summed from, outputs a value goes to) of a weight (out, in, *kernel).

    >>> fans((16, 3, 5, 5))
    (75, 400)
    """
    if len(shape) < 2:
        raise problem(
            ShapeError,
            f"fan in and fan out need a weight of two axes or more, not {shape}",
            "nn.init.normal for vectors",
        )
    field = math.prod(shape[2:])
    return shape[1] * field, shape[0] * field


def xavier_uniform(shape, gain=1.0, dtype="float32") -> Tensor:
    """Uniform in ±gain sqrt(6 / (fan_in + fan_out)) (Glorot and Bengio 2010, equation 16).

    >>> bool(abs(xavier_uniform((3, 3)).numpy()).max() <= 1.0)
    True
    """
    bound = gain * math.sqrt(6.0 / max(1, sum(fans(shape))))
    return uniform(shape, -bound, bound, dtype)


def xavier_normal(shape, gain=1.0, dtype="float32") -> Tensor:
    """Normal with standard deviation gain sqrt(2 / (fan_in + fan_out)) (Glorot and Bengio 2010, equation 12).

    >>> xavier_normal((4, 3)).shape
    (4, 3)
    """
    return normal(shape, 0.0, gain * math.sqrt(2.0 / max(1, sum(fans(shape)))), dtype)


def kaiming_gain(slope):
    """Return sqrt(2 / (1 + slope^2)): what a (leaky) relu takes away (He et al. 2015, equation 15)."""
    return math.sqrt(2.0 / (1.0 + slope * slope))


def kaiming_uniform(shape, slope=0.0, dtype="float32") -> Tensor:
    """Uniform in ±gain sqrt(3 / fan_in), for relu, or leaky relu of `slope` (He et al. 2015, arXiv:1502.01852).

    >>> kaiming_uniform((4, 3)).shape
    (4, 3)
    """
    bound = kaiming_gain(slope) * math.sqrt(3.0 / max(1, fans(shape)[0]))
    return uniform(shape, -bound, bound, dtype)


def kaiming_normal(shape, slope=0.0, dtype="float32") -> Tensor:
    """Normal with standard deviation gain / sqrt(fan_in), for relu, or leaky relu of `slope` (He et al. 2015).

    >>> kaiming_normal((4, 3)).shape
    (4, 3)
    """
    return normal(shape, 0.0, kaiming_gain(slope) / math.sqrt(max(1, fans(shape)[0])), dtype)


def fan_in_uniform(shape, dtype="float32") -> Tensor:
    """Uniform in ±1 / sqrt(fan_in) (LeCun et al. 1998, "Efficient BackProp", section 4.6): what the layers take.

    >>> bool(abs(fan_in_uniform((4, 4)).numpy()).max() <= 0.5)
    True
    """
    bound = 1.0 / math.sqrt(max(1, fans(shape)[0]))
    return uniform(shape, -bound, bound, dtype)


def orthogonal(shape, gain=1.0, dtype="float32") -> Tensor:
    """Orthonormal rows or columns, whichever are fewer, of (out, the rest) (Saxe et al. 2014, arXiv:1312.6120).

    >>> q = orthogonal((2, 5)).numpy()
    >>> bool(abs(q @ q.T - np.eye(2)).max() < 1e-6)
    True
    """
    rows, columns = shape[0], math.prod(shape[1:])
    fans(shape)
    draw = random.normal((max(rows, columns), min(rows, columns)), 0.0, 1.0, "float64").numpy()
    q, r = np.linalg.qr(draw)
    # With the signs of r's diagonal taken out, q is uniform over rotations (Mezzadri 2007).
    q = q * np.where(np.diag(r) < 0, -1.0, 1.0)
    return asarray((gain * (q if rows >= columns else q.T)).reshape(shape).astype(dtype))


def parameter(values) -> Tensor:
    """Return `values` as a leaf that requires a gradient."""
    values.requires_grad = True
    return values
