"""Steps in JAX, each compiled as a whole."""

from functools import partial

import jax
import jax.numpy as jnp
from jax import grad  # noqa: F401
from jax.lax import erf  # noqa: F401
from jax.nn import relu, sigmoid, softplus  # noqa: F401
from jax.numpy import exp, log, sin, sqrt, tanh  # noqa: F401
from jax.numpy import transpose as permute  # noqa: F401

from ..case import Call
from . import LEARNING, Given


def train(loss, given: Given, read: bool = True) -> Call:
    """Return the step: gradient, Adam, and the loss, read as a number where that is asked for."""
    rate, (keep, keep_square), eps = LEARNING["lr"], LEARNING["betas"], LEARNING["eps"]

    def update(p, m, v, t, *data):
        value, g = jax.value_and_grad(loss)(p, *data)
        m = jax.tree.map(lambda m, g: keep * m + (1 - keep) * g, m, g)
        v = jax.tree.map(lambda v, g: keep_square * v + (1 - keep_square) * g * g, v, g)
        first, second = 1 - keep**t, 1 - keep_square**t
        moved = lambda p, m, v: p - rate * (m / first) / (jnp.sqrt(v / second) + eps)
        return jax.tree.map(moved, p, m, v), m, v, t + 1, value

    compiled = jax.jit(update, donate_argnums=(0, 1, 2, 3))
    parameters = jax.tree.map(jnp.array, given.parameters)
    zeros = lambda: jax.tree.map(jnp.zeros_like, parameters)
    state = [(parameters, zeros(), zeros(), jnp.float32(1))]
    data = [jnp.asarray(a) for a in given.data]

    def step():
        *now, value = compiled(*state[0], *data)
        state[0] = tuple(now)
        return float(value) if read else value

    return step


def evaluate(f, data, read: bool = False) -> Call:
    """Return the call of a function of arrays."""
    return partial(jax.jit(f), *map(jnp.asarray, data))


def values_and_slopes(f):
    """Return the function that gives an elementwise function's values and its partials in all arguments."""

    def summed(*args):
        values = f(*args)
        return values.sum(), values

    def both(*args):
        (_, values), slopes = jax.value_and_grad(summed, tuple(range(len(args))), has_aux=True)(*args)
        return values, *slopes

    return both


def hvp(f, x, v):
    """Return the Hessian of f at x, times v."""
    return jax.jvp(jax.grad(f), (x,), (v,))[1]


def linear(x, w, b):
    """Return x @ w.T + b."""
    return x @ w.T + b


def mse_loss(x, y):
    """Return the mean of squared differences."""
    return jnp.mean((x - y) ** 2)


def cross_entropy(scores, labels):
    """Return the mean cross entropy against classes."""
    return -jnp.mean(jax.nn.log_softmax(scores)[jnp.arange(len(labels)), labels])


def layer_norm(x, w, b):
    """Return the last axis standardized, scaled and shifted."""
    centred = x - x.mean(-1, keepdims=True)
    return centred * jax.lax.rsqrt((centred * centred).mean(-1, keepdims=True) + 1e-5) * w + b


def conv2d(x, w, b):
    """Return the convolution of images (n, c, h, w), zeros around them."""
    return jax.lax.conv(x, w, (1, 1), "SAME") + b[:, None, None]


def max_pool2d(x):
    """Return the largest of each 2x2; the gradient of reduce_window is slower than that of a reshaped max."""
    n, c, h, w = x.shape
    return x.reshape(n, c, h // 2, 2, w // 2, 2).max((3, 5))


def attention(q, k, v):
    """Return softmax(q k' / sqrt(width)) v of (batch, heads, length, width)."""
    return jax.nn.softmax(q @ k.swapaxes(-1, -2) * q.shape[-1] ** -0.5) @ v


def lstm(x, w_in, w_state, bias):
    """Return the last state (batch, n) of an LSTM over x (time, batch, n_in); gates i, f, g, o as PyTorch's."""

    def step(state, given):
        h, c = state
        i, f, g, o = jnp.split(given + h @ w_state.T, 4, axis=-1)
        c = sigmoid(f) * c + sigmoid(i) * tanh(g)
        return (sigmoid(o) * tanh(c), c), None

    start = jnp.zeros((x.shape[1], w_state.shape[1]), x.dtype)
    return jax.lax.scan(step, (start, start), x @ w_in.T + bias)[0][0]
