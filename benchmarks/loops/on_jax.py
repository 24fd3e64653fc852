"""JAX: loops are `scan`, all is compiled, in float64."""

import sys

import jax
import jax.numpy as jnp
from jax.numpy import concatenate, cos, exp, expand_dims, log, matmul, sin, sqrt, stack, sum, tanh, where  # noqa: F401

from . import arrays

array, expand, amax = jnp.asarray, expand_dims, jnp.max


def swapped(x):
    return x.swapaxes(-1, -2)


def rimmed(x):
    return jnp.pad(x, 1)


def repeat(step, state, turns):
    return jax.lax.scan(lambda state, _: (step(state), None), state, None, length=turns)[0]


def fold(step, state, given):
    return jax.lax.scan(lambda state, row: (step(state, row), None), state, given)[0]


def compiled(f, given):
    """Return the call of a function of arrays, compiled for these."""
    with jax.enable_x64(True):
        given = [jnp.asarray(a) for a in given]
        ready = jax.jit(f).lower(*given).compile()
    return lambda: ready(*given)


def gradient(name, wrt, given, known):
    """Return the call that gives the gradients of a workload."""
    f = getattr(arrays, name)
    return compiled(lambda *a: jax.grad(lambda *a: f(ME, *a, **known), wrt)(*a), given)


def jacobian(cameras, points, weights, views, seen):
    """Return the call that gives the numbers of the sparse Jacobian: one small Jacobian for each observation."""
    rows = jax.jacrev(lambda *a: stack(arrays.error(ME, *a)), (0, 1, 2))

    def all_rows(cameras, points, weights, views, seen):
        c, p, w = jax.vmap(rows)(cameras[views[:, 0]], points[views[:, 1]], weights, seen)
        return concatenate((c, p, w[..., None]), 2), -2.0 * weights

    return compiled(all_rows, (cameras, points, weights, views, seen))



ME = sys.modules[__name__]
