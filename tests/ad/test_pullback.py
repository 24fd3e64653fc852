"""Gradients of functions of several results, and of functions that write into their arguments."""

from typing import NamedTuple

import numpy as np
import pytest
from numba import njit

from nbgrad.base.errors import DtypeError, ShapeError
from nbgrad.loops import derivative
from tests.ad.plain import close, plain


class Two(NamedTuple):
    matrix: np.ndarray
    total: float


@njit
def two(p, a):
    return Two(np.outer(p.matrix[0], p.matrix[0]) * a, p.total * p.matrix.sum()), a


def test_gradients_come_in_the_structure_of_the_arguments():
    p = Two(np.arange(1.0, 5.0).reshape(2, 2), 3.0)
    g = Two(np.array([[1.0, 0.0], [2.0, 0.0]]), 0.5)
    (out, same), (g_p, g_a) = plain(derivative("pullback", two), p, 2.0, (g, 1.0), None, None)
    assert close(out, Two(np.outer([1, 2], [1, 2]) * 2.0, 30.0)) and same == 2.0
    np.testing.assert_allclose(g_p.matrix, np.array([[2 * (2 * 1 + 2 * 2), 2 * 2.0], [0.0, 0.0]]) + 0.5 * 3.0)
    assert g_p.total == 0.5 * 10.0
    assert g_a == 1.0 + (1.0 + 2.0 * 2.0)


def test_none_is_a_gradient_of_zero():
    p = Two(np.ones((2, 2)), 3.0)
    _, (g_p, g_a) = plain(derivative("pullback", two), p, 2.0, (None, 1.0), None, None)
    assert close(g_p, Two(np.zeros((2, 2)), 0.0)) and g_a == 1.0


@njit
def step(x, y, h):
    for i in range(x.size):
        y[i] = y[i] * h + x[i] * x[i]


@njit
def both(x, y):
    y[0] = x[0] * y[1]
    return y.sum()


def test_what_an_argument_holds_at_the_end_is_a_result():
    x, y = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    out, (g_x, g_y, g_h) = plain(derivative("pullback", step), x, y, 0.5, None, None, np.array([1.0, 10.0]), None)
    assert out is None
    np.testing.assert_allclose(g_x, [2.0, 40.0])
    np.testing.assert_allclose(g_y, [0.5, 5.0])
    assert g_h == 43.0
    out, (g_x, g_y) = plain(derivative("pullback", both), x, y, 2.0, None, np.array([1.0, 0.0]))
    assert out == 8.0
    np.testing.assert_allclose(g_x, [3.0 * 4.0, 0.0])
    np.testing.assert_allclose(g_y, [0.0, 2.0 + 3.0 * 1.0])


@njit
def itself(x):
    x[0] *= 2.0
    return x, x[1:]


def test_results_that_share_the_memory_of_an_argument():
    _, (g_x,) = plain(derivative("pullback", itself), np.array([1.0, 2.0]), (np.array([1.0, 1.0]), np.array([5.0])), None)
    np.testing.assert_allclose(g_x, [2.0, 6.0])


@njit
def split(x, n):
    return x * 2.0, x.sum()


@pytest.mark.parametrize("g", [1.0, (np.ones(2),), (1.0, 1.0), (np.ones((2, 1)), 1.0)])
def test_a_gradient_of_another_structure_is_refused(g):
    with pytest.raises(ShapeError):
        plain(derivative("pullback", split), np.ones(2), 3, g, None, None)


def test_a_gradient_of_another_shape_is_refused_when_it_runs():
    with pytest.raises(ValueError, match="shapes do not fit"):
        plain(derivative("pullback", split), np.ones(2), 3, (np.ones(3), 1.0), None, None)


def test_adjoints_give_gradients_alone():
    x, n = np.array([1.0, 2.0, 3.0]), 2
    (g_x,) = plain(derivative("adjoint", counted), x, n, (np.ones(3), 5.0))
    np.testing.assert_allclose(g_x, 2.0 + 5.0 * 2.0 * x)
    g_p, g_a = plain(derivative("adjoint", two, (0, 1)), Two(np.ones((2, 2)), 3.0), 2.0, (np.zeros((2, 2)), 1.0, 1.0))
    assert close(g_p, Two(np.full((2, 2), 3.0), 4.0)) and g_a == 1.0
    with pytest.raises(DtypeError, match="n is int64"):
        plain(derivative("adjoint", counted, 1), x, n, (np.ones(3), 5.0))


@njit
def counted(x, n):
    return x * n, n + 1, (x * x).sum()
