"""How a kernel calls the micro-kernel of `micro.py`. The text of this file is copied into kernels (see HELPERS)."""

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
        name = "_".join(map(str, ("nbgrad_micro", signature.args[0].dtype, *shape)))
        kinds = ir.FunctionType(ir.VoidType(), [x.type for x in args[:14]])
        function = builder.module.globals.get(name) or ir.Function(builder.module, kinds, name)
        function.attributes.add("nounwind")
        builder.call(function, args[:14])
        return context.get_dummy_value()

    return signature, codegen
