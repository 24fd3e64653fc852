"""Derivatives of scalar formulas, as formulas: what makes every row differentiable any number of times."""

import ast
import functools
import math
import types

from ..base.errors import ArgumentError, problem
from ..base.source import Formula, names, parse_expression, substitute
from ..ops.table import MISSING, ZERO, Op, elementwise, table

MATH_ROWS = {"fabs": "abs", "pow": "pow", "asin": "asin", "min": "minimum", "max": "maximum"}
FLAT = ("floor", "ceil", "trunc", "round", "rint", "isnan", "isinf", "isfinite", "bool", "int")
ONE, NIL = ast.Constant(1.0), ast.Constant(0.0)


@elementwise(df=lambda g, p: (p, g), domain=(-2.0, 2.0), ref=lambda g, p: g * p)
def times(g, p):
    """Gradient times partial: exactly zero where the gradient is zero, whatever the partial."""
    return 0.0 if g == 0.0 else g * p


def value(expr):
    """Return the number that a constant expression is, or None."""
    if isinstance(expr, ast.Constant) and type(expr.value) in (int, float):
        return expr.value
    if isinstance(expr, ast.UnaryOp) and isinstance(expr.op, ast.USub) and value(expr.operand) is not None:
        return -value(expr.operand)
    return None


def _fold(op, a, b, number):
    va, vb = value(a), value(b)
    if va is not None and vb is not None:
        return ast.Constant(number(va, vb))
    return ast.BinOp(a, op, b)


def add(a, b):
    """Return a + b, simplified."""
    if value(a) == 0:
        return b
    if value(b) == 0:
        return a
    if isinstance(b, ast.UnaryOp) and isinstance(b.op, ast.USub):
        return sub(a, b.operand)
    return _fold(ast.Add(), a, b, lambda x, y: x + y)


def sub(a, b):
    """Return a - b, simplified."""
    if value(b) == 0:
        return a
    if value(a) == 0:
        return neg(b)
    return _fold(ast.Sub(), a, b, lambda x, y: x - y)


def neg(a):
    """Return -a, simplified."""
    if value(a) is not None:
        return ast.Constant(-value(a))
    if isinstance(a, ast.UnaryOp) and isinstance(a.op, ast.USub):
        return a.operand
    return ast.UnaryOp(ast.USub(), a)


def mul(a, b):
    """Return a * b, simplified; a factor that is zero by structure makes zero."""
    if value(a) == 1:
        return b
    if value(b) == 1:
        return a
    if value(a) == -1:
        return neg(b)
    if value(b) == -1:
        return neg(a)
    if value(a) == 0 or value(b) == 0:
        return NIL
    return _fold(ast.Mult(), a, b, lambda x, y: x * y)


def div(a, b):
    """Return a / b, simplified."""
    if value(b) == 1 or value(a) == 0:
        return a
    return ast.BinOp(a, ast.Div(), b)


def call(name, *args):
    return ast.Call(ast.Name(name, ast.Load()), list(args), [])


def resolve(expr, env):
    """Return `expr` with constants written out and rows under their table names, and what its names mean."""
    known, meaning = {}, {}
    for n in ast.walk(expr):
        if isinstance(n, ast.Name) and isinstance(env.get(n.id), (int, float)):
            known[n.id] = ast.Constant(env[n.id])
        elif isinstance(n, ast.Name) and isinstance(env.get(n.id), Op):
            known[n.id] = ast.Name(env[n.id].name, ast.Load())
            meaning[env[n.id].name] = env[n.id]
        elif isinstance(n, ast.Name) and isinstance(env.get(n.id), types.FunctionType):
            meaning[n.id] = env[n.id]
    return substitute(expr, known), meaning


def derive(expr, name, env):
    """Return the derivative of `expr` in the variable `name`; the constant 0 where it does not depend on it.

    `env` tells what the names of rows and helpers mean; the rows that the derivative calls are added to it.
    """
    if name not in names(expr):
        return NIL
    d = lambda e: derive(e, name, env)
    if isinstance(expr, ast.Name):
        return ONE
    if isinstance(expr, ast.UnaryOp):
        return (
            neg(d(expr.operand))
            if isinstance(expr.op, ast.USub)
            else d(expr.operand)
            if isinstance(expr.op, ast.UAdd)
            else NIL
        )
    if isinstance(expr, ast.IfExp):
        a, b = d(expr.body), d(expr.orelse)
        return NIL if value(a) == 0 and value(b) == 0 else ast.IfExp(expr.test, a, b)
    if isinstance(expr, (ast.Compare, ast.BoolOp)):
        return NIL
    if isinstance(expr, ast.BinOp):
        return _binary(expr, d, env)
    if isinstance(expr, ast.Call):
        return _call(expr, d, env)
    raise problem(
        ArgumentError, f"no derivative of `{ast.unparse(expr)}`", "arithmetic, math functions and rows of the table"
    )


def _binary(expr, d, env):
    a, b, op = expr.left, expr.right, expr.op
    if isinstance(op, ast.Add):
        return add(d(a), d(b))
    if isinstance(op, ast.Sub):
        return sub(d(a), d(b))
    if isinstance(op, ast.Mult):
        return add(mul(d(a), b), mul(a, d(b)))
    if isinstance(op, ast.Div):
        return sub(div(d(a), b), mul(div(expr, b), d(b)))
    if isinstance(op, ast.Pow):
        return _call(call("pow", a, b), d, env)
    if isinstance(op, ast.FloorDiv):
        return NIL
    if isinstance(op, ast.Mod):
        return sub(d(a), mul(call("math.floor", div(a, b)), d(b)))
    raise problem(ArgumentError, f"no derivative of `{ast.unparse(expr)}`", "float arithmetic")


def row_of(func, env):
    """Return the row that a call in a formula means, ZERO for flat functions, or a helper function."""
    text = ast.unparse(func)
    short = text.removeprefix("math.").removeprefix("np.")
    if text in env:
        return env[text]
    if short in FLAT:
        return ZERO
    row = table.get(MATH_ROWS.get(short, short))
    if row is None:
        raise problem(
            ArgumentError, f"{text} is no row of the op table, so its derivative is not known", "a row of the table"
        )
    return row


def _call(expr, d, env):
    row = row_of(expr.func, env)
    if row is ZERO:
        return NIL
    if isinstance(row, types.FunctionType):
        raise problem(ArgumentError, f"the helper {row.__name__} has no derivative", "give the row a df")
    inner = [d(a) for a in expr.args]
    if row is times and value(inner[0]) == 0:
        env["times"] = times
        return _times(expr.args[0], inner[1])
    env.setdefault(row.name, row)
    args = [*expr.args, *(ast.Constant(row.defaults[p]) for p in row.params[len(expr.args) :])]
    known = {**dict(zip(row.params, args)), "out": call(row.name, *args)}
    total = NIL
    parts, meaning = partials(row)
    for partial, da in zip(parts, inner):
        if value(da) == 0 or partial is ZERO:
            continue
        if isinstance(partial, MISSING):
            raise problem(ArgumentError, f"{row.name}: {partial.reason}")
        env.update(meaning)
        total = add(total, mul(substitute(partial, known), da))
    return total


def _times(g, p):
    """Return the guarded product of a gradient and a partial, simplified where the partial is a constant."""
    v = value(p)
    if v is not None:
        return mul(g, p)
    if isinstance(p, ast.IfExp) and (value(p.body) is not None and value(p.orelse) is not None):
        return ast.IfExp(p.test, mul(g, p.body), mul(g, p.orelse))
    return call("times", g, p)


@functools.cache
def partials(op):
    """Return (one partial per parameter, what their names mean); a partial is an expression, ZERO or MISSING."""
    if op.df is ZERO or isinstance(op.df, MISSING):
        return (op.df,) * len(op.params), {}
    env: dict = {}
    if op.partials is None:
        expr, env = resolve(op.formula.inlined(), op.formula.globals)
        parts = [derive(expr, p, env) for p in op.params]
        return tuple(ZERO if value(p) == 0 else p for p in parts), env
    _, given, scope = op.partials
    parts = []
    for part in given:
        state = scope.get(part.id) if isinstance(part, ast.Name) else None
        if isinstance(part, ast.Call) and getattr(part.func, "id", "") == "MISSING":
            state = MISSING(part.args[0].value)
        if state is ZERO or isinstance(state, MISSING):
            parts.append(state)
            continue
        part, meaning = resolve(part, scope)
        env.update(meaning)
        parts.append(ZERO if value(part) == 0 else part)
    if len(parts) != len(op.params):
        raise ArgumentError(f"op {op.name!r}: df gives {len(parts)} partials for {len(op.params)} parameters")
    return tuple(parts), env


@functools.cache
def vjp_op(op, index):
    """Return the row that multiplies the gradient by partial number `index`; or ZERO, MISSING, or a number.

    The row's parameters are `g` and the values that the tape must keep (parameters of `op`, or `out`).
    """
    parts, env = partials(op)
    partial = parts[index]
    if partial is ZERO or isinstance(partial, MISSING):
        return partial
    if value(partial) is not None:
        return float(value(partial))
    keeps = sorted(names(partial) & {*op.params, "out"}, key=[*op.params, "out"].index)
    g = "g" * (1 + max((len(p) for p in op.params if set(p) == {"g"}), default=0))  # the gradient of a gradient is gg
    return derived_row(
        f"{op.name}_{g}_{op.params[index]}", (g, *keeps), _times(ast.Name(g, ast.Load()), partial), env, op
    )


def derived_row(name, params, expr, env, of):
    """Return an elementwise row that is not in the table, from an expression."""
    accepts = ["bool" if p in of.params and of.accepts[of.params.index(p)] == "bool" else "float" for p in params]
    row = Op(name, "elementwise", params, doc=f"Gradient of {of.name}.", accepts=tuple(accepts), domain=of.domain)
    row.formula = Formula(params, (), expr, {**env, "math": math, "times": times})
    return row


def text(expr) -> str:
    """Return an expression as a line of Python.

    >>> text(parse_expression("1.0 - out*out"))
    '1.0 - out * out'
    """
    return ast.unparse(expr)


__all__ = ["derive", "derived_row", "parse_expression", "partials", "text", "times", "vjp_op"]
