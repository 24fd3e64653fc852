"""Memory of devices: blocks that are kept and given out again, how much there is, and what holds it."""

import ctypes
import heapq
import threading
import weakref
from collections import defaultdict
from typing import NamedTuple

import numpy as np

from ...base.errors import OutOfMemoryError, problem
from ...base.memory import owner, reach
from ...tape.tape import place, shown
from .device import faults, select
from .package import package

SMALL, STEP = 1 << 20, 2 << 20  # blocks up to SMALL are powers of two, larger ones multiples of STEP, so that they fit again
LEAST = 512
TOLD = 5  # holders that an error names


class MemoryInfo(NamedTuple):
    """Bytes of a device that nbgrad uses.

    allocated : by arrays that live; peak : the most that ever was, or since `reset_peak`; reserved : with the blocks that
    wait for the next array; free, total : of the device, as its driver says (0 in the simulator).
    """

    allocated: int
    peak: int
    reserved: int
    free: int
    total: int


class Block:
    """Memory of a device: an array of bytes of the package, where it lies, and (code, instruction) of the line that has it.

    `size` is 0 of memory that somebody else made.
    """

    __slots__ = ("address", "array", "bytes", "place", "root", "size", "views")

    def __init__(self, array, count, size):
        self.array, self.size, self.place, self.root, self.views = array, size, None, None, {}
        self.address = address_of(array)
        self.bytes = (ctypes.c_uint8 * count).from_address(self.address)

    def read_as(self, dtype):
        """Return all of it as an array of the package of a dtype, by name."""
        found = self.views.get(dtype)
        if found is None:
            found = self.views[dtype] = self.array.view(np.dtype("uint8" if dtype == "bool" else dtype))
        return found


class _Root(weakref.ref):
    """The shadow of a block, as long as somebody holds it; `key` is its id."""

    __slots__ = ("key",)


class Pool:
    """The blocks of a device: those that are given out by the id of their shadow, those that wait by size."""

    def __init__(self, number):
        self.number, self.limit = number, None
        self.blocks, self.waiting = {}, defaultdict(list)
        self._lock = threading.RLock()  # an array may go while another is made, in the same thread too
        self.allocated = self.peak = self.reserved = 0

    def root(self, size) -> np.ndarray:
        """Return the shadow of new memory of so many bytes, or a few more, which is given back when nobody holds the shadow.

        Raises
        ------
        OutOfMemoryError
            When there is no room, also after blocks that wait were given back to the driver.
        """
        room = rounded(size)
        with self._lock:
            waiting = self.waiting[room]
            block = heapq.heappop(waiting)[1] if waiting else self._new(room, size)  # the lowest: runs alike get the same
            block.place = place() if room >= SMALL else None  # small ones are not what fills a device
            self.allocated += room
            if self.allocated > self.peak:
                self.peak = self.allocated
            return self._shadow(block)

    def adopt(self, array, size) -> np.ndarray:
        """Return the shadow of memory that somebody else made: an array of bytes of the package, held as long as the shadow."""
        with self._lock:
            return self._shadow(Block(array, size, 0))

    def _shadow(self, block) -> np.ndarray:
        """Return bytes at the address of a block that nobody reads; views of it lead back to it, and it to nothing."""
        shadow = np.frombuffer(block.bytes, np.uint8)
        block.root = root = _Root(shadow, self._back)
        root.key = id(shadow)
        self.blocks[root.key] = block
        return shadow

    def _new(self, room, size):
        if self.limit is None or self.reserved + room <= self.limit:
            block = self._asked(room)
            if block is not None:
                return block
        self.empty()
        block = self._asked(room) if self.limit is None or self.reserved + room <= self.limit else None
        if block is None:
            raise self._full(size)
        return block

    def _asked(self, room):
        """Return new bytes from the driver; None where it has none."""
        try:
            with select(self.number):
                array = package().cuda.device_array(room, np.uint8)
        except Exception as error:
            if "OUT_OF_MEMORY" in str(error) or isinstance(error, MemoryError):
                return None
            with faults:
                raise
        self.reserved += room
        return Block(array, room, room)

    def _back(self, root):
        """Take a block back whose array is no more."""
        with self._lock:
            block = self.blocks.pop(root.key)
            if block.size:
                self.allocated -= block.size
                heapq.heappush(self.waiting[block.size], (block.address, block))

    def empty(self) -> int:
        """Give the blocks that wait back to the driver; return their bytes."""
        with self._lock:
            freed = sum(room * len(blocks) for room, blocks in self.waiting.items())
            self.waiting.clear()
            self.reserved -= freed
        if not package().simulated and freed:
            with select(self.number):
                package().cuda.current_context().memory_manager.deallocations.clear()  # packages put that off
        return freed

    def info(self) -> MemoryInfo:
        """Return how much memory is used."""
        with select(self.number):
            free, total = (0, 0) if package().simulated else map(int, package().cuda.current_context().get_memory_info())
        return MemoryInfo(self.allocated, self.peak, self.reserved, free, total)

    def _full(self, size):
        largest = sorted([b for b in self.blocks.values() if b.size], key=lambda b: -b.size)[:TOLD]
        held = ", ".join(f"{amount(b.size)} of {shown(b.place) or 'nbgrad'}" for b in largest) or "nothing of nbgrad's"
        info = self.info()
        room = f"{amount(info.free)} of {amount(info.total)} are free" if self.limit is None else f"the limit is {amount(self.limit)}"
        what = f"cuda:{self.number} has no {amount(size)} left: {room}, arrays hold {amount(self.allocated)} (the largest: {held})"
        return problem(OutOfMemoryError, what, "smaller batches, del of arrays that are not needed, or ng.checkpoint")


def amount(size) -> str:
    """Return bytes as text.

    >>> amount(1536), amount(5 << 30)
    ('1.5 KiB', '5 GiB')
    """
    for unit in ("bytes", "KiB", "MiB"):
        if size < 1024:
            return f"{size:.4g} {unit}"
        size /= 1024
    return f"{size:.4g} GiB"


def rounded(size) -> int:
    """Return the bytes of the block that holds so many.

    >>> rounded(1), rounded(1000), rounded(3 << 20)
    (512, 1024, 4194304)
    """
    if size <= SMALL:
        return max(LEAST, 1 << (size - 1).bit_length()) if size > 1 else LEAST
    return -(-size // STEP) * STEP


def address_of(block) -> int:
    """Return where an array of the package lies."""
    return block.ctypes.data if package().simulated else block.device_ctypes_pointer.value


def flat(shadow, number):
    """Return (flat array of the package over all that a shadow reaches, elements from its start to the first element)."""
    root, low, high = owner(shadow), *reach(shadow)
    size, start = shadow.itemsize, shadow.__array_interface__["data"][0] - root.__array_interface__["data"][0]
    dtype = np.dtype(np.uint8) if shadow.dtype == bool else shadow.dtype
    block = block_of(root, number).array
    return typed(block, start + low * size, max(1, high - low), dtype), -low


def block_of(root, number) -> Block:
    """Return the block whose shadow this is."""
    return pool(number).blocks[id(root)]


def typed(block, start, count, dtype):
    """Return `count` numbers of a dtype from byte `start` of a block on."""
    return block[start : start + count * dtype.itemsize].view(dtype)


_pools: dict = {}


def pool(number=0) -> Pool:
    """Return the pool of a device."""
    found = _pools.get(number)
    if found is None:
        found = _pools[number] = Pool(number)
    return found
