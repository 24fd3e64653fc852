"""Partials of operations on numbers, against differences of the same operations."""

import numpy as np
import pytest
from numba import njit

import nbgrad as ng
from nbgrad.ad.rules import Builder
from nbgrad.ad.statements import FLOAT, Const, Ref, Set
from tests.ad.made import number
from tests.ad.plain import complex_step, differences, plain

ONE = ["-x", "+x", "x ** 3", "x ** -2", "x ** 0", "x ** 1", "2.0 ** x", "x ** 0.5", "1.0 / x", "x - 2.0", "3.0 - x", "x * x", "5.0 % x", "abs(x)", "x // 0.7 + x"]
TWO = ["x * y", "x / y", "x - y", "x ** y", "x % y", "max(x, y)", "min(x, y)", "x if x > y else y * x", "(x + y) * (x - y)"]


@pytest.mark.parametrize("expression", ONE)
@pytest.mark.parametrize("x", [0.8, 1.7])
def test_of_one_number(expression, x):
    f = number(expression, "x")
    np.testing.assert_allclose(plain(ng.grad(f), x), differences(f.py_func, (x,), 0), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("expression", TWO)
def test_of_two_numbers(expression):
    f = number(expression, "x", "y")
    for args in ((0.8, 1.7), (2.3, 0.9)):
        found = plain(ng.grad(f, (0, 1)), *args)
        np.testing.assert_allclose(found, [differences(f.py_func, args, k) for k in (0, 1)], rtol=1e-6, atol=1e-9)


def test_a_gradient_of_zero_wins_over_an_infinite_partial():
    @njit
    def f(x, on):
        return (x**0.5 if on else 1.0) + np.sqrt(x) * 0.0

    assert plain(ng.grad(f), 0.0, False) == 0.0


def test_second_derivatives():
    f = number("x ** 3 * np.sin(x) / (1.0 + x * x)", "x")
    first = lambda x: complex_step(f.py_func, (x,), 0)
    np.testing.assert_allclose(plain(ng.grad(ng.grad(f)), 1.3), (first(1.3 + 1e-5) - first(1.3 - 1e-5)) / 2e-5, rtol=1e-7)


def test_nothing_is_written_for_ones_and_zeros():
    b = Builder()
    x = Ref("x", FLOAT)
    assert b.times(Const(1.0, FLOAT), x) == x and b.plus(x, Const(0.0, FLOAT)) == x
    assert b.times(x, Const(0.0, FLOAT)) == Const(0.0, FLOAT) and b.block == []
    b.times(x, Const(-1.0, FLOAT))
    assert [s.op for s in b.block] == ["neg"] and isinstance(b.block[0], Set)
    assert b.fresh("d") != b.fresh("d")
