"""How kernels call the micro-kernel of `micro.py` and the function of `turning.py`, and move whole vectors.

The text of this file is copied into kernels (see HELPERS in the loops); it imports nothing of nbgrad.
"""

from llvmlite import ir
from numba import types
from numba.extending import intrinsic


@intrinsic(prefer_literal=True)
def micro(typing, a, a0, a_row, a_step, b, b0, b_step, k, c, c0, c_row, rows, columns, add, height, vectors, width):
    """Set (or, where `add` is not 0, increase) c[c0 + r * c_row + j] by the sum over p < k of
    a[a0 + r * a_row + p * a_step] * b[b0 + p * b_step + j], for r < rows and j < columns.

    rows : 0 to height; columns : 1 to vectors * width / bytes of a number. Nothing past them is read or written.
    height, vectors, width : the block: rows, vectors, bytes of a vector; literal numbers, fixed in the text.
    """
    word, shape = types.int64, [t.literal_value for t in (height, vectors, width)]
    signature = types.void(a, word, word, word, b, word, word, word, c, *[word] * 5, height, vectors, width)

    def codegen(context, builder, signature, args):
        call_shared(builder, "_".join(map(str, ("nbgrad_micro", signature.args[0].dtype, *shape))), args[:14])
        return context.get_dummy_value()

    return signature, codegen


@intrinsic(prefer_literal=True)
def turn(typing, out, to, pitch, x, start, row, rows, n, width):
    """Set out[to + p * pitch + i] to x[start + i * row + p] for i < rows and p < n; nothing else is read or written.

    width : bytes of a vector, a literal number.
    """
    word, size = types.int64, width.literal_value
    signature = types.void(out, word, word, x, *[word] * 4, width)

    def codegen(context, builder, signature, args):
        call_shared(builder, f"nbgrad_turn_{signature.args[0].dtype}_{size}", args[:8])
        return context.get_dummy_value()

    return signature, codegen


def call_shared(builder, name, args):
    """Call a function that kernels share, which the loader finds by its name."""
    kinds = ir.FunctionType(ir.VoidType(), [x.type for x in args])
    function = builder.module.globals.get(name) or ir.Function(builder.module, kinds, name)
    function.attributes.add("nounwind")
    builder.call(function, args)


@intrinsic
def stack(typing, like, count):
    """Return a pointer of the kind of `like` to `count` numbers on the stack, alive while the kernel runs.

    What lies there is in the cache of the thread from tile to tile, and its pages are touched for the first time once.
    """
    signature = like(like, types.int64)

    def codegen(context, builder, signature, args):
        room = builder.alloca(context.get_value_type(signature.return_type.dtype), size=args[1])
        room.align = 64
        return room

    return signature, codegen


@intrinsic(prefer_literal=True)
def copy_vectors(typing, out, to, source, start, vectors, width):
    """Copy `vectors` vectors of `width` bytes from `source` at `start` to `out` at `to`; the two do not overlap."""
    signature = types.void(out, types.int64, source, types.int64, vectors, width)
    count, size = vectors.literal_value, width.literal_value

    def codegen(context, builder, signature, args):
        out, to, source, start = args[:4]
        element = context.get_value_type(signature.args[0].dtype)
        bytes_ = signature.args[0].dtype.bitwidth // 8
        lanes = size // bytes_
        vector = ir.VectorType(element, lanes)
        values = []
        for v in range(count):
            at = builder.gep(source, [builder.add(start, ir.Constant(start.type, v * lanes))])
            values.append(builder.load(builder.bitcast(at, vector.as_pointer())))
            values[-1].align = bytes_
        for v, value in enumerate(values):
            at = builder.gep(out, [builder.add(to, ir.Constant(to.type, v * lanes))])
            builder.store(value, builder.bitcast(at, vector.as_pointer())).align = bytes_
        return context.get_dummy_value()

    return signature, codegen
