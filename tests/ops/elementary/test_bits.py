"""The words of elementary functions in plain Python, and that compiled ones mean the same."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nbgrad.ops.elementary import bits, exp, find, sigmoid

FINITE = st.floats(width=32, allow_nan=False, allow_infinity=False)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(FINITE, FINITE, FINITE)
def test_fma_rounds_once(a, b, c):
    exact = Fraction(a) * Fraction(b) + Fraction(c)
    got = bits.fma(np.float32(a), np.float32(b), np.float32(c))
    assert got.dtype == np.float32
    if np.isfinite(got):
        miss = abs(Fraction(float(got)) - exact)
        with np.errstate(over="ignore"):
            neighbours = [np.nextafter(got, np.float32(end)) for end in (np.inf, -np.inf)]
        for neighbour in neighbours:
            assert np.isinf(neighbour) or miss <= abs(Fraction(float(neighbour)) - exact)
    else:
        assert abs(exact) > Fraction(float(np.finfo(np.float32).max))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_words(dtype):
    real = np.dtype(dtype).type
    x = real(-2.75)
    assert bits.real(bits.bits(x)) == x
    assert bits.bits(x).dtype.itemsize == x.itemsize
    assert bits.to_int(real(-7.0)) == -7
    assert bits.to_float(bits.bits(real(0.0)) + 5) == 5.0
    assert bits.shift_right(bits.bits(real(-0.0)), 8 * x.itemsize - 1) == 1
    assert bits.select(x < 0.0, x, real(1.0)) == x
    assert bits.scale(x, 3) == real(-22.0)
    assert bits.polynomial(real(2.0), 1.0, 2.0, 3.0) == 17.0
    assert np.isnan(bits.fma(real(math.inf), real(0.0), x))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ["exp", "expm1", "sigmoid", "log", "tanh", "erf", "gelu_erf", "pow"])
def test_what_is_compiled_is_what_is_written(sweep, rng, name, dtype):
    function = find(name, dtype)
    count = function.__code__.co_argcount
    x = rng.uniform(0.1, 5.0, (count, 40)).astype(dtype)
    with np.errstate(all="ignore"):
        plain = [function(*numbers) for numbers in x.T]
    assert sweep.evaluate(name, dtype)(*x).tolist() == [float(v) for v in plain]


def test_look_up():
    assert find("exp", "float32") is exp.exp_float32
    assert find("sigmoid", "float64") is sigmoid.sigmoid_float64
    assert find("exp", "int64") is find("no such function", "float32") is None
    assert find("polynomial", "float32") is None


def test_the_table_of_errors_has_every_function_and_none_beyond_two_ulp(sweep):
    lines = [line.split("|")[1:-1] for line in sweep.TABLE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    rows = {name.strip(): [float(cells[i]) for i in (0, 2, 3)] for name, *cells in lines[1:]}
    assert set(rows) == {name for name in sweep.REFERENCES if bits.find(name, "float32")}
    for name, (worst32, wrong, worst64) in rows.items():
        assert worst32 <= 2.0, name
        assert wrong == 0, name
        assert worst64 <= 2.0, name
