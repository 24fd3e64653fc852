"""200 elementwise ops on 64 numbers, one call after the other: what an op costs besides its arithmetic."""

import numpy as np

from ..case import Call, Case

LENGTH = 50  # links of four ops
OPS = 4 * LENGTH
SIZE = 64


def inputs() -> dict[str, np.ndarray]:
    """Return the start of the chain and the three arrays of its links; values stay below 2."""
    rng = np.random.default_rng(0)
    ranges = {"x": (-1.0, 1.0), "a": (0.9, 1.3), "b": (-0.1, 0.1), "c": (-0.1, 0.1)}
    return {name: rng.uniform(low, high, SIZE).astype(np.float32) for name, (low, high) in ranges.items()}


def chain(tanh, x, a, b, c):
    """Apply the links to arrays of any peer."""
    for _ in range(LENGTH):
        x = tanh(x * a + b) - c
    return x


def nbgrad_forward(x, a, b, c) -> Call:
    import nbgrad as ng

    given = [ng.tensor(v) for v in (x, a, b, c)]
    return lambda: chain(ng.tanh, *given)


def nbgrad_backward(x, a, b, c) -> Call:
    import nbgrad as ng

    given = [ng.tensor(v) for v in (a, b, c)]
    start = ng.tensor(x, requires_grad=True)

    def call():
        start.grad = None
        chain(ng.tanh, start, *given).sum().backward()
        return start.grad

    return call


def torch_forward(x, a, b, c) -> Call:
    import torch

    given = [torch.from_numpy(v) for v in (x, a, b, c)]
    return lambda: chain(torch.tanh, *given)


def torch_backward(x, a, b, c) -> Call:
    import torch

    given = [torch.from_numpy(v) for v in (a, b, c)]
    start = torch.from_numpy(x).requires_grad_()

    def call():
        start.grad = None
        chain(torch.tanh, start, *given).sum().backward()
        return start.grad

    return call


def jax_forward(x, a, b, c) -> Call:
    import jax.numpy as jnp

    given = [jnp.asarray(v) for v in (x, a, b, c)]
    return lambda: chain(jnp.tanh, *given)


def jax_backward(x, a, b, c) -> Call:
    import jax
    import jax.numpy as jnp

    given = [jnp.asarray(v) for v in (x, a, b, c)]
    gradient = jax.grad(lambda *v: chain(jnp.tanh, *v).sum())
    return lambda: gradient(*given)


def numpy_forward(x, a, b, c) -> Call:
    return lambda: chain(np.tanh, x, a, b, c)


def numpy_backward(x, a, b, c) -> Call:
    """Backward by hand: what a program without automatic differentiation pays."""

    def call():
        value, outs = x, []
        for _ in range(LENGTH):
            outs.append(np.tanh(value * a + b))
            value = outs[-1] - c
        g = np.ones_like(x)
        for out in reversed(outs):
            g = g * (1 - out * out) * a
        return g

    return call


CASES = (
    Case(
        "eager chain/forward",
        inputs,
        {"nbgrad": nbgrad_forward, "torch": torch_forward, "jax": jax_forward, "numpy": numpy_forward},
        note=f"{OPS} elementwise ops on {SIZE} float32 values, each called from Python",
    ),
    Case(
        "eager chain/with backward",
        inputs,
        {"nbgrad": nbgrad_backward, "torch": torch_backward, "jax": jax_backward, "numpy": numpy_backward},
        tolerance=1e-4,
        note="numpy: the backward written by hand",
    ),
)
