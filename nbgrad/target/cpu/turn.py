"""Matrices turned in vector registers: rows become columns, 16 by 16.

The text of this file is copied into kernels that turn what they read (see HELPERS in the loops); it imports nothing of
nbgrad.
"""

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

SIDE = 16  # rows and columns at once, where a vector holds as many


@intrinsic(prefer_literal=True)
def turn(typing, out, to, pitch, x, start, row, rows, n, width):
    """Set out[to + p * pitch + i] to x[start + i * row + p] for i < rows and p < n; nothing else is read or written.

    width : bytes of a vector, a literal number.
    """
    word = types.int64
    signature = types.void(out, word, word, x, *[word] * 4, width)

    def codegen(context, builder, signature, args):
        out, to, pitch, x, start, row, rows, n, _ = args
        dtype = signature.args[0].dtype
        turner = Turn(builder.module, dtype, context.get_value_type(dtype), signature.args[-1].literal_value)
        builder.call(turner.function(), [builder.gep(out, [to]), pitch, builder.gep(x, [start]), row, rows, n])
        return context.get_dummy_value()

    return signature, codegen


class Turn:
    """Writes the LLVM function of `turn` for a dtype."""

    def __init__(self, module, dtype, element, width):
        self.module, self.element = module, element
        self.bytes = max(1, dtype.bitwidth // 8)
        self.side = min(SIDE, width // self.bytes)
        self.word, self.small = ir.IntType(64), ir.IntType(32)
        self.vector = ir.VectorType(element, self.side)
        self.real = isinstance(dtype, types.Float)
        self.suffix = f"v{self.side}{'f' if self.real else 'i'}{8 * self.bytes}"

    def function(self):
        name = f"turn_{self.suffix}"
        known = self.module.globals.get(name)
        if known is not None:
            return known
        pointer, word = self.element.as_pointer(), self.word
        f = ir.Function(self.module, ir.FunctionType(ir.VoidType(), [pointer, word, pointer, *[word] * 3]), name)
        f.linkage = "internal"
        f.attributes.add("noinline")
        f.attributes.add("nounwind")
        self.builder = b = ir.IRBuilder(f.append_basic_block("entry"))
        self.out, self.pitch, self.x, self.row, rows, n = f.args
        side = self.number(self.side)
        with cgutils.for_range_slice(b, self.number(0), rows, side, word) as (i, _):
            with cgutils.for_range_slice(b, self.number(0), n, side, word) as (p, _):
                self.square(i, p, b.sub(rows, i), b.sub(n, p))
        b.ret_void()
        return f

    def square(self, i, p, rows, columns):
        """Turn one square, of which `rows` and `columns` are there."""
        b = self.builder
        side = self.number(self.side)
        whole = b.and_(b.icmp_signed(">=", rows, side), b.icmp_signed(">=", columns, side))
        with b.if_else(whole) as (full, cut):
            with full:
                for q, value in enumerate(self.turned(i, p, None, None)):
                    self.write(value, i, p, q, None)
            with cut:
                mask = self.mask(rows)
                for q, value in enumerate(self.turned(i, p, rows, self.mask(columns))):
                    with b.if_then(b.icmp_signed("<", self.number(q), columns)):
                        self.write(value, i, p, q, mask)

    def turned(self, i, p, rows, mask):
        """Return the columns: as many perfect shuffles of the rows as halvings of their number."""
        b, side = self.builder, self.side
        lines = []
        for r in range(side):
            line = self.number(r)
            if rows is not None:
                last = b.sub(rows, self.number(1))
                line = b.select(b.icmp_signed("<", line, last), line, last)
            lines.append(self.load(b.gep(self.x, [b.add(b.mul(b.add(i, line), self.row), p)]), mask))
        half, lanes = side // 2, ir.VectorType(self.small, side)
        low = ir.Constant(lanes, [k // 2 + side * (k % 2) for k in range(side)])
        high = ir.Constant(lanes, [half + k // 2 + side * (k % 2) for k in range(side)])
        for _ in range(side.bit_length() - 1):
            pairs = [(lines[r], lines[r + half]) for r in range(half)]
            lines = [b.shuffle_vector(*pair, order) for pair in pairs for order in (low, high)]
        return lines

    def load(self, pointer, mask):
        b = self.builder
        pointer = b.bitcast(pointer, self.vector.as_pointer())
        if mask is None:
            value = b.load(pointer)
            value.align = self.bytes
            return value
        zero = ir.Constant(self.vector, [0.0 if self.real else 0] * self.side)
        kinds = [pointer.type, self.small, mask.type, self.vector]
        load = self.declare(f"llvm.masked.load.{self.suffix}.p0", self.vector, kinds)
        return b.call(load, [pointer, ir.Constant(self.small, self.bytes), mask, zero])

    def write(self, value, i, p, q, mask):
        b = self.builder
        at = b.gep(self.out, [b.add(b.mul(b.add(p, self.number(q)), self.pitch), i)])
        pointer = b.bitcast(at, self.vector.as_pointer())
        if mask is None:
            b.store(value, pointer).align = self.bytes
            return
        kinds = [self.vector, pointer.type, self.small, mask.type]
        store = self.declare(f"llvm.masked.store.{self.suffix}.p0", ir.VoidType(), kinds)
        b.call(store, [value, pointer, ir.Constant(self.small, self.bytes), mask])

    def mask(self, count):
        b, numbers = self.builder, ir.VectorType(self.small, self.side)
        nothing, lanes = ir.Constant(numbers, ir.Undefined), ir.Constant(numbers, list(range(self.side)))
        one = b.insert_element(nothing, b.trunc(count, self.small), ir.Constant(self.small, 0))
        return b.icmp_signed("<", lanes, b.shuffle_vector(one, nothing, ir.Constant(numbers, [0] * self.side)))

    def declare(self, name, result, args):
        return self.module.globals.get(name) or ir.Function(self.module, ir.FunctionType(result, args), name)

    def number(self, value):
        return ir.Constant(self.word, value)
