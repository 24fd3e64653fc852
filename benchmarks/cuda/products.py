"""Products of square matrices, float32 with no shorter format inside, and bfloat16."""

from functools import partial
from typing import Any

import numpy as np

from ..case import Call, Case
from .kernels import drawn
from .place import TINY, on_gpu, placed

SIZES = (1024, 2048, 4096)
NOTE = {
    "float32": "float32 throughout: TF32 is off everywhere",
    "bfloat16": "factors of bfloat16, sums in float32; nbgrad's arrays lie in float32, and products round them",
}


def bfloat16(peer: str, a: np.ndarray, b: np.ndarray) -> Call:
    """Return the work of a peer with factors of bfloat16, cast beforehand where there are such arrays."""
    if peer == "numpy":
        return lambda: a @ b
    x, y = (placed(peer, v) for v in (a, b))
    if peer == "nbgrad":
        return rounded(x, y)
    if peer == "torch":
        x, y = x.bfloat16(), y.bfloat16()
        return lambda: x @ y
    import jax

    x, y = (v.astype(jax.numpy.bfloat16) for v in (x, y))
    f = jax.jit(lambda x, y: x @ y)
    return lambda: f(x, y)


def rounded(x: Any, y: Any) -> Call:
    """Return the product of nbgrad's that rounds its factors: a compiled function keeps what was set when it was recorded."""
    import nbgrad as ng

    f, before = ng.compile(lambda x, y: x @ y), ng.cuda.get_precision()
    ng.cuda.set_precision("bfloat16")
    try:
        f(x, y)
    finally:
        ng.cuda.set_precision(before)
    return lambda: f(x, y)


def record(n: int, dtype: str) -> Case:
    """Return the case of squares of one size."""
    product = lambda m, a, b: a @ b
    way = (lambda peer, **given: on_gpu(peer, product, given)) if dtype == "float32" else bfloat16
    sides = {peer: partial(way, peer) for peer in ("nbgrad", "torch", "jax", "numpy")}
    side = n // 300 if TINY else n
    inputs = drawn(a=(side, side), b=(side, side))
    return Case(f"matmul/{n} {dtype}", inputs, sides, flops=2.0 * n**3, bytes=12.0 * n * n, note=NOTE[dtype],
                tolerance=1e-4 if dtype == "float32" else 3e-2)  # fmt: skip


CASES = tuple(record(n, dtype) for dtype in ("float32", "bfloat16") for n in SIZES)
