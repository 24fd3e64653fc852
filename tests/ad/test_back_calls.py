"""The way back through calls of functions that call themselves."""

import math

import numpy as np
from numba import njit

import nbgrad as ng
from tests.ad.plain import close, differences, plain, text
from tests.ad.zoo import values


@njit
def total(x, w, n):
    if n == 0:
        return x[0] * w
    return total(x, w, n - 1) * 0.5 + x[n] * math.sin(w)


@njit
def constant_weights(x, w, n):
    return total(x, 0.4, n) + total(np.ones(n + 1), w, n)


def test_gradients_are_asked_for_what_is_active_only():
    args = (values(4), 0.7, 3)
    source = text(ng.grad(constant_weights, (0, 1)), *args)
    assert "pull_call_total_of_0(" in source and "pull_call_total_of_1(" in source
    assert close(plain(ng.grad(constant_weights, (0, 1)), *args), tuple(differences(constant_weights.py_func, args, k) for k in (0, 1)))


def test_arrays_that_are_written_later_are_kept():
    @njit
    def f(x, n):
        y = x * x
        s = total(y, 0.3, n) ** 2
        y[0] = s
        for _ in range(2):
            s += total(y, s, n)
            y[1] = s * y[1]
        return s + y[1]

    args = (values(4), 3)
    assert close(plain(ng.grad(f), *args), differences(f.py_func, args, 0))


@njit
def weighted(w, x, n):
    if n == 0:
        return x[0] * w
    return weighted(w * 0.5, x, n - 1) + x[n]


def test_what_a_call_reads_is_in_its_place_by_then():
    @njit
    def f(x, n):
        y, z = np.zeros(2), np.zeros(n)
        for i in range(n):
            y[0] += x[i]
            z[i] = weighted(0.7, y, 1)
        return z[0] * z[1] + z[2] * y[0]

    args = (values(3), 3)
    value, found = ng.value_and_grad(f)(*args)
    assert close(value, f.py_func(*args), 1e-13) and close(found, differences(f.py_func, args, 0))
