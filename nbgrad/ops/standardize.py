"""Rows for normalisations: numbers brought to zero mean and unit spread, each row one pass over memory.

Of an array, the axes from `axis` on are normalised together; with `groups`, the axes from 1 on, in that many parts of
axis 1. `centered` says whether the mean is taken off. The gradients compute mean and spread of a row again while it is
in the cache: that takes less time than keeping them.
"""

from math import prod

from ..base.errors import ShapeError, problem
from . import reduce
from .arithmetic import sqrt
from .movement import broadcast_to, reshape
from .table import primitive


@primitive(
    vjp={
        "x": lambda g, x, axis, groups, eps, centered: standardize_grad.fixed(
            axis=axis, groups=groups, eps=eps, centered=centered
        )(g, x)
    }
)
def standardize(x, *, axis, groups, eps, centered):
    """Numbers with mean 0 and variance 1 over the last axes, or groups of channels."""
    return x.shape


@primitive(
    vjp={
        ("u", "x"): lambda g, u, x, axis, groups, eps, centered, wanted: curvature(
            (g, None, None), u, x, None, part_view(x, axis, groups), eps, centered, wanted
        )[:2]
    },
    linear=("u",),
)
def standardize_grad(u, x, *, axis, groups, eps, centered):
    """Gradient u of a standardized x, taken back."""
    return x.shape


@primitive(
    vjp={
        ("x", "weight", "bias"): lambda g, x, weight, axis, groups, eps, centered: standardize_scaled_grad.fixed(
            axis=axis, groups=groups, eps=eps, centered=centered
        )(g, x, weight)
    }
)
def standardize_scaled(x, weight, bias, *, axis, groups, eps, centered):
    """Standardized numbers, times a weight, plus a bias."""
    op = "group_norm" if groups else "layer_norm" if centered else "rms_norm"
    shape = (x.shape[1],) if groups else x.shape[axis:]
    for name, value in (("weight", weight), ("bias", bias)):
        if value.shape != shape:
            raise problem(
                ShapeError,
                f"{op}: {name} is {value.shape}; for x of {x.shape} it must be {shape}",
                f"{name} of shape {shape}",
            )
    return x.shape


@primitive(
    outputs=("of_x", "of_weight", "of_bias"),
    vjp={
        ("u", "x", "weight"): lambda g, u, x, weight, axis, groups, eps, centered, wanted: curvature(
            g, u, x, weight, part_view(x, axis, groups), eps, centered, wanted
        )
    },
    linear=("u",),
)
def standardize_scaled_grad(u, x, weight, *, axis, groups, eps, centered):
    """Gradient u of a standardized and scaled x, taken back to x, weight and bias in one pass."""
    return x.shape, weight.shape, weight.shape


def part_view(x, axis, groups):
    """Return (shape, axes that are normalised, axes over which pairs are shared, shape of the pairs) of x by parts."""
    if groups:
        n, c = x.shape[:2]
        return (n, groups, c // groups, prod(x.shape[2:])), (2, 3), (0, 3), (groups, c // groups, 1)
    n = prod(x.shape[axis:])
    return (prod(x.shape[:axis]), n), (1,), (0,), (n,)


def curvature(g, u, x, weight, view, eps, centered, wanted):
    """Gradients of the gradient of a normalisation, in u, x and weight.

    With z the standardized x, r its scale and M the mean over a part, the gradient of x is P(u * weight), where
    P(v) = r (v - M v - z M(v z)) is its own adjoint; those of weight and bias are sums of u z and u.

    Parameters
    ----------
    g : tuple
        What flowed to the gradients of x, weight and bias; None for nothing.
    view : tuple
        From `part_view` or `channel_view`: the shape in which x, u and g are seen, and its axes.
    """
    shape, inner, shared, pair_shape = view
    of_x, of_weight, of_bias = [None if v is None else reshape(v, s) for v, s in zip(g, (shape, pair_shape, pair_shape))]
    w = None if weight is None else reshape(weight, pair_shape)
    x_view, u_view = reshape(x, shape), reshape(u, shape)
    mean = lambda v: reduce.mean(v, inner, True)
    d = x_view - mean(x_view) if centered else x_view
    r = 1.0 / sqrt(mean(d * d) + eps)
    z = d * r
    back = lambda v: r * (v - z * mean(v * z) - mean(v) if centered else v - z * mean(v * z))
    scaled = u_view if w is None else u_view * w
    to_u = to_z = to_r = to_weight = None
    if of_x is not None:
        taken = back(of_x)
        to_u = taken if w is None else taken * w
        along = mean(scaled * z)
        to_z = -r * (of_x * along + scaled * mean(of_x * z))
        inside = scaled - z * along
        to_r = reduce.sum(of_x * (inside - mean(scaled) if centered else inside), inner, True)
        to_weight = None if w is None else reduce.sum(taken * u_view, shared, True)
    if of_weight is not None:
        to_u, to_z = added(to_u, of_weight * z), added(to_z, of_weight * u_view)
    if of_bias is not None:
        to_u = added(to_u, broadcast_to(of_bias, shape))
    to_x = None if to_z is None else back(to_z)
    if to_r is not None:
        to_x = to_x - to_r * (r * r) * z / float(prod(shape[a] for a in inner))
    whole = [(to_u, u), (to_x, x), (to_weight, weight)]
    return tuple([reshape(v, like.shape) if v is not None and k else None for (v, like), k in zip(whole, (*wanted, True))])


def added(a, b):
    """Return the sum of two values, the first of which may be None."""
    return b if a is None else a + b
