"""Tiles of a kernel on Numba's one pool of threads, launched from native code.

Tiles are dealt out in `pieces`, one run of neighbouring tiles per thread, so that a thread meets the same memory from
kernel to kernel; a thread that is done with its piece takes tiles from the others. Which thread runs a tile never
changes what the tile computes.
"""

import ctypes
import operator
import os
import sys
import threading
import warnings

from ...base.config import config
from ...base.errors import ArgumentError, problem
from .load import load_ir

BUSY, THREADS, POOL, START, GET, SET, COUNTERS = range(7)  # words of the state; the counters begin at word 8
IR = """
; One thread's work: args[0] is its number, dims[0] how many such numbers.
; A job is kernel, block, tiles, pieces, counters.
define void @nbgrad_worker(ptr %args, ptr %dims, ptr %steps, ptr %job) {
entry:
  %start = load i64, ptr %args
  %count = load i64, ptr %dims
  %last = add i64 %start, %count
  %kernel = load ptr, ptr %job
  %block.at = getelementptr i64, ptr %job, i64 1
  %block = load i64, ptr %block.at
  %tiles.at = getelementptr i64, ptr %job, i64 2
  %tiles = load i64, ptr %tiles.at
  %pieces.at = getelementptr i64, ptr %job, i64 3
  %pieces = load i64, ptr %pieces.at
  %counters.at = getelementptr i64, ptr %job, i64 4
  %counters = load ptr, ptr %counters.at
  br label %worker
worker:
  %w = phi i64 [%start, %entry], [%w.next, %worker.end]
  %more = icmp slt i64 %w, %last
  br i1 %more, label %share, label %done
share:
  %k = phi i64 [0, %worker], [%k.next, %share.end]
  %w.k = add i64 %w, %k
  %v = urem i64 %w.k, %pieces
  %v.next = add i64 %v, 1
  %top = mul i64 %v.next, %tiles
  %end = udiv i64 %top, %pieces
  %slot = shl i64 %v, 3
  %counter = getelementptr i64, ptr %counters, i64 %slot
  br label %tile
tile:
  %seen = load atomic i64, ptr %counter monotonic, align 8
  %maybe = icmp slt i64 %seen, %end
  br i1 %maybe, label %pull, label %share.end
pull:
  %t = atomicrmw add ptr %counter, i64 1 monotonic
  %left = icmp slt i64 %t, %end
  br i1 %left, label %run, label %share.end
run:
  call void %kernel(i64 %block, i64 %t)
  br label %tile
share.end:
  %k.next = add i64 %k, 1
  %shares = icmp slt i64 %k.next, %pieces
  br i1 %shares, label %share, label %worker.end
worker.end:
  %w.next = add i64 %w, 1
  br label %worker
done:
  ret void
}

; All tiles of a kernel. When the pool is taken (another Python thread, or a launch within a tile) they run here, in
; order: the processors are busy, and Numba's workqueue ends the process when two threads use it.
define void @nbgrad_launch(ptr %kernel, i64 %block, i64 %tiles, ptr %state) {
entry:
  %job = alloca [5 x i64]
  %base = alloca i64
  %step = alloca i64
  %dim = alloca i64
  %bases = alloca ptr
  %threads.at = getelementptr i64, ptr %state, i64 1
  %pool.at = getelementptr i64, ptr %state, i64 2
  %threads = load atomic i64, ptr %threads.at monotonic, align 8
  %several = icmp sgt i64 %threads, 1
  br i1 %several, label %pooled, label %serial
pooled:
  %pool.0 = load atomic i64, ptr %pool.at acquire, align 8
  %started = icmp ne i64 %pool.0, 0
  br i1 %started, label %take, label %start
start:
  %start.at = getelementptr i64, ptr %state, i64 3
  %start.fn = load ptr, ptr %start.at
  call void %start.fn()
  %pool.1 = load atomic i64, ptr %pool.at acquire, align 8
  %running = icmp ne i64 %pool.1, 0
  br i1 %running, label %take, label %serial
take:
  %pool = phi i64 [%pool.0, %pooled], [%pool.1, %start]
  %now = load atomic i64, ptr %threads.at monotonic, align 8
  %pair = cmpxchg ptr %state, i64 0, i64 1 acquire monotonic
  %mine = extractvalue {i64, i1} %pair, 1
  br i1 %mine, label %fill, label %serial
fill:
  %fewer = icmp slt i64 %tiles, %now
  %pieces = select i1 %fewer, i64 %tiles, i64 %now
  %counters = getelementptr i64, ptr %state, i64 8
  br label %counter
counter:
  %v = phi i64 [0, %fill], [%v.next, %counter]
  %v.top = mul i64 %v, %tiles
  %first = udiv i64 %v.top, %pieces
  %slot = shl i64 %v, 3
  %cell = getelementptr i64, ptr %counters, i64 %slot
  store i64 %first, ptr %cell
  %v.next = add i64 %v, 1
  %v.more = icmp slt i64 %v.next, %pieces
  br i1 %v.more, label %counter, label %go
go:
  store ptr %kernel, ptr %job
  %job.1 = getelementptr i64, ptr %job, i64 1
  store i64 %block, ptr %job.1
  %job.2 = getelementptr i64, ptr %job, i64 2
  store i64 %tiles, ptr %job.2
  %job.3 = getelementptr i64, ptr %job, i64 3
  store i64 %pieces, ptr %job.3
  %job.4 = getelementptr i64, ptr %job, i64 4
  store ptr %counters, ptr %job.4
  store i64 1, ptr %step
  store i64 %now, ptr %dim
  %get.at = getelementptr i64, ptr %state, i64 4
  %get = load ptr, ptr %get.at
  %set.at = getelementptr i64, ptr %state, i64 5
  %set = load ptr, ptr %set.at
  %theirs = call i32 %get()
  %parallel_for = inttoptr i64 %pool to ptr
  %number = trunc i64 %now to i32
  store ptr null, ptr %bases
  call void %parallel_for(ptr @nbgrad_worker, ptr %bases, ptr %dim, ptr %step, ptr %job, i64 1, i64 1, i32 %number)
  call void %set(i32 %theirs)
  store atomic i64 0, ptr %state release, align 8
  ret void
serial:
  %t = phi i64 [0, %entry], [0, %start], [0, %take], [%t.next, %serial]
  call void %kernel(i64 %block, i64 %t)
  %t.next = add i64 %t, 1
  %t.more = icmp slt i64 %t.next, %tiles
  br i1 %t.more, label %serial, label %done
done:
  ret void
}
"""

_lock = threading.Lock()
_forked = False
_state = (ctypes.c_int64 * (8 + 8 * config.max_threads + 8))()
_words = (ctypes.c_int64 * (8 + 8 * config.max_threads)).from_buffer(_state, -ctypes.addressof(_state) % 64)


def launcher() -> tuple:
    """Return the addresses of `void launch(kernel, args, tiles, state)` and of its state.

    The pool is started by the first launch that needs it; until then Numba is not imported.
    """
    return load_ir(IR, "nbgrad_launch"), ctypes.addressof(_words)


def set_num_threads(n: int) -> None:
    """Set how many threads share the tiles of a kernel, in the whole process.

    Results do not depend on it.

    Parameters
    ----------
    n : int
        From 1 to the size of Numba's pool (NUMBA_NUM_THREADS, or the number of processors).

    Raises
    ------
    ArgumentError
        When `n` is out of this range, or above 1 in a forked process whose pool cannot be used again.

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
    most = config.max_threads
    if not 1 <= n <= most:
        raise problem(
            ArgumentError,
            f"set_num_threads(n): n is {n}; it must be from 1 to {most}, the size of Numba's pool",
            "NUMBA_NUM_THREADS=... before Python starts, for a larger pool",
        )
    if n > 1 and _forked:
        raise problem(
            ArgumentError,
            f"set_num_threads(n): n is {n}, but a process forked while GNU OpenMP ran has one thread",
            'multiprocessing.get_context("spawn"), or NUMBA_THREADING_LAYER=workqueue',
        )
    config.num_threads = _words[THREADS] = n


def get_num_threads() -> int:
    """Return how many threads share the tiles of a kernel.

    >>> get_num_threads() >= 1
    True
    """
    return _words[THREADS]


def threading_layer() -> str | None:
    """Return the name of Numba's threading layer ("omp", "tbb", "workqueue"), or None before its pool is started."""
    module = sys.modules.get("numba.np.ufunc.parallel")
    return getattr(module, "_threading_layer", None)


def _start():
    """Start Numba's pool and give its addresses to the launcher, whose first launch calls this."""
    with _lock:
        if _words[POOL]:
            return
        try:
            _find_pool()
        except Exception as error:
            _words[THREADS] = 1
            message = f"Numba's threads cannot be started, so kernels run on one: {error}"
            warnings.warn(message, RuntimeWarning, stacklevel=1)


def _find_pool():
    config.calm_waiting()
    import llvmlite.binding as llvm
    import numba
    from numba.np.ufunc import parallel

    parallel._launch_threads()
    if parallel._threading_layer == "workqueue":
        from numba.np.ufunc import workqueue

        ctypes.CFUNCTYPE(None, ctypes.c_int)(workqueue.launch_threads)(numba.config.NUMBA_NUM_THREADS)
    _words[THREADS] = min(_words[THREADS], numba.config.NUMBA_NUM_THREADS)
    _words[GET], _words[SET] = llvm.address_of_symbol("get_num_threads"), llvm.address_of_symbol("set_num_threads")
    _words[POOL] = llvm.address_of_symbol("numba_parallel_for")


def _after_fork():
    """In a forked child: no launch is under way here, and the pool of the parent is gone.

    GNU OpenMP cannot be used in a child once the parent used it (Numba would end the process): the child computes on
    one thread. Other layers are started again.
    """
    global _lock, _forked
    _lock = threading.Lock()
    _words[BUSY] = _words[POOL] = 0
    if threading_layer() == "omp" and sys.modules["numba.np.ufunc.omppool"].openmp_vendor == "GNU":
        _forked, _words[THREADS] = True, 1


_start_pointer = ctypes.CFUNCTYPE(None)(_start)
_words[START] = ctypes.cast(_start_pointer, ctypes.c_void_p).value
_words[THREADS] = config.num_threads
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
