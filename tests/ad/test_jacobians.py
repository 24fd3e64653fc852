"""Jacobians by columns and by rows: of the zoo against its gradients, of several results against finite differences."""

from typing import NamedTuple

import numpy as np
import pytest
from numba import njit

from nbgrad.base.errors import DtypeError
from nbgrad.loops import derivative
from tests.ad.plain import close, loaded, plain, text
from tests.ad.test_zoo import NOT_YET
from tests.ad.zoo import CASES

NAMES = [n for n in CASES if n not in NOT_YET]


@pytest.mark.parametrize("mode", ["forward", "reverse"])
@pytest.mark.parametrize("name", NAMES)
def test_the_jacobian_of_a_number_is_its_gradient(name, mode):
    c = CASES[name]
    expected = plain(derivative("grad", c.fn, c.wrt), *c.args)
    rtol, atol = (2e-5, 1e-5) if name in ("single", "mixed") else (1e-9, 1e-11)
    assert close(plain(derivative("jacobian", c.fn, c.wrt, mode), *c.args), expected, rtol, atol)


@njit
def residuals(x, a, n):
    y = np.zeros((x.size, 2))
    for i in range(x.size):
        for _ in range(n):
            y[i, 0] += a * x[i] ** 2
        y[i, 1] = x[i] * x[i - 1]
    return y


def slopes(f, x, h=1e-6):
    columns = [(f(x + h * e) - f(x - h * e)) / (2 * h) for e in np.eye(x.size)]
    return np.stack(columns, axis=-1)


@pytest.mark.parametrize("mode", ["auto", "forward", "reverse"])
def test_blocks_have_the_shapes_of_result_and_argument(mode):
    x = np.array([0.3, 1.2, -0.7])
    by_x, by_a = plain(derivative("jacobian", residuals, (0, 1), mode), x, 1.5, 2)
    assert by_x.shape == (3, 2, 3) and by_a.shape == (3, 2)
    np.testing.assert_allclose(by_x, slopes(lambda v: residuals.py_func(v, 1.5, 2), x), atol=1e-7)
    np.testing.assert_allclose(by_a, np.stack([2 * x**2, np.zeros(3)], axis=1))
    alone = plain(derivative("jacobian", residuals, 0, mode), x, 1.5, 2)
    np.testing.assert_allclose(alone, by_x)


class Point(NamedTuple):
    place: np.ndarray
    weight: float


@njit
def scaled(p, q):
    return Point(p.place * q[0], p.weight * q[1][0]), p.place.size


@pytest.mark.parametrize("mode", ["forward", "reverse"])
def test_structures_of_results_hold_structures_of_arguments(mode):
    p, q = Point(np.array([1.0, 2.0]), 3.0), (4.0, np.array([5.0, 6.0]))
    found, count = plain(derivative("jacobian", scaled, (0, 1), mode), p, q)
    assert isinstance(found, Point) and isinstance(found.place[0], Point)
    assert close(found.place[0], Point(4.0 * np.eye(2), np.zeros(2)))
    assert close(found.place[1], (p.place, np.zeros((2, 2))))
    assert close(found.weight[0], Point(np.zeros(2), 5.0))
    assert close(found.weight[1], (0.0, np.array([3.0, 0.0])))
    assert close(count[0], Point(np.zeros(2), 0.0))


@njit
def inside(x, y):
    for i in range(1, x.size):
        x[i] += x[i - 1] * y[i]
        y[i] = 0.0
    return x


@pytest.mark.parametrize("mode", ["forward", "reverse"])
def test_arrays_that_are_written_into_stay_as_they_were(mode):
    x, y = np.array([1.0, 2.0, 3.0]), np.array([0.5, 2.0, 4.0])
    d = derivative("jacobian", inside, 0, mode)
    found = loaded(text(d, x, y), "jacobian_inside")(x, y)
    np.testing.assert_array_equal(x, [1.0, 2.0, 3.0])
    np.testing.assert_array_equal(y, [0.5, 2.0, 4.0])
    np.testing.assert_allclose(found, [[1, 0, 0], [2, 1, 0], [8, 4, 1]])


@njit
def exchanged(x, y, a):
    y *= a
    x, y = y, x
    for _ in range(2):
        x[0] = max(y[1], a)
        x = 0.5 * x - y * y
    return np.sum(x) + y[0]


@pytest.mark.parametrize("mode", ["forward", "reverse"])
def test_arrays_that_are_exchanged_and_written_into_are_copied_for_each_run(mode):
    args = (np.array([0.3, 0.7]), np.array([1.2, -0.4]), 1.5)
    assert close(plain(derivative("jacobian", exchanged, (0, 1, 2), mode), *args), plain(derivative("grad", exchanged, (0, 1, 2)), *args))


@njit
def steady(x):
    return x[:2] * x[0]


def test_a_result_that_is_short_is_taken_by_rows_and_a_long_one_by_columns():
    long = text(derivative("jacobian", residuals, 1), np.ones(3), 1.5, 2)
    assert "for column in" in long and "for row in" not in long
    short = text(derivative("jacobian", CASES["product"].fn, 0), np.ones(3))
    assert "for row in" in short and "for column in" not in short
    either = text(derivative("jacobian", steady), np.ones(3))
    assert "for row in" in either and "for column in" in either
    np.testing.assert_allclose(plain(derivative("jacobian", steady), np.array([2.0, 3.0, 4.0])), [[4, 0, 0], [3, 2, 0]])


def test_float32_stays_float32():
    c = CASES["single"]
    found = plain(derivative("jacobian", c.fn, 0), *c.args)
    assert found.dtype == np.float32


@pytest.mark.parametrize("kind", ["jacobian", "grad"])
def test_an_integer_has_no_derivative(kind):
    with pytest.raises(DtypeError, match="n is int64"):
        plain(derivative(kind, residuals, 2), np.ones(3), 1.5, 2)


def test_no_numbers_make_an_empty_matrix():
    assert plain(derivative("jacobian", residuals, 0), np.ones(0), 1.5, 2).shape == (0, 2, 0)
    assert plain(derivative("jacobian", steady, 0), np.ones(1)).shape == (1, 1)


@pytest.mark.parametrize("name", ["powers", "product", "rows", "two_axes", "log_sum_exp", "newton"])
def test_the_jacobian_of_a_gradient_is_symmetric(name):
    c = CASES[name]
    k = c.wrt[0]
    found = plain(derivative("jacobian", derivative("grad", c.fn, k), k, "forward"), *c.args)
    n = int(np.prod(np.shape(c.args[k])))
    square = np.reshape(found, (n, n))
    np.testing.assert_allclose(square, square.T, rtol=1e-10, atol=1e-12)
    again = plain(derivative("jacobian", derivative("grad", c.fn, k), k, "reverse"), *c.args)
    np.testing.assert_allclose(again, found, rtol=1e-9, atol=1e-11)
