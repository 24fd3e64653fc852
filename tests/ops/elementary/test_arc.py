import itertools

import numpy as np
import pytest

from nbgrad.ops.elementary import arc

NAMES = {"asin": np.arcsin, "acos": np.arccos, "atan": np.arctan}
ENDS = (0.0, -0.0, 1.0, -1.0, 2.5, -2.5, 1e-45, -1e-40, 3e38, -1e30, np.inf, -np.inf, np.nan)


@pytest.mark.parametrize("name", NAMES)
def test_float64_in_every_binade(sweep, rng, name):
    x = np.concatenate([sweep.binades(60, rng), rng.uniform(-1, 1, 100000), 1 - rng.uniform(0, 1, 1000) ** 10, ENDS])
    with np.errstate(invalid="ignore"):
        errors = sweep.errors64(sweep.evaluate(name, "float64")(x), sweep.longdouble(NAMES[name])(x))
    assert errors.max() <= 2.0, x[errors.argmax()]


@pytest.mark.parametrize("spread", [3, 40, 120])
def test_atan2_in_float32(sweep, rng, spread):
    y, x = (np.ldexp(rng.uniform(-2, 2, 200000), rng.integers(-spread, spread, 200000)) for _ in "yx")
    y, x = y.astype("float32"), x.astype("float32")
    got, wanted = sweep.evaluate("atan2", "float32")(y, x), np.arctan2(y.astype("float64"), x.astype("float64"))
    spacing = np.spacing(np.maximum(np.abs(wanted), 1e-45).astype("float32"))
    assert np.max(np.abs(got - wanted) / spacing) <= 2.0


@pytest.mark.parametrize("spread", [3, 40, 1020])
def test_atan2_in_float64(sweep, rng, spread):
    y, x = (np.ldexp(rng.uniform(-2, 2, 200000), rng.integers(-spread, spread, 200000)) for _ in "yx")
    errors = sweep.errors64(sweep.evaluate("atan2", "float64")(y, x), sweep.longdouble(np.arctan2)(y, x))
    assert errors.max() <= 2.0, (y[errors.argmax()], x[errors.argmax()])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_atan2_at_the_ends(sweep, dtype):
    y, x = np.array(list(itertools.product(ENDS, ENDS)), dtype).T
    got, wanted = sweep.evaluate("atan2", dtype)(y, x), np.arctan2(y, x)
    np.testing.assert_allclose(got, wanted, rtol=3e-7 if dtype == "float32" else 5e-16)
    np.testing.assert_array_equal(np.signbit(got)[got == got], np.signbit(wanted)[got == got])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ["asin", "atan"])
def test_odd_functions_keep_the_sign_of_zero(sweep, name, dtype):
    np.testing.assert_array_equal(np.signbit(sweep.evaluate(name, dtype)(np.array([0.0, -0.0]))), [False, True])


def test_functions_run_in_plain_python():
    with np.errstate(divide="ignore"):
        np.testing.assert_allclose(
            arc.atan2_float64(np.float64(1.0), np.float64(-2.0)), np.arctan2(1.0, -2.0), rtol=4e-16
        )
        np.testing.assert_allclose(arc.acos_float32(np.float32(-0.75)), np.arccos(-0.75), rtol=2e-7)
