"""Words of loops that fold rows: sums that may be taken in any order, and floats that are compared as integers.

The optimiser keeps the order of a float sum, so such a loop runs one number at a time; a sum of `plus` it takes in as
many lanes as the machine has. No other arithmetic of the loop is loosened. The largest of floats has no such word: what
becomes of NaN stands in the way. Their bits, as integers in the order of the floats, fold in lanes as they are.

The text of this file is copied into kernels that fold (see HELPERS in the loops); it imports nothing of nbgrad.
"""

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

TO_INTEGER = {types.float32: types.int32, types.float64: types.int64}
TO_FLOAT = {v: k for k, v in TO_INTEGER.items()}


@intrinsic
def plus(typing, a, b):
    """Return a + b; the additions of a loop may be taken in any order, and joined with a product."""

    def codegen(context, builder, signature, args):
        return builder.fadd(*args, flags=("reassoc", "contract"))

    return a(a, a), codegen


@intrinsic
def ordered(typing, x):
    """Return the integer whose place among integers is that of `x` among floats; NaN lies at the ends, by its sign."""

    def codegen(context, builder, signature, args):
        kind = context.get_value_type(signature.return_type)
        return _turned(builder, builder.bitcast(args[0], kind), signature.return_type)

    return TO_INTEGER[x](x), codegen


@intrinsic
def unordered(typing, i):
    """Return the float of which `ordered` made `i`."""

    def codegen(context, builder, signature, args):
        found = _turned(builder, args[0], signature.args[0])
        return builder.bitcast(found, context.get_value_type(signature.return_type))

    return TO_FLOAT[i](i), codegen


@intrinsic
def most(typing, i, j):
    """Return the larger of two integers."""

    def codegen(context, builder, signature, args):
        return builder.select(builder.icmp_signed(">", *args), *args)

    return i(i, i), codegen


@intrinsic
def number(typing, word):
    """Return the float64 that has the bits of a word."""

    def codegen(context, builder, signature, args):
        return builder.bitcast(args[0], ir.DoubleType())

    return types.float64(word), codegen


def _turned(builder, bits, kind):
    """Turn the bits below the sign over where the sign is set: its own inverse."""
    width = kind.bitwidth
    sign = builder.ashr(bits, ir.Constant(bits.type, width - 1))
    return builder.xor(bits, builder.and_(sign, ir.Constant(bits.type, 2 ** (width - 1) - 1)))
