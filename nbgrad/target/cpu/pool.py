"""The pool of threads: its memory, and how its workers are started. What they do is in `sharing`.

Python's own locks and threads (`PyThread_...`) are used for sleeping and starting: they are there on every platform,
need neither Python's lock nor a state of the interpreter, and no library that other packages share.
"""

import ctypes
import functools
import os
import time

from . import sharing
from .sharing import BUSY, GATE, LINE, LINES, LOCK, NUMBER, PAUSES, POOL, STATE, THREADS
from .words import Native

MOST = 4095  # threads; there is room in a gate for eight times as many
REST = 4e-6  # seconds of waiting after which another thread may have the processor
TRIAL = 1000  # pauses that are timed
FAILED = 2 ** (8 * ctypes.sizeof(ctypes.c_ulong)) - 1  # what Python's start of a thread returns then
_lasting: list = []  # memory of pools that have workers: they read it until the process ends


class Pool:
    """Workers, and the memory that they share with launches, which never moves.

    `pool[offset]` is the word at an offset in bytes; `sharing` names the offsets.

    Parameters
    ----------
    most : int
        How many threads it may have, the launching one among them.

    Examples
    --------
    >>> pool = Pool(4)
    >>> pool.grow(2)
    >>> pool[POOL]
    2
    """

    def __init__(self, most: int):
        self.most = min(most, MOST)
        self.size = LINES + LINE * self.most
        self._memory = (ctypes.c_char * (self.size + LINE))()
        start = -ctypes.addressof(self._memory) % LINE
        self._words = (ctypes.c_int64 * (self.size // 8)).from_buffer(self._memory, start)
        self.address = ctypes.addressof(self._words)
        self[THREADS] = self[POOL] = 1

    def __getitem__(self, offset) -> int:
        return self._words[offset // 8]

    def __setitem__(self, offset, word):
        self._words[offset // 8] = word

    def grow(self, threads: int) -> None:
        """Start workers until there are `threads` threads, the launching one among them.

        Raises
        ------
        RuntimeError
            When the system gives no more threads; those that were started stay.
        """
        if not self[PAUSES]:
            _lasting.append(self._memory)
            self[LINES + LOCK] = _taken_lock()
            self[PAUSES] = _pauses()
        for number in range(self[POOL], min(threads, self.most)):
            line = LINES + LINE * number
            self[line + LOCK], self[line + STATE], self[line + NUMBER] = _taken_lock(), self.address, number
            if _start_thread(native().address("work"), self.address + line) == FAILED:
                raise RuntimeError(f"the system gives no more than {number} threads")
            self[POOL] = number + 1

    def forget(self) -> None:
        """Start from nothing: in a forked child no launch is under way, and no worker lives."""
        self[BUSY] = self[GATE] = 0
        ctypes.memset(self.address + LINES, 0, self.size - LINES)
        self[LINES + LOCK], self[POOL] = _taken_lock(), 1


@functools.cache
def native() -> Native:
    """Return the machine code of launches and workers: "launch" is `void(kernel, block, tiles, state)`."""
    python = ctypes.pythonapi
    system = ctypes.windll.kernel32.SwitchToThread if os.name == "nt" else ctypes.CDLL(None).sched_yield
    values = {
        "START": 0, "YIELD": _address(system),
        "ACQUIRE": _address(python.PyThread_acquire_lock), "RELEASE": _address(python.PyThread_release_lock),
    }  # fmt: skip
    return Native("pool", [sharing.launch, sharing.work, sharing.wait_in_place], values)


@functools.cache
def _pauses() -> int:
    """Return how many pauses of this processor make a rest."""
    wait = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64)(native().address("wait_in_place"))
    start = time.perf_counter()
    wait(TRIAL)
    return max(1, int(TRIAL * REST / (time.perf_counter() - start)))


def _taken_lock() -> int:
    """Return a new lock of Python's, taken, so that the next to take it sleeps until it is released."""
    lock = ctypes.PYFUNCTYPE(ctypes.c_void_p)(("PyThread_allocate_lock", ctypes.pythonapi))()
    ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int)(("PyThread_acquire_lock", ctypes.pythonapi))(lock, 1)
    return lock


def _start_thread(function: int, argument: int) -> int:
    kind = ctypes.PYFUNCTYPE(ctypes.c_ulong, ctypes.c_void_p, ctypes.c_void_p)
    return kind(("PyThread_start_new_thread", ctypes.pythonapi))(function, argument)


def _address(function) -> int:
    return ctypes.cast(function, ctypes.c_void_p).value
