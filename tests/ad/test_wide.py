"""All directions in the innermost loops: where they stand, and functions that are taken one direction after the other."""

import math

import numpy as np
import pytest
from numba import njit, prange

from nbgrad.loops import derivative
from tests.ad.plain import text


@njit
def pulled(r, x):
    if r == 0.0:
        return x * x, x + 1.0
    length = math.sqrt(r)
    return x * math.cos(length), x / length


@njit
def turns(x, w):
    y = np.zeros(2 * w.size)
    for i in range(w.size):
        a, b = pulled(x[i] * x[i + 1], x[i + 2])
        y[2 * i] = w[i] * a
        y[2 * i + 1] = w[i] * b + a
    return y


@njit
def private(x):
    y, s = np.empty(x.size), 0.0
    for i in range(x.size):
        t = x[i]
        if t > 0.0:
            t = t * t
            if t > 1.0:
                t += x[i - 1]
        s += t
        y[i] = t * 2.0
    return y, s


@njit
def inner(x, k):
    y = np.ones((x.size, 2))
    for i in range(x.size):
        p, q = 1.0, x[i]
        for j in range(k):
            p *= q + x[j]
            if j == 1:
                q = p * x[i]
        y[i, 0] = p
        y[i, 1] *= np.exp(q)
    y[0, 0] = x[0] ** 2
    y[-1, 1] += 1.0
    return y


@njit
def steps(x, k):
    u = np.empty((k + 1, x.size))
    for i in range(x.size):
        u[0, i] = x[i]
    for t in range(k):
        for i in range(x.size):
            u[t + 1, i] = u[t, i] + 0.1 * np.sin(u[t, i - 1])
    last, out = 0.0, np.empty(x.size)
    t = 0
    while t < x.size:
        last = last * 0.5 + u[k, t]
        out[t] = last * u[k, 0]
        t += 1
    return out


@njit
def own_memory(x):
    y = np.empty(x.size)
    for i in range(x.size):
        w = np.empty(2)
        w[0], w[1] = x[i] ** 2, x[i - 1]
        if x[i] > 0.5:
            for k in range(2):
                w[k] *= x[i]
        y[i] = w[0] * w[1] + max(x[i], 0.25)
    return y


@njit
def in_place(x, a):
    for i in range(1, x.size):
        x[i] += x[i - 1] * a
    return x, a * 2.0, x.size


@njit
def around(x, w, at):
    y = np.empty(x.shape)
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            y[i, j] = x[i - 1, j - 1] * x[at[i], at[j] - 1] * w[j - 2] + x[-1, -2] * w[-1] * x[i, j]
    return y


@njit
def diffusion(x):
    u, v = x * 1.0, np.empty(x.size)
    for _ in range(3):
        for i in range(x.size):
            v[i] = u[i] + 0.1 * (u[i - 1] - u[i]) * u[i]
        for i in range(x.size):
            u[i] = v[i]
    return u


@njit(parallel=True)
def shared(x):
    y = np.empty(x.size)
    for i in prange(x.size):
        t = x[i] * x[i - 1]
        if t > 0.0:
            t = np.sqrt(t)
        y[i] = t * x[i]
    return y


@njit(parallel=True)
def total(x):
    s = 0.0
    for i in prange(x.size):
        s += np.exp(x[i])
    return s


@njit
def views(x):
    y = np.empty(x.shape[0])
    for i in range(x.shape[0]):
        y[i] = np.dot(x[i], x[i - 1])
    return y @ x


@njit
def copied(x):
    y = x.copy()
    for i in range(x.size):
        y[i] *= x[0]
    return y


X = np.array([0.3, -1.2, 0.9, 1.7, -0.4])
CASES = {  # name -> (function, arguments, which)
    "turns": (turns, (np.array([0.3, 1.2, 0.7, 0.0, 1.5]), np.array([0.5, 2.0, 1.5])), (0, 1)),
    "private": (private, (X,), (0,)),
    "inner": (inner, (X, 3), (0,)),
    "steps": (steps, (X, 3), (0,)),
    "own_memory": (own_memory, (X,), (0,)),
    "in_place": (in_place, (X, 0.5), (0, 1)),
    "around": (around, (X[:4].reshape(2, 2), X[1:3], np.array([-1, 1])), (1, 0)),
    "diffusion": (diffusion, (X,), (0,)),
    "shared": (shared, (X,), (0,)),
    "total": (total, (X,), (0,)),
    "views": (views, (np.stack((X, X[::-1] + 2.0)),), (0,)),
    "copied": (copied, (X,), (0,)),
    "single": (turns, (np.array([0.3, 1.2, 0.7, 0.0, 1.5], np.float32), np.array([0.5, 2.0, 1.5], np.float32)), (0, 1)),
}


def wide(name):
    f, args, wrt = CASES[name]
    at = np.zeros(1, np.int32)
    return text(derivative("wide", f, wrt), *args, np.zeros(1, int), 9, at, at)


@pytest.mark.parametrize("name", ["turns", "private", "inner", "steps", "own_memory", "around", "shared"])
def test_directions_stand_innermost(name):
    found = wide(name)
    assert "for column in" not in found and "lane" in found


def test_a_turn_is_run_once_and_has_one_loop_over_directions():
    found = wide("private")
    assert found.count("x[i]") == 1
    assert found.split("for i in range(")[1].split("\n        for ")[0].count("for first") == 1


def test_results_that_nobody_reads_are_handed_over_turn_by_turn():
    assert "t_y = np.empty(x.shape" not in wide("private") and "t_y = np.zeros" not in wide("private")
    assert "data[" in wide("private").split("for i in range(")[1].split("return")[0]


@pytest.mark.parametrize("name", ["views", "diffusion", "total"])
def test_whole_arrays_cheap_states_and_shared_sums_are_taken_one_direction_after_the_other(name):
    assert "for column in" in wide(name)


def test_loops_that_threads_share_stay_such():
    assert "in prange(" in wide("shared")
