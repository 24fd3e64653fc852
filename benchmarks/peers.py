"""The peers: how each is told its number of threads, made ready, waited for, and read."""

import importlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

PEERS = ("nbgrad", "torch", "jax", "numpy", "openblas", "numba", "autograd", "python", "memory")
PACKAGES = {"openblas": "numpy", "memory": "numba"}  # peers that are another package, used in a way of their own
ALWAYS = {"PYTHONHASHSEED": "0", "JAX_PLATFORMS": "cpu", "CUDA_VISIBLE_DEVICES": ""}
COUNTS = (
    "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS", "NUMBA_NUM_THREADS",
    "NBGRAD_NUM_THREADS", "NPROC",
)  # fmt: skip


def environment(outer: Mapping[str, str], threads: int, peer: str = "") -> dict[str, str]:
    """Return the environment of a worker whose peer may use so many threads.

    XLA takes the size of its pool from NPROC, and one thread only when its Eigen pool is off as well. The peer
    "openblas" is NumPy whose OpenBLAS, which does not know the newest processors, is told of AVX-512.
    """
    if peer == "openblas" and avx512():
        outer = {**outer, "OPENBLAS_CORETYPE": "SKYLAKEX"}
    several = "true" if threads > 1 else "false"
    flags = f"{outer.get('XLA_FLAGS', '')} --xla_cpu_multi_thread_eigen={several}".strip()
    return {**outer, **ALWAYS, **dict.fromkeys(COUNTS, str(threads)), "XLA_FLAGS": flags}


def avx512() -> bool:
    """Say whether this processor is known to have AVX-512."""
    try:
        return "avx512f" in Path("/proc/cpuinfo").read_text(encoding="utf-8").split()
    except OSError:
        return False


def ready(peer: str, threads: int) -> None:
    """Import a peer in this process, and set its threads where the environment does not do so."""
    if peer == "python":
        return
    package = importlib.import_module(PACKAGES.get(peer, peer))
    if peer == "torch":
        package.set_num_threads(threads)


def waited(side: str, call: Callable[[], Any]) -> Callable[[], Any]:
    """Return a call that ends when its result is there; JAX alone returns before."""
    if not side.startswith("jax"):
        return call
    from jax import block_until_ready

    return lambda: block_until_ready(call())


def arrays(result: Any) -> list[np.ndarray]:
    """Return a peer's result as a flat list of NumPy arrays."""
    if isinstance(result, (list, tuple)):
        return [a for part in result for a in arrays(part)]
    if hasattr(result, "detach"):
        result = result.detach().numpy()
    return [np.array(result)]
