"""Numbers folded in vector registers by the formula of a reduction, which is called while instructions are built.

The text of this file is copied into kernels that reduce; it imports nothing of nbgrad. A run of numbers is dealt out to
LANES accumulators; columns have one each. Accumulators lie in memory of the kernel's own (`stack`), where LLVM keeps
those of a run in registers as long as all of them are named by constants.
"""

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

GROUP = 16  # accumulators of one vector; LLVM makes several registers of it where the machine's are shorter
LANES, PASS = 64, 256  # accumulators of a run, and numbers that are folded into them at once
STRIP, DEEP = 32, 8  # columns, and rows of them, that are folded at once
WORD, SMALL = ir.IntType(64), ir.IntType(32)


def stack(dtype, count):
    """Make the word that returns memory of the kernel's own, seen by nobody else."""
    kind = types.CPointer(dtype)

    @intrinsic
    def memory(typing, args):
        def emit(context, builder, signature, values):
            with builder.goto_entry_block():
                room = builder.alloca(ir.ArrayType(context.get_value_type(dtype), count))
            room.align = 64
            return builder.bitcast(room, context.get_value_type(kind))

        return kind(types.int64), emit

    return memory


class Number:
    """A number or a vector of numbers under Python's operators; a plain number takes the dtype of its partner."""

    def __init__(self, builder, value, dtype):
        self.builder, self.value, self.dtype = builder, value, dtype
        self.real, self.signed = isinstance(dtype, types.Float), getattr(dtype, "signed", False)

    def constant(self, number, dtype=None):
        """Return a plain number in a dtype, as many times as this vector has elements."""
        element = element_type(dtype or self.dtype)
        number = float(number) if isinstance(dtype or self.dtype, types.Float) else int(number)
        kind = self.value.type
        if isinstance(kind, ir.VectorType):
            element, number = ir.VectorType(element, kind.count), [number] * kind.count
        return Number(self.builder, ir.Constant(element, number), dtype or self.dtype)

    def like(self, other):
        return other if isinstance(other, Number) else self.constant(other)

    def act(self, real, whole, other):
        other = self.like(other)
        act = getattr(self.builder, real if self.real else whole)
        return Number(self.builder, act(self.value, other.value), self.dtype)

    def compare(self, order, other):
        b, other = self.builder, self.like(other)
        if self.real:
            act = b.fcmp_unordered if order == "!=" else b.fcmp_ordered
        else:
            act = b.icmp_signed if self.signed else b.icmp_unsigned
        return Number(b, act(order, self.value, other.value), types.boolean)

    def __add__(self, other):
        return self.act("fadd", "add", other)

    def __sub__(self, other):
        return self.act("fsub", "sub", other)

    def __mul__(self, other):
        return self.act("fmul", "mul", other)

    def __truediv__(self, other):
        return self.act("fdiv", "no_such_division", other)

    def __radd__(self, other):
        return self.like(other) + self

    def __rsub__(self, other):
        return self.like(other) - self

    def __rmul__(self, other):
        return self.like(other) * self

    def __rtruediv__(self, other):
        return self.like(other) / self

    def __neg__(self):
        return Number(self.builder, (self.builder.fneg if self.real else self.builder.neg)(self.value), self.dtype)

    def __or__(self, other):
        return self.act("no_such_or", "or_", other)

    def __and__(self, other):
        return self.act("no_such_and", "and_", other)

    def __invert__(self):
        return Number(self.builder, self.builder.not_(self.value), self.dtype)

    def __lt__(self, other):
        return self.compare("<", other)

    def __le__(self, other):
        return self.compare("<=", other)

    def __gt__(self, other):
        return self.compare(">", other)

    def __ge__(self, other):
        return self.compare(">=", other)

    def __eq__(self, other):
        return self.compare("==", other)

    def __ne__(self, other):
        return self.compare("!=", other)

    def __abs__(self):
        return call("fabs", self) if self.real else select(self < 0, -self, self, self.dtype)

    def cast(self, dtype):
        """Return the same numbers in another dtype, as NumPy casts upwards."""
        if dtype == self.dtype:
            return self
        b, kind = self.builder, self.constant(0, dtype).value.type
        if isinstance(dtype, types.Float):
            act = b.fpext if self.real else b.sitofp if self.signed else b.uitofp
        else:
            act = b.sext if self.signed else b.zext
            if element_type(dtype).width <= element_type(self.dtype).width:
                act = b.trunc if element_type(dtype).width < element_type(self.dtype).width else b.bitcast
        return Number(b, act(self.value, kind), dtype)


def select(test, a, b, dtype):
    """Return `a` where `test` holds, else `b`; two plain numbers are of `dtype`."""
    given = a if isinstance(a, Number) else b if isinstance(b, Number) else test.constant(0, dtype)
    a, b = given.like(a), given.like(b)
    return Number(test.builder, test.builder.select(test.value, a.value, b.value), a.dtype)


def call(name, x):
    """Return a function of LLVM of each number."""
    kind = x.value.type
    count, element = (f"v{kind.count}", kind.element) if isinstance(kind, ir.VectorType) else ("", kind)
    function = declared(x.builder, f"llvm.{name}.{count}f{64 if element == ir.DoubleType() else 32}", kind, [kind])
    return Number(x.builder, x.builder.call(function, [x.value]), x.dtype)


def declared(builder, name, result, args):
    module = builder.module
    return module.globals.get(name) or ir.Function(module, ir.FunctionType(result, args), name)


def element_type(dtype):
    if dtype == types.boolean:
        return ir.IntType(1)
    if isinstance(dtype, types.Float):
        return ir.FloatType() if dtype.bitwidth == 32 else ir.DoubleType()
    return ir.IntType(dtype.bitwidth)


class Lanes:
    """Reads and writes vectors of one dtype; truth values lie in memory as bytes."""

    def __init__(self, builder, pointer, dtype):
        self.builder, self.pointer, self.dtype = builder, pointer, dtype
        self.element = element_type(types.uint8 if dtype == types.boolean else dtype)
        self.size = 8 if self.element == ir.DoubleType() else 4 if self.element == ir.FloatType() else self.element.width // 8

    def vector(self, element):
        return ir.VectorType(element, GROUP)

    def at(self, index):
        return self.builder.bitcast(self.builder.gep(self.pointer, [index]), self.vector(self.element).as_pointer())

    def number(self, value):
        b = self.builder
        if self.dtype == types.boolean:
            value = b.icmp_unsigned("!=", value, ir.Constant(value.type, [0] * GROUP))
        return Number(b, value, self.dtype)

    def load(self, index, step=None, mask=None):
        """Return GROUP numbers, `step` elements apart; those that `mask` leaves out are not touched."""
        b, kind = self.builder, self.vector(self.element)
        if step is None and mask is None:
            value = b.load(self.at(index))
            value.align = self.size
            return self.number(value)
        name = f"v{GROUP}{'f' if isinstance(self.dtype, types.Float) else 'i'}{8 * self.size}"
        mask = mask or ir.Constant(self.vector(ir.IntType(1)), [1] * GROUP)
        rest, size = ir.Constant(kind, [0] * GROUP), SMALL(self.size)
        if step is None:
            place = self.at(index)
            read = declared(b, f"llvm.masked.load.{name}.p0", kind, [place.type, SMALL, mask.type, kind])
        else:
            place = self.addresses(index, step)
            read = declared(b, f"llvm.masked.gather.{name}.v{GROUP}p0", kind, [place.type, SMALL, mask.type, kind])
        return self.number(b.call(read, [place, size, mask, rest]))

    def addresses(self, index, step):
        b = self.builder
        first = spread(b, b.ptrtoint(b.gep(self.pointer, [index]), WORD))
        steps = b.mul(iota(WORD), spread(b, b.mul(step, WORD(self.size))))
        return b.inttoptr(b.add(first, steps), self.vector(ir.IntType(8).as_pointer()))

    def store(self, number, index):
        b, value = self.builder, number.value
        if self.dtype == types.boolean:
            value = b.zext(value, self.vector(self.element))
        b.store(value, self.at(index)).align = self.size

    def request(self, index, count, ahead):
        """Ask for the memory of `count` numbers, `ahead` bytes on, that will be folded some time later."""
        b, byte = self.builder, ir.IntType(8).as_pointer()
        prefetch = declared(b, "llvm.prefetch.p0", ir.VoidType(), [byte, SMALL, SMALL, SMALL])
        for k in range(0, count, max(1, 64 // self.size)):
            place = b.gep(self.pointer, [b.add(index, WORD(k + ahead // self.size))])
            b.call(prefetch, [b.bitcast(place, byte), SMALL(0), SMALL(3), SMALL(1)])


def iota(kind, first=0):
    return ir.Constant(ir.VectorType(kind, GROUP), list(range(first, first + GROUP)))


def spread(builder, x):
    kind = ir.VectorType(x.type, GROUP)
    one = builder.insert_element(ir.Constant(kind, ir.Undefined), x, SMALL(0))
    return builder.shuffle_vector(one, ir.Constant(kind, ir.Undefined), ir.Constant(ir.VectorType(SMALL, GROUP), [0] * GROUP))


def below(builder, count, first=0):
    """Return which of GROUP lanes from number `first` on are below `count`."""
    return builder.icmp_signed("<", iota(WORD, first), spread(builder, count))
