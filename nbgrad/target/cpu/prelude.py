"""The text that every generated kernel file begins with: words, typed pointers, and how a kernel is compiled."""

import ast
import functools
from pathlib import Path

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


@intrinsic
def pick(context, condition, a, b):
    """Take `a` where the condition holds, else `b`, both computed: LLVM makes a maze of masks of branches in a row."""
    kind = context.unify_types(a, b)

    def emit(context, builder, signature, values):
        return builder.select(*values)

    return kind(types.boolean, kind, kind), emit


'''

APART = '''\
def apart(dtype):
    """Make the reader and the writer of pointers, for loops whose turns touch nothing that another turn writes.

    They tell LLVM so, which else compares the addresses of all arrays before each loop, and takes numbers one by one
    where the result replaces an argument.
    """
    kind = types.CPointer(dtype)

    def marked(module, instruction, own, other):
        text = lambda name: ir.MetaDataString(module, name)
        domain = module.add_metadata([text("turns")])
        for key, name in (("alias.scope", own), ("noalias", other)):
            scope = module.add_metadata([text(name), domain])
            instruction.set_metadata(key, module.add_metadata([scope]))

    @intrinsic
    def get(context, p, i):
        def emit(context, builder, signature, values):
            value = builder.load(builder.gep(values[0], [values[1]]))
            marked(builder.module, value, "read", "written")
            return value

        return dtype(kind, types.int64), emit

    @intrinsic
    def put(context, p, i, value):
        def emit(context, builder, signature, values):
%s            return context.get_dummy_value()

        return types.void(kind, types.int64, dtype), emit

    return get, put


'''

STORE = '''\
            marked(builder.module, builder.store(values[2], builder.gep(values[0], [values[1]])), "written", "read")
'''

PAST = '''\
            line = ir.Constant(ir.IntType(32), 1)
            stored = builder.store(values[2], builder.gep(values[0], [values[1]]), align=64)
            stored.set_metadata("nontemporal", builder.module.add_metadata([line]))
            marked(builder.module, stored, "written", "read")
'''

SETTLE = '''\
@intrinsic
def settle(context):
    """Wait until what was written past the cache is where other threads see it."""

    def emit(context, builder, signature, values):
        builder.fence("seq_cst")
        return context.get_dummy_value()

    return types.void(), emit


'''


def apart(dtypes: tuple, past=False) -> str:
    """Return the text that defines `get0`, `put0`...: reading and writing of arrays that do not overlap.

    An array may also be read and written at the same places, each place in one turn of a loop. With `past` what is written
    goes past the cache, in whole vectors from a multiple of 64 on; `settle()` comes behind the last.
    """
    names = ["uint8" if d == "bool" else d for d in dtypes]
    text = APART % PAST + SETTLE if past else APART % STORE
    return text + "".join(f"get{i}, put{i} = apart(types.{d})\n" for i, d in enumerate(names))


@functools.cache
def prelude(dtypes: tuple) -> str:
    """Return the text that defines `word`, `at0`..., `T0`..., `pick`, `kernel`, `helper`, `math` and `np`.

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


@functools.cache
def stack_text() -> str:
    """Return the text that defines `stack`: memory of a kernel's own."""
    text = Path(__file__).with_name("fold_lanes.py").read_text(encoding="utf-8")
    found = next(n for n in ast.parse(text).body if isinstance(n, ast.FunctionDef) and n.name == "stack")
    return ast.get_source_segment(text, found)
