"""Steps in PyTorch: eager, with Adam in one kernel, or with the loss and its gradient compiled too."""

from functools import partial

import torch
from torch import erf, exp, log, permute, relu, sin, sqrt, tanh  # noqa: F401
from torch.nn import functional
from torch.nn.functional import cross_entropy, linear, mse_loss, softplus  # noqa: F401

from ..case import Call
from . import LEARNING, Given

attention = functional.scaled_dot_product_attention
conv2d = partial(functional.conv2d, padding=1)
max_pool2d = partial(functional.max_pool2d, kernel_size=2)


def train(loss, given: Given, fused: bool, compiled: bool, mode: str | None = None, device: str = "cpu", read: bool = True) -> Call:
    """Return the step: gradient, Adam, and the loss, read as a number where that is asked for."""
    parameters = {name: torch.from_numpy(a.copy()).to(device).requires_grad_() for name, a in given.parameters.items()}
    optimizer = torch.optim.Adam(parameters.values(), **LEARNING, fused=fused)
    data = [torch.from_numpy(a).to(device) for a in given.data]
    # Compiling the optimizer, or all of the step, is slower than the kernel of Adam(fused=True).
    forward = whole(loss, mode) if compiled else loss

    def step():
        optimizer.zero_grad()
        value = forward(parameters, *data)
        value.backward()
        optimizer.step()
        return value.item() if read else value.detach()

    return step


def evaluate(f, data, compiled: bool, mode: str | None = None, device: str = "cpu", read: bool = False) -> Call:
    """Return the call of a function of arrays."""
    return partial(whole(f, mode) if compiled else f, *[torch.from_numpy(a).to(device) for a in data])


def whole(f, mode=None):
    """Return a function compiled for its shapes; what was compiled before would make it one for any shape."""
    torch.compiler.reset()
    return torch.compile(f, dynamic=False, mode=mode)


def grad(f):
    """Return the gradient of a scalar function of one array, to be differentiated again."""
    if torch.compiler.is_compiling():  # of autograd.grad(create_graph=True) it has no gradient
        return torch.func.grad(f)

    def gradient(x):
        x = x if x.requires_grad else x.detach().requires_grad_()
        return torch.autograd.grad(f(x), x, create_graph=True)[0]

    return gradient


def values_and_slopes(f):
    """Return the function that gives an elementwise function's values and its partials in all arguments."""

    def both(*args):
        args = [a.detach().requires_grad_() for a in args]
        values = f(*args)
        return values.detach(), *torch.autograd.grad(values.sum(), args)

    def traced(*args):
        def summed(*args):
            values = f(*args)
            return values.sum(), values

        slopes, (_, values) = torch.func.grad_and_value(summed, tuple(range(len(args))), has_aux=True)(*args)
        return values, *slopes

    return traced if torch.compiler.is_compiling() else both


def hvp(f, x, v):
    """Return the Hessian of f at x, times v."""
    if torch.compiler.is_compiling():
        return torch.func.jvp(torch.func.grad(f), (x,), (v,))[1]
    x = x.detach().requires_grad_()
    return torch.autograd.grad(torch.autograd.grad(f(x), x, create_graph=True), x, v)[0]


def layer_norm(x, w, b):
    """Return the last axis standardized, scaled and shifted."""
    return torch.layer_norm(x, x.shape[-1:], w, b)


@torch.compiler.disable  # as it does with nn.LSTM: to trace all steps takes long and makes a slower program
def lstm(x, w_in, w_state, bias):
    """Return the last state (batch, n) of an LSTM over x (time, batch, n_in): what nn.LSTM calls, its second bias 0."""
    start = x.new_zeros(1, x.shape[1], w_state.shape[1])
    weights = (w_in, w_state, bias, torch.zeros_like(bias))
    return torch.lstm(x, (start, start), weights, True, 1, 0.0, True, False, False)[1][0]
