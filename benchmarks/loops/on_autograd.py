"""HIPS/autograd: NumPy with a tape."""

import sys

import autograd
from autograd.numpy import (  # noqa: F401
    amax,
    array,
    concatenate,
    cos,
    exp,
    log,
    matmul,
    pad,
    sin,
    sqrt,
    stack,
    sum,
    swapaxes,
    tanh,
    where,
)
from autograd.numpy import expand_dims as expand  # noqa: F401

from . import arrays


def swapped(x):
    return swapaxes(x, -1, -2)


def rimmed(x):
    return pad(x, 1, "constant")


def repeat(step, state, turns):
    for _ in range(turns):
        state = step(state)
    return state


def fold(step, state, given):
    for row in zip(*given):
        state = step(state, row)
    return state


def gradient(name, wrt, given, known):
    """Return the call that gives the gradients of a workload."""
    f = getattr(arrays, name)
    slopes = autograd.grad(lambda *a: f(ME, *a, **known), wrt)
    return lambda: slopes(*given)


def jacobian(cameras, points, weights, views, seen):
    """Return the call that gives the numbers of the sparse Jacobian: all first errors at once, then all second ones."""

    def side(i):
        return autograd.grad(lambda *a: sum(arrays.error(ME, *a, seen)[i]), (0, 1, 2))

    sides = side(0), side(1)

    def call():
        given = cameras[views[:, 0]], points[views[:, 1]], weights
        found = [concatenate((c, p, w[:, None]), 1) for c, p, w in (f(*given) for f in sides)]
        return stack(found, 1), -2.0 * weights

    return call


ME = sys.modules[__name__]
