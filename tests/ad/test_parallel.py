"""prange on the way back: no races, and the same bits for any number of threads."""

import numba
import numpy as np
import pytest
from numba import njit, prange

import nbgrad as ng
from tests.ad.plain import close, differences, plain, text
from tests.ad.zoo import values


@njit(parallel=True)
def likelihood(w, x):
    total = 0.0
    for i in prange(x.shape[0]):
        z = 0.0
        for j in range(w.size):
            z += x[i, j] * w[j]
        total += np.log1p(np.exp(-z))
    return total


@njit(parallel=True)
def iterated(w, x):
    total = 0.0
    for i in prange(x.shape[0]):
        y = 1.0
        while abs(y * y * y + y - 2.0 - w[0] * x[i, 0]) > 1e-12:
            y = y - (y * y * y + y - 2.0 - w[0] * x[i, 0]) / (3 * y * y + 1)
        total += y
    return total


@njit(parallel=True)
def own_memory(w, x):
    out = np.empty(x.shape[0])
    for i in prange(x.shape[0]):
        part = np.zeros(w.size)
        for j in range(w.size):
            part[j] = x[(i + j) % x.shape[0], 0] * w[j]
        s = 0.0
        for j in range(w.size):
            s += part[j] * part[j]
        out[i] = np.sin(s)
    return np.sum(out * out)


@njit(parallel=True)
def in_time(w, x):
    u, v = x.copy(), x.copy()
    for _ in range(3):
        for i in prange(1, x.shape[0] - 1):
            for j in range(x.shape[1]):
                v[i, j] = u[i, j] + w[0] * (u[i - 1, j] - 2.0 * u[i, j] + u[i + 1, j])
        for i in prange(1, x.shape[0] - 1):
            for j in range(x.shape[1]):
                u[i, j] = v[i, j]
    return np.sum(u * u)


@njit(parallel=True)
def in_order(w, x):
    total = np.ones(x.shape[0])
    for i in prange(x.shape[0]):
        for j in range(w.size):
            total[i] = total[i] * (1.0 + w[j] * x[i, j])
    return np.sum(total)


ALL = [likelihood, iterated, own_memory, in_time, in_order]
ARGS = (0.4 * values(3), values(21, 3))


@pytest.mark.parametrize("f", ALL, ids=lambda f: f.__name__)
def test_gradients(f):
    value, found = plain(ng.value_and_grad(f, (0, 1)), *ARGS)
    assert close(value, f.py_func(*ARGS), 1e-12)
    assert close(found, tuple(differences(f.py_func, ARGS, k) for k in (0, 1)), 1e-5, 1e-7)


def test_no_turns():
    value, (g, h) = plain(ng.value_and_grad(likelihood, (0, 1)), ARGS[0], np.zeros((0, 3)))
    assert value == 0.0 and not g.any() and h.shape == (0, 3)


def test_independent_turns_run_in_chunks():
    source = text(ng.value_and_grad(likelihood), *ARGS)
    assert "in prange(16)" in source and "_sums[chunk]" in source


@pytest.mark.parametrize("f", [likelihood, own_memory], ids=lambda f: f.__name__)
def test_the_same_bits_for_any_number_of_threads(f):
    both, before, found = ng.value_and_grad(f, (0, 1)), numba.get_num_threads(), []
    try:
        for n in range(1, before + 1):
            numba.set_num_threads(n)
            value, (g, h) = both(*ARGS)
            found.append((value, g.tobytes(), h.tobytes()))
    finally:
        numba.set_num_threads(before)
    assert all(one == found[0] for one in found)
    assert close(found[0][0], f.py_func(*ARGS), 1e-12)
