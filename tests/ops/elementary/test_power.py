"""Powers."""

import numpy as np
import pytest

ENDS = np.array([0.0, -0.0, 1.0, -1.0, 2.0, -2.0, 0.5, -0.5, 3.0, -3.0, 1.5, -1.5, np.inf, -np.inf, np.nan, 1e-40, -1e-40,
                 1e30, -1e30, 16777215.0, 16777216.0, -16777215.0, 1.0000001])  # fmt: skip


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_special_values_are_those_of_numpy(sweep, dtype):
    x, y = (v.ravel().astype(dtype) for v in np.meshgrid(ENDS, ENDS))
    with np.errstate(all="ignore"):
        wanted = np.power(x, y)
    got = sweep.evaluate("pow", dtype)(x, y)
    np.testing.assert_allclose(got, wanted, rtol=1e-6 if dtype == "float32" else 1e-14)
    known = ~np.isnan(wanted)
    np.testing.assert_array_equal(np.signbit(got[known]), np.signbit(wanted[known]))


def samples(rng, count, dtype):
    """Return bases of every size, many near 1, and exponents with results over the whole range."""
    size, most = (700.0, 745.0) if dtype == "float64" else (87.0, 103.0)
    x = np.concatenate(
        [np.exp(rng.uniform(-size, size, count)), rng.uniform(0.5, 2.0, count), 1.0 + rng.uniform(-1e-3, 1e-3, count)]
    )
    x = x.astype(dtype)
    with np.errstate(divide="ignore"):
        y = np.clip(rng.uniform(-most, most, x.size) / np.log(x.astype(np.float64)), -1e30, 1e30)
    y[:count:2] = np.rint(y[:count:2])
    x[:count:4] *= -1.0
    return x, y.astype(dtype)


def test_float32(sweep, rng):
    x, y = samples(rng, 100000, "float32")
    with np.errstate(all="ignore"):
        wanted = np.power(x.astype(np.float64), y.astype(np.float64))
    worst, at, wrong, _ = sweep._worst32(sweep.evaluate("pow", "float32")(x, y), wanted)
    assert worst <= 1.0, (x[at], y[at])
    assert wrong == 0


def test_float64(sweep, rng):
    x, y = samples(rng, 30000, "float64")
    with np.errstate(all="ignore"):
        errors = sweep.errors64(sweep.evaluate("pow", "float64")(x, y), sweep.longdouble(np.power)(x, y))
    assert errors.max() <= 2.0, (x[errors.argmax()], y[errors.argmax()])
