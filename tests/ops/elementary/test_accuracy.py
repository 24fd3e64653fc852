"""How far every elementary function errs, and what it makes of the ends of the line."""

import numpy as np
import pytest

FLOAT64 = (  # the others are measured beside their special cases
    "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "sigmoid",
    "softplus", "log_sigmoid", "silu", "mish", "erf", "erfc", "gelu_erf",
)  # fmt: skip
FLOAT32 = (
    *FLOAT64, "sin", "cos", "tan", "sinc", "asin", "acos", "atan", "cbrt", "lgamma", "digamma", "trigamma",
)  # fmt: skip
AS_NUMPY = FLOAT64[: FLOAT64.index("sigmoid")]
ENDS = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0, 5e-324, -5e-324, 1e-310, 1e308, -1e308, 2.0, -2.0])


def test_every_function_with_a_reference_is_measured(sweep):
    assert set(FLOAT32) == set(sweep.REFERENCES)


@pytest.mark.parametrize("name", FLOAT32)
def test_float32_over_a_sample_of_all_bit_patterns(sweep, name):
    worst, at, wrong, where = sweep.sweep32(name, step=4099)
    assert worst <= 2.0, f"{worst} ulp at {at}"
    assert wrong == 0, where


@pytest.mark.slow
@pytest.mark.parametrize("name", FLOAT32)
def test_float32_over_all_bit_patterns(sweep, name):
    worst, at, wrong, where = sweep.sweep32(name)
    assert worst <= 2.0, f"{worst} ulp at {at}"
    assert wrong == 0, where


@pytest.mark.parametrize("name", FLOAT64)
def test_float64_in_every_binade(sweep, rng, name):
    worst, at = sweep.sweep64(name, rng, 5)
    assert worst <= 2.0, f"{worst} ulp at {at}"


@pytest.mark.slow
@pytest.mark.parametrize("name", FLOAT64)
def test_float64_densely_in_every_binade(sweep, rng, name):
    worst, at = sweep.sweep64(name, rng, 500)
    assert worst <= 2.0, f"{worst} ulp at {at}"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", AS_NUMPY)
def test_special_values_are_those_of_numpy(sweep, name, dtype):
    with np.errstate(all="ignore"):
        x = ENDS.astype(dtype)
        wanted = sweep.REFERENCES[name](x)
    got = sweep.evaluate(name, dtype)(x)
    np.testing.assert_array_equal(np.isnan(got), np.isnan(wanted))
    np.testing.assert_array_equal(np.signbit(got)[~np.isnan(got)], np.signbit(wanted)[~np.isnan(got)])
    np.testing.assert_allclose(got, wanted, rtol=1e-6 if dtype == "float32" else 1e-14, atol=1e-44)
