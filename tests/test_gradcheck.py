"""The judge: passes what is right, and names what is wrong."""

import numpy as np
import pytest
from numba import njit

import nbgrad as ng
from nbgrad.base.errors import GradientError


@ng.custom_vjp
def wrong(x):
    return x * x


wrong.defvjp(lambda x: (x * x, x), lambda x, g: (g * x * ng.tensor([2.0, 2.0, 2.5]),))


def test_right_gradients_pass():
    assert ng.gradcheck(lambda x, y: (x * y).sum(), np.ones(3), np.ones(3), order=2)
    assert ng.gradcheck(lambda p: p["a"] * p["b"][0], {"a": np.ones(2), "b": [2.0]})
    assert ng.gradcheck(lambda x: ng.exp(x), np.ones(3, "float32"))


def test_a_wrong_gradient_is_named_by_argument_and_element():
    with pytest.raises(
        GradientError, match=r"argument 1 .*worst element \[2\]: gradient [\d.]+, difference [\d.]+, off by"
    ):
        ng.gradcheck(lambda a, x: a + wrong(x), 1.0, np.ones(3), modes=("reverse",))


def test_a_wrong_second_order_is_found():
    @ng.custom_vjp
    def f(x):
        return x**3

    f.defvjp(lambda x: (x**3, x.detach()), lambda x, g: (3.0 * x * x * g,))
    assert ng.gradcheck(f, np.array([1.5]), modes=("reverse",))
    with pytest.raises(GradientError, match="second order"):
        ng.gradcheck(f, np.array([1.5]), order=2, modes=("reverse",))


def test_nothing_to_check():
    with pytest.raises(GradientError, match="no argument is a float"):
        ng.gradcheck(lambda x: x, 3)


@njit
def scaled(x, a, n):
    out = np.zeros(x.size)
    for i in range(x.size):
        out[i] = a * x[i] ** n + (x[i - 1] if i > 0 else 0.0)
    return out, a * 2.0


@njit
def total(x, a):
    s = 0.0
    for i in range(x.size):
        x[i] = x[i] * a
        s += x[i] ** 3
    return s


@ng.custom_vjp
@njit
def wrong_square(x):
    return x * x


@njit
def wrong_forward(x):
    return x * x, x


@njit
def wrong_backward(x, g):
    return (3.0 * x * g,)


wrong_square.defvjp(wrong_forward, wrong_backward)


@njit
def uses_wrong(x):
    return wrong_square(x) * 2.0


def test_compiled_functions():
    x = np.array([1.0, -2.0, 3.0])
    assert ng.gradcheck(scaled, x, 0.7, 2)
    assert ng.gradcheck(total, x, 0.5, order=2)
    np.testing.assert_array_equal(x, [1.0, -2.0, 3.0])
    with pytest.raises(GradientError, match="reverse derivative"):
        ng.gradcheck(uses_wrong, 0.5, modes=("reverse",))
