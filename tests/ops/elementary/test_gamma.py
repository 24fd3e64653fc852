import math

import numpy as np
import pytest
from mpmath import mp
from scipy import special

from nbgrad.ops.elementary import gamma

NAMES = ("lgamma", "digamma", "trigamma")
ROOT = 1.4616321449683623


def exact(name):
    """Return the function in mpmath."""
    if name == "lgamma":
        return lambda x: mp.loggamma(x) if x > 0 else mp.log(abs(mp.pi / (x * mp.sinpi(x)))) - mp.loggamma(-x)
    return lambda x: mp.psi(NAMES.index(name) - 1, x)


def positive(rng):
    """Return positive numbers: every fourth binade, and more where the functions change their ways or pass through 0."""
    near = np.concatenate([c + s * 2.0 ** -rng.uniform(1, 52, 40) for c in (1, 2, ROOT, 0.65, 3.3) for s in (1, -1)])
    wide = np.ldexp(rng.uniform(1, 2, 512), np.arange(-1024, 1024, 4))
    return np.concatenate([wide, near[near > 0], rng.uniform(0, 4, 1000), rng.uniform(3, 200, 300)])


@pytest.mark.parametrize("name", NAMES)
def test_float64_at_positive_numbers(sweep, rng, name):
    x = positive(rng)
    errors = sweep.errors64(sweep.evaluate(name, "float64")(x), sweep.exactly(exact(name))(x))
    assert errors.max() <= 2.0, x[errors.argmax()]


@pytest.mark.parametrize("name", NAMES)
def test_float64_at_negative_numbers(sweep, rng, name):
    """Between the poles lie zeros: there the error is 2 ulp of 1, for it comes from terms of that size."""
    parts = rng.uniform(0, 1, 200), rng.uniform(0, 20, 500), rng.uniform(0, 170, 100), 10.0 ** -rng.uniform(1, 300, 100)
    x = -np.concatenate(parts)
    high, low = sweep.exactly(exact(name))(x)
    got = sweep.evaluate(name, "float64")(x)
    inside = np.isfinite(high)
    errors = np.abs((got[inside] - high[inside]) - low[inside]) / np.spacing(np.maximum(np.abs(high[inside]), 1.0))
    assert errors.max() <= 2.0, x[inside][errors.argmax()]
    np.testing.assert_array_equal(got[~inside], high[~inside])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", NAMES)
def test_functions_of_positive_numbers_give_the_very_same(sweep, rng, name, dtype):
    x = np.exp(rng.uniform(-80, 80, 100000))
    np.testing.assert_array_equal(sweep.evaluate(f"{name}_common", dtype)(x), sweep.evaluate(name, dtype)(x))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_poles_and_ends(sweep, dtype):
    x = np.array([0.0, -0.0, -1.0, -2.0, -1e30, 1.0, 2.0, math.inf, math.nan], dtype)
    np.testing.assert_array_equal(sweep.evaluate("lgamma", dtype)(x), [*[math.inf] * 5, 0.0, 0.0, math.inf, math.nan])
    got = sweep.evaluate("digamma", dtype)(x)
    np.testing.assert_allclose(got, special.digamma(x), rtol=2e-7)
    got = sweep.evaluate("trigamma", dtype)(x)
    np.testing.assert_allclose(got, [*[math.inf] * 5, math.pi**2 / 6, math.pi**2 / 6 - 1, 0.0, math.nan], rtol=2e-7)


def test_functions_run_in_plain_python():
    np.testing.assert_allclose(gamma.lgamma_float64(np.float64(-3.75)), math.lgamma(-3.75), rtol=1e-14)
    np.testing.assert_allclose(gamma.digamma_float32(np.float32(0.25)), special.digamma(0.25), rtol=2e-7)
