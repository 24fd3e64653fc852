"""Functions with a gradient rule of the user's, inside of compiled code."""

import math

import numpy as np
import pytest
from numba import njit

import nbgrad as ng
from nbgrad import GradientError
from tests.ad.plain import close, differences, plain

X = np.array([0.7, -1.2, 0.4])


@ng.custom_vjp
@njit
def clipped(x):
    return x


@njit
def clipped_forward(x):
    return x, None


@njit
def clipped_backward(_, g):
    return (min(max(g, -1.0), 1.0),)


clipped.defvjp(clipped_forward, clipped_backward)


@ng.custom_vjp
@njit
def stepped(x):
    return np.floor(x * 4.0) / 4.0


@njit
def stepped_forward(x):
    return np.floor(x * 4.0) / 4.0, x


@njit
def stepped_backward(x, g):
    return (g * x,)


stepped.defvjp(stepped_forward, stepped_backward)


@ng.custom_vjp
@njit
def root(a, b):
    """The solution of x * x = a + b[0] by Newton's method, and its square."""
    x = 1.0
    while abs(x * x - a - b[0]) > 1e-13:
        x = 0.5 * (x + (a + b[0]) / x)
    return x, x * x


@njit
def root_forward(a, b):
    both = root(a, b)
    return both, (both[0], b)


@njit
def root_backward(kept, g):
    x, b = kept
    slope = g[0] / (2.0 * x) + g[1]
    gb = np.zeros_like(b)
    gb[0] = slope
    return slope, gb


def test_the_rule_of_a_number_is_used():
    @njit
    def f(x):
        return 5.0 * clipped(x) * x

    assert f(2.0) == 20.0
    assert plain(ng.value_and_grad(f), 2.0) == (20.0, 11.0)


def test_the_rule_replaces_a_derivative_of_zero():
    @njit
    def f(x):
        return np.sum(stepped(x) * 2.0)

    assert close(plain(ng.grad(f), X), 2.0 * X)


def test_in_loops_with_residuals_that_are_written_over():
    root.defvjp(root_forward, root_backward)

    @njit
    def f(a, b):
        total = 0.0
        for i in range(3):
            x, square = root(a + i, b)
            b[0] = b[0] * x
            total += x * math.sin(square)
        return total + b[0]

    args = (1.3, X.copy())
    value, found = plain(ng.value_and_grad(f, (0, 1)), *args)
    assert close(value, f.py_func(1.3, X.copy()))
    assert close(found, tuple(differences(f.py_func, args, k) for k in (0, 1)), 1e-5, 1e-6)


def test_compiled_and_again():
    @njit
    def f(x):
        return np.sum(stepped(x) * x)

    first = ng.grad(f)
    assert close(first(X), X * X + stepped(X))

    @njit
    def h(x):
        return np.sum(first(x))

    assert close(plain(ng.grad(h), X), 2.0 * X)  # the floor of the forward is flat, the backward is not


def test_bad_rules_are_refused():
    @ng.custom_vjp
    @njit
    def bare(x):
        return x

    @njit
    def f(x):
        return bare(x) * 2.0

    with pytest.raises(GradientError, match="bare has no rule yet"):
        plain(ng.grad(f), 1.0)

    bare.defvjp(clipped_forward, stepped_two)
    with pytest.raises(GradientError, match="returns 2 gradients for 1 arguments"):
        plain(ng.grad(f), 1.0)

    @njit
    def g(x):
        return clipped(x) * 2.0

    with pytest.raises(GradientError, match="reverse mode"):
        ng.jvp(g, (1.0,), (1.0,))


@njit
def stepped_two(_, g):
    return g, g
