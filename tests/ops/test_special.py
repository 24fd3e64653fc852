import math

import numpy as np
import pytest
from scipy import special

from nbgrad.ops.special import digamma_of, polygamma_of, scaled_zeta, sinc_slope_of


def test_digamma_agrees_with_scipy():
    for x in [*np.linspace(-7.95, 12.0, 160), *np.logspace(-8, 8, 40)]:
        np.testing.assert_allclose(digamma_of(float(x)), special.digamma(x), rtol=1e-13, atol=2e-14)


def test_digamma_keeps_its_digits_near_its_root():
    for step in (0.0, 1e-15, 1e-12, -1e-9, 1e-6, -1e-3):
        x = 1.4616321449683622 + step
        np.testing.assert_allclose(digamma_of(x), special.digamma(x), rtol=1e-13)


@pytest.mark.parametrize("x", [0.0, -0.0, -1.0, -5.0, math.inf, -math.inf, math.nan])
def test_digamma_at_poles_and_ends(x):
    np.testing.assert_equal(digamma_of(x) if math.isfinite(x) or x > 0 else math.nan, float(special.digamma(x)))


@pytest.mark.parametrize("n", [0, 1, 2, 3, 7])
def test_polygamma_agrees_with_scipy(n):
    for x in [*np.linspace(0.05, 14.0, 60), *np.logspace(-3, 6, 30)]:
        np.testing.assert_allclose(polygamma_of(float(n), float(x)), special.polygamma(n, x), rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("n", [1, 2, 3, 6])
def test_polygamma_of_negative_numbers_obeys_the_recurrence(n):
    for x in (-0.3, -1.5, -4.75, -20.2):
        jump = (-1.0) ** n * math.factorial(n) / x ** (n + 1)  # polygamma(n, x + 1) - polygamma(n, x)
        wanted = polygamma_of(float(n), x + 1.0) - jump
        np.testing.assert_allclose(polygamma_of(float(n), x), wanted, rtol=1e-12)


def test_polygamma_at_poles():
    assert polygamma_of(1.0, 0.0) == polygamma_of(1.0, -3.0) == polygamma_of(3.0, -1.0) == math.inf
    assert polygamma_of(2.0, 0.0) == -math.inf
    assert math.isnan(polygamma_of(2.0, -3.0))
    assert polygamma_of(1.0, math.inf) == 0.0
    assert math.isnan(polygamma_of(1.0, math.nan))


def test_zeta_of_two_and_four():
    np.testing.assert_allclose(scaled_zeta(1.0, 1.0), math.pi**2 / 6, rtol=1e-15)
    np.testing.assert_allclose(scaled_zeta(3.0, 1.0), 6 * math.pi**4 / 90, rtol=1e-15)


@pytest.mark.parametrize("n", range(6))
def test_slopes_of_sinc_are_integrals(n):
    t, weight = np.polynomial.legendre.leggauss(40)
    t = 0.5 + 0.5 * t
    for x in (-3.0, -0.83, -0.8, -0.3, 0.0, 1e-9, 0.1, 0.4, 0.6, 1.1, 6.5):
        wanted = np.pi**n * np.sum(0.5 * weight * t**n * np.cos(np.pi * x * t + n * np.pi / 2))
        np.testing.assert_allclose(sinc_slope_of(float(n), x), wanted, rtol=1e-12, atol=1e-13 * np.pi**n)
