"""Kernels that memory binds: elementwise rows, rows of a matrix, what moves numbers; beside a copy of as many bytes."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ..case import Call, Case
from .place import TINY, on_gpu

EPS = 1e-5
LENGTH = 300 if TINY else 1 << 25
SHAPE = (6, 20) if TINY else (1 << 15, 1 << 10)
TABLE, PICKED = ((8, 5), 12) if TINY else ((1 << 16, 256), 1 << 17)
NOTE = (
    "float32, arrays larger than any cache; memory: a copy on the device of as many bytes, so that its ratio is nbgrad's "
    "share of the copy's speed; jax: the function under jit"
)


class Kernel(NamedTuple):
    """One kernel: what it is given, how each library calls it, and the least bytes that it must move.

    Functions take the library (NumPy's module is that of the truth) and the arrays.
    """

    name: str
    inputs: Callable[[], dict[str, np.ndarray]]
    bytes: float
    nbgrad: Callable[..., Any]
    torch: Callable[..., Any]
    jax: Callable[..., Any]
    numpy: Callable[..., Any]

    def case(self) -> Case:
        """Return the record."""
        on = lambda peer: lambda **given: on_gpu(peer, getattr(self, peer), given)
        sides = {peer: on(peer) for peer in ("nbgrad", "torch", "jax", "numpy")}
        sides["memory"] = lambda **given: copy(self.bytes)
        return Case(f"kernels/{self.name}", self.inputs, sides, bytes=self.bytes, tolerance=1e-4, note=NOTE, unchecked=("memory",))


def copy(size: float) -> Call:
    """Return a copy on the device that reads and writes so many bytes together."""
    from nbgrad.target.cuda.package import package

    cuda = package().cuda
    a, b = (cuda.device_array(max(1, int(size) // 2), np.uint8) for _ in range(2))
    return lambda: b.copy_to_device(a)


def drawn(**shapes: Any) -> Callable[[], dict[str, np.ndarray]]:
    """Return what draws normal numbers of some shapes, the same at each call."""

    def inputs():
        rng = np.random.default_rng(21)
        return {name: rng.standard_normal(shape, dtype=np.float32) for name, shape in shapes.items()}

    return inputs


def picked(**shapes: Any) -> Callable[[], dict[str, np.ndarray]]:
    """Return the same with the numbers of rows of a table."""
    return lambda: {**drawn(**shapes)(), "index": np.random.default_rng(22).integers(0, TABLE[0], PICKED)}


def normalised(np, x, w, b):
    centred = x - x.mean(-1, keepdims=True)
    return centred / np.sqrt((centred * centred).mean(-1, keepdims=True) + EPS) * w + b


def softmax(np, x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def gelu(np, x):
    from scipy.special import ndtr

    return x * ndtr(x)


def added(np, x, v, index):
    out = x.copy()
    np.add.at(out, index, v)
    return out


CELLS, ROWS = SHAPE[0] * SHAPE[1], PICKED * TABLE[1]
KERNELS = (
    Kernel("add", drawn(x=LENGTH, y=LENGTH), 12.0 * LENGTH, *[lambda m, x, y: x + y] * 4),
    Kernel("tanh", drawn(x=LENGTH), 8.0 * LENGTH, lambda ng, x: ng.tanh(x), lambda torch, x: torch.tanh(x),
           lambda jax, x: jax.numpy.tanh(x), lambda np, x: np.tanh(x)),
    Kernel("gelu", drawn(x=LENGTH), 8.0 * LENGTH, lambda ng, x: ng.gelu(x), lambda torch, x: torch.nn.functional.gelu(x),
           lambda jax, x: jax.nn.gelu(x, approximate=False), gelu),
    Kernel("softmax", drawn(x=SHAPE), 8.0 * CELLS, lambda ng, x: ng.softmax(x, -1), lambda torch, x: torch.softmax(x, -1),
           lambda jax, x: jax.nn.softmax(x, -1), softmax),
    Kernel("layer norm", drawn(x=SHAPE, w=SHAPE[1:], b=SHAPE[1:]), 8.0 * CELLS, lambda ng, x, w, b: ng.layer_norm(x, w, b, -1, EPS),
           lambda torch, x, w, b: torch.layer_norm(x, x.shape[-1:], w, b, EPS), lambda jax, *xs: normalised(jax.numpy, *xs), normalised),
    Kernel("sum", drawn(x=LENGTH), 4.0 * LENGTH, *[lambda m, x: x.sum()] * 4),
    Kernel("sum of columns", drawn(x=SHAPE), 4.0 * CELLS, *[lambda m, x: x.sum(0)] * 4),
    Kernel("cumsum", drawn(x=SHAPE), 8.0 * CELLS, lambda ng, x: ng.cumsum(x, -1), lambda torch, x: torch.cumsum(x, -1),
           lambda jax, x: jax.numpy.cumsum(x, -1), lambda np, x: np.cumsum(x, -1)),
    Kernel("argsort", drawn(x=SHAPE), 12.0 * CELLS, lambda ng, x: ng.argsort(x, -1), lambda torch, x: torch.argsort(x, dim=-1, stable=True),
           lambda jax, x: jax.numpy.argsort(x, -1), lambda np, x: np.argsort(x, -1, kind="stable")),
    Kernel("gather", picked(x=TABLE), 8.0 * PICKED + 8.0 * ROWS, lambda ng, x, index: ng.take(x, index, 0),
           lambda torch, x, index: x[index], lambda jax, x, index: x[index], lambda np, x, index: x[index]),
    Kernel("scatter-add", picked(x=TABLE, v=(PICKED, TABLE[1])), 8.0 * PICKED + 4.0 * ROWS + 8.0 * TABLE[0] * TABLE[1],
           lambda ng, x, v, index: ng.scatter_add(x, index, v), lambda torch, x, v, index: x.index_add(0, index, v),
           lambda jax, x, v, index: x.at[index].add(v), added),
)  # fmt: skip
CASES = tuple(kernel.case() for kernel in KERNELS)
