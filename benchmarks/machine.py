"""The machine: what it is, and the most it can do (measured, so that a share of it means something)."""

import json
import os
import platform
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from .harness import ROOT
from .peers import environment

PACKAGES = ("nbgrad", "torch", "jax", "jaxlib", "numpy", "scipy", "numba", "llvmlite")
SIZES = tuple(1 << n for n in range(15, 28, 2))  # bytes that a copy touches: 32 KiB to 128 MiB


def facts() -> dict[str, Any]:
    """Return processor, cores, system and Python."""
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    return {
        "processor": processor(), "cores": cores(), "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(), "load before": None if load is None else round(load, 2),
        "versions": versions(),
    }  # fmt: skip


def versions() -> dict[str, str]:
    """Return the version of each package that is installed."""
    found = {}
    for name in PACKAGES:
        with suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found


def cores() -> int:
    """Return the number of processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _described(key: str) -> str:
    """Return the first value of a key in /proc/cpuinfo, or an empty text."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    return next((line.split(":", 1)[1].strip() for line in lines if line.split(":")[0].strip() == key), "")


def processor() -> str:
    """Return the processor's name."""
    return _described("model name") or platform.processor() or platform.machine()


def limits(limit: float = 120.0) -> dict[str, Any]:
    """Return the peak of float32 products and the speed of copies of several sizes, or {} when they cannot be had.

    The peak is that of NumPy's matmul at its best: OpenBLAS does not know the newest processors and then uses older
    kernels, so with AVX-512 its own kernels for it are tried as well.
    """
    outer = environment(os.environ, cores())
    ways: list[Mapping[str, str]] = [outer]
    if "avx512f" in _described("flags").split():
        ways.append({**outer, "OPENBLAS_CORETYPE": "SKYLAKEX"})
    found = [r for r in (_probe(way, limit) for way in ways) if r]
    if not found:
        return {}
    copies = np.max([r["bytes_per_second"] for r in found], axis=0)
    # Copies of a few kilobytes measure Python's call; memory that is fast for more bytes is so for fewer.
    copies = np.maximum.accumulate(copies[::-1])[::-1]
    return {"flops_per_second": max(r["flops_per_second"] for r in found), "sizes": list(SIZES),
            "bytes_per_second": copies.tolist()}  # fmt: skip


def highest(a: Mapping[str, Any], b: Mapping[str, Any]) -> dict[str, Any]:
    """Return the higher of two measurements of the limits: a machine that others use too shows less of itself."""
    if not a or not b:
        return dict(a or b)
    return {**a, **{k: np.maximum(a[k], b[k]).tolist() for k in ("flops_per_second", "bytes_per_second")}}


def _probe(environ: Mapping[str, str], limit: float) -> dict[str, Any]:
    """Measure in a fresh process."""
    command = [sys.executable, "-m", "benchmarks.machine"]
    try:
        done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=limit, check=True)
        return json.loads(done.stdout)
    except (subprocess.SubprocessError, ValueError):
        return {}


def share(limits: Mapping[str, Any], flops: float, size: float, seconds: float) -> float | None:
    """Return the time that the machine's limits allow at least, as a share of the time taken.

    Memory is as fast as a copy that touches the same number of bytes, caches included.

    Examples
    --------
    >>> share({"flops_per_second": 1e9, "sizes": [1, 1000], "bytes_per_second": [1e9, 1e9]}, 1e6, 1e3, 0.002)
    0.5
    """
    if not limits or not (flops or size):
        return None
    speed = np.interp(np.log(max(size, 1.0)), np.log(limits["sizes"]), limits["bytes_per_second"])
    return float(max(flops / limits["flops_per_second"], size / speed) / seconds)


def best(call: Any, times: int) -> float:
    """Return the seconds of the fastest of some calls."""
    seconds = []
    for _ in range(times):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def peak(n: int = 2048) -> float:
    """Return the operations in a second of a large float32 product."""
    a = np.ones((n, n), dtype=np.float32)
    return 2.0 * n**3 / best(lambda: a @ a, 8)


def copy_speed(size: int) -> float:
    """Return bytes read and written in a second by copies on all cores at once, `size` bytes touched in all."""
    parts = cores()
    count = size // 2 // parts // 4
    pairs = [(np.ones(count, np.float32), np.ones(count, np.float32)) for _ in range(parts)]
    times = max(10, (1 << 28) // size)
    threads = [threading.Thread(target=_copies, args=(*pair, times)) for pair in pairs]
    start = time.perf_counter()
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return 2.0 * 4 * count * parts * times / (time.perf_counter() - start)


def _copies(a: np.ndarray, b: np.ndarray, times: int) -> None:
    for _ in range(times):
        np.copyto(b, a)


if __name__ == "__main__":
    speeds = [max(copy_speed(size) for _ in range(3)) for size in SIZES]
    print(json.dumps({"flops_per_second": peak(), "bytes_per_second": speeds}))
