"""Extents of exchanged arrays are those that they were made with, where these are the same."""

import numpy as np
import pytest
from numba import njit

import nbgrad as ng
from tests.ad.plain import close, differences, plain, text
from tests.ad.zoo import values


@njit
def exchanged(x, n):
    u, v = x.copy(), np.zeros(x.size)
    for _ in range(n):
        for i in range(1, u.size):
            v[i] = u[i - 1] * u[i]
        u, v = v, u
    return np.sum(u)


@njit
def longer(x, n):
    u, v = x.copy(), np.ones(x.size + 1)
    for _ in range(n):
        for i in range(1, min(u.size, v.size)):
            v[i] = u[i - 1] * 0.5
        u, v = v, u
    return np.sum(u) * u.size


@njit
def growing(x, n):
    u = x.copy()
    for k in range(n):
        v = np.ones(x.size + k)
        for i in range(x.size):
            v[i] = u[i] * u[u.size - 1]
        u = v
    return np.sum(u)


@njit
def chosen(x, n):
    u = x
    for k in range(n):
        if k % 2 == 0:
            u = x[1:] * 2.0
        else:
            u = u * u.size
    return np.sum(u) + x.size


@pytest.mark.parametrize("f", [exchanged, longer, growing, chosen], ids=lambda f: f.py_func.__name__)
@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_gradients(f, turns):
    args = (values(4), turns)
    assert close(plain(ng.grad(f), *args), differences(f.py_func, args, 0), 1e-6, 1e-7)


def test_extents_that_stay_are_not_kept():
    assert "tape_n" not in text(ng.grad(exchanged), values(4), 3)
    assert "tape_n" in text(ng.grad(longer), values(4), 3)
