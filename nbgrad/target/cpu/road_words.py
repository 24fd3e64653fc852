"""Machine words, Python objects and their parts: what the native call and the eager road are made of.

The text of this file is copied into their kernels (see HELPERS in loops_road.py); it imports nothing of nbgrad.
"""

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic


@intrinsic
def get(typing, address, offset):
    """Read the word `offset` bytes behind `address`."""
    word = types.int64

    def codegen(context, builder, signature, args):
        at = builder.inttoptr(builder.add(*args), ir.IntType(64).as_pointer())
        return builder.load(at)

    return word(word, word), codegen


@intrinsic
def put(typing, address, offset, value):
    """Write the word `offset` bytes behind `address`."""
    word = types.int64

    def codegen(context, builder, signature, args):
        at = builder.inttoptr(builder.add(args[0], args[1]), ir.IntType(64).as_pointer())
        builder.store(args[2], at)
        return context.get_dummy_value()

    return types.void(word, word, word), codegen


@intrinsic
def room(typing):
    """Return the address of 480 words on the stack, the block of a kernel."""

    def codegen(context, builder, signature, args):
        block = cgutils.alloca_once(builder, ir.ArrayType(ir.IntType(64), 480))
        return builder.ptrtoint(block, ir.IntType(64))

    return types.int64(), codegen


def caller(count):
    """Make the call of a C function of `count` words by its address; the result is a word, too."""
    word = types.int64

    def codegen(context, builder, signature, args):
        kind = ir.FunctionType(ir.IntType(64), [ir.IntType(64)] * count)
        return builder.call(builder.inttoptr(args[0], kind.as_pointer()), args[1:])

    signature = word(*[word] * (count + 1))
    names = ", ".join(f"x{i}" for i in range(count))
    scope = {"signature": signature, "codegen": codegen}
    exec(f"def call{count}(typing, f{', ' if count else ''}{names}):\n    return signature, codegen", scope)
    return intrinsic(scope[f"call{count}"])


call0, call1, call2, call3, call4, call8 = (caller(n) for n in (0, 1, 2, 3, 4, 8))
