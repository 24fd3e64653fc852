"""Partial derivatives of the operations on numbers, written as statements; rows of the op table bring their own."""

import ast
import math

from ..ops.table import MISSING, ZERO, Op, table
from . import typing
from .activity import passes
from .scalar import partials
from .statements import BOOL, INT, Const, Loop, Ref, Set

ARITHMETIC = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Pow: "**", ast.FloorDiv: "//", ast.Mod: "%"}
ORDER = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!="}
STEEP = ("sqrt", "pow", "cbrt", "asin", "acos", "arcsin", "arccos", "acosh", "arccosh", "hypot", "arctan2", "atan2", "xlogy")


class Builder:
    """Writes statements into the open block."""

    def __init__(self, taken=()):
        self.block, self.taken, self.line = [], dict.fromkeys(taken, 1), 0

    def fresh(self, base):
        """Return a name that is not taken."""
        count = self.taken.get(base, 0)
        self.taken[base] = count + 1
        return base if count == 0 else self.fresh(f"{base}_{count}")

    def emit(self, op, args, kind, extra=None, name="d"):
        """Append `name = op(args)` and return the value."""
        out = Ref(self.fresh(name), kind)
        self.block.append(Set(out, op, tuple(args), extra, self.line))
        return out

    def cast(self, v, kind):
        """Return a number in a type."""
        if v.type == kind:
            return v
        return Const(float(v.value), kind) if isinstance(v, Const) else self.emit("cast", (v,), kind)

    def times(self, a, b, name="d"):
        """Return a * b; nothing is written for a factor of one."""
        for one, other in ((a, b), (b, a)):
            if isinstance(one, Const) and one.value == 1:
                return other
            if isinstance(one, Const) and one.value == -1:
                return self.negative(other)
            if isinstance(one, Const) and one.value == 0:
                return one
        return self.arithmetic("*", a, b, name)

    def negative(self, a):
        if isinstance(a, Const):
            return Const(-a.value, a.type)
        return self.emit("neg", (a,), a.type, table["neg"])

    def plus(self, a, b, name="d"):
        """Return a + b; nothing is written for a sum with zero."""
        if isinstance(a, Const) and a.value == 0:
            return b
        return a if isinstance(b, Const) and b.value == 0 else self.arithmetic("+", a, b, name)

    def arithmetic(self, op, a, b, name="d"):
        return self.emit(op, (a, b), typing.arithmetic(op, a.type, b.type), None, name)

    def over(self, sizes, body):
        """Write loops over extents around what `body(*index)` writes."""
        index, outer = [], []
        for k, _ in enumerate(sizes):
            index.append(Ref(self.fresh("ijklmn"[k] if k < 6 else "i"), INT))
            outer.append(self.block)
            self.block = []
        body(*index)
        for i, n in zip(index[::-1], sizes[::-1]):
            made, self.block = self.block, outer.pop()
            self.block.append(Loop(i, Const(0, INT), n, Const(1, INT), made, False, self.line))

    def partials(self, s):
        """Yield (position, partial, whether it may be infinite) for each argument of a `Set` that has a derivative.

        A partial is an operand; None stands for one.
        """
        kind, a = s.out.type, s.args
        if s.op in ("+", "cast", "get", "copy"):
            yield from ((i, None, False) for i, _ in enumerate(a))
        elif s.op == "-":
            yield 0, None, False
            yield 1, Const(-1.0, kind), False
        elif s.op == "*":
            yield 0, a[1], False
            yield 1, a[0], False
        elif s.op == "/":
            part = lambda: self.arithmetic("/", Const(1.0, kind), a[1])
            one = isinstance(a[0], Const) and a[0].value == 1
            yield 0, part, False
            yield 1, lambda: self.negative(self.times(s.out, s.out) if one else self.times(self.times(a[0], part()), part())), False
        elif s.op == "**":
            yield from self.power(s, kind, *a)
        elif s.op == "%":
            yield 0, None, False
            yield 1, lambda: self.negative(self.emit("floor", (self.arithmetic("/", a[0], a[1]),), kind, table["floor"])), False
        elif isinstance(s.extra, Op):
            yield from self.of_row(s, kind)
        elif passes(s):
            raise NotImplementedError(s.op)

    def power(self, s, kind, x, n):
        """x ** n: a whole constant n keeps its products."""
        if isinstance(n, Const):
            lower = Const(n.value - 1, n.type)
            part = lambda: self.times(Const(float(n.value), kind), x if n.value == 2 else self.arithmetic("**", x, lower))
            yield 0, part, not (n.type.dtype.startswith("int") and n.value >= 1)
            return
        if not n.type.real:
            yield 0, lambda: self.whole_power(x, n, kind), True
            return
        yield from self.of_row(Set(s.out, "pow", (x, n), table["pow"]), kind)

    def whole_power(self, x, n, kind):
        """Return n * x ** (n - 1) for a whole number n that is not known; zero for n = 0."""
        one = Const(1, INT)
        product = self.times(self.cast(n, kind), self.arithmetic("**", x, self.arithmetic("-", n, one)))
        return self.emit("select", (self.emit("==", (n, Const(0, INT)), BOOL), Const(0.0, kind), product), kind)

    def of_row(self, s, kind):
        op = s.extra
        parts, meaning = partials(op)
        known = {**dict(zip(op.params, s.args)), "out": s.out}
        for i, part in enumerate(parts):
            if part is ZERO:
                continue
            if isinstance(part, MISSING):
                yield i, part, False
                continue
            yield i, (lambda part=part: self.formula(part, known, meaning, kind)), op.name in STEEP

    def formula(self, node, known, meaning, kind):
        """Write an expression of a row's partial; `known` has its values, `meaning` the rows it calls."""
        again = lambda n: self.formula(n, known, meaning, kind)
        if isinstance(node, ast.Constant):
            return Const(node.value, BOOL) if isinstance(node.value, bool) else Const(float(node.value), kind)
        if isinstance(node, ast.Name):
            return known[node.id]
        if isinstance(node, ast.Attribute):
            return Const(getattr(math, node.attr), kind)
        if isinstance(node, ast.UnaryOp):
            inner = again(node.operand)
            return (
                self.emit("not", (inner,), BOOL)
                if isinstance(node.op, ast.Not)
                else self.negative(inner)
                if isinstance(node.op, ast.USub)
                else inner
            )
        if isinstance(node, ast.BinOp):
            a, b, op = again(node.left), again(node.right), ARITHMETIC[type(node.op)]
            return self.times(a, b) if op == "*" else self.plus(a, b) if op == "+" else self.arithmetic(op, a, b)
        if isinstance(node, ast.Compare):
            return self.emit(ORDER[type(node.ops[0])], (again(node.left), again(node.comparators[0])), BOOL)
        if isinstance(node, ast.BoolOp):
            out = again(node.values[0])
            for n in node.values[1:]:
                out = self.emit("and" if isinstance(node.op, ast.And) else "or", (out, again(n)), BOOL)
            return out
        if isinstance(node, ast.IfExp):
            return self.emit("select", (again(node.test), again(node.body), again(node.orelse)), kind)
        return self.call(node, [again(n) for n in node.args], meaning, kind)

    def call(self, node, args, meaning, kind):
        name = ast.unparse(node.func).removeprefix("math.").removeprefix("np.")
        op = meaning.get(name) or table.get({"fabs": "abs", "asin": "arcsin", "acos": "arccos", "atan": "arctan"}.get(name, name))
        if not isinstance(op, Op):
            return self.emit("helper", args, kind, meaning.get(name, name))
        if op.name == "times":
            return self.guarded(*args)
        return self.emit(op.name, args, typing.function(op, [a.type for a in args]), op)

    def guarded(self, g, partial):
        """Return g * partial, and zero where g is zero though the partial is infinite."""
        if isinstance(g, Const):
            return self.times(g, partial) if g.value else g
        product = self.times(g, partial)
        zero = Const(0.0, g.type)
        return self.emit("select", (self.emit("==", (g, zero), BOOL), zero, product), g.type)
