"""The micro-kernels of sliding windows: blocks of sums in vector registers, one factor read through a table of offsets.

The text of this file is copied into kernels that slide windows (see HELPERS in the loops); it imports nothing of nbgrad.
"""

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic


@intrinsic(prefer_literal=True)
def position_panel(typing, a, a0, start, b, b0, table, t0, k, c, c0, c_row, height, n, add, rows, vectors, width):
    """Set `height` rows of n columns: c[c0 + r * c_row + j] = first + the sum over p < k of
    a[a0 + p * rows + r] * b[b0 + table[t0 + p] + j], where first is a[start + r], or what c holds if `add` is not 0.

    rows, vectors, width : rows, vectors and bytes of a vector held in registers; literal numbers. All `rows` of a are
    read whatever `height` says. Columns of b past n are not.
    """
    word = types.int64
    signature = types.void(a, *[word] * 2, b, word, table, *[word] * 2, c, *[word] * 5, rows, vectors, width)

    def codegen(context, builder, signature, args):
        a, a0, start, b, b0, table, t0, k, c, c0, c_row, height, n, add = args[:14]
        block = Positions(context, builder, signature)
        at = builder.gep
        block.call(at(a, [a0]), at(a, [start]), at(b, [b0]), at(table, [t0]), k, at(c, [c0]), c_row, height, n, add)
        return context.get_dummy_value()

    return signature, codegen


@intrinsic(prefer_literal=True)
def cell_panel(typing, a, a0, table, r0, t0, k, b, b0, b_step, c, c0, c_row, height, n, add, rows, vectors, width):
    """Set (or increase, where `add` is not 0) c[c0 + r * c_row + j] by the sum over p < k of
    a[a0 + table[r0 + r] + table[t0 + p]] * b[b0 + p * b_step + j], for r < height and j < n.

    rows, vectors, width : as of `position_panel`. The table names `rows` rows whatever `height` says.
    """
    word = types.int64
    signature = types.void(a, word, table, *[word] * 3, b, *[word] * 2, c, *[word] * 5, rows, vectors, width)

    def codegen(context, builder, signature, args):
        a, a0, table, r0, t0, k, b, b0, b_step, c, c0, c_row, height, n, add = args[:15]
        block = Cells(context, builder, signature)
        at = builder.gep
        block.call(at(a, [a0]), at(table, [r0]), at(table, [t0]), k, at(b, [b0]), b_step, at(c, [c0]), c_row, height, n, add)
        return context.get_dummy_value()

    return signature, codegen


@intrinsic(prefer_literal=True)
def dot_panel(typing, a, a0, a_row, a_line, b, b0, table, t0, b_line, lines, n, c, c0, c_row, height, count, add, rows, cells, width):
    """Set (or increase, where `add` is not 0) c[c0 + r * c_row + q] by the sum over h < lines and j < n of
    a[a0 + r * a_row + h * a_line + j] * b[b0 + table[t0 + q] + h * b_line + j], for r < height and q < count.

    rows, cells, width : most rows and cells, and bytes of a vector; literal numbers.
    """
    word = types.int64
    signature = types.void(a, *[word] * 3, b, word, table, *[word] * 4, c, *[word] * 5, rows, cells, width)

    def codegen(context, builder, signature, args):
        a, a0, a_row, a_line, b, b0, table, t0, b_line, lines, n, c, c0, c_row, height, count, add = args[:17]
        block, at = Dots(context, builder, signature), builder.gep
        ends = at(a, [a0]), a_row, a_line, at(b, [b0]), at(table, [t0]), b_line
        block.call(*ends, lines, n, at(c, [c0]), c_row, height, count, add)
        return context.get_dummy_value()

    return signature, codegen


class Walk:
    """Writes an LLVM function that walks over all columns: whole blocks, then narrower ones, then a masked vector."""

    def __init__(self, context, builder, signature):
        self.height, self.vectors, width = (t.literal_value for t in signature.args[-3:])
        dtype = signature.args[0].dtype
        self.module, self.caller, self.element = builder.module, builder, context.get_value_type(dtype)
        self.bytes, self.real = dtype.bitwidth // 8, isinstance(dtype, types.Float)
        self.lanes = width // self.bytes
        self.word, self.small = ir.IntType(64), ir.IntType(32)
        self.vector = ir.VectorType(self.element, self.lanes)
        self.zero = ir.Constant(self.vector, [0.0 if self.real else 0] * self.lanes)
        self.suffix = f"v{self.lanes}{'f' if self.real else 'i'}{8 * self.bytes}"

    def call(self, *args):
        name = f"{type(self).__name__}_{self.suffix}_{self.height}_{self.vectors}"
        function = self.module.globals.get(name) or self.write_function(name, args)
        self.caller.call(function, args)

    def write_function(self, name, args):
        f = ir.Function(self.module, ir.FunctionType(ir.VoidType(), [a.type for a in args]), name)
        f.linkage = "internal"
        f.attributes.add("noinline")
        f.attributes.add("nounwind")
        self.builder = ir.IRBuilder(f.append_basic_block("entry"))
        self.take(*f.args)
        self.body()
        self.builder.ret_void()
        return f

    def body(self):
        """Walk over the columns: whole blocks, then narrower ones, then what fills no vector."""
        b, size = self.builder, self.vectors * self.lanes
        whole = b.sub(self.n, b.srem(self.n, self.number(size)))
        with cgutils.for_range_slice(b, self.number(0), whole, self.number(size), self.word) as (j, _):
            self.columns(j, [None] * self.vectors)
        at, v = whole, self.vectors
        while v > 1:
            v = (v + 1) // 2
            fits = b.icmp_signed(">=", b.sub(self.n, at), self.number(v * self.lanes))
            with b.if_then(fits):
                self.columns(at, [None] * v)
            at = b.select(fits, b.add(at, self.number(v * self.lanes)), at)
        rest = b.sub(self.n, at)
        with b.if_then(b.icmp_signed(">", rest, self.number(0))):
            self.columns(at, [self.mask(rest)])

    def columns(self, j, masks):
        """Sum over k with one accumulator per row and vector, then store them."""
        b = self.builder
        sums = [cgutils.alloca_once(b, self.vector) for _ in range(self.height * len(masks))]
        places = [self.places(r, j, len(masks)) for r in range(self.height)]
        with b.if_else(b.icmp_signed("!=", self.add, self.number(0))) as (onto, fresh):
            with onto:
                for r, row in enumerate(places):
                    for v, mask in enumerate(masks):
                        b.store(self.load(row[v], mask), sums[r * len(masks) + v])
            with fresh:
                for r in range(self.height):
                    first = self.first(r)
                    for v in range(len(masks)):
                        b.store(first, sums[r * len(masks) + v])
        with cgutils.for_range(b, self.k, intp=self.word) as loop:
            self.step(loop.index, j, masks, sums)
        # Rows past `height` have the place of the last one, which is written after them.
        for r in reversed(range(self.height)):
            for v, mask in enumerate(masks):
                self.write(b.load(sums[r * len(masks) + v]), places[r][v], mask)

    def places(self, r, j, vectors):
        b = self.builder
        row, last = self.number(r), b.sub(self.rows, self.number(1))
        row = b.select(b.icmp_signed("<", row, last), row, last)
        pointer = b.gep(self.c, [b.add(b.mul(row, self.c_row), j)])
        return [self.at(pointer, v) for v in range(vectors)]

    def step(self, p, j, masks, sums):
        """Add the products of one step to the accumulators; the factor with fewer registers is held."""
        b, many = self.builder, len(masks)
        right, lefts = self.right(p, j), self.lefts(p)
        y = lambda v: self.load(self.at(right, v), masks[v])
        x = lambda r: self.spread(b.load(lefts(r)), self.vector)
        held = [y(v) for v in range(many)] if many <= self.height else [x(r) for r in range(self.height)]
        order = range(self.height) if many <= self.height else range(many)
        for outer in order:
            own = x(outer) if many <= self.height else y(outer)
            for inner, other in enumerate(held):
                r, v = (outer, inner) if many <= self.height else (inner, outer)
                pair = (own, other) if many <= self.height else (other, own)
                s = sums[r * many + v]
                b.store(self.multiply_add(*pair, b.load(s)), s)


    def at(self, pointer, v):
        b = self.builder
        return b.bitcast(b.gep(pointer, [self.number(v * self.lanes)]), self.vector.as_pointer())

    def load(self, pointer, mask):
        """Load one vector; lanes outside of `mask` are not touched."""
        b = self.builder
        if mask is None:
            value = b.load(pointer)
            value.align = self.bytes
            return value
        kinds = [pointer.type, self.small, mask.type, self.vector]
        load = self.declare(f"llvm.masked.load.{self.suffix}.p0", self.vector, kinds)
        return b.call(load, [pointer, ir.Constant(self.small, self.bytes), mask, self.zero])

    def write(self, value, pointer, mask):
        b = self.builder
        if mask is None:
            b.store(value, pointer).align = self.bytes
            return
        kinds = [self.vector, pointer.type, self.small, mask.type]
        store = self.declare(f"llvm.masked.store.{self.suffix}.p0", ir.VoidType(), kinds)
        b.call(store, [value, pointer, ir.Constant(self.small, self.bytes), mask])

    def multiply_add(self, x, y, z):
        b = self.builder
        if not self.real:
            return b.add(b.mul(x, y), z)
        return b.call(self.declare(f"llvm.fmuladd.{self.suffix}", self.vector, [self.vector] * 3), [x, y, z])

    def mask(self, count):
        """Return which lanes are among the first `count`."""
        b, numbers = self.builder, ir.VectorType(self.small, self.lanes)
        lanes = ir.Constant(numbers, list(range(self.lanes)))
        return b.icmp_signed("<", lanes, self.spread(b.trunc(count, self.small), numbers))

    def spread(self, x, vector):
        b, nothing = self.builder, ir.Constant(vector, ir.Undefined)
        one = b.insert_element(nothing, x, ir.Constant(self.small, 0))
        return b.shuffle_vector(one, nothing, ir.Constant(ir.VectorType(self.small, vector.count), [0] * vector.count))

    def declare(self, name, result, args):
        return self.module.globals.get(name) or ir.Function(self.module, ir.FunctionType(result, args), name)

    def number(self, value):
        return ir.Constant(self.word, value)


class Positions(Walk):
    """Weights, packed in panels of as many rows as the block, times positions through a table."""

    def take(self, a, start, b, table, k, c, c_row, rows, n, add):
        self.a, self.start, self.b, self.table, self.k = a, start, b, table, k
        self.c, self.c_row, self.rows, self.n, self.add = c, c_row, rows, n, add

    def first(self, r):
        return self.spread(self.builder.load(self.builder.gep(self.start, [self.number(r)])), self.vector)

    def right(self, p, j):
        b = self.builder
        return b.gep(self.b, [b.add(b.load(b.gep(self.table, [p])), j)])

    def lefts(self, p):
        b = self.builder
        at = b.gep(self.a, [b.mul(p, self.number(self.height))])
        return lambda r: b.gep(at, [self.number(r)])


class Cells(Walk):
    """Rows and steps of the left factor through tables, times rows of the right factor in even steps."""

    def take(self, a, row_table, table, k, b, b_step, c, c_row, rows, n, add):
        self.table, self.k, self.b, self.b_step = table, k, b, b_step
        self.c, self.c_row, self.rows, self.n, self.add = c, c_row, rows, n, add
        at = self.builder.gep
        self.starts = [at(a, [self.builder.load(at(row_table, [self.number(r)]))]) for r in range(self.height)]

    def first(self, r):
        return self.zero

    def right(self, p, j):
        b = self.builder
        return b.gep(self.b, [b.add(b.mul(p, self.b_step), j)])

    def lefts(self, p):
        b = self.builder
        step = b.load(b.gep(self.table, [p]))
        return lambda r: b.gep(self.starts[r], [step])


class Dots(Walk):
    """Sums of products over lines that are contiguous in both factors, joined across the lanes at the end."""

    def take(self, a, a_row, a_line, b, table, b_line, lines, n, c, c_row, rows, count, add):
        self.a, self.a_row, self.a_line, self.b, self.table, self.b_line = a, a_row, a_line, b, table, b_line
        self.lines, self.n, self.c, self.c_row, self.rows, self.count, self.add = lines, n, c, c_row, rows, count, add

    def body(self):
        b = self.builder
        rows, cells = range(self.height), range(self.vectors)
        clamp = lambda i, count: b.select(b.icmp_signed("<", self.number(i), count), self.number(i), b.sub(count, self.number(1)))
        row, cell = [clamp(r, self.rows) for r in rows], [clamp(q, self.count) for q in cells]
        sums = [cgutils.alloca_once_value(b, self.zero) for _ in range(self.height * self.vectors)]
        left = [b.gep(self.a, [b.mul(i, self.a_row)]) for i in row]
        right = [b.gep(self.b, [b.load(b.gep(self.table, [i]))]) for i in cell]
        whole = b.sub(self.n, b.srem(self.n, self.number(self.lanes)))
        rest = b.sub(self.n, whole)
        mask = self.mask(rest)
        with cgutils.for_range(b, self.lines, intp=self.word) as line:
            in_a, in_b = b.mul(line.index, self.a_line), b.mul(line.index, self.b_line)
            with cgutils.for_range_slice(b, self.number(0), whole, self.number(self.lanes), self.word) as (j, _):
                self.add_products(left, b.add(in_a, j), right, b.add(in_b, j), None, sums)
            with b.if_then(b.icmp_signed(">", rest, self.number(0))):
                self.add_products(left, b.add(in_a, whole), right, b.add(in_b, whole), mask, sums)
        self.put(row, cell, [self.joined(b.load(s)) for s in sums])

    def add_products(self, left, in_a, right, in_b, mask, sums):
        b = self.builder
        xs = [self.load(self.at(b.gep(p, [in_a]), 0), mask) for p in left]
        for q, p in enumerate(right):
            y = self.load(self.at(b.gep(p, [in_b]), 0), mask)
            for r, x in enumerate(xs):
                s = sums[r * self.vectors + q]
                b.store(self.multiply_add(x, y, b.load(s)), s)

    def joined(self, value):
        """Add the lanes by halves."""
        b, half = self.builder, self.lanes // 2
        while half:
            order = [(i + half) % self.lanes for i in range(self.lanes)]
            other = b.shuffle_vector(value, value, ir.Constant(ir.VectorType(self.small, self.lanes), order))
            value, half = self.sum(value, other), half // 2
        return b.extract_element(value, ir.Constant(self.small, 0))

    def put(self, row, cell, totals):
        """Write the sums; what is past the last row or cell is a copy of it."""
        b = self.builder
        places = [b.gep(self.c, [b.add(b.mul(i, self.c_row), q)]) for i in row for q in cell]
        fresh = b.icmp_signed("==", self.add, self.number(0))
        zero = ir.Constant(self.element, 0.0 if self.real else 0)
        old = [b.select(fresh, zero, b.load(place)) for place in places]
        for place, before, total in zip(places, old, totals):
            b.store(self.sum(before, total), place)

    def sum(self, x, y):
        return self.builder.fadd(x, y) if self.real else self.builder.add(x, y)
