"""Reverse mode: the statements of a gradient."""

import numpy as np
import pytest
from numba import njit

import nbgrad as ng
from nbgrad.ad.lower import lower
from nbgrad.ad.reverse import prepared, reverse
from nbgrad.ad.statements import FLOAT, INT, Array
from nbgrad.ad.text import written
from nbgrad.base.errors import GradientError
from tests.ad.plain import close, differences, plain
from tests.ad.zoo import values


@njit
def f(x, y, n):
    s = x
    for _ in range(n):
        s = s * y + np.log1p(s * s) / (1.0 + y * y)
    return s


def test_the_text_of_a_gradient_is_python():
    made = reverse(prepared(lower(f, (FLOAT, FLOAT, INT))), (0, 1))
    source = written(made)[0]
    compile(source, "<text>", "exec")
    assert source.startswith("def f(x, y, n):") and "log1p(" in source


@pytest.mark.parametrize("wrt", [(0,), (1,), (1, 0)])
def test_gradients_come_in_the_order_that_was_asked_for(wrt):
    found = plain(ng.grad(f, wrt), 0.4, 0.9, 3)
    assert close(found, tuple(differences(f.py_func, (0.4, 0.9, 3), k) for k in wrt))


def test_an_argument_that_does_not_matter_has_gradient_zero():
    @njit
    def g(x, a):
        return x * x

    found = plain(ng.grad(g, (0, 1)), 3.0, values(2, 3))
    assert found[0] == 6.0 and np.array_equal(found[1], np.zeros((2, 3)))


def test_what_is_overwritten_has_the_gradient_of_its_first_value():
    @njit
    def g(x):
        a = x[0] * x[1]
        x[0] = 7.0
        x[1] += x[0] * a
        return x[1] * x[0]

    x = values(2) + 0.5
    assert close(plain(ng.grad(g), x), differences(g.py_func, (x,), 0))


def test_a_gradient_is_of_a_float():
    with pytest.raises(GradientError, match="does not return a float"):
        reverse(prepared(lower(njit(lambda_free), (Array("float64", 1),))), (0,))


def lambda_free(x):
    return x.size
