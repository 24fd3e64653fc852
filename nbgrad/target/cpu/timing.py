"""Programs whose runs are timed step by step, and the most that this machine does: what times are compared with."""

import ctypes
import functools
import time

import numpy as np

from ...base.errors import KernelError, problem
from ...ops.cast import copy as COPY  # noqa: N812 - a row this file names itself
from ...ops.table import table
from ...plan.calls import HELD, Ref, Schedule, Slot, Work
from ...plan.mapping import Body, plan_body
from ...plan.memory import lives_of, places_of
from ...plan.plan import packed, plan_primitive
from ...plan.waves import waves_of
from .native import FASTCALL, VALUES, make_builtin
from .native_replay import STOPPED
from .native_timing import timed
from .program import NATIVE, Program, launches_of
from .threads import get_num_threads
from .words import Native

SIZES = tuple(1 << n for n in range(14, 27, 2))  # bytes that a copy reads and writes: 16 KiB to 64 MiB
SIDE = 768  # of the matrices whose product is measured


class Timed(Program):
    """A program whose runs note how long each of its steps took.

    Parameters
    ----------
    schedule, given
        As of a program.
    apart : bool
        Give kernels that share a launch one each.

    Attributes
    ----------
    launches : list of (int, list)
        Kind and items (or one stop) of each step.
    notes : list of ndarray
        Per run the nanoseconds of each step; of a run that was stopped, those until then.
    spent : list of float
        Per run the seconds from its begin to its end, noting included.
    """

    def __init__(self, schedule, given, apart=False):
        self.apart, self.notes, self.spent = apart, [], []
        waves = [part for wave in schedule.waves for part in self._parts(wave)]
        self.launches = [launch for wave in waves for launch in launches_of(wave)]
        super().__init__(schedule, given)

    def _parts(self, wave):
        return [(item,) for item in wave] if self.apart else [wave]

    def _steps(self, wave, arena):
        for part in self._parts(wave):
            yield from super()._steps(part, arena)

    def run(self, arrays, caller=None):
        """Run the program and note its times; return as `Program.run`."""
        start = time.perf_counter()
        instance = self._free.pop() if self._free else self._table()
        words = instance[0]
        clock = np.zeros((len(self.launches) + 1, 2), np.int64)
        _builtin()(words, *arrays, clock)
        stopped = int(words[STOPPED // 8])
        times = clock @ np.array([10**9, 1])
        self.notes.append(np.diff(times[: stopped + 1] if stopped else times))
        if stopped:
            return self.stopped(instance)
        self._free.append(instance)
        self.spent.append(time.perf_counter() - start)
        return None


@functools.cache
def _builtin():
    """Return `timed` as Python calls it."""
    clock = getattr(ctypes.CDLL(None), "clock_gettime", None)
    if clock is None:
        raise problem(KernelError, "profile: this system has no clock_gettime", "Linux or macOS")
    values = {**VALUES, "INNER": NATIVE.address("inner"), "CLOCK": ctypes.cast(clock, ctypes.c_void_p).value}
    return make_builtin("timed", Native("timing", [timed], values).address("timed"), FASTCALL)


class Peaks:
    """The most that this process was seen to do with its threads, by products of matrices and copies.

    Attributes
    ----------
    speed : dict
        dtype -> operations in a second.
    sizes, copies : ndarray
        Bytes that a copy reads and writes, and how many in a second.
    """

    def __init__(self):
        self.speed = {d: 2.0 * SIDE**3 / _fastest(*_product(d), 2, 4) for d in ("float32", "float64")}
        found = [size / _fastest(*_copy(size), max(2, min(64, (1 << 24) // size)), 5) for size in SIZES]
        # What is fast for more bytes is so for fewer: short copies are mostly their start.
        self.sizes, self.copies = np.array(SIZES, float), np.maximum.accumulate(found[::-1])[::-1]

    def least(self, flops, size, dtype):
        """Return (seconds, which): what arithmetic and memory would take at least, and the name of the longer."""
        speed = self.speed.get(dtype, self.speed["float32"])
        memory = size / np.interp(np.log(max(size, 1.0)), np.log(self.sizes), self.copies)
        return max((flops / speed, "arithmetic"), (float(memory), "memory"))


@functools.cache
def _peaks(threads) -> Peaks:
    return Peaks()


def peaks() -> Peaks:
    """Return the limits for the number of threads that is set, measured when they are first asked for."""
    return _peaks(get_num_threads())


def _product(dtype):
    square = packed((SIDE, SIDE), dtype)
    refs = [Ref(i, square) for i in range(3)]
    plan = plan_primitive(table["matmul"], (square, square), {}, square)
    slots = [Slot(HELD, SIDE * SIDE * np.dtype(dtype).itemsize, np.ones((SIDE, SIDE), dtype)) for _ in refs]
    return Work(plan, tuple(refs[:2]), (refs[2],), (table["matmul"],)), slots


def _copy(size):
    layout = packed((size // 8,), "float32")
    plan = plan_body(Body(((COPY, (0,), "float32", "float32"),), (1,)), (layout,), (layout,))
    slots = [Slot(HELD, size // 2, np.ones(size // 8, "float32")) for _ in range(2)]
    return Work(plan, (Ref(0, layout),), (Ref(1, layout),), (COPY,)), slots


def _fastest(work, slots, times, tries) -> float:
    """Return the seconds of a work, at best, when it is run a number of times in a row."""
    waves, slots = waves_of([work] * times, slots)
    places, arena = places_of(lives_of(waves, slots, set()), [s.size for s in slots])
    program, found = Program(Schedule(waves, slots, places, arena, ()), ()), []
    for _ in range(tries + 1):
        start = time.perf_counter()
        program.run([])
        found.append(time.perf_counter() - start)
    return min(found[1:]) / times
