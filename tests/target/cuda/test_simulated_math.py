"""What kernels call in the simulator."""

import math

import numpy as np
import pytest

from nbgrad.target.cuda import simulated_math

pytestmark = pytest.mark.cuda

TWO = ("atan2", "copysign", "fmod", "hypot", "ldexp", "pow")


@pytest.mark.parametrize("name", sorted(vars(simulated_math.math)))
def test_functions_are_python_s_where_it_has_them(name):
    ours, theirs = getattr(simulated_math.math, name), getattr(math, name, None)
    if theirs is None:
        pytest.skip("not in this Python")
    if not callable(ours):
        assert ours == theirs or ours != ours
        return
    for args in ((0.5, 2.0), (3.0, 2)) if name in TWO else ((1.5,), (0.5,)):
        try:
            want = theirs(*args)
        except (TypeError, ValueError):  # other arguments; outside of the domain
            continue
        np.testing.assert_allclose(ours(*args), want, rtol=1e-14, err_msg=name)


def test_what_python_raises_for_is_nan_or_infinite():
    with np.errstate(all="ignore"):
        assert math.isnan(simulated_math.math.log(-1.0))
        assert simulated_math.math.exp(1e4) == math.inf
        assert simulated_math.math.lgamma(-math.inf) == math.inf
