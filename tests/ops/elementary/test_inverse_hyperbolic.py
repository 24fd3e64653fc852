"""Inverse hyperbolic functions; how far they err is in test_accuracy.py."""

import numpy as np
import pytest


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("name", "most"), [("asinh", 1e30), ("atanh", 1.0)])
def test_odd_functions_are_odd(sweep, rng, name, most, dtype):
    x = (most * rng.uniform(0.0, 1.0, 5000)).astype(dtype)
    run = sweep.evaluate(name, dtype)
    assert (run(-x) == -run(x)).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_acosh_below_1_is_nan(sweep, dtype):
    got = sweep.evaluate("acosh", dtype)(np.array([1.0, 0.999, 0.0, -1.0, -np.inf], dtype))
    assert got[0] == 0.0
    assert np.isnan(got[1:]).all()
