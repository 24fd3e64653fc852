"""The error function and the Gaussian error linear unit."""

import numpy as np
import pytest


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("name", "ends"),
    [("erf", (-1.0, 1.0, -0.0, 0.0)), ("erfc", (2.0, 0.0, 1.0, 1.0)), ("gelu_erf", (-0.0, np.inf, -0.0, 0.0))],
)
def test_ends_of_the_line_and_zeros(sweep, name, ends, dtype):
    got = sweep.evaluate(name, dtype)(np.array([-np.inf, np.inf, -0.0, 0.0, np.nan]))
    np.testing.assert_array_equal(got, np.array([*ends, np.nan], dtype))
    assert np.signbit(got[:4]).tolist() == np.signbit(ends).tolist()
