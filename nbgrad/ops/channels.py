"""Rows for batch normalisation: channels along one axis, normalised over all others."""

from math import prod

from ..base.errors import ShapeError, problem
from . import reduce
from .arithmetic import sqrt
from .movement import broadcast_to, reshape
from .standardize import curvature
from .table import ZERO, primitive


@primitive(
    aux={"mean": "float64", "scale": "float64", "variance": "float64"},
    vjp={
        ("x", "weight", "bias"): lambda g, x, weight, mean, scale, axis, eps: batch_standardize_grad.fixed(
            axis=axis, eps=eps
        )(g, x, weight, mean, scale)
    },
)
def batch_standardize(x, weight, bias, *, axis, eps):
    """Channels with mean 0 and variance 1, times a weight, plus a bias; `mean`, `scale`, `variance` of each."""
    check_lines(x, axis, weight=weight, bias=bias)
    return x.shape, weight.shape, weight.shape, weight.shape


@primitive(
    outputs=("of_x", "of_weight", "of_bias"),
    vjp={
        ("u", "x", "weight"): lambda g, u, x, weight, axis, eps, wanted: curvature(
            g, u, x, weight, channel_view(x, axis), eps, True, wanted
        ),
        "mean": ZERO,
        "scale": ZERO,
    },
    accepts=("float", "float", "float", "float64", "float64"), linear=("u",),
)  # fmt: skip
def batch_standardize_grad(u, x, weight, mean, scale, *, axis, eps):
    """Gradient u of standardized channels, taken back to x, weight and bias."""
    return x.shape, weight.shape, weight.shape


@primitive(
    vjp={
        ("x", "mean", "var", "weight", "bias"): lambda g, x, mean, var, weight, axis, eps, wanted: rescale_grad(
            g, x, mean, var, weight, axis, eps, wanted
        )
    }
)
def batch_rescale(x, mean, var, weight, bias, *, axis, eps):
    """Channels brought by given means and variances to (x - mean) / sqrt(var + eps) * weight + bias."""
    check_lines(x, axis, mean=mean, var=var, weight=weight, bias=bias)
    return x.shape


@primitive(
    outputs=("plain", "along"),
    vjp={
        ("u", "x", "mean"): lambda g, u, x, mean, axis, wanted: sums_grad(g, u, x, mean, axis, wanted)
    },
    linear=("u",),
)
def channel_sums(u, x, mean, *, axis):
    """Sums of u, and of u * (x - mean), over all axes but that of the channels, in one pass."""
    return mean.shape, mean.shape


def check_lines(x, axis, **values):
    """Raise where a value does not hold one number per channel."""
    shape = (x.shape[axis],)
    for name, value in values.items():
        if value.shape != shape:
            raise problem(
                ShapeError,
                f"batch_norm: {name} is {value.shape}; for x of {x.shape} it must be {shape}",
                f"{name} of shape {shape}",
            )


def channel_view(x, axis):
    """Return (shape, axes that are normalised, axes over which pairs are shared, shape of the pairs) of x."""
    channels = x.shape[axis]
    return (prod(x.shape[:axis]), channels, prod(x.shape[axis + 1 :])), (0, 2), (0, 2), (1, channels, 1)


def lined(v, x, axis):
    """Return one number per channel, shaped to meet `x`."""
    return reshape(v, (-1,) + (1,) * (x.ndim - axis - 1))


def rescale_grad(g, x, mean, var, weight, axis, eps, wanted):
    """Gradients of `batch_rescale`."""
    scale = 1.0 / sqrt(var + eps)
    factor = scale * weight
    of_x = g * lined(factor, x, axis) if wanted[0] else None
    if not any(wanted[1:]):
        return of_x, None, None, None, None
    plain, along = channel_sums(g, x, mean, axis=axis)
    return of_x, -factor * plain, along * factor * (scale * scale) * -0.5, along * scale, plain


def sums_grad(g, u, x, mean, axis, wanted):
    """Gradients of `channel_sums`."""
    plain, along = g
    to_u = to_x = to_mean = None
    if plain is not None:
        to_u = lined(plain, x, axis)
    if along is not None:
        line, d = lined(along, x, axis), x - lined(mean, x, axis)
        to_u = line * d if to_u is None else to_u + line * d
        to_x = line * u
        if wanted[2]:
            to_mean = -along * reduce.sum(u, tuple(a for a in range(x.ndim) if a != axis), False)
    if to_u is not None and to_u.shape != x.shape:
        to_u = broadcast_to(to_u, x.shape)
    return to_u, to_x, to_mean
