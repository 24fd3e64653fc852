"""How many threads share the tiles of a kernel, and where the pool is started, grown and forgotten."""

import ctypes
import functools
import operator
import os
import threading
import warnings

from ...base.config import config
from ...base.errors import ArgumentError, problem
from .pool import Pool, native
from .sharing import POOL, THREADS

_lock = threading.Lock()
_pool = Pool(config.max_threads)


def launcher() -> tuple:
    """Return the addresses of `void launch(kernel, block, tiles, state)` and of its state.

    The pool is started by the first launch on several threads.
    """
    return _native().address("launch"), _pool.address


def set_num_threads(n: int) -> None:
    """Set how many threads share the tiles of a kernel, in the whole process.

    Results do not depend on it. The threads are nbgrad's own; NumPy's, PyTorch's and Numba's have settings of their own.

    Parameters
    ----------
    n : int
        From 1 to NUMBA_NUM_THREADS, or the number of processors when that is not set.

    Raises
    ------
    ArgumentError
        When `n` is out of this range.

    Examples
    --------
    >>> set_num_threads(1)
    >>> get_num_threads()
    1
    """
    try:
        n = operator.index(n)
    except TypeError:
        raise problem(ArgumentError, f"set_num_threads(n): n is {n!r}", "a whole number, such as 2") from None
    most = _pool.most
    if not 1 <= n <= most:
        raise problem(
            ArgumentError,
            f"set_num_threads(n): n is {n}; it must be from 1 to {most}",
            "NUMBA_NUM_THREADS=... before Python starts, for more threads than processors",
        )
    config.num_threads = _pool[THREADS] = n


def get_num_threads() -> int:
    """Return how many threads share the tiles of a kernel.

    >>> get_num_threads() >= 1
    True
    """
    return _pool[THREADS]


def started() -> int:
    """Return how many threads the pool has by now, the one that launches among them.

    >>> started() >= 1
    True
    """
    return _pool[POOL]


@functools.cache
def _native():
    code = native()
    code.set("START", ctypes.cast(_grow_pointer, ctypes.c_void_p).value)
    return code


def _grow():
    """Start the threads that are missing; a launch that needs them calls this."""
    config.calm_waiting()
    with _lock:
        try:
            _pool.grow(get_num_threads())
        except Exception as error:
            _pool[THREADS] = started()
            message = f"kernels run on {started()} of {config.num_threads} threads: {error}"
            warnings.warn(message, RuntimeWarning, stacklevel=1)


def _after_fork():
    """In a forked child: the threads of the parent are not here; the next launch starts others."""
    global _lock
    _lock = threading.Lock()
    _pool.forget()


_grow_pointer = ctypes.CFUNCTYPE(None)(_grow)
_pool[THREADS] = min(config.num_threads, _pool.most)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
