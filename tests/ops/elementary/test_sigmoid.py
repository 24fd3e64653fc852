"""The logistic function and its kin."""

import numpy as np
import pytest


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
