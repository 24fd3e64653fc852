"""Hyperbolic functions; how far they err is in test_accuracy.py."""

import pytest


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("name", "sign"), [("sinh", -1), ("cosh", 1), ("tanh", -1)])
def test_symmetry_is_exact(sweep, rng, name, sign, dtype):
    x = rng.uniform(0.0, 80.0, 5000).astype(dtype)
    run = sweep.evaluate(name, dtype)
    assert (run(-x) == sign * run(x)).all()
