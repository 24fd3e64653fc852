"""Rows moved and joined in vector registers, whatever the optimiser can prove about the memory they lie in.

The text of this file is copied into kernels that handle rows (see HELPERS in the loops); it imports nothing of nbgrad.
`lanes`, a constant, is how many elements a vector holds; where the machine has none so wide, LLVM takes several.
"""

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.errors import RequireLiteralValue
from numba.extending import intrinsic


@intrinsic
def put_row(typing, lanes, out, to, v, source, count):
    """Copy `count` elements of `v` from `source` to `out` at `to`; the two do not overlap."""
    word, width = types.int64, literal(lanes)

    def codegen(context, builder, signature, args):
        rows = Rows(context, builder, signature, args, width)
        copy = lambda a, b: b
        rows.whole(builder.sub(rows.count, rows.count.type(1)), copy)
        with builder.if_else(builder.icmp_signed(">=", rows.count, rows.step)) as (long, short):
            with long:  # the last vector, which may overlap the one before it
                rows.pair(builder.sub(rows.count, rows.step), rows.vector, copy)
            with short:
                rows.rest(rows.count.type(0), copy)
        return context.get_dummy_value()

    return types.void(lanes, out, word, v, word, word), codegen


@intrinsic
def join_row(typing, lanes, mode, out, to, v, source, count):
    """Join `count` elements of `v` at `source` into `out` at `to`: mode "add", "max" or "min" (NaN wins)."""
    word, width, how = types.int64, literal(lanes), literal(mode)

    def codegen(context, builder, signature, args):
        rows = Rows(context, builder, signature, (args[0], *args[2:]), width)
        join = lambda a, b: joined(builder, how, signature.args[2].dtype, a, b)
        rows.rest(rows.whole(rows.count, join), join)
        return context.get_dummy_value()

    return types.void(lanes, mode, out, word, v, word, word), codegen


@intrinsic
def join(typing, mode, a, b):
    """Return two numbers joined: mode "add", "max", "min" (NaN wins), "set" (the second) or "count" (the first and 1)."""
    how = literal(mode)

    def codegen(context, builder, signature, args):
        return joined(builder, how, a, *args[1:])

    return a(mode, a, a), codegen


class Rows:
    """A row of `out` and one of `v`, walked in vectors and then element by element."""

    def __init__(self, context, builder, signature, args, lanes):
        _, self.out, self.to, self.v, self.source, self.count = args
        dtype = signature.args[-3].dtype  # of `v`
        self.builder, self.element, self.size = builder, context.get_value_type(dtype), dtype.bitwidth // 8
        self.vector, self.step = ir.VectorType(self.element, lanes), self.count.type(lanes)

    def pair(self, k, kind, join):
        """Join the numbers (or vectors) at `k`."""
        b = self.builder
        ends = [b.gep(p, [b.add(i, k)]) for p, i in ((self.out, self.to), (self.v, self.source))]
        ends = [b.bitcast(p, kind.as_pointer()) for p in ends]
        was, new = (b.load(p, align=self.size) for p in ends)
        b.store(join(was, new), ends[0], align=self.size)

    def whole(self, count, join):
        """Walk the whole vectors of the first `count` elements; return where they end."""
        end = self.builder.sub(count, self.builder.srem(count, self.step))
        with cgutils.for_range_slice(self.builder, self.step.type(0), end, self.step, self.step.type) as (k, _):
            self.pair(k, self.vector, join)
        return end

    def rest(self, start, join):
        """Walk what is left, one by one."""
        with cgutils.for_range_slice(self.builder, start, self.count, self.step.type(1), self.step.type) as (k, _):
            self.pair(k, self.element, join)


def literal(constant):
    """Return the value of a constant's type; anything else is asked for again as a constant."""
    if not isinstance(constant, types.Literal):
        raise RequireLiteralValue("the lanes and the mode are constants")
    return constant.literal_value


def joined(builder, mode, dtype, a, b):
    """Return the instructions that join number (or vector) `b` to `a`."""
    real = isinstance(dtype, types.Float)
    if mode == "set":
        return b
    if mode == "count":
        return builder.add(a, a.type(1))
    if mode == "add":
        return builder.fadd(a, b) if real else builder.add(a, b)
    sign = ">" if mode == "max" else "<"
    if real:
        taken = builder.or_(builder.fcmp_ordered(sign, b, a), builder.fcmp_unordered("uno", b, b))
    else:
        taken = (builder.icmp_signed if dtype.signed else builder.icmp_unsigned)(sign, b, a)
    return builder.select(taken, b, a)
