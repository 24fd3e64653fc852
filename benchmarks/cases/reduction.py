"""Sum, mean and maximum over each axis of a matrix, and over both."""

import numpy as np

from ..case import Call, Case

SIZE = 2048
AXES = {"rows": 1, "columns": 0, "all": None}


def inputs() -> dict[str, np.ndarray]:
    """Return a matrix of mixed signs."""
    return {"x": np.random.default_rng(2).standard_normal((SIZE, SIZE)).astype(np.float32)}


def nbgrad_side(name: str, axis, x) -> Call:
    import nbgrad as ng

    f, given = getattr(ng, name), ng.tensor(x)
    return lambda: f(given, axis=axis)


def torch_side(name: str, axis, x) -> Call:
    import torch

    f = torch.amax if name == "max" else getattr(torch, name)
    given, axes = torch.from_numpy(x), (0, 1) if axis is None else (axis,)
    return lambda: f(given, axes)


def jax_side(name: str, axis, x) -> Call:
    import jax
    import jax.numpy as jnp

    f, given = getattr(jnp, name), jnp.asarray(x)
    compiled = jax.jit(lambda v: f(v, axis=axis))
    return lambda: compiled(given)


def numpy_side(name: str, axis, x) -> Call:
    f = getattr(np, name)
    return lambda: f(x, axis=axis)


def record(name: str, over: str) -> Case:
    """Return the case of one reduction over some axes."""
    sides = {"nbgrad": nbgrad_side, "torch": torch_side, "jax": jax_side, "numpy": numpy_side}
    return Case(
        f"reduction/{name} {over}",
        inputs,
        {peer: lambda x, side=side: side(name, AXES[over], x) for peer, side in sides.items()},
        bytes=4.0 * SIZE * SIZE,
        note=f"{SIZE}x{SIZE} float32; rows: along each row; jax: under jit",
    )


CASES = tuple(record(name, over) for name in ("sum", "mean", "max") for over in AXES)
