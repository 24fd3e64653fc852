"""The memory of tapes, in words: kept from one call of a derivative to the next.

Fresh memory costs a page fault for each 4 KiB, more than what is done with it. A table of slots holds it; a call takes a tape
out of its slot and gives it back, so that threads and calls inside of calls have tapes of their own.
"""

import ctypes

import llvmlite.binding as llvm

from ...ad.text import SLOTS
from ..cpu import engine
from ..cpu.words import Native, atomic_swap, call, get, put, variables

TABLE, MOVE, MALLOC, FREE = variables(4)  # C's own: Python's would wait for its lock, where many threads take tapes
HEAD = 64  # bytes before the numbers, the last 16 of which are the capacity in bytes and the address to free
CAPACITY, BLOCK = -16, -8
LARGEST = 1 << 30  # bytes of a tape that is kept between calls


def new_tape(size):
    """Return the address of memory for `size` bytes, or 0."""
    block = call(MALLOC, size + 2 * HEAD)
    if block == 0:
        return 0
    tape = (block + 2 * HEAD - 1) & -HEAD
    put(tape, CAPACITY, size)
    put(tape, BLOCK, block)
    return tape


def take_tape(slot, size):
    """Return the address of a tape of at least `size` bytes, or 0."""
    tape = atomic_swap(TABLE, 8 * slot, 0)
    if tape != 0:
        if get(tape, CAPACITY) >= size:
            return tape
        call(FREE, get(tape, BLOCK))
    return new_tape(size)


def grow_tape(tape, used, size):
    """Return the address of a tape of at least `size` bytes that begins with the `used` bytes of `tape`, which is gone; or 0."""
    larger = new_tape(size if size > 2 * used else 2 * used)
    if larger != 0:
        call(MOVE, larger, tape, used)
        call(FREE, get(tape, BLOCK))
    return larger


def give_tape(slot, tape):
    """Put a tape into its slot, and free what was there; a very large one is freed itself."""
    if get(tape, CAPACITY) <= LARGEST:
        tape = atomic_swap(TABLE, 8 * slot, tape)
    if tape != 0:
        call(FREE, get(tape, BLOCK))


engine.require("tapes", ("malloc", "free"))
table = (ctypes.c_int64 * SLOTS)()
_native = Native("tapes", [take_tape, grow_tape, give_tape], {
    "TABLE": ctypes.addressof(table), "MOVE": ctypes.cast(ctypes.memmove, ctypes.c_void_p).value,
    "MALLOC": llvm.address_of_symbol("malloc"), "FREE": llvm.address_of_symbol("free"),
})  # fmt: skip
ADDRESSES = {f"nbgrad_{name}": _native.address(name) for name in ("take_tape", "grow_tape", "give_tape")}
