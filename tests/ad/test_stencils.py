"""The gradient of a stencil is a stencil: each place gathers its sums."""

import numpy as np
import pytest
from numba import njit

import nbgrad as ng
from tests.ad.plain import close, differences, plain, text
from tests.ad.zoo import values


@njit
def line(u, k):
    v = np.zeros(u.size)
    for i in range(1, u.size - 1):
        v[i] = u[i] * k + 0.3 * (u[i - 1] - 2.0 * u[i] + u[i + 1])
    return np.sum(v * v)


@njit
def plane(u, k):
    v = np.zeros(u.shape)
    for i in range(1, u.shape[0] - 1):
        for j in range(1, u.shape[1] - 1):
            v[i, j] = k * (u[i - 1, j] + u[i + 1, j] + u[i, j - 1] + 2.0 * u[i, j + 1])
    return np.sum(v * v)


@njit
def crossed(u, k):
    v = np.zeros(u.shape)
    for i in range(u.shape[0] - 1):
        for j in range(u.shape[1] - 1):
            v[i, j] = k * u[i + 1, j + 1] - u[i, j]
    return np.sum(v * v * v)


@njit
def of_two(x, n):
    u, v, w = x.copy(), np.zeros(x.size), np.zeros(x.size)
    for _ in range(n):
        for i in range(x.size - 1):
            w[i] = 0.3 * v[i + 1] - u[i]
        for i in range(1, x.size - 1):
            v[i] = u[i] + 0.2 * u[i - 1]
        u, v = v, u
    return np.sum(u * u) + np.sum(w * v)


def test_sums_into_two_arrays_that_are_exchanged_stay_apart():
    args = (values(5), 3)
    assert close(plain(ng.grad(of_two), *args), differences(of_two.py_func, args, 0), 1e-6, 1e-8)


@pytest.mark.parametrize(("f", "u"), [(line, values(7)), (line, values(3)), (line, values(2)), (line, values(1)), (plane, values(5, 6)), (plane, values(3, 3)),
                                      (plane, values(2, 5)), (crossed, values(4, 3)), (crossed, values(1, 4))])  # fmt: skip
def test_gradients_of_stencils_of_any_extent(f, u):
    found = plain(ng.grad(f, (0, 1)), u, 0.7)
    assert close(found, tuple(differences(f.py_func, (u, 0.7), k) for k in (0, 1)), 1e-6, 1e-8)


def test_each_place_is_written_once():
    found = text(ng.grad(line), values(7), 0.7)
    assert any(line.count("g_v[") >= 2 and line.strip().startswith("g_u[") for line in found.splitlines())
