"""Tangents of every function of the zoo, against finite differences and reverse mode; texts run as plain Python."""

import numpy as np
import pytest
from numba import njit

from nbgrad.base.errors import GradientError
from nbgrad.loops import derivative
from tests.ad.plain import close, copies, loaded, plain, text
from tests.ad.zoo import CASES

SINGLE = ("single", "mixed")


def tangent(x, random):
    """Return a direction of the structure of an argument."""
    if isinstance(x, tuple):
        parts = [tangent(i, random) for i in x]
        return type(x)(*parts) if hasattr(x, "_fields") else tuple(parts)
    if isinstance(x, np.ndarray):
        return random.normal(size=x.shape).astype(x.dtype) if x.dtype.kind == "f" else None
    return type(x)(random.normal()) if isinstance(x, float | np.floating) else 0.0


def moved(x, t, h):
    """Return an argument moved along a direction."""
    if isinstance(x, tuple):
        parts = [moved(a, b, h) for a, b in zip(x, t)]
        return type(x)(*parts) if hasattr(x, "_fields") else tuple(parts)
    if not (isinstance(x, float | np.floating) or (isinstance(x, np.ndarray) and x.dtype.kind == "f")):
        return x
    return (x + h * t).astype(x.dtype) if isinstance(x, np.ndarray) else type(x)(x + h * t)


@pytest.mark.parametrize("name", CASES)
def test_tangents_are_slopes_along_a_direction(name):
    c, random = CASES[name], np.random.default_rng(7)
    h, rtol = (1e-3, 5e-3) if name in SINGLE else (1e-6, 1e-5)
    for args in (c.args, *c.more):
        direction = [tangent(x, random) for x in args]
        out, t = plain(derivative("jvp", c.fn), *args, *direction)
        ends = [c.fn.py_func(*copies(moved(x, t, s) for x, t in zip(args, direction))) for s in (h, -h)]
        assert close(out, c.fn.py_func(*copies(args)), 1e-6 if name in SINGLE else 1e-12)
        np.testing.assert_allclose(t, (ends[0] - ends[1]) / (2 * h), rtol=rtol, atol=1e-6)


@njit
def filled(x, y, k):
    for i in range(x.size):
        y[i] = y[i] * k + x[i] ** 2
    return y[0] * x[1]


def test_the_tangent_of_an_array_is_written_where_the_array_is():
    x, y, t_x, t_y = np.array([1.0, 2.0]), np.array([3.0, 4.0]), np.array([1.0, -1.0]), np.array([0.5, 0.25])
    f = derivative("jvp", filled)
    run = loaded(text(f, x, y, 2.0, t_x, t_y, 1.0), "jvp_filled")
    out, t = run(x, y, 2.0, t_x, t_y, 1.0)
    np.testing.assert_allclose(y, [7.0, 12.0])
    np.testing.assert_allclose(t_y, [2 * 0.5 + 3.0 + 2.0, 2 * 0.25 + 4.0 - 4.0])
    assert (out, t) == (14.0, t_y[0] * 2.0 + 7.0 * -1.0)


@njit
def several(x, n):
    return x * 2.0, (n, x.sum()), n * 1.5, x.size


def test_results_of_integers_have_tangents_of_zero():
    x = np.array([1.0, 2.0])
    out, t = plain(derivative("jvp", several), x, 3, np.array([1.0, 10.0]), 0.0)
    assert close(out, (x * 2.0, (3, 3.0), 4.5, 2))
    assert close(t, (np.array([2.0, 20.0]), (0.0, 11.0), 0.0, 0.0))


@njit
def tail(x):
    return x[1:]


@njit
def constants(x):
    return np.ones(2), 1.0


def test_results_that_are_views_and_constants():
    _, t = plain(derivative("jvp", tail), np.ones(3), np.array([1.0, 2.0, 3.0]))
    np.testing.assert_array_equal(t, [2.0, 3.0])
    _, t = plain(derivative("jvp", constants), 1.0, 1.0)
    assert close(t, (np.zeros(2), 0.0))


@njit
def root(x):
    return np.sqrt(x[0] * 0.0 + x[1])


def test_a_tangent_of_zero_stays_zero_where_the_slope_is_infinite():
    _, t = plain(derivative("jvp", root), np.array([1.0, 0.0]), np.array([1.0, 0.0]))
    assert t == 0.0


@njit
def cut(x):
    n = np.zeros(1, np.int64)
    n[0] = x
    return n[0] * 2.0


def test_a_float_put_into_an_array_of_integers_is_refused():
    with pytest.raises(GradientError, match="array of integers"):
        plain(derivative("jvp", cut), 2.0, 1.0)


@pytest.mark.parametrize("name", ["arithmetic", "powers", "branches", "product", "newton", "while_in_for", "overwritten_argument", "lotka_volterra"])
def test_forward_over_reverse_is_symmetric_and_the_slope_of_the_gradient(name):
    c = CASES[name]
    k = c.wrt[0]
    random = np.random.default_rng(3)
    direction = [tangent(x, random) if i == k else np.zeros_like(x) if isinstance(x, np.ndarray) else 0.0 for i, x in enumerate(c.args)]
    found = plain(derivative("hvp", c.fn), *c.args, *direction)
    found = found if len(c.args) == 1 else found[k]
    h = 1e-5
    ends = [plain(derivative("grad", c.fn, k), *[moved(x, t, s) for x, t in zip(c.args, direction)]) for s in (h, -h)]
    np.testing.assert_allclose(found, (ends[0] - ends[1]) / (2 * h), rtol=1e-5, atol=1e-5)
