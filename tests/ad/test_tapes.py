"""What the way back reads of the way forward: kept where it is dear, computed again where it is cheap."""

import math

import numpy as np
import pytest
from numba import njit

import nbgrad as ng
from tests.ad.plain import close, differences, plain, text
from tests.ad.zoo import V


def kept(f, *args):
    """Return how many tapes a gradient has."""
    lines = text(ng.grad(f), *args).splitlines()
    return sum("take(" in line or ("tape" in line.split("=")[0] and "np.empty" in line) for line in lines)


def right(f, *args, wrt=0):
    assert close(plain(ng.grad(f, wrt), *args), differences(f.py_func, args, wrt), 1e-6, 1e-7)


@njit
def linear(x, n):
    s = 0.0
    for i in range(n):
        s = s + 3.0 * x[i]
    return s


@njit
def recurrence(x, n):
    s = 0.5
    for i in range(n):
        s = math.sin(s) * x[i]
    return s


@njit
def triangle(x, n):
    s = 0.5
    for i in range(n):
        for j in range(i):
            s = s * x[j] + math.exp(-s)
    return s


@njit
def uneven(x, n):
    s = 0.5
    for i in range(n):
        k = 0
        while s < 1.0 + i:
            s = s * (1.2 + x[k % 5]) + 0.1
            k += 1
        s = s - 0.5 * i
    return s


@njit
def strided(x, n):
    s = 0.5
    for i in range(n, -1, -2):
        for j in range(0, i, 3):
            s = s * x[j] + s * s * 0.1
    return s


@njit
def in_branches(x, n):
    s = 0.5
    for i in range(n):
        if x[i] > 1.0:
            t = s * x[i]
            for _ in range(i):
                t = t * t * 0.5
            s = s + t
        else:
            s = s * 0.7 * s
    return s


@njit
def overwritten(x, n):
    y = np.zeros(3)
    for i in range(n):
        y[i % 3] = y[(i + 1) % 3] * x[i] + x[i] ** 2
    return y[0] * y[1] + y[2]


@pytest.mark.parametrize("f", [linear, recurrence, triangle, uneven, strided, in_branches, overwritten], ids=lambda f: f.__name__)
@pytest.mark.parametrize("n", [0, 1, 4])
def test_gradients(f, n):
    right(f, V, n)


def test_linear_loops_keep_nothing():
    assert kept(linear, V, 4) == 0
    assert kept(recurrence, V, 4) >= 1


def test_tapes_grow():
    @njit
    def long(x, n):
        s = x
        for i in range(n):
            for j in range(i):
                s = math.sin(s) + 0.1 * j * x
        return s

    assert "grow(" in text(ng.grad(long), 0.5, 60)
    right(long, 0.5, 60)


@njit
def in_a_branch_of_each_level(x, n):
    if n == 0:
        return np.sum(x * x)
    y = 0.5 * x + 0.1
    for i in range(1, y.size):
        y[i] = math.sin(y[i - 1]) * y[i]
    s = in_a_branch_of_each_level(y, n - 1)
    y[0] = s
    return s + y[0] * y[1]


@njit
def in_a_branch(x, n):
    s = 0.5
    if n > 2:
        for i in range(n):
            s = math.sin(s) * x[i % x.size]
    return s * s


def test_tapes_of_a_branch_are_given_back_after_the_way_back():
    lines = [line.strip() for line in text(ng.grad(in_a_branch), V, 4).splitlines()]
    assert lines.index(next(t for t in lines if t.startswith("give("))) > lines.index(next(t for t in lines if t.startswith("g_s_ = 0.0")))
    assert lines[-2].startswith("give(") and lines[-1].startswith("return")
    right(in_a_branch, V, 4)
    right(in_a_branch, V, 1)


def test_calls_inside_of_calls_have_tapes_of_their_own():
    assert close(ng.grad(in_a_branch_of_each_level)(V, 3), differences(in_a_branch_of_each_level.py_func, (V, 3), 0), 1e-6, 1e-8)
