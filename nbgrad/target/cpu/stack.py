"""Scratch on the stack of the thread that runs a tile, and rows copied into it.

What lies there is in the thread's own cache from tile to tile and call to call, and its pages are touched for the first
time once. The text of this file is copied into kernels (see HELPERS in the loops); it imports nothing of nbgrad.
"""

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic


@intrinsic
def stack(typing, like, count):
    """Return a pointer of the kind of `like` to `count` numbers, alive while the kernel runs."""
    signature = like(like, types.int64)

    def codegen(context, builder, signature, args):
        room = builder.alloca(context.get_value_type(signature.return_type.dtype), size=args[1])
        room.align = 64
        return room

    return signature, codegen


@intrinsic
def stack_words(typing, count):
    """Return a pointer to `count` words of 64 bits, alive while the kernel runs."""

    def codegen(context, builder, signature, args):
        return builder.alloca(ir.IntType(64), size=args[0])

    return types.CPointer(types.int64)(types.int64), codegen


@intrinsic(prefer_literal=True)
def copy_row(typing, out, to, x, start, step, first, last, n, width):
    """Set out[to + j] to x[start + j * step] for first <= j < last, and to 0 for the other j < n; steps of 1 and 2.

    Up to one vector (of `width` bytes, a literal) past n is overwritten with zeros. Nothing of x outside is read.
    """
    word = types.int64
    signature = types.void(out, word, x, *[word] * 5, width)

    def codegen(context, builder, signature, args):
        Row(context, builder, signature, args).write()
        return context.get_dummy_value()

    return signature, codegen


class Row:
    """Writes the instructions of `copy_row`."""

    def __init__(self, context, builder, signature, args):
        dtype = signature.args[0].dtype
        self.builder, self.element = builder, context.get_value_type(dtype)
        self.bytes = max(1, dtype.bitwidth // 8)
        self.lanes = signature.args[-1].literal_value // self.bytes
        self.suffix = f"{'f' if isinstance(dtype, types.Float) else 'i'}{8 * self.bytes}"
        self.word, self.small = ir.IntType(64), ir.IntType(32)
        self.args = args[:-1]

    def write(self):
        out, to, x, start, step, first, last, n = self.args
        b = self.builder
        one = b.icmp_signed("==", step, self.number(1))
        with b.if_else(one) as (single, double):
            for many, path in ((1, single), (2, double)):
                with path, cgutils.for_range_slice(b, self.number(0), n, self.number(self.lanes), self.word) as (j, _):
                    source = b.gep(x, [b.add(start, b.mul(j, self.number(many)))])
                    low, high = (b.trunc(b.sub(end, j), self.small) for end in (first, last))
                    value = self.lanes_of(source, low, high, many)
                    pointer = b.bitcast(b.gep(out, [b.add(to, j)]), value.type.as_pointer())
                    b.store(value, pointer).align = self.bytes

    def lanes_of(self, source, low, high, many):
        """Load every lane number low to high, `many` numbers apart; zero elsewhere."""
        b, count = self.builder, self.lanes * many
        kind, numbers = ir.VectorType(self.element, count), ir.VectorType(self.small, count)
        zero = ir.Constant(kind, [0.0 if self.suffix[0] == "f" else 0] * count)
        # Of two numbers the second is never wanted, and past the last it must not be read.
        lanes = ir.Constant(numbers, [i // many if i % many == 0 else 1 << 30 for i in range(count)])
        inside = b.and_(
            b.icmp_signed(">=", lanes, self.spread(low, numbers)), b.icmp_signed("<", lanes, self.spread(high, numbers))
        )
        pointer = b.bitcast(source, kind.as_pointer())
        name = f"llvm.masked.load.v{count}{self.suffix}.p0"
        kinds = ir.FunctionType(kind, [pointer.type, self.small, inside.type, kind])
        load = b.module.globals.get(name) or ir.Function(b.module, kinds, name)
        value = b.call(load, [pointer, ir.Constant(self.small, self.bytes), inside, zero])
        if many == 1:
            return value
        even = ir.Constant(ir.VectorType(self.small, self.lanes), [many * i for i in range(self.lanes)])
        return b.shuffle_vector(value, zero, even)

    def spread(self, x, vector):
        b, nothing = self.builder, ir.Constant(vector, ir.Undefined)
        one = b.insert_element(nothing, x, ir.Constant(self.small, 0))
        return b.shuffle_vector(one, nothing, ir.Constant(ir.VectorType(self.small, vector.count), [0] * vector.count))

    def number(self, value):
        return ir.Constant(self.word, value)
