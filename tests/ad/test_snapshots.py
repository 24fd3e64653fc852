"""Loops over time keep the state at each turn, and compute the rest again."""

import numpy as np
import pytest
from numba import njit

import nbgrad as ng
from tests.ad.plain import close, differences, plain, text
from tests.ad.zoo import values


@njit
def slope(y, c, out):
    n = y.size
    out[0] = c * (y[1] - y[0]) - y[0] * y[0] * y[0]
    for i in range(1, n - 1):
        out[i] = c * (y[i - 1] - 2 * y[i] + y[i + 1]) - y[i] * y[i] * y[i]
    out[n - 1] = c * (y[n - 2] - y[n - 1]) - y[n - 1] * y[n - 1] * y[n - 1]


@njit
def chain(start, c, h, steps):
    y = start.copy()
    a, b = np.empty_like(y), np.empty_like(y)
    for _ in range(steps):
        slope(y, c, a)
        slope(y + h * a, c, b)
        y += h / 2 * (a + b)
    return np.sum(y * y)


@njit
def driven(start, c, h, steps):
    y = start.copy()
    a, b = np.empty_like(y), np.empty_like(y)
    amplitude = 1.0
    for _ in range(steps):
        force = amplitude
        slope(y, c * force, a)
        slope(y + h * a, c, b)
        for i in range(y.size):
            y[i] = y[i] + h / 2 * (a[i] + b[i]) * force
        amplitude = 0.9 * force * force
    return np.sum(y * y) + amplitude


@njit
def in_place(start, c, h, steps):
    y = start.copy()
    for _ in range(steps):
        for i in range(1, y.size):
            y[i] = y[i] + h * c * y[i - 1] * y[i] * y[i]
    return np.sum(y * y)


ARGS = (0.5 * values(5), 0.3, 0.05, 4)


@pytest.mark.parametrize("f", [chain, driven, in_place], ids=lambda f: f.__name__)
@pytest.mark.parametrize("steps", [0, 1, 4])
def test_gradients(f, steps):
    args = (*ARGS[:3], steps)
    value, found = plain(ng.value_and_grad(f, (0, 1, 2)), *args)
    assert close(value, f.py_func(*args), 1e-12)
    assert close(found, tuple(differences(f.py_func, args, k) for k in range(3)), 1e-6, 1e-8)


@pytest.mark.parametrize(("f", "state"), [(chain, True), (driven, True), (in_place, False)], ids=["chain", "driven", "in_place"])
def test_the_state_is_kept_where_it_is_less_than_what_is_read(f, state):
    source = text(ng.value_and_grad(f), *ARGS)
    assert ("_before = np.empty(" in source) is state
    if state:
        assert "grow(" not in source  # nothing but the state, whose size is known


def test_costly_turns_are_not_computed_again():
    @njit
    def f(start, h, steps):
        y = start.copy()
        a, b = np.empty_like(y), np.empty_like(y)
        for _ in range(steps):
            for i in range(y.size):
                a[i] = np.exp(-y[i])
            for i in range(y.size):
                b[i] = np.exp(-a[i] * y[i])
            y += h * (a * b)
        return np.sum(y * y)

    args = (0.5 * values(4), 0.05, 3)
    assert "_before = np.empty(" not in text(ng.value_and_grad(f), *args)
    assert close(plain(ng.grad(f), *args), differences(f.py_func, args, 0))
