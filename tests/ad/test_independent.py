"""Loops whose turns may run in any order, and those whose turns may not: a wrong answer would be a wrong gradient."""

import numpy as np
import pytest
from numba import njit

import nbgrad as ng
from nbgrad.ad.independent import Turns, counts, definitions
from nbgrad.ad.reverse import prepared
from nbgrad.ad.statements import Loop
from nbgrad.loops import source
from tests.ad.made import function
from tests.ad.plain import close, copies, differences, lowered, plain

X, Y = np.array([0.5, 1.5, 0.7, 1.1]), np.array([0.4, 0.9, 1.3, 0.8])


@njit
def sums(x, y):
    s = 0.0
    for i in range(4):
        t = x[i] * y[i]
        s += t * t
    return s


@njit
def own_places(x, y):
    for i in range(4):
        x[i] = y[i] * y[i]
    return np.sum(x * x)


@njit
def one_place(x, y):
    for i in range(4):
        x[1] = y[i] * y[i]
    return np.sum(x * x)


@njit
def carried(x, y):
    s = 1.0
    for i in range(4):
        s = s * x[i] + y[i]
    return s


@njit
def from_the_end(x, y):
    for i in range(-1, 4):
        x[i] = y[i] * y[i] * (i + 2)
    return np.sum(x * x)


@njit
def shifted_from_the_end(x, y):
    for i in range(0, 5):
        x[i - 1] = y[i - 1] * (i + 1)
    return np.sum(x * x)


@njit
def views_from_each(x, y):
    for i in range(4):
        v = x[i:]
        v[0] = y[i]
        v[-1] = y[i] * i
    return np.sum(x * x)


@njit
def inner_places(x, y):
    for _ in range(3):
        for j in range(4):
            x[j] = y[j] * x[0]
    return np.sum(x * x)


@njit
def work_array(x, y):
    s, w = 0.0, np.empty(4)
    for i in range(4):
        for j in range(4):
            w[j] = x[i] * y[j]
        for j in range(4):
            s += w[j] * w[3 - j]
    return s


@njit
def chosen_in_a_branch(x, y):
    s = 0.0
    for i in range(4):
        if y[i] > 0.5:
            t = x[i] * (x[i] if x[i] > 1.0 else y[i] * y[i])
            s += t * (t if t > 0.7 else 2.0)
    return s


@njit
def older_behind_a_branch(x, y):
    s, t = 0.0, 1.0
    for i in range(4):
        if y[i] > 0.85:
            t = x[i] * y[i]
        s += t * t * x[i]
    return s


@njit
def older_on_the_other_way(x, y):
    s, t = 0.0, 1.0
    for i in range(4):
        if y[i] > 0.85:
            t = x[i] * y[i]
        else:
            s += t * t * x[i]
    return s


ALL = [sums, own_places, one_place, carried, from_the_end, shifted_from_the_end, views_from_each, inner_places, work_array,
       chosen_in_a_branch, older_behind_a_branch, older_on_the_other_way]  # fmt: skip


@pytest.mark.parametrize("f", ALL, ids=lambda f: f.__name__)
def test_gradients(f):
    found = plain(ng.grad(f, (0, 1)), X, Y)
    assert close(found, tuple(differences(f.py_func, (X, Y), k) for k in (0, 1)), 1e-6, 1e-8)
    assert np.isfinite(f.py_func(*copies((X, Y))))


@pytest.mark.parametrize(("f", "expected"), [(sums, True), (own_places, True), (one_place, False), (carried, False), (from_the_end, False),
                                             (shifted_from_the_end, False), (views_from_each, False),
                                             (chosen_in_a_branch, True), (older_behind_a_branch, False),
                                             (older_on_the_other_way, False)], ids=lambda v: getattr(v, "__name__", v))  # fmt: skip
def test_which_turns_are_independent(f, expected):
    made = prepared(lowered(f, X, Y))
    loop = next(s for s in made.body if isinstance(s, Loop))
    assert Turns(loop, made.body, made.roots, {}, {p.name for p in made.params}).ok == expected


def test_numbers_that_are_never_negative():
    made = prepared(lowered(work_array, X, Y))
    known = definitions(made.body)
    loops = [s for s in known[1].values()]
    assert loops and all(counts(s.index, *known) for s in loops)
    known = definitions(prepared(lowered(from_the_end, X, Y)).body)
    assert not all(counts(s.index, *known) for s in known[1].values())


def test_a_loop_whose_sums_nobody_asks_for_runs_once():
    f = function("""
def f(x, w):
    total = 0.0
    work = np.empty(w.size)
    for i in range(x.size):
        top = 0.0
        for j in range(w.size):
            work[j] = x[i] * w[j]
            top += work[j] * work[j]
        total += np.exp(-top)
    return total
""", "f")
    text = source(ng.grad(f), np.ones(3), np.ones(2))
    assert text.count("exp(") == 1
