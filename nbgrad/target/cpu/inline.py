"""Elementary functions as instructions: the text of a straight-line function becomes LLVM IR where it is called.

Numba would take 20 ms for each function, and would widen its integers; this takes about 1 ms, and what is written is
what is computed. The text of this file is copied into kernels that call such functions; it imports nothing of nbgrad.
"""

import ast
import inspect
import textwrap

import llvmlite.binding as llvm
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

FLOATS = {"float32": ir.FloatType(), "float64": ir.DoubleType()}
INTS = {"float32": ir.IntType(32), "float64": ir.IntType(64)}
TRUTH = ir.IntType(1)
EXACT = ("",)  # no flag; an empty list would have Numba put the kernel's `contract` there, which joins * and + at will
ORDER = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!="}
ON_FLOATS = {ast.Add: "fadd", ast.Sub: "fsub", ast.Mult: "fmul", ast.Div: "fdiv"}
ON_INTS = {ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.LShift: "shl", ast.RShift: "ashr",
           ast.BitAnd: "and_", ast.BitOr: "or_", ast.BitXor: "xor"}  # fmt: skip
ON_NUMBERS = {ast.Add: "__add__", ast.Sub: "__sub__", ast.Mult: "__mul__", ast.Div: "__truediv__",
              ast.LShift: "__lshift__", ast.RShift: "__rshift__", ast.BitOr: "__or__", ast.BitAnd: "__and__"}  # fmt: skip
CALLS = {"fma": "fma", "round_even": "rint", "floor": "floor", "fabs": "fabs", "copysign": "copysign", "sqrt": "sqrt"}


def inline(dtype, alone=False):
    """Make of a straight-line function of floats one that kernels call: its instructions stand in each call's place.

    `alone` says that calls may stand outside of loops that are vectorised.
    """

    def make(fn):
        tree = ast.parse(textwrap.dedent(inspect.getsource(fn))).body[0]
        tree.env = fn.__globals__
        params = tree.args.args
        signature = getattr(types, dtype)(*[getattr(types, dtype)] * len(params))

        def emit(context, builder, signature, args):
            # Since LLVM 22 a vector of ldexp is one instruction with AVX-512; everywhere else it is a row of calls.
            ldexp = not alone and llvm.llvm_version_info[0] >= 22 and "+avx512dq" in context.codegen()._tm_features
            return Straight(builder, dtype, ldexp).run(tree, args)

        names = ", ".join(p.arg for p in params)
        scope = {"signature": signature, "emit": emit}
        exec(f"def {fn.__name__}(typing, {names}):\n    return signature, emit", scope)
        call = intrinsic(scope[fn.__name__])
        call.tree, call.dtype = tree, dtype
        return call

    return make


class Straight:
    """Builds the instructions of one call. A literal stays a Python number until it meets a value with a dtype."""

    def __init__(self, builder, dtype, ldexp=False):
        self.builder, self.dtype, self.ldexp = builder, dtype, ldexp

    def run(self, tree, args):
        """Return the value of the function on the values `args`."""
        scope = dict(zip([p.arg for p in tree.args.args], args))
        for line in tree.body:
            if isinstance(line, ast.Assign):
                self.assign(line.targets[0], self.value(line.value, scope, tree.env), scope)
            elif isinstance(line, ast.Return):
                found = self.value(line.value, scope, tree.env)
                return found if isinstance(found, tuple) else self.typed(found)[0]
            elif not isinstance(line, ast.Expr):  # the docstring
                raise NotImplementedError(f"{tree.name}: {ast.unparse(line)}")
        raise NotImplementedError(f"{tree.name} returns nothing")

    def assign(self, target, found, scope):
        names = [n.id for n in target.elts] if isinstance(target, ast.Tuple) else [target.id]
        scope.update(zip(names, found if isinstance(target, ast.Tuple) else [found]))

    def value(self, node, scope, env):
        """Return the value of an expression: of LLVM, a Python number, or a tuple of them."""
        if isinstance(node, ast.Constant):
            return node.value
        if isinstance(node, ast.Name):
            return scope[node.id] if node.id in scope else env[node.id]
        if isinstance(node, ast.Tuple):
            return tuple(self.value(e, scope, env) for e in node.elts)
        if isinstance(node, ast.UnaryOp):
            return self.unary(node.op, self.value(node.operand, scope, env))
        if isinstance(node, ast.BinOp):
            return self.binary(type(node.op), self.value(node.left, scope, env), self.value(node.right, scope, env))
        if isinstance(node, ast.Compare) and len(node.ops) == 1:
            a, b = self.value(node.left, scope, env), self.value(node.comparators[0], scope, env)
            return self.compare(ORDER[type(node.ops[0])], *self.typed(a, b))
        if isinstance(node, ast.Call):
            return self.call(node, scope, env)
        raise NotImplementedError(ast.unparse(node))

    def typed(self, *values):
        """Return values with literals in the type of the others; in the function's dtype where all are literals."""
        known = [v.type for v in values if isinstance(v, ir.Value)]
        kind = known[0] if known else FLOATS[self.dtype]
        return [v if isinstance(v, (ir.Value, tuple)) else self.literal(kind, v) for v in values]

    def literal(self, kind, number):
        return ir.Constant(kind, number if isinstance(kind, ir.IntType) else float(number))

    def unary(self, op, x):
        b = self.builder
        if not isinstance(x, ir.Value):
            return -x if isinstance(op, ast.USub) else ~x
        if isinstance(op, ast.Invert):
            return b.not_(x)
        return b.neg(x) if isinstance(x.type, ir.IntType) else b.fneg(x)

    def binary(self, op, x, y):
        if not isinstance(x, ir.Value) and not isinstance(y, ir.Value):
            return getattr(x, ON_NUMBERS[op])(y) if type(x) is type(y) else getattr(float(x), ON_NUMBERS[op])(float(y))
        x, y = self.typed(x, y)
        if isinstance(x.type, ir.IntType):
            return getattr(self.builder, ON_INTS[op])(x, y)
        return getattr(self.builder, ON_FLOATS[op])(x, y, flags=EXACT)

    def compare(self, order, x, y):
        b = self.builder
        if isinstance(x.type, ir.IntType):
            return b.icmp_signed(order, x, y)
        return b.fcmp_unordered(order, x, y) if order == "!=" else b.fcmp_ordered(order, x, y)

    def call(self, node, scope, env):
        name, args = node.func.id, []
        for a in node.args:
            found = self.value(a.value if isinstance(a, ast.Starred) else a, scope, env)
            args += found if isinstance(a, ast.Starred) else [found]
        if name in CALLS:
            return self.intrinsic(CALLS[name], *self.typed(*args))
        if name in vars(Words):
            return getattr(Words, name)(self, *args)
        other = env[name]
        inner = Straight(self.builder, other.dtype, self.ldexp)
        return inner.run(other.tree, inner.typed(*args))

    def intrinsic(self, name, *args):
        """Call a function of LLVM whose arguments and result have one type."""
        kind = args[0].type
        function = self.builder.module.declare_intrinsic(f"llvm.{name}", [kind], ir.FunctionType(kind, [kind] * len(args)))
        return self.builder.call(function, args)


class Words:
    """The words of elementary functions that are more than one call of LLVM."""

    def select(self, condition, a, b):
        return self.builder.select(condition, *self.typed(a, b))

    def polynomial(self, x, *coefficients):
        total = coefficients[-1]
        for c in coefficients[-2::-1]:
            total = self.intrinsic("fma", *self.typed(total, x, c))
        return total

    def bits(self, x):
        return self.builder.bitcast(x, INTS[width(x)])

    def real(self, i):
        i = i if isinstance(i, ir.Value) else ir.Constant(INTS[self.dtype], i)
        return self.builder.bitcast(i, FLOATS[width(i)])

    def to_int(self, x):
        found = self.builder.fptosi(x, INTS[width(x)])
        frozen = ir.Instruction(self.builder.block, found.type, "freeze", [found])  # one number, though it is any
        self.builder._insert(frozen)
        return frozen

    def to_float(self, i):
        return self.builder.sitofp(i, FLOATS[width(i)])

    def wide(self, x):
        return self.builder.fpext(x, FLOATS["float64"])

    def narrow(self, x):
        return self.builder.fptrunc(x, FLOATS["float32"])

    def scale(self, x, n):
        """One instruction of AVX-512; elsewhere two powers of 2, the first of which loses nothing."""
        b, name = self.builder, width(n)
        x = x if isinstance(x, ir.Value) else self.literal(FLOATS[name], x)
        if self.ldexp:
            function = ir.FunctionType(x.type, [x.type, n.type])
            return b.call(b.module.declare_intrinsic("llvm.ldexp", [x.type, n.type], function), [x, n])
        bias, mantissa = {"float32": (127, 23), "float64": (1023, 52)}[name]
        for part in (b.ashr(n, n.type(1)), b.sub(n, b.ashr(n, n.type(1)))):
            power = b.bitcast(b.shl(b.add(part, n.type(bias)), n.type(mantissa)), x.type)
            x = b.fmul(x, power, flags=EXACT)
        return x

    def shift_right(self, i, count):
        return self.builder.lshr(*self.typed(i, count))

    def choose(self, i, *values):
        kind, b = FLOATS["float64"], self.builder
        found = self.literal(kind, values[-1])
        for k, value in enumerate(values[:-1]):
            found = b.select(b.icmp_signed("==", i, i.type(k)), self.literal(kind, value), found)
        return found


def width(x):
    """Return the name of the float dtype that is as wide as a value."""
    return "float32" if x.type in (FLOATS["float32"], INTS["float32"]) else "float64"
