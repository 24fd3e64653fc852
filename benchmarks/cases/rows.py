"""Softmax and layer norm of the rows of a matrix, forward and backward."""

import numpy as np

from ..case import Call, Case

SHAPES = ((64, 1024), (2048, 1024))
EPS = 1e-5


def inputs(shape: tuple[int, int]) -> dict[str, np.ndarray]:
    """Return a matrix, the weight and bias of a layer norm, and the gradient that comes back."""
    rng = np.random.default_rng(8)
    given = {"x": shape, "weight": shape[1:], "bias": shape[1:], "g": shape}
    return {name: rng.standard_normal(size, dtype=np.float32) for name, size in given.items()}


def eager(tensor, functions, name, x, weight, bias, g) -> Call:
    """Return the work of a peer with tensors that hold their gradients."""
    given = [tensor(a) for a in ((x,) if name == "softmax" else (x, weight, bias))]
    for t in given:
        t.requires_grad = True
    back, f = tensor(g), functions[name]

    def call():
        for t in given:
            t.grad = None
        out = f(*given)
        out.backward(back)
        return out, *[t.grad for t in given]

    return call


def nbgrad_side(name, **given) -> Call:
    import nbgrad as ng

    functions = {"softmax": lambda x: ng.softmax(x, -1), "layer_norm": lambda x, w, b: ng.layer_norm(x, w, b, -1, EPS)}
    return eager(ng.tensor, functions, name, **given)


def torch_side(name, **given) -> Call:
    import torch
    from torch.nn import functional

    functions = {
        "softmax": lambda x: functional.softmax(x, -1),
        "layer_norm": lambda x, w, b: functional.layer_norm(x, x.shape[-1:], w, b, EPS),
    }
    return eager(torch.from_numpy, functions, name, **given)


def jax_side(name, x, weight, bias, g) -> Call:
    import jax
    import jax.numpy as jnp

    def layer_norm(x, w, b):
        centred = x - x.mean(-1, keepdims=True)
        return centred * jax.lax.rsqrt((centred * centred).mean(-1, keepdims=True) + EPS) * w + b

    f = jax.nn.softmax if name == "softmax" else layer_norm
    given = [jnp.asarray(a) for a in ((x,) if name == "softmax" else (x, weight, bias))]
    back = jnp.asarray(g)

    @jax.jit
    def both(back, *given):
        out, pull = jax.vjp(f, *given)
        return out, *pull(back)

    return lambda: both(back, *given)


def numpy_side(name, x, weight, bias, g) -> Call:
    def softmax():
        e = np.exp(x - x.max(-1, keepdims=True))
        out = e / e.sum(-1, keepdims=True)
        return out, out * (g - (g * out).sum(-1, keepdims=True))

    def layer_norm():
        centred = x - x.mean(-1, keepdims=True)
        scale = 1 / np.sqrt((centred * centred).mean(-1, keepdims=True) + EPS)
        y, u = centred * scale, g * weight
        back = scale * (u - u.mean(-1, keepdims=True) - y * (u * y).mean(-1, keepdims=True))
        return y * weight + bias, back, (g * y).sum(0), g.sum(0)

    return softmax if name == "softmax" else layer_norm


def record(name: str, shape: tuple[int, int]) -> Case:
    """Return the case of one function of one shape."""
    sides = {"nbgrad": nbgrad_side, "torch": torch_side, "jax": jax_side, "numpy": numpy_side}
    return Case(
        f"softmax and norm/{name} {shape[0]}x{shape[1]}",
        lambda: inputs(shape),
        {p: lambda side=side, **given: side(name, **given) for p, side in sides.items()},
        bytes=4.0 * 5 * shape[0] * shape[1],  # x and the result; the result (or x again), what comes back, the gradient
        tolerance=1e-4,
        note="float32, forward and backward along the rows; jax: under jit; numpy: by hand",
    )


CASES = tuple(record(name, shape) for name in ("softmax", "layer_norm") for shape in SHAPES)
