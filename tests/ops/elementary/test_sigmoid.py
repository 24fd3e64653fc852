"""The logistic function and its kin."""

import numpy as np
import pytest

NAMES = ("sigmoid", "softplus", "log_sigmoid", "silu", "mish")


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


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("sigmoid", 0.0, 1.0),
        ("softplus", 0.0, np.inf),
        ("log_sigmoid", -np.inf, -0.0),
        ("silu", -0.0, np.inf),
        ("mish", -0.0, np.inf),
    ],
)
def test_ends_of_the_line(sweep, name, low, high, dtype):
    got = sweep.evaluate(name, dtype)(np.array([-np.inf, np.inf, np.nan]))
    np.testing.assert_array_equal(got, np.array([low, high, np.nan], dtype))
    assert np.signbit(got[:2]).tolist() == [np.signbit(low), np.signbit(high)]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_logaddexp(sweep, rng, dtype):
    x, y = rng.uniform(0.0, 60.0, (2, 20000)).astype(dtype)
    got, wanted = (
        sweep.evaluate("logaddexp", dtype)(x, y),
        np.logaddexp(x.astype(np.longdouble), y.astype(np.longdouble)),
    )
    assert np.max(np.abs(got - wanted) / np.spacing(wanted.astype(dtype))) <= 2.0
    ends = np.array([np.inf, -np.inf, np.nan, 0.0, 1e30])
    a, b = (v.ravel().astype(dtype) for v in np.meshgrid(ends, ends))
    with np.errstate(invalid="ignore"):
        np.testing.assert_allclose(sweep.evaluate("logaddexp", dtype)(a, b), np.logaddexp(a, b), rtol=1e-6)
