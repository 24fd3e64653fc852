"""From functions to formulas: what is read, renamed, written out, and what is refused."""

import ast
import math

import pytest

from nbgrad.base.errors import ArgumentError
from nbgrad.base.source import body_formula, function_tree, lambda_formulas, names, parse_expression, substitute


def declare(**keywords):
    """A decorator that only carries its keywords."""
    return lambda fn: fn


def scaled_partial(x, out):
    """A df with a name."""
    half = 0.5 * x
    return half, out * half


@declare(df=lambda x, out: (1.0 - out * out, x), other=lambda x: 2.0)
def smooth(x, y=1.0):
    """A formula with two intermediate values, one of them assigned twice."""
    a = x * y
    a += 1.0
    x = math.exp(a)
    a = a * x
    return a / (1.0 + x)


@declare(df=scaled_partial)
def named_rule(x):
    return x


def dunder(a):
    a__b = a * 2.0
    return a + a__b


TABLE = {"first":
    lambda x: x + 1.0,
}  # fmt: skip


def test_a_formula_means_what_the_function_does():
    formula = body_formula(smooth)
    assert formula.params == ("x", "y")
    assert len({name for name, _ in formula.lets}) == len(formula.lets) == 4
    assert {name for name, _ in formula.lets}.isdisjoint(formula.params)
    assert formula.globals is globals()
    code = ast.unparse(formula.inlined())
    for x, y in ((0.3, 1.0), (-2.0, 0.5)):
        assert eval(code, {"math": math, "x": x, "y": y}) == smooth(x, y)
    steps, scope = str(formula).split("; "), {"math": math, "x": 0.3, "y": 2.0}
    for line in steps[:-1]:
        exec(line, scope)
    assert eval(steps[-1], scope) == smooth(0.3, 2.0)


def test_a_name_with_two_underscores_is_a_name_of_its_own():
    assert eval(ast.unparse(body_formula(dunder).inlined()), {"a": 3.0}) == dunder(3.0) == 9.0


def test_substitute_copies():
    expr = parse_expression("x * x + y")
    out = substitute(expr, {"x": parse_expression("a + 1")})
    assert ast.unparse(out) == "(a + 1) * (a + 1) + y"
    assert ast.unparse(expr) == "x * x + y"
    assert out.left.left is not out.left.right


def test_names_are_what_is_read_not_what_is_called():
    assert names(parse_expression("f(x) + min(y, g(1.0))")) == {"x", "y"}


def test_lambdas_are_found_in_their_decorator():
    params, parts, scope = lambda_formulas(smooth, "df", lambda: 0)
    assert params == ("x", "out")
    assert [ast.unparse(p) for p in parts] == ["1.0 - out * out", "x"]
    assert lambda_formulas(smooth, "other", lambda: 0)[0] == ("x",)


def test_a_named_rule_is_read_from_its_own_def():
    params, parts, scope = lambda_formulas(named_rule, "df", scaled_partial)
    assert params == ("x", "out")
    assert [eval(ast.unparse(p), {"x": 3.0, "out": 2.0}) for p in parts] == list(scaled_partial(3.0, 2.0))
    assert scope is globals()


def test_a_lambda_that_is_not_in_the_decorator_is_told():
    with pytest.raises(ArgumentError, match="the text of df cannot be found"):
        lambda_formulas(dunder, "df", lambda x: x)


def loop(x):
    for _ in range(3):
        x = x * x
    return x


def branch(x):
    if x > 0:
        return x
    return -x


def pair(x):
    a, b = x, x
    return a + b


def silent(x):
    x = x + 1.0


def bare(x):
    return


@pytest.mark.parametrize(
    ("fn", "reason"),
    [
        (loop, r"`for _ in range\(3\):` is not allowed in a formula"),
        (branch, r"`if x > 0:` is not allowed"),
        (pair, r"`\(?a, b\)? = \(?x, x\)?` is not allowed"),
        (silent, "silent returns nothing"),
        (bare, "`return` is not allowed"),
        (eval("lambda x: x"), "source text of <lambda> cannot be found"),
        (len, "source text of len cannot be found"),
        (TABLE["first"], "<lambda> is not a plain def"),
        (lambda x: x, "<lambda> is not a plain def"),
    ],
)
def test_what_is_no_formula_is_refused(fn, reason):
    with pytest.raises(ArgumentError, match=reason + r"[^\n]*\n.*\n  try: "):
        body_formula(fn)


def test_the_text_of_a_nested_function_is_dedented():
    def inner(x):
        return x + 1.0

    assert function_tree(inner).name == "inner"
    assert ast.unparse(body_formula(inner).result) == "x + 1.0"
