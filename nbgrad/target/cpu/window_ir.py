"""The innermost loops of sliding windows as LLVM IR: blocks of sums in vector registers, rows copied and turned.

All arguments are words: addresses of arrays, offsets and steps in elements. One module per dtype holds them all, compiled
once and shared by all kernels (see `window_words.py`).
"""

from contextlib import contextmanager

from llvmlite import ir

SUMS = {32: 24, 16: 12}  # registers of the machine -> sums held at once, which leaves room for the operands
ROWS = (1, 2, 3, 4, 6, 8)  # heights of the blocks of `positions`
LONGEST = 16  # vectors in a block of one row
BLOCKS = ((6, 4), (8, 3))  # heights and most vectors of the blocks of `cells`
DOTS = ((1, 3), (1, 5), (1, 9), (1, 12), (2, 5), (2, 10), (4, 5))  # rows and cells of the blocks of `dots`
SIDE = 16  # rows and columns turned at once, where a vector holds as many
WORD, SMALL = ir.IntType(64), ir.IntType(32)


def symbol(name, dtype):
    """Return what the machine code of a loop is called."""
    return f"nbgrad_window_{name}_{dtype}"


class Writer:
    """Writes functions of one dtype into a module: what they share.

    Parameters
    ----------
    dtype : str
    width, registers : int
        Bytes of a vector, and how many vectors the machine holds.
    """

    def __init__(self, dtype, width, registers):
        bits = int(dtype.lstrip("uintfloa"))
        self.real, self.bytes = dtype.startswith("float"), bits // 8
        self.element = {"float32": ir.FloatType(), "float64": ir.DoubleType()}.get(dtype) or ir.IntType(bits)
        self.lanes, self.sums = width // self.bytes, SUMS[registers]
        self.kind = f"{'f' if self.real else 'i'}{bits}"
        self.vector = ir.VectorType(self.element, self.lanes)
        self.dtype, self.module = dtype, ir.Module()

    @contextmanager
    def function(self, name, *params):
        """Begin a function of words; its parameters become attributes."""
        f = ir.Function(self.module, ir.FunctionType(WORD, [WORD] * len(params)), symbol(name, self.dtype))
        f.attributes.add("nounwind")
        self.builder = ir.IRBuilder(f.append_basic_block("entry"))
        self.__dict__.update(zip(params, f.args))
        yield self.builder
        self.builder.ret(WORD(0))

    @contextmanager
    def loop(self, start, stop, step=1):
        """`for j in range(start, stop, step)`."""
        b = self.builder
        before, head = b.block, b.append_basic_block("head")
        inside, done = b.append_basic_block("inside"), b.append_basic_block("done")
        b.branch(head)
        b.position_at_end(head)
        j = b.phi(WORD)
        j.add_incoming(start, before)
        b.cbranch(b.icmp_signed("<", j, stop), inside, done)
        b.position_at_end(inside)
        yield j
        j.add_incoming(b.add(j, WORD(step)), b.block)
        b.branch(head)
        b.position_at_end(done)

    def variables(self, count, value=None):
        """Return places for vectors, which LLVM takes into registers."""
        b = self.builder
        with b.goto_entry_block():
            places = [b.alloca(self.vector) for _ in range(count)]
        for place in places:
            if value is not None:
                b.store(value, place)
        return places

    def at(self, base, *offsets):
        """Return the pointer `offsets` elements behind the address `base`."""
        b, total = self.builder, offsets[0]
        for offset in offsets[1:]:
            total = b.add(total, offset)
        return b.gep(b.inttoptr(base, self.element.as_pointer()), [total])

    def word(self, base, index):
        """Read word number `index` of a table."""
        b = self.builder
        return b.load(b.gep(b.inttoptr(base, WORD.as_pointer()), [index]))

    def least(self, x, y):
        return self.builder.select(self.builder.icmp_signed("<", x, y), x, y)

    def zeros(self, count):
        return ir.Constant(ir.VectorType(self.element, count), [0.0 if self.real else 0] * count)

    def load(self, pointer, mask=None, count=None):
        """Load a vector; lanes outside of `mask` are zero, and their memory is not touched."""
        b, count = self.builder, count or self.lanes
        kind = ir.VectorType(self.element, count)
        pointer = b.bitcast(pointer, kind.as_pointer())
        if mask is None:
            return b.load(pointer, align=self.bytes)
        kinds = [pointer.type, SMALL, mask.type, kind]
        load = self.declare(f"llvm.masked.load.v{count}{self.kind}.p0", kind, kinds)
        return b.call(load, [pointer, SMALL(self.bytes), mask, self.zeros(count)])

    def prefetch(self, pointer):
        """Ask the first cache for the line at a pointer, which may point past any array: to read it soon."""
        pointer = self.builder.bitcast(pointer, ir.IntType(8).as_pointer())
        fetch = self.declare("llvm.prefetch.p0", ir.VoidType(), [pointer.type, SMALL, SMALL, SMALL])
        self.builder.call(fetch, [pointer, SMALL(0), SMALL(3), SMALL(1)])

    def store(self, value, pointer, mask=None):
        """Store a vector; memory of lanes outside of `mask` is not touched."""
        b = self.builder
        pointer = b.bitcast(pointer, value.type.as_pointer())
        if mask is None:
            b.store(value, pointer, align=self.bytes)
            return
        kinds = [value.type, pointer.type, SMALL, mask.type]
        store = self.declare(f"llvm.masked.store.v{value.type.count}{self.kind}.p0", ir.VoidType(), kinds)
        b.call(store, [value, pointer, SMALL(self.bytes), mask])

    def below(self, count, lanes=None, every=1):
        """Return a mask of the first `count` lanes, or of the first of each group of `every` lanes."""
        numbers = [i // every if i % every == 0 else 1 << 30 for i in range(lanes or self.lanes)]
        return self.builder.icmp_signed("<", self.small(numbers), self.spread_small(count, len(numbers)))

    def small(self, numbers):
        return ir.Constant(ir.VectorType(SMALL, len(numbers)), list(numbers))

    def spread_small(self, x, lanes):
        return self.spread(self.builder.trunc(x, SMALL), ir.VectorType(SMALL, lanes))

    def spread(self, x, vector=None):
        b, vector = self.builder, vector or self.vector
        nothing = ir.Constant(vector, ir.Undefined)
        return b.shuffle_vector(b.insert_element(nothing, x, SMALL(0)), nothing, self.small([0] * vector.count))

    def sum(self, x, y):
        return self.builder.fadd(x, y) if self.real else self.builder.add(x, y)

    def multiply_add(self, x, y, z):
        b = self.builder
        if not self.real:
            return b.add(b.mul(x, y), z)
        name = f"llvm.fmuladd.v{self.lanes}{self.kind}"
        return b.call(self.declare(name, self.vector, [self.vector] * 3), [x, y, z])

    def declare(self, name, result, args):
        return self.module.globals.get(name) or ir.Function(self.module, ir.FunctionType(result, args), name)
