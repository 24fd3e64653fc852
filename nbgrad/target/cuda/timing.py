"""Programs on a device whose launches are timed one by one, and the most that the device was seen to do."""

import functools
import time

import numpy as np

from ...ops.cast import copy as COPY  # noqa: N812 - a row this file names itself
from ...plan.calls import Stop
from . import device, waiting
from .array import empty
from .package import package
from .part import Part
from .program import Program
from .run import launches
from .site import Now
from .space import Bound

COPIED = 1 << 28  # bytes of the array whose copy is timed: more than the caches hold


class Timed(Program):
    """A program whose runs note how long each of its launches took: from an event before it to one behind it.

    Attributes
    ----------
    launches : list of (kind, list)
        Item (or stop) of each step.
    notes : list of ndarray
        Per run the nanoseconds of each step.
    spent : list of float
        Per run the seconds from its begin to its end.
    """

    def __init__(self, schedule, given, number):
        super().__init__(schedule, given, number)
        self.notes, self.spent = [], []
        self.launches = [("device", [item]) for wave in schedule.waves for item in wave]

    def run(self, arrays, caller=None):
        """Run the program launch by launch, and note its times; return as `Program.run`."""
        start = time.perf_counter()
        with self._lock, device.faults, device.select(self.number):
            waiting.known()
            stream = self._in_order()
            self._tell(stream)
            bound, now, times = Bound(self.space, arrays), Now(stream, arrays), []
            for step in bound.steps:
                for what in step.launches if isinstance(step, Part) else [step]:
                    clock = _Clock(stream)
                    clock.start()
                    stopped = what.queue(stream) if isinstance(step, Part) else bound.step(step, now)
                    clock.stop()
                    if stopped is not None:
                        return stopped
                    times.append(None if isinstance(step, Stop) else clock)
            stopped = self._ended(stream)
            if stopped is not None:
                return stopped
            times = times[1:] if self.space.site.runs is not None else times  # the first counts the run
            self.notes.append(np.array([0.0 if t is None else 1e9 * t.seconds() for t in times]))
        self.spent.append(time.perf_counter() - start)
        return None


class _Clock:
    """The time between two places of a stream; in the simulator, whose events have no time, of the processor's clock."""

    def __init__(self, stream):
        self.stream, self.real = stream, not package().simulated
        self.events = [package().cuda.event(timing=True) for _ in range(2)] if self.real else [0.0, 0.0]

    def start(self):
        """Note the begin."""
        if self.real:
            self.events[0].record(self.stream)
        else:
            self.events[0] = time.perf_counter()

    def stop(self):
        """Note the end."""
        if self.real:
            self.events[1].record(self.stream)
        else:
            self.events[1] = time.perf_counter()

    def seconds(self) -> float:
        """Return the time between both, when the second has come."""
        if not self.real:
            return self.events[1] - self.events[0]
        self.events[1].synchronize()
        return 1e-3 * package().cuda.event_elapsed_time(*self.events)


class Peaks:
    """The most that a device was seen to do: bytes that a copy reads and writes in a second; arithmetic is not compared with."""

    def __init__(self):
        size = 1 << 12 if package().simulated else COPIED
        x, found = empty((size // 8,), "float32"), []
        launch = launches().map_launch(COPY, (x,), x.shape, x.dtype)
        for _ in range(5):
            clock = _Clock(0)
            clock.start()
            launch((x,))
            clock.stop()
            found.append(clock.seconds())
        self.copies = size / max(min(found), 1e-9)

    def least(self, flops, size, dtype) -> tuple:
        """Return (seconds, which): what memory would take at least, and its name."""
        return size / self.copies, "memory"


@functools.cache
def peaks() -> Peaks:
    """Return the limits of the device, measured when they are first asked for."""
    return Peaks()

