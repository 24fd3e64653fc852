"""A schedule made ready to run on a device: its launches in order, their words in one array, its arena in one block.

Between two places where something is looked at, nothing waits for the device. Where cuda-bindings is installed, the launches
from one such place to the next become a CUDA graph, one per stream and set of addresses that a run is given, and later runs
start it with one call.
"""

import threading

import numpy as np

from ...base.memory import start_of
from ...plan.calls import ARGUMENT, HELD, TOLD, WALKS, Stop, loops_of
from . import device, waiting
from .array import DeviceArray, empty
from .kernels import CALLS
from .site import Now, Place, Site
from .space import Bound, Launched, Space
from .watch import count_run, watch

APART = 16  # bytes: numbers of any dtype begin at a multiple
MOST_GRAPHS = 8  # sets of addresses for which graphs are kept


class Program:
    """A schedule on a device: `run(arrays)` with the arrays of the slots `given`, in order.

    Attributes
    ----------
    given : tuple of int
        Slots whose arrays a run is called with: arguments, and what it makes for the caller.
    schedule : Schedule
    space : Space
        What is launched, and where it works.
    """

    def __init__(self, schedule, given, number):
        self.schedule, self.given, self.number = schedule, tuple(given), number
        with device.select(number):
            self._last = device.stream() or device.default()
            self._tell_by(schedule)
            places, site, first = {slot: Place(i) for i, slot in enumerate(self.given)}, Site(number), []
            if stops(schedule) and not libraries_write(schedule):
                site.count_runs()
                first = [Launched(count_run(), (1, 1), ((Place(site.runs), "int64"),), ())]
            self.space = Space(site, schedule, places, self._told_at, first)
        looked = [space.place(stop.reads[1].slot).memory for stop, space in site.checks.values()]
        self._looked = {memory for memory in looked if type(memory) is int}
        self._bound, self._lock = {}, threading.Lock()

    def run(self, arrays, caller=None):
        """Run the program; return what ended it early (see `Bound.run`), None when nothing did.

        Checks of a program that looks at nothing else are heard of later: `caller.take_back()` is called then for each run
        that did nothing, and `caller.stopped(None, what ended it, arrays)` for the first.
        """
        with self._lock, device.faults, device.select(self.number):  # the launches of two threads would share the arena
            stream, site = self._in_order(), self.space.site
            later = site.runs is not None and self.space.size is not None and caller is not None and waiting.may_wait()
            if later:
                return self._queue(stream, arrays, caller)
            waiting.known()
            self._tell(stream)
            stopped = self._count(self._bound_to(stream, arrays).run, Now(stream, arrays))
            return self._ended(stream) if stopped is None else stopped

    def _queue(self, stream, arrays, caller):
        """Queue a run of which is heard later."""
        site = self.space.site
        with site.watch.lock:
            site.watch.poll()
            try:
                self._tell(stream)
                self._count(self._bound_to(stream, arrays).run, Now(stream, arrays))
                looked = [a if i in self._looked else None for i, a in enumerate(arrays)]
                site.watch.add(site, site.queued, looked, caller)
            except BaseException:
                site.watch.interrupted()
                raise

    def _count(self, run, now):
        """Return `run(now)`, counted as the device does."""
        site = self.space.site
        if site.runs is None:
            return run(now)
        if site.queued is None:
            site.queued = site.read(Place(site.runs), "int64", ())
        before, site.queued = site.queued, None  # nobody knows where an exception comes
        stopped = run(now)
        site.queued = before + 1
        return stopped

    def _ended(self, stream):
        """Return what a check ended the run by that was queued last, when it is done; None for nothing."""
        if self.space.site.runs is None:
            return None
        device.finish(stream)
        return self.space.site.watch.said(self.space.site)

    def _bound_to(self, stream, arrays) -> Bound:
        """Return the space with arrays in place: as it was, if they lie where those of an earlier run did."""
        key = (stream, self.space.site.watch, *[start_of(a) for a in arrays])
        bound = self._bound.get(key)
        if bound is None:
            bound = Bound(self.space, arrays)
            if len(self._bound) >= MOST_GRAPHS:  # addresses that change at every call are no use to remember
                self._bound.pop(next(iter(self._bound)))
            self._bound[key] = bound
        return bound

    def view(self, r, arrays) -> DeviceArray:
        """Return the array at a ref, of a run with these arrays."""
        return self.space.view(r, arrays)

    def _in_order(self):
        """Return the stream to run in, when the arena and what is sent to the device are no longer in use in another; watch it."""
        stream = device.stream() or device.default()
        if stream is not self._last:
            waiting.known()  # what halts a stream does not halt another
            device.finish(self._last)
            self._last = stream
        if self.space.site.runs is not None:
            self.space.site.watch = watch(self.number, stream, threading.get_ident())
        return stream

    def _tell_by(self, schedule):
        """Give the numbers that are others at each run places side by side: they are sent by one copy."""
        told = [(i, s.array) for i, s in enumerate(schedule.slots) if s.kind == TOLD and s.array is not None and i not in self.given]
        starts = [sum(-(-a.nbytes // APART) * APART for _, a in told[:n]) for n in range(len(told) + 1)]
        self._sent = np.zeros(starts[-1], np.uint8)
        self._told = [(np.ndarray(a.shape, a.dtype, self._sent, at), a) for at, (_, a) in zip(starts, told)]
        self._told_to = empty((starts[-1],), "uint8", self.number) if told else None
        at_device = lambda a, at: self._told_to.like(np.ndarray(a.shape, a.dtype, self._told_to.shadow, at))
        self._told_at = {i: at_device(a, at) for at, (i, a) in zip(starts, told)}

    def _tell(self, stream):
        """Send the numbers that are others at each run."""
        for place, a in self._told:
            place[...] = a
        if self._told:
            self._told_to.flat[0].copy_to_device(self._sent, stream=stream)


def stops(schedule) -> bool:
    """Say whether a run of a schedule may end early."""
    return any([isinstance(item, Stop) for item in _items(schedule)])


def libraries_write(schedule) -> bool:
    """Say whether calls of libraries, which no check can halt, write where others see it."""
    items = [(s, item) for s in _schedules(schedule) for wave in s.waves for item in wave if not isinstance(item, Stop)]
    calls = [(s, item) for s, item in items if getattr(item.kernel, "loop", None) in CALLS]
    return any([s.slots[w.slot].kind in (HELD, ARGUMENT) for s, item in calls for w in item.work.writes])


def _items(schedule) -> list:
    return [item for s in _schedules(schedule) for wave in s.waves for item in wave]


def _schedules(schedule) -> list:
    """Return a schedule and those of the loops in it."""
    kernels = [item.kernel for wave in schedule.waves for item in wave if not isinstance(item, Stop)]
    loops = [loop for k in kernels if isinstance(k, WALKS) for loop in loops_of(k)]
    return [schedule, *[s for loop in loops for s in _schedules(loop.schedule)]]
