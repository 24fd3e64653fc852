"""Logarithms."""

import numpy as np
import pytest


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_log2_of_a_power_of_2_is_exact(sweep, dtype):
    n = np.arange(-149, 128) if dtype == "float32" else np.arange(-1074, 1024)
    np.testing.assert_array_equal(sweep.evaluate("log2", dtype)(np.ldexp(np.ones(n.size, dtype), n)), n)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_log1p_of_the_unit_interval_is_log1p(sweep, rng, dtype):
    x = rng.uniform(0.0, 1.0, 20000).astype(dtype)
    got, wanted = sweep.evaluate("log1p_unit", dtype)(x), np.log1p(x.astype(np.longdouble))
    assert np.max(np.abs(got - wanted) / np.spacing(wanted.astype(dtype))) <= 2.0
