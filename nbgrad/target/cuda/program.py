"""A schedule made ready to run on a device: its launches in order, their words in one array, its arena in one block.

Between two stops nothing waits for the device. Where cuda-bindings is installed, the launches from one stop to the next
become a CUDA graph, one per stream and set of addresses that a run is given, and later runs start it with one call.
"""

import threading
from typing import NamedTuple

import numpy as np

from ...base.errors import ArgumentError, problem
from ...base.memory import start_of
from ...plan.calls import MADE, TOLD, WALKS, Stop
from . import device, exchange, graph, memory
from .array import DeviceArray, empty, from_host, to_host
from .kernels import function
from .kernels import grid as grid_of
from .package import package

APART = 16  # bytes: numbers of any dtype begin at a multiple
MOST_GRAPHS = 8  # sets of addresses for which graphs are kept


class Launched(NamedTuple):
    """One launch: the function and its grid, or a call of a library; per pointer (slot, bytes behind its start, dtype)."""

    call: object
    grid: tuple | None
    pointers: tuple
    words: tuple


class Program:
    """A schedule on a device: `run(arrays)` with the arrays of the slots `given`, in order.

    Attributes
    ----------
    given : tuple of int
        Slots whose arrays a run is called with: arguments, and what it makes for the caller.
    schedule : Schedule
    parts : list of (list of Launched, Stop or None)
        What is launched up to a stop, or to the end.
    """

    def __init__(self, schedule, given, number):
        self.schedule, self.given, self.number = schedule, tuple(given), number
        self._places = {slot: i for i, slot in enumerate(self.given)}
        self.parts = _parts(schedule)
        with device.select(number):
            self._last = device.stream() or device.default()
            self._arena = memory.pool(number).root(max(1, schedule.arena))
            held = {i: s for i, s in enumerate(schedule.slots) if s.array is not None and i not in self._places}
            self._memory = {i: self._root(s) for i, s in held.items() if s.kind != TOLD}
            self._prepare_telling([(i, s.array) for i, s in held.items() if s.kind == TOLD])
        self._bound, self._lock = {}, threading.Lock()

    def run(self, arrays):
        """Run the program; return what ended it early (see `stopped`), None when nothing did."""
        with self._lock, device.faults, device.select(self.number):  # the launches of two threads would share the arena
            stream = self._in_order()
            self._tell(stream)
            key = (stream, *[start_of(a) for a in arrays])
            bound = self._bound.get(key)
            if bound is None:
                bound = self._bind(arrays)
                if len(self._bound) >= MOST_GRAPHS:  # addresses that change at every call are no use to remember
                    self._bound.pop(next(iter(self._bound)))
                self._bound[key] = bound
            for part, (_, stop) in zip(bound, self.parts):
                part.run(stream)
                if stop is not None and self._read(stop.reads[0], arrays).any():
                    return stop, None, None
        return None

    def _in_order(self):
        """Return the stream to run in, when the arena and what is sent to the device are no longer in use in another."""
        stream = device.stream() or device.default()
        if stream is not self._last:
            if self._last:
                self._last.synchronize()
            self._last = stream
        return stream

    def _prepare_telling(self, told):
        """Give the numbers that are others at each run places side by side: they are sent by one copy."""
        starts = [sum(-(-a.nbytes // APART) * APART for _, a in told[:n]) for n in range(len(told) + 1)]
        self._sent = np.zeros(starts[-1], np.uint8)
        self._told = [(np.ndarray(a.shape, a.dtype, self._sent, at), a) for at, (_, a) in zip(starts, told)]
        self._told_to = empty((starts[-1],), "uint8", self.number) if told else None
        for at, (i, a) in zip(starts, told):
            self._memory[i] = self._told_to.like(np.ndarray(a.shape, a.dtype, self._told_to.shadow, at))

    def _tell(self, stream):
        """Send the numbers that are others at each run."""
        for place, a in self._told:
            place[...] = a
        if self._told:
            self._told_to.flat[0].copy_to_device(self._sent, stream=stream)

    def _bind(self, arrays) -> list:
        """Return the parts with their arrays and words in place."""
        flats, words = [], []
        for launches, _ in self.parts:
            for launched in launches:
                found = [self._flat(*pointer, arrays) for pointer in launched.pointers]
                flats.append([flat for flat, _ in found])
                words.append([*[first for _, first in found], *launched.words])
        held = np.array([w for row in words for w in row] or [0], np.int64)
        table = package().cuda.to_device(held)
        at, number, parts = 0, 0, []
        for launches, _ in self.parts:
            part = []
            for launched in launches:
                own, count = flats[number], len(words[number])
                part.append((launched.call, launched.grid, table[at : at + count] if launched.grid else tuple(words[number]), own))
                at, number = at + count, number + 1
            parts.append(Part(part, table))  # nothing holds the arrays: results that are let go of give their memory back
        return parts

    def _flat(self, slot, offset, dtype, arrays):
        """Return (flat array of a dtype over the memory of a slot, number of the element that a pointer names)."""
        dtype = np.dtype(np.uint8 if dtype == "bool" else dtype)
        if slot in self._places:
            flat, first = arrays[self._places[slot]].read_as(dtype.name)
            flat = flat if package().simulated else exchange.bytes_at(memory.address_of(flat), flat.nbytes, None).view(dtype)
            return flat, first + offset // dtype.itemsize
        found = self.schedule.slots[slot]
        if found.kind == MADE:
            block = memory.block_of(self._arena, self.number).array
            count = -(-found.size // dtype.itemsize)
            return memory.typed(block, self.schedule.places[slot], max(1, count), dtype), offset // dtype.itemsize
        flat, first = self._memory[slot].read_as(dtype.name)
        return flat, first + offset // dtype.itemsize

    def _root(self, slot) -> DeviceArray:
        """Return the memory of a slot that somebody holds; what lies on the host is sent there."""
        if slot.remote:
            return DeviceArray(slot.array, self.number)
        return from_host(slot.array, self.number)

    def _read(self, r, arrays) -> np.ndarray:
        """Return the numbers at a ref, when all that was launched is done."""
        return to_host(self.view(r, arrays))

    def view(self, r, arrays) -> DeviceArray:
        """Return the array at a ref, of a run with these arrays."""
        dtype, found = np.dtype(r.layout.dtype), self.schedule.slots[r.slot]
        if r.slot in self._places:
            root, start = arrays[self._places[r.slot]].shadow, r.offset
            root, start = memory.owner(root), start + start_of(root) - start_of(memory.owner(root))
        elif found.kind == MADE:
            root, start = self._arena, self.schedule.places[r.slot] + r.offset
        else:
            shadow = self._memory[r.slot].shadow
            root, start = memory.owner(shadow), r.offset + start_of(shadow) - start_of(memory.owner(shadow))
        strides = [s * dtype.itemsize for s in r.layout.strides]
        return DeviceArray(np.ndarray(r.layout.shape, dtype, root, start, strides), self.number)


class Part:
    """Launches up to a stop, with all they need; from the second run on they are a graph where there can be one."""

    def __init__(self, launches, *needs):
        self.launches, self.needs, self.runs, self.graph = launches, needs, 0, None

    def run(self, stream):
        """Queue the launches."""
        self.runs += 1
        if self.graph is None and self.runs == 2:  # kernels are loaded by now, which a capture cannot do
            self.graph = self._captured(stream)
        if self.graph is None:
            self._launch(stream)
        else:
            self.graph.launch(device.handle_of(stream))

    def _launch(self, stream):
        for launch in self.launches:
            self.launch(launch, stream)

    def launch(self, launch, stream):
        """Queue one launch."""
        call, grid, words, flats = launch
        if grid is None:
            call(words, flats, stream)
        else:
            call[(*grid, stream)](words, *flats)

    def _captured(self, stream):
        found = graph.driver()
        if found is None or len(self.launches) < 2:
            return None
        try:
            return graph.capture(found, graph.aside(found, device.selected(), device.handle_of(stream)), self._launch)
        except Exception:  # of any package or library: what cannot be captured is launched one by one, and raises then
            return None


def _parts(schedule) -> list:
    """Return (launches up to a stop, the stop) of each part of a schedule; the last has none."""
    parts, launches = [], []
    for wave in schedule.waves:
        for item in wave:
            if isinstance(item, Stop):
                parts.append((launches, item))
                launches = []
                continue
            if isinstance(item.kernel, WALKS):
                what = f"{item.work.ops[0].name} inside of a compiled function on a device"
                raise problem(ArgumentError, what, "the loop outside of ng.compile, its body compiled")
            pointers = tuple([(slot, offset, dtype) for (slot, offset), dtype in zip(item.pointers, item.kernel.dtypes)])
            grid = grid_of(item.kernel, item.words)
            launches.append(Launched(function(item.kernel), grid, pointers, tuple(map(int, item.words))))
    return [*parts, (launches, None)]


