"""Elementary functions of derivatives: those of the kernels, under the names of `math`."""

import math

import numpy as np
import pytest
from numba import njit

from nbgrad.target.functions import vector

NAMES = {"exp": (-20, 20), "expm1": (-3, 3), "log": (0.01, 50), "log1p": (-0.9, 9), "tanh": (-4, 4), "sin": (-9, 9), "cos": (-9, 9), "erf": (-3, 3)}


def _over(f):
    @njit
    def over(x, out):
        for i in range(x.size):
            out[i] = f(x[i])

    return over


@pytest.mark.parametrize("name", NAMES)
def test_compiled_functions_are_those_of_math(name):
    rng = np.random.default_rng(7)
    f = getattr(vector, name)
    x = rng.uniform(*NAMES[name], 400)
    run = _over(njit(lambda v: f(v)))
    found = np.empty(400)
    run(x, found)
    expected = np.array([getattr(math, name)(v) for v in x])
    assert np.all(np.abs(found - expected) <= 4 * np.spacing(np.abs(expected)))
    assert f(x[0]) == getattr(math, name)(x[0])  # in Python it is math's


def test_float32_stays_float32():
    f = vector.exp
    run = njit(lambda v: f(v))
    assert abs(run(np.float32(0.5)) - math.exp(0.5)) < 2e-7
    assert str(run.nopython_signatures[0].return_type) == "float32"


def test_integers_are_taken_as_float64():
    f = vector.exp
    assert njit(lambda v: f(v))(2) == pytest.approx(math.exp(2), rel=1e-15)


def test_unknown_names_are_no_attributes():
    with pytest.raises(AttributeError):
        vector.nothing  # noqa: B018
