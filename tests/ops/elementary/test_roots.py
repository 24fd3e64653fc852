import itertools

import numpy as np
import pytest

from nbgrad.ops.elementary import roots

ENDS = (0.0, -0.0, 1.0, -1.0, 2.5, 1e-45, -1e-40, 3e38, -1e30, 1e-30, np.inf, -np.inf, np.nan)


def test_cbrt_in_float64_in_every_binade(sweep, rng):
    x = np.concatenate([sweep.binades(100, rng), sweep.SPECIAL])
    errors = sweep.errors64(sweep.evaluate("cbrt", "float64")(x), sweep.longdouble(np.cbrt)(x))
    assert errors.max() <= 2.0, x[errors.argmax()]


@pytest.mark.parametrize(("least", "most"), [(-3, 3), (-126, 127), (-149, -120), (60, 64), (-52, -48)])
def test_hypot_in_float32(sweep, rng, least, most):
    x, y = (np.ldexp(rng.uniform(1, 2, 100000), rng.integers(least, most, 100000)).astype("float32") for _ in "xy")
    got, wanted = sweep.evaluate("hypot", "float32")(-x, y), np.hypot(x.astype("float64"), y.astype("float64"))
    inside = wanted < 3.4028235e38
    assert np.max(np.abs(got - wanted)[inside] / np.spacing(wanted[inside].astype("float32"))) <= 2.0
    assert np.isinf(got[wanted > 3.40282357e38]).all()


@pytest.mark.parametrize(("least", "most"), [(-3, 3), (-1000, 1000), (-1074, -1000), (498, 502), (-402, -398)])
def test_hypot_in_float64(sweep, rng, least, most):
    x, y = (np.ldexp(rng.uniform(1, 2, 100000), rng.integers(least, most, 100000)) for _ in "xy")
    errors = sweep.errors64(sweep.evaluate("hypot", "float64")(x, -y), sweep.longdouble(np.hypot)(x, y))
    assert errors.max() <= 2.0


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_hypot_at_the_ends(sweep, dtype):
    x, y = np.array(list(itertools.product(ENDS, ENDS)), dtype).T
    with np.errstate(over="ignore"):
        wanted = np.hypot(x, y)
    np.testing.assert_allclose(sweep.evaluate("hypot", dtype)(x, y), wanted, rtol=3e-7)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_cbrt_keeps_the_sign_of_zero(sweep, dtype):
    np.testing.assert_array_equal(np.signbit(sweep.evaluate("cbrt", dtype)(np.array([0.0, -0.0]))), [False, True])


def test_functions_run_in_plain_python():
    for x in (27.0, -1e-200, 5e-324):
        np.testing.assert_allclose(roots.cbrt_float64(np.float64(x)), np.cbrt(x), rtol=3e-16)
