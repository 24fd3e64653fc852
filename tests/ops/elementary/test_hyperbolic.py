"""Hyperbolic functions."""

import numpy as np
import pytest

NAMES = ("sinh", "cosh", "tanh")


@pytest.mark.parametrize("name", NAMES)
def test_float32_over_a_sample_of_all_bit_patterns(sweep, name):
    worst, at, wrong, where = sweep.sweep32(name, step=4099)
    assert worst <= 2.0, f"{worst} ulp at {at}"
    assert wrong == 0, where


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_float32_over_all_bit_patterns(sweep, name):
    worst, at, wrong, where = sweep.sweep32(name)
    assert worst <= 2.0, f"{worst} ulp at {at}"
    assert wrong == 0, where


@pytest.mark.parametrize("name", NAMES)
def test_float64_in_every_binade(sweep, rng, name):
    worst, at = sweep.sweep64(name, rng, 5)
    assert worst <= 2.0, f"{worst} ulp at {at}"


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_float64_densely_in_every_binade(sweep, rng, name):
    worst, at = sweep.sweep64(name, rng, 500)
    assert worst <= 2.0, f"{worst} ulp at {at}"


ENDS = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0, 5e-324, -5e-324, 1e-310, 1e308, -1e308, 2.0, -2.0])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", NAMES)
def test_special_values_are_those_of_numpy(sweep, name, dtype):
    with np.errstate(all="ignore"):
        x = ENDS.astype(dtype)
        wanted = sweep.REFERENCES[name](x)
    got = sweep.evaluate(name, dtype)(x)
    np.testing.assert_array_equal(np.isnan(got), np.isnan(wanted))
    np.testing.assert_array_equal(np.signbit(got)[~np.isnan(got)], np.signbit(wanted)[~np.isnan(got)])
    np.testing.assert_allclose(got, wanted, rtol=1e-6 if dtype == "float32" else 1e-14, atol=1e-44)
