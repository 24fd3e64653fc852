"""What the text of a derivative calls besides NumPy: tapes, and sums whose order does not matter.

The memory of tapes is that of `tapes.py`. A call that ends with an exception does not give its tapes back; they are lost.

Each function is a plain one too, so that the text can be read, run and stepped through without a compiler. Compiled code has
them written straight into it: an `@overload` would have Numba compile each of them at the first derivative, half a second.
"""

import llvmlite.binding as llvm
import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import lower_builtin, type_callable

from .tapes import ADDRESSES, CAPACITY

for _name, _address in ADDRESSES.items():
    llvm.add_symbol(_name, _address)
_word = ir.IntType(64)
_NO_MEMORY = "no memory for the tape of a derivative"


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


@type_callable(take)
def _type_take(context):
    return lambda slot, size, dtype: types.Array(dtype.dtype, 1, "C")


@type_callable(grow)
def _type_grow(context):
    return lambda tape, size: tape


@type_callable(give)
def _type_give(context):
    return lambda slot, tape: types.none


@type_callable(apart)
def _type_apart(context):
    return lambda a, b: types.boolean


@type_callable(plus)
def _type_plus(context):
    return lambda total, x: context.unify_types(total, x)


@lower_builtin(take, types.Integer, types.Integer, types.Any)
def _take(context, builder, signature, args):
    kind = signature.return_type
    size = builder.mul(_as_word(context, builder, signature, args, 1), _width(context, kind))
    return _tape(context, builder, kind, _called(builder, "take_tape", _as_word(context, builder, signature, args, 0), size))


@lower_builtin(grow, types.Array, types.Integer)
def _grow(context, builder, signature, args):
    kind = signature.return_type
    tape = context.make_array(kind)(context, builder, args[0])
    used = builder.mul(tape.nitems, _width(context, kind))
    size = builder.mul(_as_word(context, builder, signature, args, 1), _width(context, kind))
    return _tape(context, builder, kind, _called(builder, "grow_tape", builder.ptrtoint(tape.data, _word), used, size))


@lower_builtin(give, types.Integer, types.Array)
def _give(context, builder, signature, args):
    tape = context.make_array(signature.args[1])(context, builder, args[1])
    _called(builder, "give_tape", _as_word(context, builder, signature, args, 0), builder.ptrtoint(tape.data, _word))
    return context.get_dummy_value()


@lower_builtin(apart, types.Array, types.Array)
def _apart(context, builder, signature, args):
    low, high, empty = _span(context, builder, signature.args[0], args[0])
    first, last, void = _span(context, builder, signature.args[1], args[1])
    found = builder.or_(builder.icmp_signed("<=", high, first), builder.icmp_signed("<=", last, low))
    return builder.or_(found, builder.or_(empty, void))


@lower_builtin(plus, types.Any, types.Any)
def _plus(context, builder, signature, args):
    total, x = (context.cast(builder, a, kind, signature.return_type) for a, kind in zip(args, signature.args))
    return builder.fadd(total, x, flags=("reassoc", "contract", "nsz"))


def _as_word(context, builder, signature, args, i):
    """Return an integer argument in 64 bits."""
    return context.cast(builder, args[i], signature.args[i], types.int64)


def _width(context, kind):
    """Return the bytes of a number of an array."""
    return _word(context.get_abi_sizeof(context.get_data_type(kind.dtype)))


def _called(builder, name, *words):
    """Call a function of `tapes.py`."""
    kind = ir.FunctionType(_word, [_word] * len(words))
    return builder.call(cgutils.get_or_insert_function(builder.module, kind, f"nbgrad_{name}"), words)


def _tape(context, builder, kind, address):
    """Make an array of all that a tape has room for; nobody counts who holds it."""
    from numba.np.arrayobj import populate_array  # slow to import: machine code that lies on disk does not need it

    with cgutils.if_unlikely(builder, builder.icmp_unsigned("==", address, _word(0))):
        context.call_conv.return_user_exc(builder, MemoryError, (_NO_MEMORY,))
    width = _width(context, kind)
    capacity = builder.load(builder.inttoptr(builder.add(address, _word(CAPACITY)), _word.as_pointer()))
    array = context.make_array(kind)(context, builder)
    data = builder.inttoptr(address, context.get_data_type(kind.dtype).as_pointer())
    populate_array(array, data=data, shape=[builder.udiv(capacity, width)], strides=[width], itemsize=width, meminfo=None)
    return array._getvalue()


def _span(context, builder, kind, value):
    """Return where the memory of an array begins and ends, and whether it has none."""
    array = context.make_array(kind)(context, builder, value)
    low = builder.ptrtoint(array.data, _word)
    high, empty = builder.add(low, _width(context, kind)), ir.IntType(1)(0)
    for n, step in zip(cgutils.unpack_tuple(builder, array.shape), cgutils.unpack_tuple(builder, array.strides)):
        far = builder.mul(builder.sub(n, _word(1)), step)
        back = builder.icmp_signed("<", step, _word(0))
        low = builder.add(low, builder.select(back, far, _word(0)))
        high = builder.add(high, builder.select(back, _word(0), far))
        empty = builder.or_(empty, builder.icmp_signed("==", n, _word(0)))
    return low, high, empty
