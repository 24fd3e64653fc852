"""The dot product of two vectors, added up in several vector registers at once.

The text of this file is copied into kernels (see HELPERS in the loops); it imports nothing of nbgrad.
"""

import llvmlite.binding as llvm
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

SUMS = 8  # vectors that a dot product adds at once: hides the time of one addition


@intrinsic
def dot(typing, a, first, b, second, k):
    """Return the sum of k products a[first + p] * b[second + p], taken in parallel sums that are joined by halves."""
    word = types.int64
    signature = a.dtype(a, word, b, word, word)

    def codegen(context, builder, signature, args):
        return Dot(builder, signature.return_type, context.get_value_type(signature.return_type), args).emit()

    return signature, codegen


class Vectors:
    """Instructions on vectors of one dtype, as wide as the registers."""

    def __init__(self, builder, dtype, element):
        self.builder, self.element, self.bytes = builder, element, dtype.bitwidth // 8
        self.word, self.small, self.real = ir.IntType(64), ir.IntType(32), isinstance(dtype, types.Float)
        self.lanes = vector_bytes() // self.bytes
        self.vector = ir.VectorType(element, self.lanes)
        self.zero = ir.Constant(self.vector, [0.0 if self.real else 0] * self.lanes)

    def vector_at(self, pointer, mask):
        """Load one vector; lanes outside of `mask` are not touched."""
        b = self.builder
        pointer = b.bitcast(pointer, self.vector.as_pointer())
        if mask is None:
            value = b.load(pointer)
            value.align = self.bytes
            return value
        name = f"llvm.masked.load.v{self.lanes}{self.suffix}.p0"
        load = self.declare(name, [pointer.type, self.small, mask.type, self.vector])
        return b.call(load, [pointer, ir.Constant(self.small, self.bytes), mask, self.zero])

    def multiply_add(self, x, y, z):
        b = self.builder
        if not self.real:
            return b.add(b.mul(x, y), z)
        return b.call(self.declare(f"llvm.fmuladd.v{self.lanes}{self.suffix}", [self.vector] * 3), [x, y, z])

    def mask(self, rest, v):
        """Return which lanes of vector number `v` are among the `rest` columns."""
        b, numbers = self.builder, ir.VectorType(self.small, self.lanes)
        lanes = ir.Constant(numbers, list(range(v * self.lanes, (v + 1) * self.lanes)))
        return b.icmp_signed("<", lanes, self.spread(b.trunc(rest, self.small), numbers))

    def spread(self, x, vector):
        b, nothing = self.builder, ir.Constant(vector, ir.Undefined)
        one = b.insert_element(nothing, x, ir.Constant(self.small, 0))
        return b.shuffle_vector(one, nothing, ir.Constant(ir.VectorType(self.small, vector.count), [0] * vector.count))

    @property
    def suffix(self):
        return f"f{8 * self.bytes}" if self.real else f"i{8 * self.bytes}"

    def declare(self, name, args):
        module = self.builder.module
        return module.globals.get(name) or ir.Function(module, ir.FunctionType(self.vector, args), name)

    def number(self, value):
        return ir.Constant(self.word, value)

    def at(self, pointer, *offsets):
        total = offsets[0]
        for offset in offsets[1:]:
            total = self.builder.add(total, offset)
        return self.builder.gep(pointer, [total])


class Dot(Vectors):
    """Writes the instructions of `dot` for one dtype."""

    def __init__(self, builder, dtype, element, args):
        super().__init__(builder, dtype, element)
        self.a, self.first, self.b, self.second, self.k = args

    def emit(self):
        b, width = self.builder, SUMS * self.lanes
        whole = b.mul(b.sdiv(self.k, self.number(width)), self.number(width))
        sums = self.walk([self.zero] * SUMS, self.number(0), whole, width, masked=False)
        total = self.joined(sums)
        (total,) = self.walk([total], whole, self.k, self.lanes, masked=True)
        half = self.lanes // 2
        while half:
            lanes = ir.Constant(
                ir.VectorType(self.small, self.lanes), [(i + half) % self.lanes for i in range(self.lanes)]
            )
            total = self.add(total, b.shuffle_vector(total, total, lanes))
            half //= 2
        return b.extract_element(total, ir.Constant(self.small, 0))

    def walk(self, values, start, stop, step, masked):
        """Add the products from `start` to `stop` to as many sums as there are `values`."""
        b = self.builder
        before, head, inside, done = b.block, *[b.append_basic_block(name) for name in ("dot", "products", "dot_done")]
        b.branch(head)
        b.position_at_end(head)
        p = b.phi(self.word)
        p.add_incoming(start, before)
        sums = [b.phi(self.vector) for _ in values]
        b.cbranch(b.icmp_signed("<", p, stop), inside, done)
        b.position_at_end(inside)
        mask = self.mask(b.sub(stop, p), 0) if masked else None
        for i, (s, value) in enumerate(zip(sums, values)):
            at = b.add(p, self.number(i * self.lanes))
            x = self.vector_at(self.at(self.a, self.first, at), mask)
            s.add_incoming(value, before)
            s.add_incoming(self.multiply_add(x, self.vector_at(self.at(self.b, self.second, at), mask), s), inside)
        p.add_incoming(b.add(p, self.number(step)), inside)
        b.branch(head)
        b.position_at_end(done)
        return sums

    def joined(self, values):
        """Add vectors by halves."""
        while len(values) > 1:
            half = len(values) // 2
            values = [self.add(x, y) for x, y in zip(values[:half], values[half:])]
        return values[0]

    def add(self, x, y):
        return self.builder.fadd(x, y) if self.real else self.builder.add(x, y)


def vector_bytes():
    """Return the width of the host's vector registers."""
    features = llvm.get_host_cpu_features()
    return 64 if features.get("avx512f") else 32 if features.get("avx") else 16
