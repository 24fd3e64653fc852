"""Derivatives of formulas: against finite differences of the same text, evaluated as Python."""

import ast
import math

import numpy as np
import pytest

from nbgrad.ad.scalar import derive, partials, text, times, vjp_op
from nbgrad.base.errors import ArgumentError
from nbgrad.base.source import parse_expression
from nbgrad.docs import rows
from nbgrad.ops.table import ZERO, Op, table

EXPRESSIONS = [
    "x * y + x / y", "math.sin(x) * math.exp(y)", "x ** 3 - y ** 2", "(x if x > y else y) * x", "math.sqrt(x * x + y)", "-x * (2.0 - y)",
    "math.log(x) / math.log(y + 3.0)", "math.tanh(x * y)", "x % 0.7 + y", "abs(x - 2.0 * y)", "math.atan2(x, y)", "max(x, y) * min(x, y)",
]  # fmt: skip


def evaluate(expr, env, **values):
    rows()
    known = {name: op for name, op in table.items()} | env | {"math": math} | values
    return eval(
        compile(ast.fix_missing_locations(ast.Expression(expr)), "<formula>", "eval"),
        {**known, "abs": abs, "max": max, "min": min},
    )


@pytest.mark.parametrize("source", EXPRESSIONS)
def test_derivatives(source):
    rows()
    expr, h = parse_expression(source), 1e-6
    for name in ("x", "y"):
        env: dict = {}
        found = evaluate(derive(expr, name, env), env, x=1.3, y=0.8)
        up, down = (
            {"x": 1.3, "y": 0.8} | {name: v + s}
            for v, s in [({"x": 1.3, "y": 0.8}[name], h), ({"x": 1.3, "y": 0.8}[name], -h)]
        )
        np.testing.assert_allclose(found, (evaluate(expr, {}, **up) - evaluate(expr, {}, **down)) / (2 * h), rtol=1e-7)


def test_what_has_no_derivative_is_refused():
    with pytest.raises(ArgumentError, match="no row"):
        derive(parse_expression("math.gamma(x)"), "x", {})
    with pytest.raises(ArgumentError, match="no derivative"):
        derive(parse_expression("x @ x"), "x", {})


def test_gradient_rows_keep_what_the_partial_reads():
    assert vjp_op(table["tanh"], 0).params == ("g", "out")
    assert vjp_op(table["sin"], 0).params == ("g", "x")
    assert vjp_op(table["add"], 0) == 1.0
    assert vjp_op(table["sub"], 1) == -1.0
    assert vjp_op(table["floor"], 0) is ZERO
    second = vjp_op(vjp_op(table["tanh"], 0), 1)
    assert len(set(second.params)) == len(second.params)


def test_a_gradient_of_zero_wins_over_an_infinite_partial():
    assert times(0.0, math.inf) == 0.0
    assert times(2.0, 3.0) == 6.0
    assert isinstance(vjp_op(table["sqrt"], 0), Op)


def test_every_row_has_partials_of_the_right_number():
    for op in rows()["elementwise"]:
        parts, _ = partials(op)
        assert len(parts) == len(op.params), op.name


def test_text():
    assert text(parse_expression("1.0 -  out*out")) == "1.0 - out * out"
