"""The text that every generated kernel file begins with: words, typed pointers, and how a kernel is compiled."""

import functools

HEAD = '''\
import math

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

kernel = njit(error_model="numpy", fastmath={"contract"}, nogil=True)
helper = njit(error_model="numpy", fastmath={"contract"}, no_cpython_wrapper=True, no_cfunc_wrapper=True)
word_type = ir.IntType(64)


def read(builder, args, index):
    """Read a word of the block; the block never changes while a kernel runs, so reads move out of loops."""
    block = builder.inttoptr(args, word_type.as_pointer())
    value = builder.load(builder.gep(block, [index]))
    value.set_metadata("invariant.load", builder.module.add_metadata([]))
    return value


@intrinsic
def word(context, args, index):
    def emit(context, builder, signature, values):
        return read(builder, *values)

    return types.int64(types.int64, types.int64), emit


def pointer(number, dtype):
    """Make the reader of pointer `number`: an address that is indexed like an array of `dtype`."""
    kind = types.CPointer(dtype)

    @intrinsic
    def at(context, args):
        def emit(context, builder, signature, values):
            address = read(builder, values[0], word_type(number))
            return builder.inttoptr(address, context.get_value_type(kind))

        return kind(types.int64), emit

    return at


'''


@functools.cache
def prelude(dtypes: tuple) -> str:
    """Return the text that defines `word`, `at0`..., `T0`..., `kernel`, `helper`, `math` and `np`.

    Parameters
    ----------
    dtypes : tuple of str
        NumPy dtype name of each pointer; bool is read and written as uint8.

    Examples
    --------
    >>> print(prelude(("float32", "bool"))[len(HEAD):])
    at0, T0 = pointer(0, types.float32), np.float32
    at1, T1 = pointer(1, types.uint8), np.uint8
    <BLANKLINE>
    """
    names = ["uint8" if d == "bool" else d for d in dtypes]
    return HEAD + "".join(f"at{i}, T{i} = pointer({i}, types.{d}), np.{d}\n" for i, d in enumerate(names))
