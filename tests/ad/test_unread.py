"""What nobody reads behind a statement is not written by it; what somebody may read is."""

import numpy as np
import pytest
from numba import njit

import nbgrad as ng
from tests.ad.plain import close, differences, plain, text


@njit
def steps(x, n):
    y, k, last = x.copy(), np.empty(x.size), np.empty(x.size)
    for _ in range(n):
        for i in range(x.size):
            k[i] = y[i] * y[i]
        for i in range(x.size):
            last[i] = 0.5 * y[i] - k[i] * y[i - 1]
        for i in range(x.size):
            y[i] += 0.1 * (k[i] + last[i])
    return np.sum(y * y)


@njit
def read_in_the_next_turn(x, n):
    y, k = x.copy(), np.zeros(x.size)
    for _ in range(n):
        for i in range(x.size):
            y[i] = y[i] * (1.0 + k[i - 1]) * 0.5
        for i in range(x.size):
            k[i] = y[i] * y[i - 1]
    return np.sum(y)


@njit
def read_through_a_view(x, n):
    k = np.empty(2 * x.size)
    v = k[1:]
    for t in range(n):
        for i in range(x.size):
            k[i + 1] = x[i] * (x[i] + t)
        for i in range(x.size):
            x[i] = v[i] * v[i] * 0.5
    return np.sum(x)


@njit
def swapped(x, n):
    a, b = x.copy(), np.zeros(x.size)
    for _ in range(n):
        for i in range(x.size):
            b[i] = a[i] * a[i - 1]
        a, b = b, a
    return np.sum(a)


X = np.array([0.5, -0.7, 1.2, 0.9])


@pytest.mark.parametrize("f", [steps, read_in_the_next_turn, read_through_a_view, swapped], ids=lambda f: f.__name__)
@pytest.mark.parametrize("n", [0, 1, 3])
def test_gradients(f, n):
    value, found = plain(ng.value_and_grad(f), X, n)
    assert value == pytest.approx(f.py_func(X.copy(), n))
    assert close(found, differences(f.py_func, (X, n), 0), 1e-6, 1e-8)


def test_a_stage_that_the_way_back_does_not_read_is_computed_on_the_way_forward_alone():
    found = text(ng.grad(steps), X, 3)
    assert found.count("= 0.5 * ") == 1
