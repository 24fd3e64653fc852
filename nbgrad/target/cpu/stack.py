"""Scratch on the stack of the thread that runs a tile, and arithmetic of words that compiles fast.

What lies on the stack is in the thread's own cache from tile to tile and call to call, and no page of it is touched for
the first time but once. The text of this file is copied into kernels (see HELPERS in the loops); it imports nothing of
nbgrad.
"""

from llvmlite import ir
from numba import types
from numba.extending import intrinsic


@intrinsic
def stack(typing, like, count):
    """Return a pointer of the kind of `like` to `count` numbers, alive while the kernel runs."""
    signature = like(like, types.int64)

    def codegen(context, builder, signature, args):
        room = builder.alloca(context.get_value_type(signature.return_type.dtype), size=args[1])
        room.align = 64
        return room

    return signature, codegen


@intrinsic
def stack_words(typing, count):
    """Return a pointer to `count` words of 64 bits, alive while the kernel runs."""

    def codegen(context, builder, signature, args):
        return builder.alloca(ir.IntType(64), size=args[0])

    return types.CPointer(types.int64)(types.int64), codegen


@intrinsic
def quotient(typing, a, b):
    """Return a // b for numbers that are not negative: Python's own division costs a kernel five times the compiling."""
    return types.int64(types.int64, types.int64), lambda context, builder, signature, args: builder.udiv(*args)


@intrinsic
def modulo(typing, a, b):
    """Return a % b for numbers that are not negative."""
    return types.int64(types.int64, types.int64), lambda context, builder, signature, args: builder.urem(*args)


@intrinsic
def least(typing, a, b):
    """Return the smaller of two words."""

    def codegen(context, builder, signature, args):
        return builder.select(builder.icmp_signed("<", *args), *args)

    return types.int64(types.int64, types.int64), codegen


@intrinsic
def largest(typing, a, b):
    """Return the larger of two words."""

    def codegen(context, builder, signature, args):
        return builder.select(builder.icmp_signed(">", *args), *args)

    return types.int64(types.int64, types.int64), codegen
