"""Expressions made short for reading: constants folded, neutral elements dropped, guarded products written as products."""

import ast
import copy

from .scalar import add, div, mul, neg, sub, value

COMPARE = {
    ast.Eq: lambda a, b: a == b, ast.NotEq: lambda a, b: a != b, ast.Lt: lambda a, b: a < b,
    ast.LtE: lambda a, b: a <= b, ast.Gt: lambda a, b: a > b, ast.GtE: lambda a, b: a >= b,
}  # fmt: skip


class _Simplify(ast.NodeTransformer):
    def visit_BinOp(self, node):
        a, b = self.visit(node.left), self.visit(node.right)
        simple = {ast.Add: add, ast.Sub: sub, ast.Mult: _product, ast.Div: div}.get(type(node.op))
        if simple is not None:
            return simple(a, b)
        if isinstance(node.op, ast.Pow):
            if value(b) == 1:
                return a
            if value(b) == 0:
                return ast.Constant(1.0)
            if value(a) is not None and value(b) is not None and value(a) > 0:
                return ast.Constant(float(value(a)) ** value(b))
        return ast.BinOp(a, node.op, b)

    def visit_UnaryOp(self, node):
        inner = self.visit(node.operand)
        return neg(inner) if isinstance(node.op, ast.USub) else ast.UnaryOp(node.op, inner)

    def visit_IfExp(self, node):
        test = self.visit(node.test)
        if isinstance(test, ast.Constant):
            return self.visit(node.body if test.value else node.orelse)
        return ast.IfExp(test, self.visit(node.body), self.visit(node.orelse))

    def visit_Compare(self, node):
        a, b = self.visit(node.left), self.visit(node.comparators[0])
        if len(node.ops) == 1 and value(a) is not None and value(b) is not None:
            return ast.Constant(COMPARE[type(node.ops[0])](value(a), value(b)))
        return ast.Compare(a, node.ops, [b, *node.comparators[1:]])

    def visit_BoolOp(self, node):
        absorbing = isinstance(node.op, ast.Or)
        left = []
        for v in map(self.visit, node.values):
            if isinstance(v, ast.Constant):
                if bool(v.value) == absorbing:
                    return ast.Constant(absorbing)
                continue
            left.append(v)
        return ast.BoolOp(node.op, left) if len(left) > 1 else left[0] if left else ast.Constant(not absorbing)

    def visit_Call(self, node):
        args = [self.visit(a) for a in node.args]
        name = ast.unparse(node.func)
        if name == "times":
            return _product(*args)
        if name in ("pow", "math.pow"):
            return self.visit(ast.BinOp(args[0], ast.Pow(), args[1]))
        return ast.Call(node.func, args, node.keywords)

    def visit_Constant(self, node):
        if type(node.value) is float and node.value.is_integer() and abs(node.value) < 1e15:
            return ast.Constant(int(node.value))
        return node


def _product(a, b):
    """Return a * b with numbers gathered in front."""
    if value(b) is not None and value(a) is None:
        a, b = b, a
    if value(a) is not None and isinstance(b, ast.BinOp) and isinstance(b.op, ast.Mult) and value(b.left) is not None:
        return _product(mul(a, b.left), b.right)
    if value(a) is None and isinstance(b, ast.BinOp) and isinstance(b.op, ast.Mult) and value(b.left) is not None:
        return _product(b.left, _product(a, b.right))
    return mul(a, b)


def simplify(expr):
    """Return a shorter expression of the same value (up to zero times infinity).

    >>> ast.unparse(simplify(ast.parse("times(1.0, 2.0 * x ** (2.0 - 1.0))", mode="eval").body))
    '2 * x'
    """
    before, text = None, ast.dump(expr)
    while before != text:
        expr = _Simplify().visit(copy.deepcopy(expr))
        before, text = text, ast.dump(expr)
    return expr
