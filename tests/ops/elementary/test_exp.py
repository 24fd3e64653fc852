"""Exponential functions; how far they err is in test_accuracy.py."""

import numpy as np
import pytest

from nbgrad.ops.elementary import exp


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_parts_and_pair_are_the_exponential(rng, dtype):
    for x in rng.uniform(-80.0, 80.0, 50).astype(dtype):
        p, n = getattr(exp, f"exp_parts_{dtype}")(x)
        whole, rest, m = getattr(exp, f"exp_pair_{dtype}")(x)
        assert n == m
        wanted = np.exp(np.longdouble(x)) / np.longdouble(2.0) ** int(n)
        np.testing.assert_allclose(float(p), float(wanted), rtol=2 * np.finfo(dtype).eps)
        assert abs((np.longdouble(whole) + np.longdouble(rest)) - wanted) <= abs(np.longdouble(whole) - wanted) + np.finfo(dtype).eps / 8


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_exp2_of_a_whole_number_is_exact(sweep, dtype):
    n = np.arange(-149, 128) if dtype == "float32" else np.arange(-1074, 1024)
    np.testing.assert_array_equal(sweep.evaluate("exp2", dtype)(n.astype(dtype)), np.ldexp(np.ones(n.size, dtype), n))
