"""Products of matrices: square ones of both float dtypes, tall, deep and wide ones, many small ones."""

from math import prod

import numpy as np

from ..case import Call, Case

SQUARES = (64, 256, 512, 1024, 2048)
OTHERS = (
    ("4096x64x64", (4096, 64), (64, 64)), ("64x4096x64", (64, 4096), (4096, 64)), ("64x64x4096", (64, 64), (64, 4096)),
    ("2048x256x1024", (2048, 256), (256, 1024)), ("10000 of 8x8x8", (10000, 8, 8), (10000, 8, 8)),
)  # fmt: skip


def inputs(a: tuple, b: tuple, dtype: str) -> dict[str, np.ndarray]:
    """Return two arrays of these shapes."""
    rng = np.random.default_rng(3)
    return {name: rng.standard_normal(shape).astype(dtype) for name, shape in (("a", a), ("b", b))}


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

    jax.config.update("jax_enable_x64", a.dtype == np.float64)
    x, y, f = jnp.asarray(a), jnp.asarray(b), jax.jit(jnp.matmul)
    return lambda: f(x, y)


def numpy_side(a, b) -> Call:
    return lambda: a @ b


SIDES = {"nbgrad": nbgrad_side, "torch": torch_side, "jax": jax_side, "numpy": numpy_side, "openblas": numpy_side}


def record(name: str, a: tuple, b: tuple, dtype: str) -> Case:
    """Return the case of two shapes."""
    size = np.dtype(dtype).itemsize
    return Case(
        f"matmul/{name} {dtype}",
        lambda: inputs(a, b, dtype),
        SIDES,
        flops=2.0 * prod(a) * b[-1],
        bytes=float(size * (prod(a) + prod(b) + prod(a[:-1]) * b[-1])),
        note="rows x inner x columns; jax: under jit; openblas: NumPy with OPENBLAS_CORETYPE=SKYLAKEX, its AVX-512 kernels",
    )


CASES = tuple(
    record(name, a, b, dtype)
    for dtype in ("float32", "float64")
    for name, a, b in (*((str(n), (n, n), (n, n)) for n in SQUARES), *OTHERS)
)
