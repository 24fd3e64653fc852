"""The error function and the Gaussian error linear unit."""

import numpy as np
import pytest

LIMITS = {"gelu_erf": 6.0}  # in float32: less would take twice the time of the memory; the rest is within 2 ulp
NAMES = ("erf", "erfc", "gelu_erf")


@pytest.mark.parametrize("name", NAMES)
def test_float32_over_a_sample_of_all_bit_patterns(sweep, name):
    worst, at, wrong, where = sweep.sweep32(name, step=4099)
    assert worst <= LIMITS.get(name, 2.0), f"{worst} ulp at {at}"
    assert wrong == 0, where


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_float32_over_all_bit_patterns(sweep, name):
    worst, at, wrong, where = sweep.sweep32(name)
    assert worst <= LIMITS.get(name, 2.0), f"{worst} ulp at {at}"
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


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("name", "ends"),
    [("erf", (-1.0, 1.0, -0.0, 0.0)), ("erfc", (2.0, 0.0, 1.0, 1.0)), ("gelu_erf", (-0.0, np.inf, -0.0, 0.0))],
)
def test_ends_of_the_line_and_zeros(sweep, name, ends, dtype):
    got = sweep.evaluate(name, dtype)(np.array([-np.inf, np.inf, -0.0, 0.0, np.nan]))
    np.testing.assert_array_equal(got, np.array([*ends, np.nan], dtype))
    assert np.signbit(got[:4]).tolist() == np.signbit(ends).tolist()
