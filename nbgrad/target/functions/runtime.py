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
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic, overload
from numba.np.arrayobj import populate_array

SLOTS = 4096
HEAD = 64  # bytes before the numbers, the last 16 of which are the capacity in bytes and the address to free
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


def apart(a, b):
    """Say whether the memory of two arrays lies apart."""
    return not np.may_share_memory(a, b)


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
def _read(context, address):
    def emit(context, builder, signature, args):
        return builder.load(builder.inttoptr(args[0], ir.IntType(64).as_pointer()))

    return types.int64(types.int64), emit


@intrinsic
def _write(context, address, value):
    def emit(context, builder, signature, args):
        builder.store(args[1], builder.inttoptr(args[0], ir.IntType(64).as_pointer()))
        return context.get_dummy_value()

    return types.void(types.int64, types.int64), emit


@intrinsic
def _copy(context, to, source, size):
    def emit(context, builder, signature, args):
        byte = ir.IntType(8).as_pointer()
        cgutils.raw_memcpy(builder, builder.inttoptr(args[0], byte), builder.inttoptr(args[1], byte), args[2], 1)
        return context.get_dummy_value()

    return types.void(types.int64, types.int64, types.int64), emit


@intrinsic
def _array(context, address, size, dtype):
    """Make an array of `size` numbers of what lies at an address; nobody counts who holds it."""
    kind = types.Array(dtype.dtype, 1, "C")

    def emit(context, builder, signature, args):
        array = context.make_array(kind)(context, builder)
        width = context.get_constant(types.intp, context.get_abi_sizeof(context.get_data_type(kind.dtype)))
        data = builder.inttoptr(args[0], context.get_data_type(kind.dtype).as_pointer())
        populate_array(array, data=data, shape=[args[1]], strides=[width], itemsize=width, meminfo=None)
        return array._getvalue()

    return kind(types.int64, types.int64, dtype), emit


@intrinsic
def _address(context, tape):
    def emit(context, builder, signature, args):
        array = context.make_array(signature.args[0])(context, builder, args[0])
        return builder.ptrtoint(array.data, ir.IntType(64))

    return types.int64(tape), emit


@njit
def _obtain(size):
    """Return the address of memory for a tape of `size` bytes."""
    block = _malloc(size + 2 * HEAD)
    if block == 0:
        raise MemoryError("no memory for the tape of a derivative")
    address = (block + 2 * HEAD - 1) & -HEAD
    _write(address - 16, size)
    _write(address - 8, block)
    return address


@njit
def _taken(slot, size):
    """Return the address of a tape of at least `size` bytes."""
    address = _swap(slot, 0)
    if address != 0:
        if _read(address - 16) >= size:
            return address
        _free(_read(address - 8))
    return _obtain(size)


@njit
def _given(slot, address):
    if _read(address - 16) <= LARGEST:
        address = _swap(slot, address)
    if address != 0:
        _free(_read(address - 8))


@njit
def _grown(address, used, size):
    """Return the address of a larger tape with the same first `used` bytes."""
    larger = _obtain(max(size, 2 * used))
    _copy(larger, address, used)
    _free(_read(address - 8))
    return larger


def _width(dtype):
    return np.dtype("bool" if str(dtype) == "bool" else str(dtype)).itemsize


@overload(take)
def _take(slot, size, dtype):
    width = _width(dtype.dtype)

    def impl(slot, size, dtype):
        address = _taken(slot, max(size, 1) * width)
        return _array(address, _read(address - 16) // width, dtype)

    return impl


@overload(grow)
def _grow(tape, size):
    width, dtype = _width(tape.dtype), getattr(np, "bool_" if str(tape.dtype) == "bool" else str(tape.dtype))

    def impl(tape, size):
        address = _grown(_address(tape), tape.size * width, size * width)
        return _array(address, _read(address - 16) // width, dtype)

    return impl


@overload(give)
def _give(slot, tape):
    return lambda slot, tape: _given(slot, _address(tape))


@njit
def _span(address, shape, strides, width):
    """Return where the memory of an array begins and ends."""
    low, high = address, address + width
    for n, step in zip(shape, strides):
        if n == 0:
            return 0, 0
        if step < 0:
            low += (n - 1) * step
        else:
            high += (n - 1) * step
    return low, high


@overload(apart)
def _apart(a, b):
    one, other = _width(a.dtype), _width(b.dtype)

    def impl(a, b):
        low, high = _span(_address(a), a.shape, a.strides, one)
        first, last = _span(_address(b), b.shape, b.strides, other)
        return high <= first or last <= low or low == high or first == last

    return impl


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
