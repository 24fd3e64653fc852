"""Expressions of numbers: arithmetic, comparisons, calls, elements of arrays, tuples."""

import ast
import inspect
import math
from typing import NamedTuple

import numpy as np

from ..ops.table import Op, by_ref, table
from . import typing
from .scalar import MATH_ROWS
from .statements import BOOL, FLOAT, INT, Array, Const, If, Ref, Scalar, Set

BINARY = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Pow: "**", ast.FloorDiv: "//", ast.Mod: "%",
          ast.MatMult: "@", ast.BitAnd: "&", ast.BitOr: "|", ast.BitXor: "^", ast.LShift: "<<", ast.RShift: ">>"}  # fmt: skip
COMPARE = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!="}
ROWS = {"+": "add", "-": "sub", "*": "mul", "/": "div", "**": "pow", "//": "floor_divide", "%": "mod"}
FOLD = {"+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b, "//": lambda a, b: a // b, "/": lambda a, b: a / b,
        "**": lambda a, b: a**b, "%": lambda a, b: a % b, "<": lambda a, b: a < b, "<=": lambda a, b: a <= b, ">": lambda a, b: a > b,
        ">=": lambda a, b: a >= b, "==": lambda a, b: a == b, "!=": lambda a, b: a != b}  # fmt: skip

OURS = ("nbgrad.ad.numpy_loops",)  # functions that are read like the user's


class Known(NamedTuple):
    """What is no number: a function, a module, a dtype, None."""

    object: object


class Tup(NamedTuple):
    """A tuple of values; `cls` is the class of a namedtuple."""

    items: list
    cls: object = None


class Head(NamedTuple):
    """What a for loop runs over: a range, and what the variable holds at each index."""

    start: object
    stop: object
    step: object
    item: object
    plain: bool = True
    parallel: bool = False
    checkpointed: bool = False


def constant(value):
    """Return a number as an operand."""
    if isinstance(value, bool | np.bool_):
        return Const(bool(value), BOOL)
    if isinstance(value, int | np.integer):
        kind = INT if isinstance(value, int) else Scalar(str(value.dtype))
        return Const(int(value), kind)
    return Const(float(value), FLOAT if isinstance(value, float) else Scalar(str(value.dtype)))


class Expressions:
    """The part of `Lower` that reads expressions."""

    def value(self, node):
        """Return what an expression is: an operand, a tuple, an array that is not yet written, or something `Known`."""
        before, self.node = self.node, node
        reader = getattr(self, f"of_{type(node).__name__}", None)
        if reader is None:
            raise self.refuse(f"`{ast.unparse(node)}` is not supported", node=node)
        found = reader(node)
        self.node = before
        return found

    def of_Constant(self, node):
        if isinstance(node.value, bool | int | float):
            return constant(node.value)
        if isinstance(node.value, complex):
            raise self.refuse("complex numbers are not supported", "the real and the imaginary part as floats")
        return Known(node.value)

    def of_Name(self, node):
        return self.read(node.id)

    def meaning(self, found):
        """Return what a global or a captured value is."""
        if isinstance(found, bool | int | float | np.number | np.bool_):
            return constant(found)
        if isinstance(found, tuple):
            return Tup([self.meaning(v) for v in found], type(found) if hasattr(found, "_fields") else None)
        if isinstance(found, np.ndarray):
            return self.global_array(found)
        if isinstance(found, list | dict | set | bytearray):
            raise self.refuse(f"the global {type(found).__name__} may change", "an argument, or a tuple of numbers")
        return Known(found)

    def of_Tuple(self, node):
        return Tup([self.value(e) for e in node.elts])

    of_List = of_Tuple  # noqa: N815

    def items(self, value):
        """Return the values that a tuple, or the first axis of an array of known extent, unpacks to."""
        if isinstance(value, Tup):
            return value.items
        raise self.refuse("only a tuple can be taken apart here", "the elements by their index")

    def of_Attribute(self, node):
        base = self.value(node.value)
        if isinstance(base, Known):
            found = getattr(base.object, node.attr, Known)
            if found is Known:
                raise self.refuse(f"`{ast.unparse(node)}` is unknown")
            return self.meaning(found)
        if isinstance(base, Tup) and base.cls is not None and node.attr in base.cls._fields:
            return base.items[base.cls._fields.index(node.attr)]
        return self.attribute(base, node.attr)

    def of_UnaryOp(self, node):
        value = self.value(node.operand)
        if isinstance(node.op, ast.UAdd):
            return value
        if isinstance(node.op, ast.Not):
            if isinstance(value, Known):
                return constant(not value.object)
            return constant(not value.value) if isinstance(value, Const) else self.emit("not", (self.truth(value),), BOOL)
        if isinstance(node.op, ast.Invert):
            return self.emit("~", (value,), value.type)
        if isinstance(value, Const):
            return Const(-value.value, value.type)
        return self.apply(table["neg"], [value])

    def of_BinOp(self, node):
        a, b = self.value(node.left), self.value(node.right)
        op = BINARY[type(node.op)]
        if isinstance(a, Tup) or isinstance(b, Tup):
            if op == "+":
                return Tup([*a.items, *b.items])
            if op == "*" and isinstance(b, Const):
                return Tup(list(a.items) * b.value)
        return self.binary(op, a, b)

    def binary(self, op, a, b):
        """Return a op b."""
        for v in (a, b):
            if isinstance(v, Known | Tup):
                raise self.refuse(f"`{op}` of something that is no number and no array")
        if op == "@":
            return self.matmul(a, b)
        if isinstance(a, Const) and isinstance(b, Const) and op in FOLD:
            try:
                return constant(FOLD[op](a.value, b.value))
            except ArithmeticError:
                raise self.refuse(f"`{a.value} {op} {b.value}` has no value") from None
        if self.is_array(a) or self.is_array(b):
            return self.mapped(lambda x, y: self.binary(op, x, y), [a, b])
        if op in ("+", "-") and isinstance(b, Const) and b.value == 0 and b.type == INT:
            return a
        if op == "+" and isinstance(a, Const) and a.value == 0 and a.type == INT:
            return b
        if op == "*" and INT == getattr(b, "type", None) and isinstance(b, Const) and b.value == 1:
            return a
        if op == "**" and isinstance(b, Const) and b.type == INT and b.value == 2:
            return self.binary("*", a, a)
        return self.emit(op, (a, b), typing.arithmetic(op, a.type, b.type))

    def of_Compare(self, node):
        left, tests = self.value(node.left), []
        for op, right in zip(node.ops, node.comparators):
            right = self.value(right)
            if isinstance(op, ast.Is | ast.IsNot):
                same = isinstance(left, Known) and isinstance(right, Known) and left.object is right.object
                tests.append(constant(same == isinstance(op, ast.Is)))
            elif type(op) not in COMPARE:
                raise self.refuse(f"`{ast.unparse(node)}` is not supported")
            elif isinstance(left, Known) and isinstance(right, Known):
                tests.append(constant(FOLD[COMPARE[type(op)]](left.object, right.object)))
            else:
                tests.append(self.binary(COMPARE[type(op)], left, right))
            left = right
        out = tests[0]
        for t in tests[1:]:
            out = self.emit("and", (out, t), BOOL)
        return out

    def of_BoolOp(self, node):
        found = self.value(node.values[0])
        for n in node.values[1:]:
            if isinstance(found, Known):
                found = constant(bool(found.object))
            if isinstance(found, Const):
                if bool(found.value) == isinstance(node.op, ast.And):
                    found = self.value(n)
                continue
            found = self.both(self.truth(found), lambda n=n: self.value(n), isinstance(node.op, ast.And))
        return found

    def both(self, first, second, conjunction=True):
        """Return `first and second()`, or `or`; the second is asked only where the first leaves it open."""
        made, other = self.aside(lambda: self.truth(second()))
        word = "and" if conjunction else "or"
        if all(isinstance(s, Set) and s.op not in ("load", "//", "%", "/") for s in made):
            self.block += made
            return self.emit(word, (first, other), BOOL)
        return self.chosen(first, (made, other), ([], Const(not conjunction, BOOL)), not conjunction)

    def chosen(self, test, a, b, swapped=False):
        """Return `a if test else b`: each is a block and its value; only one block runs."""
        (one, x), (two, y) = (b, a) if swapped else (a, b)
        if not one and not two and all(isinstance(v, Ref | Const) and isinstance(v.type, Scalar) for v in (x, y)):
            kind = typing.promoted(x.type, y.type)
            return self.emit("select", (test, self.cast(x, kind), self.cast(y, kind)), kind)
        path = self.fresh("choice")
        outer = self.block
        self.block = one
        after = self.stored(path, x, path)
        self.block = two
        other = self.stored(path, y, path)
        self.block = outer
        if after != other:
            raise self.refuse("both ways must give the same kind of value")
        self.block.append(If(test, one, two, self.line))
        return self.fetched(after, path)

    def of_IfExp(self, node):
        test = self.value(node.test)
        if isinstance(test, Const | Known):
            return self.value(node.body if (test.value if isinstance(test, Const) else test.object) else node.orelse)
        test, ways = self.truth(test), []
        for n in (node.body, node.orelse):
            ways.append(self.aside(lambda n=n: self.value(n)))
        return self.chosen(test, *ways)

    def aside(self, read):
        """Return (the statements that `read` writes, what it returns); what it read of variables is known in them alone."""
        known, outer = dict(self.frame.env), self.inner()
        found = read()
        self.frame.env = known
        return self.close(outer), found

    def truth(self, value):
        """Return a value as a truth."""
        if isinstance(value, Known):
            return constant(bool(value.object))
        if not hasattr(value, "type") or not isinstance(value.type, Scalar):
            raise self.refuse("the truth of an array is not defined", "np.any or np.all")
        if value.type == BOOL:
            return value
        if isinstance(value, Const):
            return constant(bool(value.value))
        return self.emit("!=", (value, Const(0, INT)), BOOL)

    def cast(self, value, kind):
        """Return a number in a type."""
        if value.type == kind or isinstance(kind, Array):
            return value
        if isinstance(value, Const):
            return Const(float(value.value) if kind.real else int(value.value), kind)
        return self.emit("cast", (value,), kind, None, value.name)

    def apply(self, op, args):
        """Return a row of the op table on numbers or arrays."""
        if any(self.is_array(a) for a in args):
            return self.mapped(lambda *xs: self.apply(op, list(xs)), args)
        args = [*args, *(constant(op.defaults[p]) for p in op.params[len(args) :] if p in op.defaults)]
        if len(args) != len(op.params):
            raise self.refuse(f"{op.name} takes {len(op.params)} arguments, {len(args)} are given")
        for a in args:
            if not isinstance(a, Ref | Const):
                raise self.refuse(f"{op.name} of something that is no number and no array")
        return self.emit(op.name, args, typing.function(op, [a.type for a in args]), op)

    def of_Call(self, node):
        if isinstance(node.func, ast.Attribute):
            base = self.value(node.func.value)
            if not isinstance(base, Known):
                return self.method(base, node.func.attr, *self.arguments(node))
            if isinstance(base.object, np.ufunc) or not hasattr(base.object, node.func.attr):
                raise self.refuse(f"`{ast.unparse(node.func)}` is not supported", "rows of the op table (python -m nbgrad ops)")
        found = self.value(node.func)
        args, kwargs = self.arguments(node)
        if not isinstance(found, Known):
            raise self.refuse(f"`{ast.unparse(node.func)}` is not a function")
        return self.call(found.object, args, kwargs)

    def arguments(self, node):
        args = [self.value(a) for a in node.args]
        return args, {k.arg: self.value(k.value) for k in node.keywords}

    def call(self, fn, args, kwargs):
        """Return a call of a function known by now."""
        if isinstance(fn, type) and issubclass(fn, tuple) and hasattr(fn, "_fields"):
            return self.named_tuple(fn, args, kwargs)
        handler = self.handler(fn)
        if handler is not None:
            return self.written_by(handler, args, kwargs)
        row = row_of(fn)
        if row is not None and not kwargs:
            return self.apply(row, args)
        if hasattr(fn, "__nbgrad_rule__"):
            return self.ruled(fn, args, kwargs)
        if hasattr(fn, "__nbgrad__"):
            return self.derived(fn.__nbgrad__, args)
        if hasattr(fn, "py_func") or getattr(fn, "__nbgrad_kernel__", False) or getattr(fn, "__module__", "") in OURS:
            return self.called(fn, args, kwargs)
        name = getattr(fn, "__name__", repr(fn))
        if callable(fn) and (getattr(fn, "__module__", None) or "").partition(".")[0] not in ("numpy", "math", "builtins"):
            raise self.refuse(f"{name} is a plain Python function", f"@njit above {name}")
        raise self.refuse(f"{name} is not supported", "rows of the op table (python -m nbgrad ops), or @nbgrad.custom_vjp")


    def written_by(self, handler, args, kwargs):
        """Return what a method that writes a call makes of its arguments."""
        try:
            inspect.signature(handler).bind(*args, **kwargs)
        except TypeError:
            raise self.refuse(
                f"`{ast.unparse(self.node)}` with these arguments is not supported", "fewer of them, or their positions"
            ) from None
        return handler(*args, **kwargs)

    def named_tuple(self, cls, args, kwargs):
        """Return a namedtuple made of its fields."""
        given = {**cls._field_defaults, **dict(zip(cls._fields, args)), **kwargs}
        if len(args) > len(cls._fields) or set(given) != set(cls._fields):
            raise self.refuse(f"{cls.__name__} takes {', '.join(cls._fields)}")
        return Tup(
            [self.meaning(given[n]) if n not in kwargs and n not in cls._fields[: len(args)] else given[n] for n in cls._fields], cls
        )


def row_of(fn) -> Op | None:
    """Return the row of the op table that a function means: of NumPy, SciPy, math, or a row itself."""
    if isinstance(fn, Op):
        return fn if fn.kind == "elementwise" else None
    if getattr(fn, "__module__", None) == "math" and getattr(math, getattr(fn, "__name__", ""), None) is fn:
        row = table.get(MATH_ROWS.get(fn.__name__, fn.__name__))
        return row if row is not None and row.kind == "elementwise" else None
    try:
        row = by_ref.get(fn)
    except TypeError:
        return None
    return row if row is not None and row.kind == "elementwise" else None
