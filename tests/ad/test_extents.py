"""Extents of results, without what is in them."""

import numpy as np
import pytest
from numba import njit, typeof

import nbgrad as ng
from nbgrad.ad.extents import looks
from nbgrad.loops import derivative
from nbgrad.target.functions.kinds import kind_of
from tests.ad.plain import plain


@njit
def turned(m, flags):
    out = np.empty((m.shape[1], m.shape[0] + 1))
    count = 0
    for i in range(m.shape[0]):
        for j in range(m.shape[1]):
            out[j, i] = m[i, j] * (2.0 if flags[i] else 3.0)
            count += 1
    return out.T, count, m[1:, ::2]


@njit
def early(x):
    if x.size < 3:
        return x.copy()
    y = x * 2.0
    for _ in range(3):
        y = y + x
    z = np.zeros((y.size, 2))
    while z[0, 0] < 100.0:
        z += y[0] + 1.0
    return z[:, 0]


@njit
def library(a, b):
    return np.linalg.solve(a @ a.T, b), (np.concatenate((b, b)), np.sort(b)), np.cumsum(b)[1:], np.outer(b, b).sum(0)


@njit
def cut(x, n):
    if x[0] < 0.0:
        raise ValueError("negative")
    return x[: n + 1]


@njit
def exchanged(x):
    y = x * 1.0
    while y[0] < 100.0:
        y = y * 2.0
    return y


@njit
def positive(x):
    count = 0
    for i in range(x.size):
        if x[i] > 0.0:
            count += 1
    return np.zeros((count, 2))


CASES = {
    "turned": (turned, (np.ones((3, 4)), np.ones(3, bool)), set()),
    "early, short": (early, (np.ones(2),), set()),
    "early, long": (early, (np.ones(4),), set()),
    "library": (library, (np.eye(3), np.ones(3)), set()),
    "cut": (cut, (np.ones(5), 2), {"n"}),
    "exchanged": (exchanged, (np.ones(3),), {"x"}),
    "positive": (positive, (np.array([1.0, -1.0, 2.0]),), {"x"}),
}


def shapes(value):
    return [s for v in value for s in shapes(v)] if isinstance(value, tuple) else [np.shape(value)]


@pytest.mark.parametrize("name", CASES)
def test_extents_are_those_of_the_results(name):
    f, args, asked = CASES[name]
    made = derivative("extents", f)
    kinds = tuple(kind_of(typeof(a)) for a in args)
    assert looks(made.derivative.statements(kinds)) == asked
    expected = shapes(f(*args))
    if not asked:
        args = tuple([np.full_like(a, np.nan) if a.dtype.kind == "f" else a for a in args])
    assert list(plain(made, *args)) == expected


def test_nothing_else_is_computed():
    text = ng.source(derivative("extents", turned), np.ones((3, 4)), np.ones(3, bool))
    assert "for " not in text and "2.0" not in text
    assert "while" not in ng.source(derivative("extents", early), np.ones(3))
    assert "raise" not in ng.source(derivative("extents", cut), np.ones(3), 2)


def test_extents_of_derivatives():
    assert plain(derivative("extents", ng.grad(product, (0, 1))), np.ones(3), np.ones(3)) == ((3,), (3,))


@njit
def product(x, y):
    return (x * y).sum()
