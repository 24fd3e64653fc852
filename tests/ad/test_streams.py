"""Innermost loops in the form that vectorises."""

import numpy as np
import pytest
from numba import njit, prange

import nbgrad as ng
from tests.ad.plain import close, differences, plain, text
from tests.ad.zoo import values


@njit
def packed(x, w):
    s, p = 0.0, 0
    for i in range(x.size):
        for j in range(i + 1, x.size):
            s += w[p] * x[i] * x[j] * x[j]
            p += 1
    return s


@njit
def shifted(x, w):
    s = 0.0
    for i in range(x.size):
        s += x[i - 1] * x[i] * w[0]  # the first turn reads the last element
    return s


@njit
def guarded(x, w):
    s = 0.0
    for k in range(x.size):
        for i in range(x.size):
            if i >= k:
                s += x[i - k] * x[i] * w[k]
    return s


@njit
def at_one_place(x, w):
    out = np.zeros(x.size)
    for i in range(x.size):
        for j in range(w.size):
            out[i] += x[i] * w[j] * w[j]
    return np.sum(out * out)


X, W = values(5), values(10) + 0.1


@pytest.mark.parametrize("f", [packed, shifted, guarded, at_one_place], ids=lambda f: f.__name__)
def test_gradients(f):
    found = plain(ng.grad(f, (0, 1)), X, W)
    assert close(found, tuple(differences(f.py_func, (X, W), k) for k in (0, 1)), 1e-5, 1e-7)


def test_places_are_unsigned_and_counted_from_0():
    assert "np.uint64(" in text(ng.grad(packed), X, W)
    assert "np.uint64(" not in text(ng.grad(shifted), X, W)


def test_sums_into_one_place_add_up_in_a_register():
    assert "_sum = plus(" in text(ng.grad(at_one_place), X, W)


def test_nothing_is_written_where_a_loop_makes_no_turn():
    @njit
    def f(x, n, k):
        s = 0.0
        for j in range(n):
            s += x[k] * x[k] * j
        return s

    assert np.array_equal(plain(ng.grad(f), X, 0, 99), np.zeros(5))


def test_a_computed_negative_index_is_refused():
    @njit
    def f(x, k):
        s = 0.0
        for i in range(3):
            s += x[k + i] ** 2
        return s

    g = ng.grad(f)
    assert close(plain(g, X, 1), differences(f.py_func, (X, 1), 0))
    with pytest.raises(IndexError, match="negative"):
        plain(g, X, -2)


@njit(parallel=True)
def shared(x):
    s = 0.0
    for i in prange(x.size):
        s += np.sin(x[i])
    return s


@njit(parallel=True)
def shared_and_shifted(x, k):
    s = 0.0
    for i in prange(x.shape[0]):
        for j in range(k, x.shape[1]):
            s += x[i, j] * x[i, j - k] * x[i, j - 2]
    return s


def test_nothing_raises_between_threads():
    assert "IndexError" not in text(ng.grad(shared), X) and "np.uint64(" in text(ng.grad(shared), X)
    assert close(ng.grad(shared)(X), np.cos(X), 1e-15)
    x = values(12).reshape(3, 4)
    assert "IndexError" not in text(ng.grad(shared_and_shifted), x, 1)
    assert close(plain(ng.grad(shared_and_shifted), x, 1), differences(shared_and_shifted.py_func, (x, 1), 0), 1e-5, 1e-7)
