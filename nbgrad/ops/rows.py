"""Rows for softmax and its kin: each is one pass over memory. `axes` are neighbours, in ascending order.

The rows called `..._grad` take the gradient `u` that came to a result back to the argument; they have gradients
themselves, written in other ops.
"""

from ..base.shapes import normalize_axes, reduced_shape
from . import reduce
from .movement import permute, reshape
from .table import ZERO, primitive
from .transcendental import exp
from .views import constant, inverse


def total(x, axes):
    """Return the sum over `axes`, which stay with length 1."""
    return reduce.sum(x, axes, True)


@primitive(vjp={"x": lambda g, out, axes: softmax_grad.fixed(axes=axes)(out, g)}, ref="scipy.special.softmax")
def softmax(x, *, axes):
    """Exponentials that sum to one over neighbouring axes."""
    return x.shape


@primitive(
    vjp={
        "y": lambda g, y, u, axes: g * (u - total(u * y, axes)) - u * total(g * y, axes),
        "u": lambda g, y, axes: softmax_grad(y, g, axes=axes),
    },
    linear=("u",),
)
def softmax_grad(y, u, *, axes):
    """Gradient u of a softmax y, taken back: y * (u - sum(u * y))."""
    return y.shape


@primitive(vjp={"x": lambda g, out, axes: log_softmax_grad.fixed(axes=axes)(out, g)}, ref="scipy.special.log_softmax")
def log_softmax(x, *, axes):
    """Logarithm of softmax over neighbouring axes."""
    return x.shape


@primitive(
    vjp={
        "y": lambda g, y, u, axes: -(g * exp(y)) * total(u, axes),
        "u": lambda g, y, axes: g - total(g * exp(y), axes),
    },
    linear=("u",),
)
def log_softmax_grad(y, u, *, axes):
    """Gradient u of a log_softmax y, taken back: u - exp(y) * sum(u)."""
    return y.shape


@primitive(
    aux={"whole": "float64"}, ref="scipy.special.logsumexp",
    vjp={"x": lambda g, x, whole, axes: logsumexp_grad.fixed(axes=axes)(g, x, whole)},
)  # fmt: skip
def logsumexp(x, *, axes):
    """Logarithm of the sum of exponentials over neighbouring axes; `whole` is the same in float64."""
    shape = reduced_shape(x.shape, axes, False)
    return shape, shape


@primitive(
    vjp={
        ("u", "x"): lambda g, u, x, whole, axes, wanted: _logsumexp_curvature(g, u, x, whole, axes, wanted),
        "whole": ZERO,
    },
    accepts=("float", "float", "float64"), linear=("u",),
)  # fmt: skip
def logsumexp_grad(u, x, whole, *, axes):
    """Gradient u of a logsumexp `whole` of x, taken back: u * exp(x - whole); the largest share it where that is infinite."""
    return x.shape


def _logsumexp_curvature(g, u, x, whole, axes, wanted):
    """Gradients of `logsumexp_grad` in u and x; `whole` moves with x."""
    moved = of_x = None
    if wanted[0]:
        shares = logsumexp_grad(constant(1.0, u.shape, x.dtype), x, whole, axes=axes)
        moved = reduce.sum(g * shares, axes, False)
    if wanted[1]:
        taken = g * logsumexp_grad(u, x, whole, axes=axes)
        shares = logsumexp_grad(constant(1.0, u.shape, x.dtype), x, whole, axes=axes)
        of_x = taken - shares * total(taken, axes)
    return moved, of_x


def along(row, x, axis):
    """Return what a row that keeps the shape makes of `x` over `axis`: an int, a tuple, or None for all axes."""
    if type(axis) is int and -x.ndim <= axis < x.ndim:
        return row.fixed(axes=(axis % x.ndim,))(x)
    axes = tuple(sorted(normalize_axes(axis, x.ndim)))
    if neighbours(axes):
        return row.fixed(axes=axes)(x)
    order = (*(a for a in range(x.ndim) if a not in axes), *axes)
    return permute(row(permute(x, order), axes=tuple(range(x.ndim - len(axes), x.ndim))), inverse(order))


def neighbours(axes) -> bool:
    """Say whether ascending axes lie side by side; others are moved to the end for the call."""
    return not axes or axes[-1] - axes[0] == len(axes) - 1


def folded(row, x, axes, keepdims):
    """Return the first result of a row that folds `axes` of `x`, with those axes as length 1 where asked for."""
    shape, axes = x.shape, tuple(sorted(axes))
    if neighbours(axes):
        out = row.fixed(axes=axes)(x)[0]
    else:
        order = (*(a for a in range(x.ndim) if a not in axes), *axes)
        out = row(permute(x, order), axes=tuple(range(x.ndim - len(axes), x.ndim)))[0]
    return reshape(out, reduced_shape(shape, axes, True)) if keepdims else out
