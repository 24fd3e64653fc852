"""What the text of a derivative calls besides NumPy: tapes, and sums whose order does not matter.

The memory of tapes is kept from one call to the next: fresh memory costs a page fault for each 4 KiB, more than what is done
with it. A table of slots holds it; a call takes a tape out of its slot and gives it back, so that threads and calls inside of
calls have tapes of their own. A call that ends with an exception does not give its tapes back; they are lost.

Each function is a plain one too, so that the text can be read, run and stepped through without a compiler.
"""

import ctypes

import llvmlite.binding as llvm
import numpy as np
from llvmlite import ir
from numba import carray, njit, types
from numba.core import cgutils
from numba.extending import intrinsic, overload

SLOTS = 4096
HEAD = 64  # bytes before the numbers: the capacity in bytes, and the address to free
LARGEST = 1 << 30  # bytes of a tape that is kept between calls
_table = (ctypes.c_int64 * SLOTS)()
llvm.add_symbol("nbgrad_tapes", ctypes.addressof(_table))


def take(slot, size, dtype):
    """Return a tape with room for `size` numbers, from a slot; what it holds is undefined."""
    return np.empty(size, dtype)


def grow(tape, size):
    """Return a tape with room for `size` numbers that holds what `tape` held; `tape` is gone."""
    larger = np.empty(max(size, 2 * tape.size), tape.dtype)
    larger[: tape.size] = tape
    return larger


def give(slot, tape):
    """Give a tape back to its slot."""


def plus(total, x):
    """Return total + x, where many are added and their order does not matter: LLVM may add several at once."""
    return total + x


@intrinsic
def _swap(context, slot, value):
    """Put an address into a slot and return what was there."""

    def emit(context, builder, signature, args):
        kind = ir.ArrayType(ir.IntType(64), SLOTS)
        table = builder.module.globals.get("nbgrad_tapes") or ir.GlobalVariable(builder.module, kind, "nbgrad_tapes")
        place = builder.gep(table, [ir.IntType(64)(0), args[0]])
        return builder.atomic_rmw("xchg", place, args[1], "seq_cst")

    return types.int64(types.int64, types.int64), emit


@intrinsic
def _malloc(context, size):
    def emit(context, builder, signature, args):
        kind = ir.FunctionType(ir.IntType(8).as_pointer(), [ir.IntType(64)])
        function = cgutils.get_or_insert_function(builder.module, kind, "malloc")
        return builder.ptrtoint(builder.call(function, args), ir.IntType(64))

    return types.int64(types.int64), emit


@intrinsic
def _free(context, address):
    def emit(context, builder, signature, args):
        kind = ir.FunctionType(ir.VoidType(), [ir.IntType(8).as_pointer()])
        function = cgutils.get_or_insert_function(builder.module, kind, "free")
        builder.call(function, [builder.inttoptr(args[0], ir.IntType(8).as_pointer())])
        return context.get_dummy_value()

    return types.void(types.int64), emit


@intrinsic
def _pointer(context, address):
    def emit(context, builder, signature, args):
        return builder.inttoptr(args[0], ir.IntType(8).as_pointer())

    return types.voidptr(types.int64), emit


@njit
def _obtain(size):
    """Return the address of memory for a tape of `size` bytes; 0 when there is none."""
    block = _malloc(size + 2 * HEAD)
    if block == 0:
        raise MemoryError("no memory for the tape of a derivative")
    address = (block + 2 * HEAD - 1) // HEAD * HEAD
    head = carray(_pointer(address - HEAD), (2,), np.int64)
    head[0], head[1] = size, block
    return address


@njit
def _capacity(address):
    return carray(_pointer(address - HEAD), (2,), np.int64)[0]


@njit
def _release(address):
    _free(carray(_pointer(address - HEAD), (2,), np.int64)[1])


@njit
def _taken(slot, size):
    """Return the address of a tape of at least `size` bytes."""
    address = _swap(slot, 0)
    if address != 0 and _capacity(address) < size:
        _release(address)
        address = 0
    return address if address != 0 else _obtain(size)


@njit
def _given(slot, address):
    if _capacity(address) > LARGEST:
        _release(address)
        return
    before = _swap(slot, address)
    if before != 0:
        _release(before)


@njit
def _grown(address, used, size):
    """Return the address of a larger tape with the same first `used` bytes."""
    larger = _obtain(max(size, 2 * used))
    old, new = carray(_pointer(address), (used,), np.uint8), carray(_pointer(larger), (used,), np.uint8)
    for i in range(used):
        new[i] = old[i]
    _release(address)
    return larger


@overload(take)
def _take(slot, size, dtype):
    width = np.dtype(str(dtype.dtype)).itemsize

    def impl(slot, size, dtype):
        address = _taken(slot, max(size, 1) * width)
        return carray(_pointer(address), (_capacity(address) // width,), dtype)

    return impl


@overload(grow)
def _grow(tape, size):
    width = np.dtype(str(tape.dtype)).itemsize
    dtype = getattr(np, "bool_" if str(tape.dtype) == "bool" else str(tape.dtype))

    def impl(tape, size):
        address = _grown(tape.ctypes.data, tape.size * width, size * width)
        return carray(_pointer(address), (_capacity(address) // width,), dtype)

    return impl


@overload(give)
def _give(slot, tape):
    return lambda slot, tape: _given(slot, tape.ctypes.data)


@intrinsic
def _any_order(context, total, x):
    def emit(context, builder, signature, args):
        return builder.fadd(*args, flags=("reassoc", "contract", "nsz"))

    return total(total, x), emit


@overload(plus)
def _plus(total, x):
    if total == x:
        return lambda total, x: _any_order(total, x)
    return lambda total, x: total + x
