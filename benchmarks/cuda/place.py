"""Where a case runs: arrays of a library on the GPU, and how long calls take there."""

import os
import time
from collections.abc import Callable, Mapping
from functools import partial
from importlib import import_module
from typing import Any

import numpy as np

from ..case import Call

TINY = os.environ.get("NBGRAD_BENCH_TINY") == "1"  # sizes that the simulator can do


def placed(peer: str, a: np.ndarray) -> Any:
    """Return an array of a library on the GPU, NumPy's where it is."""
    if peer == "numpy":
        return a
    library = import_module(peer)
    if peer == "jax":
        return library.numpy.asarray(a)
    return library.tensor(a, device="cuda")


def on_gpu(peer: str, f: Callable[..., Any], given: Mapping[str, np.ndarray]) -> Call:
    """Return the call of a function of a library and arrays."""
    library, arrays = import_module(peer), [placed(peer, a) for a in given.values()]
    f = partial(f, library)
    return partial(library.jit(f) if peer == "jax" else f, *arrays)


def wait(peer: str) -> Callable[[Any], None]:
    """Return what waits for a result."""
    if peer == "jax":
        return import_module("jax").block_until_ready
    if peer == "torch":
        return lambda result: import_module("torch").cuda.synchronize()
    if peer in ("nbgrad", "memory"):
        return lambda result: import_module("nbgrad").cuda.synchronize()
    return lambda result: None


def timed(peer: str, call: Call, calls: int) -> float:
    """Return the seconds of one call, as the mean over several in a row: events of the device where the peer has them."""
    first, last = events(peer)
    start = time.perf_counter()
    if first is not None:
        first.record()
    for _ in range(calls):
        result = call()
    if first is None:
        wait(peer)(result)
        return (time.perf_counter() - start) / calls
    last.record()
    last.synchronize()
    return between(peer, first, last) / calls


def events(peer: str) -> tuple[Any, Any]:
    """Return two events of the device; None where there are none."""
    if peer == "torch":
        make = partial(import_module("torch").cuda.Event, enable_timing=True)
        return make(), make()
    if peer in ("nbgrad", "memory"):
        package = import_module("nbgrad.target.cuda.package").package()
        if not package.simulated:
            return package.cuda.event(), package.cuda.event()
    return None, None


def between(peer: str, first: Any, last: Any) -> float:
    """Return the seconds from one event to another."""
    if peer == "torch":
        return first.elapsed_time(last) / 1e3
    return import_module("nbgrad.target.cuda.package").package().cuda.event_elapsed_time(first, last) / 1e3
