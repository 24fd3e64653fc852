"""PyTorch: loops are loops of Python."""

import sys

import numpy as np
import torch
from torch import amax, cos, exp, log, matmul, sin, sqrt, stack, sum, tanh, where  # noqa: F401
from torch import as_tensor as array  # noqa: F401
from torch import cat as concatenate
from torch import unsqueeze as expand  # noqa: F401
from torch.func import jacrev, vmap

from . import arrays


def swapped(x):
    return x.transpose(-1, -2)


def rimmed(x):
    return torch.nn.functional.pad(x, (1, 1, 1, 1))


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
    f, given = getattr(arrays, name), [torch.as_tensor(np.asarray(a)) for a in given]  # else a float of Python is a float32
    wanted = [given[i].requires_grad_() for i in ((wrt,) if isinstance(wrt, int) else wrt)]
    return lambda: torch.autograd.grad(f(ME, *given, **known), wanted)


def jacobian(cameras, points, weights, views, seen):
    """Return the call that gives the numbers of the sparse Jacobian: one small Jacobian for each observation."""
    rows = vmap(jacrev(lambda *a: stack(arrays.error(ME, *a)), (0, 1, 2)))
    cameras, points, weights, views, seen = map(torch.as_tensor, (cameras, points, weights, views, seen))

    def call():
        c, p, w = rows(cameras[views[:, 0]], points[views[:, 1]], weights, seen)
        return concatenate((c, p, w[..., None]), 2), -2.0 * weights

    return call


ME = sys.modules[__name__]
