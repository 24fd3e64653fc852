"""Ops and rules of the user's own."""

import math

import numpy as np
import pytest
from numba import njit

import nbgrad as ng
from nbgrad.base.errors import ArgumentError, GradientError


@ng.op
def bump(x, a):
    """A bell of width 1 / sqrt(a)."""
    t = x * x
    return math.exp(-a * t) if t < 4.0 else 0.0


def test_a_formula_is_an_op_of_any_order(rng):
    x, a = rng.uniform(-1, 1, (3, 4)), rng.uniform(0.5, 2, 4)
    np.testing.assert_allclose(bump(x, a).numpy(), np.exp(-a * x * x), rtol=1e-14)
    ng.gradcheck(bump, x, a, order=2)
    assert bump(ng.tensor(x.astype("float32")), 1.0).dtype == "float32"


def test_a_formula_may_give_its_partials():
    @ng.op(df=lambda out: 2.0 * out)
    def f(x):
        return math.exp(2.0 * x)

    ng.gradcheck(f, np.array([0.1, 0.5]), order=2)


def test_a_body_that_is_no_formula_is_refused():
    with pytest.raises(ArgumentError, match="not allowed in a formula"):

        @ng.op
        def loop(x):
            for _ in range(3):
                x = x * x
            return x


def test_custom_vjp_any_order():
    @ng.custom_vjp
    def cube(x):
        return x**3

    cube.defvjp(lambda x: (x**3, x), lambda x, g: (3.0 * x * x * g,))
    assert float(cube(2.0)) == 8.0
    assert float(ng.grad(cube)(2.0)) == 12.0
    assert float(ng.grad(ng.grad(cube))(2.0)) == 12.0
    assert float(ng.grad(ng.grad(ng.grad(cube)))(2.0)) == 6.0


def test_custom_vjp_of_structures():
    @ng.custom_vjp
    def f(p, x):
        return p["a"] * x, p["b"]

    f.defvjp(
        lambda p, x: (f.fn(p, x), (p, x)),
        lambda kept, g: ({"a": g[0] * kept[1], "b": g[1]}, None),
    )
    g = ng.grad(lambda p: sum(o.sum() for o in f(p, np.ones(2))))({"a": np.ones(2), "b": np.ones(3)})
    np.testing.assert_array_equal(g["a"].numpy(), np.ones(2))
    np.testing.assert_array_equal(g["b"].numpy(), np.ones(3))


def test_custom_vjp_gets_a_gradient_of_the_structure_of_its_result():
    @ng.custom_vjp
    def f(x, y):
        return {"sum": x + y, "rest": (x * y, x - y)}

    def backward(kept, g):
        x, y = kept
        product, difference = g["rest"]
        return g["sum"] + product * y + difference, g["sum"] + product * x - difference

    f.defvjp(lambda x, y: (f.fn(x, y), (x, y)), backward)
    x, y = np.array([2.0, 3.0]), np.array([5.0, 7.0])
    for use in (lambda o: o["rest"][0], lambda o: o["sum"] * 2.0, lambda o: o["rest"][1] * o["sum"], lambda o: o["rest"][1] * o["rest"][0] + o["sum"]):
        ng.gradcheck(lambda x, y, use=use: use(f(x, y)), x, y, order=2, directions=1)


def test_custom_vjp_checks_what_backward_returns():
    @ng.custom_vjp
    def f(x, y):
        return x * y

    with pytest.raises(GradientError, match="no rule yet"):
        f(1.0, 2.0)
    f.defvjp(lambda x, y: (x * y, None), lambda _, g: (g,))
    x = ng.tensor(1.0, requires_grad=True)
    with pytest.raises(GradientError, match="1 gradients for 2 arguments"):
        f(x, x).backward()
    f.defvjp(lambda x, y: (x * y, None), lambda _, g: (ng.ones(3), g))
    with pytest.raises(GradientError, match="has shape \\(3,\\)"):
        f(x, x).backward()


def test_a_compiled_function_with_a_rule_is_itself():
    @njit
    def plain(x):
        return x * x

    assert ng.custom_vjp(plain) is plain
    assert plain(3.0) == 9.0
