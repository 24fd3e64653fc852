"""Products of square matrices."""

import numpy as np

from ..case import Call, Case


def inputs(n: int) -> dict[str, np.ndarray]:
    """Return two matrices."""
    rng = np.random.default_rng(3)
    return {name: rng.standard_normal((n, n)).astype(np.float32) for name in ("a", "b")}


def nbgrad_side(a, b) -> Call:
    import nbgrad as ng

    x, y = ng.tensor(a), ng.tensor(b)
    return lambda: x @ y


def torch_side(a, b) -> Call:
    import torch

    x, y = torch.from_numpy(a), torch.from_numpy(b)
    return lambda: x @ y


def jax_side(a, b) -> Call:
    import jax
    import jax.numpy as jnp

    x, y, f = jnp.asarray(a), jnp.asarray(b), jax.jit(jnp.matmul)
    return lambda: f(x, y)


def numpy_side(a, b) -> Call:
    return lambda: a @ b


def record(n: int) -> Case:
    """Return the case of one size."""
    return Case(
        f"matmul/{n}",
        lambda: inputs(n),
        {"nbgrad": nbgrad_side, "torch": torch_side, "jax": jax_side, "numpy": numpy_side},
        flops=2.0 * n**3,
        bytes=12.0 * n * n,
        note="square float32 matrices; jax: under jit",
    )


CASES = tuple(record(n) for n in (64, 256, 512, 1024))
