"""Turns that hand on one number keep the factors of their way back: gradients stay."""

import math

import numpy as np
import pytest
from numba import njit, prange

import nbgrad as ng
from tests.ad.plain import close, differences, plain, text
from tests.ad.zoo import values


@njit
def roots(b, a):
    total = 0.0
    for i in range(b.size):
        x, step = 1.0, 1.0
        while abs(step) > 1e-9:
            step = (x * x * x + a * x - b[i]) / (3 * x * x + a)
            x -= step
        total += x * x
    return total


@njit
def slow(b, a):
    total = 0.0
    for i in range(b.size):
        x, step, turns = 1.0, 1.0, 0
        while abs(step) > 1e-12 and turns < 700:  # more turns than tapes have room for at first
            step = (x * x * x + a * x - b[i]) / (3 * x * x + a)
            x -= 0.02 * step
            turns += 1
        total += x * x
    return total


@njit(parallel=True)
def roots_in_threads(b, a):
    total = 0.0
    for i in prange(b.size):
        x, step = 1.0, 1.0
        while abs(step) > 1e-9:
            step = (x * x * x + a * x - b[i]) / (3 * x * x + a)
            x -= step
        total += x * x
    return total


@njit
def headed(b, a):
    y = 1.0
    while abs(y * y * y + y - 2.0 - a * b[0]) > 1e-12:
        y = y - (y * y * y + y - 2.0 - a * b[0]) / (3 * y * y + 1)
    return y * b[1]


@njit
def logistic(x, a):
    y = 0.4
    for i in range(x.size - 1):
        y = (y * y * x[i] + a * y * x[i + 1]) / (1.0 + y * y * a + math.sin(y) * y)
    return y


@njit
def halted(x, a):
    y = a
    for i in range(x.size):
        if y < 1.2:
            y = y * y * x[i] / (y * y * a + y + x[i])
    return y


@njit
def steep(x, a):
    y = a
    for i in range(x.size):
        y = math.sqrt(y * y * 0.5 + x[i] * y) / (y * y + y * a + 1.0)
    return y


@njit
def two_states(x, a):
    u, v = a, 0.3
    for i in range(x.size):
        u, v = u * v * x[i] + u / (1.0 + v * v + u * u), u * u * a + v * v * 0.2
    return u * v


@njit
def twice(x, k):
    y = np.float32(0.5)
    for i in range(x.size):
        y = y * y * k * x[i] / (y * y + y * x[i] + np.float32(1.0)) + y
    return y


ARGS = (values(4), 1.3)


@pytest.mark.parametrize("f", [roots, roots_in_threads, headed, logistic, halted, steep, two_states], ids=lambda f: f.py_func.__name__)
def test_gradients(f):
    assert close(plain(ng.grad(f, (0, 1)), *ARGS), tuple(differences(f.py_func, ARGS, k) for k in (0, 1)), 1e-6, 1e-7)


@pytest.mark.parametrize("f", [roots, logistic, halted], ids=lambda f: f.py_func.__name__)
def test_gradients_with_values_and_second_derivatives(f):
    value, found = plain(ng.value_and_grad(f, (0, 1)), *ARGS)
    assert value == pytest.approx(f.py_func(*ARGS), rel=1e-12)
    assert close(found, plain(ng.grad(f, (0, 1)), *ARGS), 1e-12)
    slope = lambda x: plain(ng.grad(f), x, ARGS[1])
    along = (slope(ARGS[0] + 1e-6) - slope(ARGS[0] - 1e-6)) / 2e-6
    assert close(ng.hvp(f, ARGS, (np.ones(4), 0.0))[0], along, 1e-6, 1e-7)


def test_no_turns():
    assert close(plain(ng.grad(logistic, (0, 1)), values(1), 1.3), (np.zeros(1), 0.0))


def test_floats_of_32_bits_stay():
    x = values(3).astype(np.float32)
    found = ng.grad(twice)(x, 3)
    assert found.dtype == np.float32
    assert close(found, differences(lambda v: twice.py_func(v, 3), (x.astype(np.float64),), 0), 1e-4)


@pytest.mark.parametrize(("f", "count"), [(roots, 3), (roots_in_threads, 3), (headed, 3), (two_states, 0)])
def test_factors_are_kept_where_that_is_a_gain(f, count):
    assert text(ng.grad(f, (0, 1)), *ARGS).count("tape_factor") > 0 if count else "factor" not in text(ng.grad(f, (0, 1)), *ARGS)
    lines = [line for line in text(ng.grad(f, (0, 1)), *ARGS).splitlines() if "= take(" in line and "factor" in line]
    assert len(lines) == count


def test_tapes_of_a_turn_ask_for_room_in_one_go():
    lines = [line.strip() for line in text(ng.grad(roots, (0, 1)), *ARGS).splitlines()]
    assert sum(" or " in line and line.count(".size < ") == 3 for line in lines) == 1


def test_tapes_of_a_turn_grow():
    found = ng.grad(slow, (0, 1))(*ARGS)
    assert close(found, tuple(differences(slow.py_func, ARGS, k) for k in (0, 1)), 1e-6, 1e-7)
