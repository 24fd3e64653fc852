"""Loops over time: the state of each turn is kept, the rest computed again; gradients stay."""

import numpy as np
import pytest
from numba import njit

import nbgrad as ng
from tests.ad.plain import close, differences, plain
from tests.ad.zoo import values


@njit
def euler(y, n, h):
    k = np.zeros(y.size)
    for _ in range(n):
        for i in range(y.size):
            k[i] = y[i] * (1.0 - y[(i + 1) % y.size])
        for i in range(y.size):
            y[i] += h * k[i]
    return np.sum(y * y)


@njit
def stages(y, n, h):
    k1, k2, mid = np.zeros(y.size), np.zeros(y.size), np.zeros(y.size)
    for _ in range(n):
        for i in range(y.size):
            k1[i] = y[i] * (1.0 - y[i])
        for i in range(y.size):
            mid[i] = y[i] + 0.5 * h * k1[i]
        for i in range(y.size):
            k2[i] = mid[i] * (1.0 - mid[i])
        for i in range(y.size):
            y[i] = y[i] + h * k2[i]
    return np.sum(y) * y[0]


@njit
def state_in_numbers(y, n, h):
    a, b = y[0], y[1]
    for _ in range(n):
        c = a * (1.0 - b)
        d = b * c * (a - 0.3)
        e = c * d + a
        a = a + h * c * e
        b = b + h * d * e
    return a * b


@njit
def work_array_outlives(y, n, h):
    k = np.zeros(y.size)
    for _ in range(n):
        for i in range(y.size):
            k[i] = k[i] * 0.5 + y[i] * y[i]
        for i in range(1, y.size):
            y[i] += h * k[i] * y[i - 1]
    return np.sum(y) + k[0]


@njit
def written_again_and_again(y, n, h):
    for _ in range(n):
        for _ in range(2):
            for i in range(y.size):
                y[i] = y[i] * y[i] * h + 0.3 * y[i]
    return np.sum(y)


@njit
def counted_from_the_end(y, n, h):
    for _ in range(n):
        for i in range(-1, y.size):
            y[i] = y[i] * y[i] * h + 0.3 * y[i]
    return np.sum(y)


@pytest.mark.parametrize("f", [written_again_and_again, counted_from_the_end, euler, stages, state_in_numbers, work_array_outlives], ids=lambda f: f.__name__)
@pytest.mark.parametrize("n", [0, 1, 5])
def test_gradients(f, n):
    args = (values(4, low=0.2, high=0.8), n, 0.3)
    value, found = plain(ng.value_and_grad(f, (0, 2)), *args)
    assert value == pytest.approx(f.py_func(args[0].copy(), *args[1:]))
    assert close(found, tuple(differences(f.py_func, args, k) for k in (0, 2)), 1e-6, 1e-8)
