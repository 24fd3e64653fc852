"""Accesses of 16 bytes: several neighbouring numbers in one instruction, as text. They are instructions of LLVM.

numba-cuda and the target inside Numba let a text write such; numba-cuda-mlir does not, and kernels there take number by number.
"""

import numpy as np

BYTES = 16  # the most that a thread reads or writes at once

HEAD = '''\
from llvmlite import ir
{line}


def wide(dtype):
    """Make reader, writer and test of {count} neighbouring numbers of a dtype: `get(p, i)`, `put(p, i, values)`, `near(p, i)`."""
    kind, size = types.UniTuple(dtype, {count}), {count} * (dtype.bitwidth // 8)

    def place(context, builder, array, pointer, index):
        data = context.make_array(array)(context, builder, pointer).data
        return builder.gep(data, [index])

    def vector(context):
        return ir.VectorType(context.get_data_type(dtype), {count})

    @intrinsic
    def get(typing, p, i):
        def emit(context, builder, signature, values):
            at = place(context, builder, signature.args[0], *values)
            found = builder.load(builder.bitcast(at, vector(context).as_pointer()), align=size)
            numbers = [builder.extract_element(found, ir.IntType(32)(k)) for k in range({count})]
            return context.make_tuple(builder, kind, numbers)

        return kind(p, types.int64), emit

    @intrinsic
    def put(typing, p, i, numbers):
        def emit(context, builder, signature, values):
            at = place(context, builder, signature.args[0], *values[:2])
            made = ir.Constant(vector(context), ir.Undefined)
            for k in range({count}):
                made = builder.insert_element(made, builder.extract_value(values[2], k), ir.IntType(32)(k))
            builder.store(made, builder.bitcast(at, made.type.as_pointer()), align=size)
            return context.get_dummy_value()

        return types.void(p, types.int64, kind), emit

    @intrinsic
    def near(typing, p, i):
        def emit(context, builder, signature, values):
            word = ir.IntType(64)
            at = builder.ptrtoint(place(context, builder, signature.args[0], *values), word)
            return builder.icmp_unsigned("==", builder.and_(at, word(size - 1)), word(0))

        return types.boolean(p, types.int64), emit

    return get, put, near


'''

SIMULATED = '''\
def wide(dtype):
    def get(p, i):
        return tuple(p[i + k] for k in range({count}))

    def put(p, i, numbers):
        for k in range({count}):
            p[i + k] = numbers[k]

    def near(p, i):
        return True

    return get, put, near


'''

LINES = {
    "numba-cuda": "from numba.cuda import types\nfrom numba.cuda.extending import intrinsic",
    "builtin": "from numba import types\nfrom numba.core.extending import intrinsic",
}


def count_of(package, dtypes) -> int:
    """Return how many numbers of each of these dtypes are accessed at once; 1 where the package has no such accesses."""
    if not package.simulated and package.name not in LINES:
        return 1
    return max(1, BYTES // max(np.dtype(d).itemsize for d in dtypes))


def wide_text(package, dtypes, count) -> str:
    """Return the text that defines `get0`, `put0`, `near0`, ... for operands of these dtypes."""
    names = ["uint8" if d == "bool" else d for d in dtypes]
    if package.simulated:
        head, kind = SIMULATED.format(count=count), "np"
    else:
        head, kind = HEAD.format(count=count, line=LINES[package.name]), "types"
    first = [names.index(d) for d in names]  # operands of one dtype have the same: each is compiled once
    of = lambda i, d: f"wide({kind}.{d})" if first[i] == i else f"get{first[i]}, put{first[i]}, near{first[i]}"
    return head + "".join(f"get{i}, put{i}, near{i} = {of(i, d)}\n" for i, d in enumerate(names))
