import math

import numpy as np
import pytest
from scipy import special

from nbgrad.ops import transcendental
from nbgrad.ops.table import table
from nbgrad.ops.transcendental import (
    asinh,
    atan2,
    erfc,
    erfinv,
    expm1,
    logaddexp,
    sigmoid,
    sinc,
    sinc_slope,
    xlogy,
)

ROWS = [op for op in table.values() if op.__module__ == transcendental.__name__]


@pytest.mark.parametrize("op", ROWS, ids=lambda op: op.name)
def test_formula_and_partials_agree_with_the_reference(op, check_row):
    check_row(op)


def test_logaddexp_of_infinities_and_large_numbers(partials_of):
    ends = (-math.inf, -1e30, -5.0, 0.0, 1e30, math.inf, math.nan)
    for x in ends:
        for y in ends:
            with np.errstate(invalid="ignore"):
                wanted = float(np.logaddexp(x, y))
            np.testing.assert_equal(logaddexp.forward(x, y), wanted)
            if x == x and y == y:
                np.testing.assert_allclose(sum(partials_of(logaddexp, x, y)), 1.0, rtol=1e-15)
    assert partials_of(logaddexp, math.inf, math.inf) == (0.5, 0.5)
    assert partials_of(logaddexp, -math.inf, 2.0) == (0.0, 1.0)


def test_sigmoid_saturates_without_overflow(partials_of):
    for x in (-1e30, -700.0, -40.0, 40.0, 1e30, math.inf, -math.inf):
        np.testing.assert_allclose(sigmoid.forward(x), special.expit(x), rtol=1e-14)
        assert 0.0 <= partials_of(sigmoid, x)[0] < 1e-16
    assert math.isnan(sigmoid(math.nan))


def test_small_results_keep_their_digits(partials_of):
    np.testing.assert_allclose(partials_of(expm1, -50.0), np.exp(-50.0), rtol=1e-14)
    np.testing.assert_allclose(partials_of(asinh, 1e30), 1e-30, rtol=1e-14)
    np.testing.assert_allclose(erfc(20.0), special.erfc(20.0), rtol=1e-13)
    np.testing.assert_allclose(partials_of(erfc, 20.0), -2.0 / math.sqrt(math.pi) * np.exp(-400.0), rtol=1e-13)


def test_atan2_at_the_origin_and_on_the_axes(partials_of):
    assert partials_of(atan2, 0.0, 0.0) == (0.0, 0.0)
    for y in (0.0, -0.0, 1.0):
        for x in (0.0, -0.0, -1.0):
            assert atan2(y, x) == np.arctan2(y, x)
    np.testing.assert_allclose(partials_of(atan2, 3e200, 4e200), (0.16e-200, -0.12e-200), rtol=1e-14)


def test_sinc_and_its_slopes_near_zero():
    assert sinc(0.0) == 1.0
    for x in (0.0, 1e-12, -1e-8, 1e-3):  # Taylor's series; the next terms are below 1e-14
        y = math.pi * x
        np.testing.assert_allclose(sinc_slope(1.0, x), math.pi * (-y / 3 + y**3 / 30), rtol=1e-12)
        np.testing.assert_allclose(sinc_slope(2.0, x), math.pi**2 * (-1 / 3 + y * y / 10), rtol=1e-9)
        np.testing.assert_allclose(sinc_slope(4.0, x), math.pi**4 * (1 / 5 - y * y / 14), rtol=1e-9)


@pytest.mark.parametrize("order", [1.0, 2.0, 3.0, 5.0])
@pytest.mark.parametrize("x", [-2.3, -0.4, 0.05, 0.31, 0.33, 0.8, 1.0, 4.5])
def test_each_slope_of_sinc_is_the_derivative_of_the_one_before(order, x):
    h = 1e-5
    wanted = (sinc_slope(order - 1.0, x + h) - sinc_slope(order - 1.0, x - h)) / (2 * h)
    np.testing.assert_allclose(sinc_slope(order, x), wanted, rtol=1e-7, atol=1e-6)


def test_slope_of_order_zero_is_sinc():
    for x in (-1.7, 0.1, 0.6):
        np.testing.assert_allclose(sinc_slope(0.0, x), np.sinc(x), rtol=1e-14)


def test_erfinv_is_exact_to_two_units_in_the_last_place():
    small = np.logspace(-300, -1, 60)
    near_one = 1.0 - np.logspace(-15.5, -1, 60)
    for x in [*small, *near_one, *np.linspace(-0.99, 0.99, 100)]:
        y = erfinv.forward(float(x))
        # A unit in y moves erf by erf'(y) units; where erf is near 1 its complement tells the units apart.
        ratio = special.erf(y) / x if abs(x) < 0.5 else special.erfc(abs(y)) / (1.0 - abs(x))
        slope = 2.0 / math.sqrt(math.pi) * math.exp(-y * y) * abs(y)
        size = abs(x) if abs(x) < 0.5 else 1.0 - abs(x)
        assert abs(ratio - 1.0) < 2.0 * 2.3e-16 * (1.0 + slope / size), x


def test_erfinv_at_the_ends():
    for x in (1.0, -1.0, math.nan, 1.5, -2.0):
        np.testing.assert_equal(erfinv.forward(x), float(special.erfinv(x)))
    assert math.copysign(1.0, erfinv(-0.0)) == -1.0


def test_xlogy_where_both_are_zero(partials_of):
    assert xlogy(0.0, 0.0) == 0.0
    assert math.isnan(xlogy(0.0, math.nan))
    assert partials_of(xlogy, 0.0, 0.0) == (0.0, 0.0)
    assert partials_of(xlogy, 0.0, 2.0) == (math.log(2.0), 0.0)


def test_numpy_spellings_are_the_same_rows():
    for name in ("arcsin", "arccos", "arctan", "arctan2", "arcsinh", "arccosh", "arctanh", "degrees", "radians"):
        x = (0.5,) * getattr(transcendental, name).arity
        if name == "arccosh":
            x = (1.5,)
        np.testing.assert_allclose(getattr(transcendental, name)(*x), getattr(np, name)(*x), rtol=1e-14)
