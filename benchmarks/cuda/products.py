"""Products of square matrices, float32 with no shorter format inside, and bfloat16."""

from functools import partial

import numpy as np

from ..case import Call, Case
from .kernels import drawn
from .place import TINY, on_gpu, placed

SIZES = (1024, 2048, 4096)
NOTE = "float32 throughout: TF32 is off everywhere; bfloat16 sums in float32"


def bfloat16(peer: str, a: np.ndarray, b: np.ndarray) -> Call:
    """Return the work of a peer in bfloat16, whose arrays are cast beforehand."""
    if peer == "nbgrad":
        raise NotImplementedError("nbgrad has no bfloat16")
    if peer == "numpy":
        return lambda: a @ b
    x, y = (placed(peer, v) for v in (a, b))
    if peer == "torch":
        x, y = x.bfloat16(), y.bfloat16()
        return lambda: x @ y
    import jax

    x, y = (v.astype(jax.numpy.bfloat16) for v in (x, y))
    f = jax.jit(lambda x, y: x @ y)
    return lambda: f(x, y)


def record(n: int, dtype: str) -> Case:
    """Return the case of squares of one size."""
    product = lambda m, a, b: a @ b
    way = (lambda peer, **given: on_gpu(peer, product, given)) if dtype == "float32" else bfloat16
    sides = {peer: partial(way, peer) for peer in ("nbgrad", "torch", "jax", "numpy")}
    side = n // 300 if TINY else n
    inputs = drawn(a=(side, side), b=(side, side))
    return Case(f"matmul/{n} {dtype}", inputs, sides, flops=2.0 * n**3, bytes=12.0 * n * n, note=NOTE,
                tolerance=1e-4 if dtype == "float32" else 3e-2)  # fmt: skip


CASES = tuple(record(n, dtype) for dtype in ("float32", "bfloat16") for n in SIZES)
