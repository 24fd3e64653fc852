"""Reverse mode: statements of a gradient, which are statements again."""

import numpy as np
import pytest

import nbgrad as ng
from nbgrad.ad.reverse import prepared, reverse
from nbgrad.ad.statements import Array, Loop, Put, Scalar, Set, walk
from nbgrad.base.errors import GradientError
from nbgrad.target.functions.files import text_of
from tests.ad.plain import close, differences, loaded, lowered, plain, text
from tests.ad.zoo import CASES, V

SECOND = [n for n, c in CASES.items() if c.smooth and isinstance(c.args[0], float)]


@pytest.mark.parametrize("name", SECOND)
def test_gradients_of_gradients(name):
    c = CASES[name]
    first = ng.grad(c.fn)
    found = plain(ng.grad(first), *c.args)
    assert close(found, differences(lambda *args: plain(first, *args), c.args, 0), 1e-5, 1e-6)


@pytest.mark.parametrize("name", ["newton", "halving", "inactive_to_active", "branches", "while_true", "calls"])
def test_gradients_of_gradients_through_control_flow(name):
    c = CASES[name]
    first = ng.grad(c.fn)
    for args in (c.args, *c.more):
        assert close(plain(ng.grad(first), *args), differences(lambda *args: plain(first, *args), args, 0), 1e-4, 1e-5)


def test_a_gradient_is_a_function_of_statements():
    c = CASES["product"]
    f = prepared(lowered(c.fn, *c.args))
    g = reverse(f, (0,), True)
    assert g.results.items[1].type == Array("float64", 1)
    value, found = loaded(text_of(g, "t", lambda parallel: ""), "product")(np.array([2.0, 3.0, 4.0]))
    assert value == 24.0
    np.testing.assert_allclose(found, [12.0, 8.0, 6.0])


def test_values_are_dropped_when_nobody_asks():
    c = CASES["horner_over_array"]
    g = reverse(prepared(lowered(c.fn, *c.args)), (0,), False, True)
    loops = [s for s in g.body if isinstance(s, Loop)]
    assert len(loops) == 2 or len(loops) == 1
    assert "return g_x" in text(ng.grad(c.fn), *c.args)


def test_only_floats_have_gradients():
    def whole(x):
        return x.size

    with pytest.raises(GradientError, match="does not return a float"):
        reverse(prepared(lowered(whole, V)), (0,))


def test_arguments_that_nothing_depends_on():
    def constant(x, y):
        return 2.0 * y

    f = prepared(lowered(constant, V, 1.0))
    g, h = loaded(text_of(reverse(f, (0, 1), False), "t", lambda parallel: ""), "constant")(V, 1.0)
    np.testing.assert_array_equal(g, np.zeros(5))
    assert h == 2.0


def test_preparing_drops_what_is_not_needed():
    def wasteful(x):
        y = x * x
        z = y * 3.0
        w = z + y  # noqa: F841
        return x * x

    body = prepared(lowered(wasteful, 1.0)).body
    assert len([s for s in walk(body) if isinstance(s, Set)]) == 1
    assert not [s for s in walk(body) if isinstance(s, Put)]
    assert isinstance(prepared(lowered(wasteful, 1.0)).results.type, Scalar)
