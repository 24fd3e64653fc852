"""Whole rows moved and joined in vector registers, whatever the optimiser can prove about the memory they lie in.

The text of this file is copied into kernels that handle rows (see HELPERS in the loops); it imports nothing of nbgrad.
"""

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.errors import RequireLiteralValue
from numba.extending import intrinsic

LANES_BYTES = 64  # a cache line: one register of the widest machines, two or four of the others


@intrinsic
def put_row(typing, out, to, v, source, count):
    """Copy `count` elements of `v` from `source` to `out` at `to`; the two do not overlap."""
    signature = types.void(out, types.int64, v, types.int64, types.int64)

    def codegen(context, builder, signature, args):
        out, to, v, source, count = args
        size = signature.args[0].dtype.bitwidth // 8
        ends = [builder.bitcast(builder.gep(p, [i]), ir.IntType(8).as_pointer()) for p, i in ((out, to), (v, source))]
        length = builder.mul(count, count.type(size))
        cgutils.raw_memcpy(builder, *ends, length, 1, align=size)
        return context.get_dummy_value()

    return signature, codegen


@intrinsic
def join(typing, mode, a, b):
    """Return two numbers joined: mode "add", "max" or "min" (NaN wins)."""
    how = literal(mode)

    def codegen(context, builder, signature, args):
        return joined(builder, how, a, *args[1:])

    return a(mode, a, a), codegen


@intrinsic
def join_row(typing, mode, out, to, v, source, count):
    """Join `count` elements of `v` at `source` into `out` at `to`: mode "add", "max" or "min" (NaN wins)."""
    how, word = literal(mode), types.int64
    signature = types.void(mode, out, word, v, word, word)

    def codegen(context, builder, signature, args):
        _, out, to, v, source, count = args
        dtype, element = signature.args[1].dtype, context.get_value_type(signature.args[1].dtype)
        size = dtype.bitwidth // 8
        lanes = LANES_BYTES // size
        vector, step = ir.VectorType(element, lanes), count.type(lanes)
        whole = builder.sub(count, builder.srem(count, step))

        def loop(start, stop, step, kind):
            with cgutils.for_range_slice(builder, start, stop, step, count.type) as (k, _):
                ends = [builder.gep(p, [builder.add(i, k)]) for p, i in ((out, to), (v, source))]
                ends = [builder.bitcast(p, kind.as_pointer()) for p in ends]
                a, b = (builder.load(p, align=size) for p in ends)
                builder.store(joined(builder, how, dtype, a, b), ends[0], align=size)

        loop(count.type(0), whole, step, vector)
        loop(whole, count, count.type(1), element)
        return context.get_dummy_value()

    return signature, codegen


def literal(mode):
    """Return the text of a mode; anything but a constant is asked for again as one."""
    if not isinstance(mode, types.StringLiteral):
        raise RequireLiteralValue("the mode is a constant")
    return mode.literal_value


def joined(builder, mode, dtype, a, b):
    """Return the instructions that join number (or vector) `b` to `a`."""
    real = isinstance(dtype, types.Float)
    if mode == "add":
        return builder.fadd(a, b) if real else builder.add(a, b)
    sign = ">" if mode == "max" else "<"
    if real:
        taken = builder.or_(builder.fcmp_ordered(sign, b, a), builder.fcmp_unordered("uno", b, b))
    else:
        taken = (builder.icmp_signed if dtype.signed else builder.icmp_unsigned)(sign, b, a)
    return builder.select(taken, b, a)
