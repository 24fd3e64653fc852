"""Where on a device the numbers lie that a program works on, also while the turns of its loops go on."""

from typing import Any, NamedTuple

import numpy as np

from ...base.errors import OutOfMemoryError
from ...base.memory import owner, start_of
from ...plan.plan import Layout
from . import exchange, memory
from .array import DeviceArray, empty, from_host, to_host
from .device import finish
from .package import package


class Place(NamedTuple):
    """A place in memory: so many bytes behind the start of an array, and further with what is counted.

    memory : DeviceArray; number of one that each run is given; or `Store`, whose array grows;
    moves : (counter, bytes for each that it counts).
    """

    memory: Any
    offset: int = 0
    moves: tuple = ()

    def behind(self, offset) -> "Place":
        """Return the place so many bytes behind."""
        return self._replace(offset=self.offset + offset)

    def moving(self, counter, step) -> "Place":
        """Return the place that is `step` bytes further for each that a counter counts."""
        return self._replace(moves=(*self.moves, (counter, step))) if step else self


class Now(NamedTuple):
    """A run: its stream and its arrays; `whole`: whether it becomes part of a graph, or would, with all of its turns."""

    stream: Any
    arrays: Any = ()
    whole: bool = False


class Store:
    """Memory that grows with the turns of a loop, kept from run to run; what holds its `array` asks whether it still is that."""

    LEAST = 1 << 16  # bytes: the first turns of small loops need no other

    def __init__(self, number):
        self.number, self.array = number, empty((self.LEAST,), "uint8", number)

    def reserve(self, size, stream):
        """Make sure that there are so many bytes; those that are there are kept."""
        before = self.array
        if size > before.nbytes:
            try:
                grown = empty((2 * size,), "uint8", self.number)
            except OutOfMemoryError:
                grown = empty((size,), "uint8", self.number)
            copied(before.flat, grown.flat, before.nbytes, stream)
            finish(stream)  # the memory of before may be given out in another stream at once
            self.array = grown


def copied(source, to, size, stream):
    """Queue a copy of bytes within a device; each is (array of bytes of the package, number of the first)."""
    (a, i), (b, k) = source, to
    b[k : k + size].copy_to_device(a[i : i + size], stream=stream)


class Site:
    """What the schedules of a program share: their device, and what its loops count.

    Attributes
    ----------
    number : int
        The device.
    counts : list of int
        What is counted now, as launches on the host need it; kernels have it on the device (see `turns`).
    checks : dict
        Number of a check -> (stop, space) that it stands for.
    watch : Watch or None
        What the kernels look at before they run, where there are checks.
    runs : DeviceArray or None
        How many runs began on the device, where there are checks; `queued`: how many the host has queued.
    """

    def __init__(self, number):
        self.number, self.counts, self._counters = number, [], None
        self.checks, self.watch, self.runs, self.queued = {}, None, None, 0

    @property
    def watched(self) -> tuple:
        """What kernels take before all else."""
        return () if self.watch is None else (self.watch.halted,)

    def count_runs(self):
        """Keep on the device how many runs there were."""
        self.runs = from_host(np.zeros(1, np.int64), self.number)

    def recall(self):
        """Count as the device does."""
        if self._counters is not None:
            self.counts[:] = to_host(self._counters)[: len(self.counts)].tolist()

    def counter(self) -> int:
        """Return the number of a new counter; the next one belongs to the same loop."""
        self.counts += [0, 0]
        return len(self.counts) - 2

    @property
    def counters(self):
        """What is counted, as an array of the package; for launches alone."""
        if self._counters is None:
            self._counters = empty((max(1, len(self.counts)),), "int64", self.number)
        return self._counters.flat[0]

    def array(self, place, arrays) -> DeviceArray:
        """Return the array that a place lies in."""
        held = place.memory
        return arrays[held] if type(held) is int else held.array if type(held) is Store else held

    def flat(self, place, dtype, arrays) -> tuple:
        """Return (flat array of a dtype, number of the element at a place before anything is counted, elements per count)."""
        dtype = np.dtype(np.uint8 if dtype == "bool" else dtype)
        flat, first = self.array(place, arrays).read_as(dtype.name)
        if type(place.memory) is int and not package().simulated:  # results that are let go of give their memory back
            flat = exchange.bytes_at(memory.address_of(flat), flat.nbytes, None).view(dtype)
        size = dtype.itemsize
        return flat, first + place.offset // size, tuple([(counter, step // size) for counter, step in place.moves])

    def bytes(self, place, arrays) -> tuple:
        """Return (array of bytes, number of the one at a place now)."""
        flat, first, moves = self.flat(place, "uint8", arrays)
        return flat, first + self.counted(moves)

    def counted(self, moves) -> int:
        """Return how far something has moved."""
        return sum([step * self.counts[counter] for counter, step in moves])

    def view(self, place, layout, arrays) -> DeviceArray:
        """Return the array of a layout at a place, as far as it has moved."""
        shadow, dtype = self.array(place, arrays).shadow, np.dtype(layout.dtype)
        root = owner(shadow)
        start = start_of(shadow) - start_of(root) + place.offset + self.counted(place.moves)
        return DeviceArray(np.ndarray(layout.shape, dtype, root, start, [s * dtype.itemsize for s in layout.strides]), self.number)

    def read(self, place, dtype, arrays) -> int:
        """Return the number at a place, when all that was queued before is done."""
        return to_host(self.view(place, Layout((1,), (1,), dtype), arrays)).item()

    def write(self, place, value, now):
        """Queue that an int64 is written to a place."""
        flat, first = self.bytes(place, now.arrays)
        flat[first : first + 8].copy_to_device(np.array([value], np.int64).view(np.uint8), stream=now.stream)

    def copy(self, source, to, size, now):
        """Queue a copy of bytes from place to place."""
        copied(self.bytes(source, now.arrays), self.bytes(to, now.arrays), size, now.stream)
