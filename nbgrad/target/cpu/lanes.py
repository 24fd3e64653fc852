"""What loops over rows and indices are made of: tiles, indices that count from either end, rows in vector registers.

Written as instructions: rows go through vectors whatever the optimiser can prove about the memory they lie in, and none
of this costs a kernel the 25 ms that Numba takes for a function. The text of this file is copied into kernels (see HELPERS
in the loops); it imports nothing of nbgrad. `lanes`, a constant, is how many elements a vector holds; where the machine
has none so wide, LLVM takes several.
"""

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.errors import RequireLiteralValue
from numba.extending import intrinsic


@intrinsic
def rectangle(typing, tile, rows, height, columns, width):
    """Return (first row, end of rows, first column, end of columns) of a tile of `height` rows and `width` columns."""
    word = types.int64

    def codegen(context, builder, signature, args):
        tile, rows, height, columns, width = args
        across = builder.udiv(builder.add(columns, builder.sub(width, word_of(1))), width)
        top, left = builder.mul(builder.udiv(tile, across), height), builder.mul(builder.urem(tile, across), width)
        ends = [(top, height, rows), (left, width, columns)]
        found = []
        for first, length, all_ in ends:
            last = builder.add(first, length)
            found += [first, builder.select(builder.icmp_signed("<", last, all_), last, all_)]
        return context.make_tuple(builder, signature.return_type, found)

    return types.UniTuple(word, 4)(word, word, word, word, word), codegen


@intrinsic
def counted(typing, index, e, size):
    """Return index number `e` counted from the start of an axis of length `size`; one below 0 counts from the end."""

    def codegen(context, builder, signature, args):
        index, e, size = args
        at = builder.load(builder.gep(index, [e]))
        return builder.select(builder.icmp_signed("<", at, word_of(0)), builder.add(at, size), at)

    return types.int64(index, types.int64, types.int64), codegen


@intrinsic
def inside(typing, at, size):
    """Say whether an axis of length `size` has a cell `at`: one comparison, negative numbers being large without a sign."""

    def codegen(context, builder, signature, args):
        return builder.icmp_unsigned("<", *args)

    return types.boolean(types.int64, types.int64), codegen


@intrinsic
def put_row(typing, lanes, out, to, v, source, count):
    """Copy `count` elements of `v` from `source` to `out` at `to`; the two do not overlap."""
    word, width = types.int64, literal(lanes)

    def codegen(context, builder, signature, args):
        rows = Rows(context, builder, signature, args, width)
        copy = lambda a, b: b
        rows.whole(builder.sub(rows.count, word_of(1)), copy)
        with builder.if_else(builder.icmp_signed(">=", rows.count, rows.step)) as (long, short):
            with long:  # the last vector, which may overlap the one before it
                rows.pair(builder.sub(rows.count, rows.step), rows.vector, copy)
            with short:
                rows.rest(word_of(0), copy)
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
        _, self.out, self.to, self.v, self.source, count = args
        dtype = signature.args[-3].dtype  # of `v`
        self.builder, self.element, self.size = builder, context.get_value_type(dtype), dtype.bitwidth // 8
        self.vector, self.step, self.count = ir.VectorType(self.element, lanes), word_of(lanes), self.hidden(count)

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
        with cgutils.for_range_slice(self.builder, word_of(0), end, self.step, end.type) as (k, _):
            self.pair(k, self.vector, join)
        return end

    def rest(self, start, join):
        """Walk what is left, one by one."""
        with cgutils.for_range_slice(self.builder, start, self.count, word_of(1), start.type) as (k, _):
            self.pair(self.hidden(k), self.element, join)

    def hidden(self, number):
        """Return a number as if it were new. LLVM would make vectors of what is left, and copies of the loop over rows for
        each case of their length: five times the code, to no use."""
        return self.builder.asm(ir.FunctionType(number.type, [number.type]), "", "=r,0", [number], True)


def word_of(value):
    """Return a constant word."""
    return ir.Constant(ir.IntType(64), value)


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
