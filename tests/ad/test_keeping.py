"""What the way back reads: computed again where that is cheap, kept on tapes where it is not."""

import numpy as np
import pytest
from numba import njit

import nbgrad as ng
from tests.ad.plain import close, differences, plain, text
from tests.ad.zoo import values


@njit
def product(x):
    p = 1.0
    for i in range(x.size):
        p *= x[i]
    return p


@njit
def triangle(x):
    s = 1.0
    for i in range(x.size):
        for j in range(i):
            s = s + 0.1 * np.sin(s * x[j]) * x[i]
    return s


@njit
def while_in_for(x):
    s = 0.0
    for i in range(x.size):
        y = 1.0 + x[i] * x[i]
        while y > 0.2:
            y = 0.5 * y * np.cos(0.1 * y)
            s += y * y
    return s


@njit
def for_in_while(x):
    s, n = x[0], 0
    while s < 20.0 and n < 9:
        for i in range(n):
            s += 0.3 * s * x[i % x.size] ** 2
        s += 1.0
        n += 1
    return s


@njit
def by_twos(x):
    p = 1.0
    for i in range(x.size - 1, -1, -2):
        p = p * x[i] + np.exp(0.1 * p)
    return p


@njit
def kept_in_a_branch(x):
    p = 1.0
    for i in range(x.size):
        if x[i] > 0.5:
            p = p * np.exp(p * 0.1 * x[i])
        else:
            p = p - x[i] * p * p * 0.1
    return p


ALL = [product, triangle, while_in_for, for_in_while, by_twos, kept_in_a_branch]


@pytest.mark.parametrize("f", ALL, ids=lambda f: f.__name__)
@pytest.mark.parametrize("n", [1, 4])
def test_gradients(f, n):
    x = values(n) + 0.2
    value, g = plain(ng.value_and_grad(f), x)
    assert close(value, f.py_func(x), 1e-12)
    assert close(g, differences(f.py_func, (x,), 0), 1e-5, 1e-7)


def test_tapes_grow():
    @njit
    def f(x, n):
        s = x
        k = 0
        while k < n:
            for _ in range(3):
                s = s + 1e-3 * np.sin(s)
            k += 1
        return s

    assert close(plain(ng.grad(f), 0.7, 400), differences(f.py_func, (0.7, 400), 0), 1e-6)
    assert "grow(" in text(ng.grad(f), 0.7, 400)


def test_a_sum_keeps_nothing():
    @njit
    def f(x):
        s = 0.0
        for i in range(x.size):
            s += 3.0 * x[i]
        return s

    assert "take(" not in text(ng.value_and_grad(f), values(3))


def test_what_exp_gave_is_kept_and_not_computed_again():
    @njit
    def f(x, n):
        for _ in range(n):
            x = np.exp(-x)
        return x

    assert text(ng.grad(f), 0.5, 3).count("exp(") == 1
