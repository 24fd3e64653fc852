"""A schedule made ready to run on a device: its launches in order, their words in one array, its arena in one block.

Between two places where something is looked at, nothing waits for the device. Where cuda-bindings is installed, the launches
from one such place to the next become a CUDA graph, one per stream and set of addresses that a run is given, and later runs
start it with one call.
"""

import threading

import numpy as np

from ...base.memory import start_of
from ...plan.calls import TOLD
from . import device
from .array import DeviceArray, empty
from .site import Now, Place, Site
from .space import Bound, Space

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
            places = {slot: Place(i) for i, slot in enumerate(self.given)}
            self.space = Space(Site(number), schedule, places, self._told_at)
        self._bound, self._lock = {}, threading.Lock()

    def run(self, arrays):
        """Run the program; return what ended it early (see `Bound.run`), None when nothing did."""
        with self._lock, device.faults, device.select(self.number):  # the launches of two threads would share the arena
            stream = self._in_order()
            self._tell(stream)
            key = (stream, *[start_of(a) for a in arrays])
            bound = self._bound.get(key)
            if bound is None:
                bound = Bound(self.space, arrays)
                if len(self._bound) >= MOST_GRAPHS:  # addresses that change at every call are no use to remember
                    self._bound.pop(next(iter(self._bound)))
                self._bound[key] = bound
            return bound.run(Now(stream, arrays))

    def view(self, r, arrays) -> DeviceArray:
        """Return the array at a ref, of a run with these arrays."""
        return self.space.view(r, arrays)

    def _in_order(self):
        """Return the stream to run in, when the arena and what is sent to the device are no longer in use in another."""
        stream = device.stream() or device.default()
        if stream is not self._last:
            if self._last:
                self._last.synchronize()
            self._last = stream
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
