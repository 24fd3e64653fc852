"""Sum, mean and maximum over each axis of a matrix, and over both, beside the time of reading it once."""

import numpy as np

from ..case import Call, Case

SIZE = 4096
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


def memory_side(x) -> Call:
    """Read all of the matrix, in 64 pieces on all threads, and do as little as can be with it."""
    from numba import njit, prange

    @njit
    def seen(part):
        found = np.uint64(0)
        for i in range(part.size):
            found ^= part[i]
        return found

    @njit(parallel=True)
    def read(words):
        found, piece = np.zeros(64, np.uint64), len(words) // 64
        for p in prange(64):
            found[p] = seen(words[p * piece : (p + 1) * piece])  # a loop over a view: LLVM makes vectors of it
        return found

    words = x.reshape(-1).view(np.uint64)
    return lambda: read(words)


def record(name: str, over: str) -> Case:
    """Return the case of one reduction over some axes."""
    sides = {"nbgrad": nbgrad_side, "torch": torch_side, "jax": jax_side, "numpy": numpy_side}
    return Case(
        f"reduction/{name} {over}",
        inputs,
        {**{p: lambda x, side=side: side(name, AXES[over], x) for p, side in sides.items()}, "memory": memory_side},
        bytes=4.0 * SIZE * SIZE,
        note=f"{SIZE}x{SIZE} float32; rows: along each row; jax: under jit; memory: all of it read once",
        unchecked=("memory",),
    )


CASES = tuple(record(name, over) for name in ("sum", "mean", "max") for over in AXES)
