"""Steps in nbgrad: compiled as a whole, or one op at a time."""

from functools import partial

import nbgrad as ng
from nbgrad import (  # noqa: F401
    cross_entropy,
    erf,
    exp,
    grad,
    layer_norm,
    linear,
    log,
    mse_loss,
    permute,
    relu,
    sigmoid,
    sin,
    softplus,
    sqrt,
    tanh,
)

from ..case import Call
from . import LEARNING, Given

conv2d = partial(ng.conv2d, padding=1)
max_pool2d = partial(ng.max_pool2d, window=2)


def train(loss, given: Given, compiled: bool, device: str = "cpu", read: bool = True) -> Call:
    """Return the step: gradient, Adam, and the loss, read as a number where that is asked for."""
    parameters = {name: ng.tensor(a, requires_grad=True, device=device) for name, a in given.parameters.items()}
    optimizer = ng.optim.Adam(parameters, **LEARNING)

    def step(*data):
        value = loss(parameters, *data)
        value.backward()
        optimizer.step()
        optimizer.zero_grad()
        return value

    call = evaluate(step, given.data, compiled, device)
    return (lambda: call().item()) if read else call


def evaluate(f, data, compiled: bool, device: str = "cpu", read: bool = False) -> Call:
    """Return the call of a function of arrays."""
    return partial(ng.compile(f) if compiled else f, *[ng.tensor(a, device=device) for a in data])


def values_and_slopes(f):
    """Return the function that gives an elementwise function's values and its partials in all arguments."""

    def summed(*args):
        values = f(*args)
        return values.sum(), values

    def both(*args):
        (_, values), slopes = ng.value_and_grad(summed, tuple(range(len(args))), has_aux=True)(*args)
        return values, *slopes

    return both


def hvp(f, x, v):
    """Return the Hessian of f at x, times v."""
    return ng.hvp(f, (x,), (v,))


def attention(q, k, v):
    """Return softmax(q k' / sqrt(width)) v of (batch, heads, length, width)."""
    scores = ng.matmul(q, k.swapaxes(-1, -2)) * q.shape[-1] ** -0.5
    return ng.matmul(ng.softmax(scores, -1), v)


def lstm(x, w_in, w_state, bias):
    """Return the last state (batch, n) of an LSTM over x (time, batch, n_in); gates i, f, g, o as PyTorch's."""
    _, batch, _ = x.shape
    n = w_state.shape[1]
    given = linear(x, w_in, bias)
    start = ng.zeros((batch, n), dtype=x.dtype, device=x.device)

    def turn(carry, given):
        h, c = carry
        gates = given + ng.matmul(h, w_state.T)
        i, f, o = (sigmoid(gates[:, k * n : (k + 1) * n]) for k in (0, 1, 3))
        c = f * c + i * tanh(gates[:, 2 * n : 3 * n])
        return (o * tanh(c), c), None

    (h, _), _ = ng.scan(turn, (start, start), given)
    return h
