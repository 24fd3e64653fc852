"""Rows of windows copied in vector registers: into a frame of zeros, and out again.

The text of this file is copied into kernels (see HELPERS in the loops); it imports nothing of nbgrad.
"""

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic


@intrinsic(prefer_literal=True)
def copy_row(typing, out, to, x, start, step, first, last, n, width):
    """Set out[to + j] to x[start + j * step] for first <= j < last, and to 0 for the other j < n.

    Up to one vector (of `width` bytes, a literal) past n is overwritten with zeros. Nothing else of x is read.
    """
    word = types.int64
    signature = types.void(out, word, x, *[word] * 5, width)

    def codegen(context, builder, signature, args):
        out, to, x, start, step, first, last, n, _ = args
        Framed(context, builder, signature).call(builder.gep(out, [to]), builder.gep(x, [start]), step, first, last, n)
        return context.get_dummy_value()

    return signature, codegen


@intrinsic(prefer_literal=True)
def put_sums(typing, out, to, step, x, start, n, add, width):
    """Set out[to + j * step] to x[start + j], or increase it where `add` is not 0, for j < n."""
    word = types.int64
    signature = types.void(out, word, word, x, *[word] * 3, width)

    def codegen(context, builder, signature, args):
        out, to, step, x, start, n, add, _ = args
        Sums(context, builder, signature).call(builder.gep(out, [to]), step, builder.gep(x, [start]), n, add)
        return context.get_dummy_value()

    return signature, codegen


class Row:
    """Writes an LLVM function that walks along a row."""

    def __init__(self, context, builder, signature):
        dtype = signature.args[0].dtype
        self.module, self.caller, self.element = builder.module, builder, context.get_value_type(dtype)
        self.bytes, self.real = max(1, dtype.bitwidth // 8), isinstance(dtype, types.Float)
        self.lanes = signature.args[-1].literal_value // self.bytes
        self.suffix = f"{'f' if self.real else 'i'}{8 * self.bytes}"
        self.word, self.small = ir.IntType(64), ir.IntType(32)

    def call(self, *args):
        name = f"{type(self).__name__}_{self.lanes}{self.suffix}"
        function = self.module.globals.get(name) or self.write_function(name, args)
        self.caller.call(function, args)

    def write_function(self, name, args):
        f = ir.Function(self.module, ir.FunctionType(ir.VoidType(), [a.type for a in args]), name)
        f.linkage = "internal"
        f.attributes.add("noinline")
        f.attributes.add("nounwind")
        self.builder = ir.IRBuilder(f.append_basic_block("entry"))
        self.body(*f.args)
        self.builder.ret_void()
        return f

    def each(self, n, step):
        return cgutils.for_range_slice(self.builder, self.number(0), n, self.number(step), self.word)

    def zero(self, count):
        return ir.Constant(ir.VectorType(self.element, count), [0.0 if self.real else 0] * count)

    def inside(self, low, high, count, apart=1):
        """Return which of `count` lanes are numbers low to high of those `apart`; no others are."""
        b, numbers = self.builder, ir.VectorType(self.small, count)
        lanes = ir.Constant(numbers, [i // apart if i % apart == 0 else 1 << 30 for i in range(count)])
        low, high = (self.spread(b.trunc(x, self.small), numbers) for x in (low, high))
        return b.and_(b.icmp_signed(">=", lanes, low), b.icmp_signed("<", lanes, high))

    def load(self, pointer, mask):
        b, count = self.builder, mask.type.count
        kind = ir.VectorType(self.element, count)
        pointer = b.bitcast(pointer, kind.as_pointer())
        kinds = [pointer.type, self.small, mask.type, kind]
        load = self.declare(f"llvm.masked.load.v{count}{self.suffix}.p0", kind, kinds)
        return b.call(load, [pointer, ir.Constant(self.small, self.bytes), mask, self.zero(count)])

    def store(self, value, pointer, mask=None):
        b = self.builder
        pointer = b.bitcast(pointer, value.type.as_pointer())
        if mask is None:
            b.store(value, pointer).align = self.bytes
            return
        kinds = [value.type, pointer.type, self.small, mask.type]
        store = self.declare(f"llvm.masked.store.v{self.lanes}{self.suffix}.p0", ir.VoidType(), kinds)
        b.call(store, [value, pointer, ir.Constant(self.small, self.bytes), mask])

    def sum(self, x, y):
        return self.builder.fadd(x, y) if self.real else self.builder.add(x, y)

    def spread(self, x, vector):
        b, nothing = self.builder, ir.Constant(vector, ir.Undefined)
        one = b.insert_element(nothing, x, ir.Constant(self.small, 0))
        return b.shuffle_vector(one, nothing, ir.Constant(ir.VectorType(self.small, vector.count), [0] * vector.count))

    def declare(self, name, result, args):
        return self.module.globals.get(name) or ir.Function(self.module, ir.FunctionType(result, args), name)

    def number(self, value):
        return ir.Constant(self.word, value)


class Framed(Row):
    """A row between zeros; steps of 1 and 2 as vectors."""

    def body(self, out, x, step, first, last, n):
        b = self.builder
        with b.if_else(b.icmp_signed("==", step, self.number(1))) as (single, other):
            with single:
                self.vectors(out, x, first, last, n, 1)
            with other, b.if_else(b.icmp_signed("==", step, self.number(2))) as (double, any_step):
                with double:
                    self.vectors(out, x, first, last, n, 2)
                with any_step:
                    self.numbers(out, x, step, first, last, n)

    def vectors(self, out, x, first, last, n, step):
        b = self.builder
        with self.each(n, self.lanes) as (j, _):
            low, high = b.sub(first, j), b.sub(last, j)
            mask = self.inside(low, high, self.lanes * step, step)
            value = self.load(b.gep(x, [b.mul(j, self.number(step))]), mask)
            if step > 1:
                even = [step * i for i in range(self.lanes)]
                order = ir.Constant(ir.VectorType(self.small, self.lanes), even)
                value = b.shuffle_vector(value, self.zero(self.lanes * step), order)
            self.store(value, b.gep(out, [j]))

    def numbers(self, out, x, step, first, last, n):
        b = self.builder
        with self.each(n, 1) as (j, _):
            b.store(ir.Constant(self.element, 0.0 if self.real else 0), b.gep(out, [j]))
        with cgutils.for_range_slice(b, first, last, self.number(1), self.word) as (j, _):
            b.store(b.load(b.gep(x, [b.mul(j, step)])), b.gep(out, [j]))


class Sums(Row):
    """A row of sums to its place in the result."""

    def body(self, out, step, x, n, add):
        b = self.builder
        one = b.icmp_signed("==", step, self.number(1))
        fresh = b.icmp_signed("==", add, self.number(0))
        with b.if_else(one) as (single, other):
            with single, self.each(n, self.lanes) as (j, _):
                mask = self.inside(self.number(0), b.sub(n, j), self.lanes)
                place, value = b.gep(out, [j]), self.load(b.gep(x, [j]), mask)
                with b.if_else(fresh) as (sets, adds):
                    with sets:
                        self.store(value, place, mask)
                    with adds:
                        self.store(self.sum(self.load(place, mask), value), place, mask)
            with other, self.each(n, 1) as (j, _):
                place, value = b.gep(out, [b.mul(j, step)]), b.load(b.gep(x, [j]))
                with b.if_else(fresh) as (sets, adds):
                    with sets:
                        b.store(value, place)
                    with adds:
                        b.store(self.sum(b.load(place), value), place)
