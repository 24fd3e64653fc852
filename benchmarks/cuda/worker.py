"""A worker whose cases run on a GPU; asked as `benchmarks.worker` is."""

import gc
import sys
from collections.abc import Mapping
from importlib import import_module
from typing import Any

import numpy as np

from ..case import Call, Case, peer_of
from ..worker import Bench, main
from . import kernels, place, products, steps

CASES: tuple[Case, ...] = (*kernels.CASES, *products.CASES, *steps.CASES)


def find(name: str) -> Case:
    """Return the case of that name."""
    return next(case for case in CASES if case.name == name)


def arrays(result: Any) -> list[np.ndarray]:
    """Return a library's result as a flat list of NumPy arrays; what NumPy has no dtype for as float32."""
    if isinstance(result, (list, tuple)):
        return [a for part in result for a in arrays(part)]
    if hasattr(result, "detach"):
        result = result.detach()
        result = (result.float() if "bfloat16" in str(result.dtype) else result).cpu() if hasattr(result, "cpu") else result
        return [np.array(result.numpy())]
    if "bfloat16" in str(getattr(result, "dtype", "")):
        result = result.astype("float32")
    return [] if result is None else [np.array(result)]


class DeviceBench(Bench):
    """The sides of a case that are open in this process, on the GPU."""

    find = staticmethod(find)
    arrays = staticmethod(arrays)

    def start(self) -> dict[str, Any]:
        """Import the peer; products of float32 are to be those of float32."""
        if self.peer == "memory":
            return {}
        package = import_module(self.peer)
        if self.peer == "torch":
            if not package.cuda.is_available():
                raise RuntimeError("torch sees no GPU")
            package.backends.cuda.matmul.allow_tf32 = package.backends.cudnn.allow_tf32 = False
        if self.peer == "jax" and package.default_backend() != "gpu":
            raise RuntimeError("jax sees no GPU")
        return {}

    @staticmethod
    def ended(side: str, call: Call) -> Call:
        """Return the call as it is: `timed` waits for the last of several."""
        return call

    def timed(self, side: str, calls: int) -> float:
        """Return the seconds of one call, as the mean over several in a row."""
        return place.timed(peer_of(side), self.open_calls[side], calls)

    def close(self, side: str) -> dict[str, Any]:
        """Forget a side, and give its memory to the other processes."""
        super().close(side)
        if self.peer == "torch":
            import_module("torch").cuda.empty_cache()
        elif self.peer in ("nbgrad", "memory"):
            gc.collect()
            import_module("nbgrad").cuda.empty_cache()
        return {}


def surroundings(outer: Mapping[str, str], threads: int, peer: str = "") -> dict[str, str]:
    """Return the environment of a worker: JAX takes memory as it needs it, for the others are there too."""
    return {**outer, "PYTHONHASHSEED": "0", "XLA_PYTHON_CLIENT_PREALLOCATE": "false", "JAX_DEFAULT_MATMUL_PRECISION": "highest"}


if __name__ == "__main__":
    main(DeviceBench(sys.argv[1], int(sys.argv[2])))
