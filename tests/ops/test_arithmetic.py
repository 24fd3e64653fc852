import math

import numpy as np
import pytest

from nbgrad.base.errors import ArgumentError
from nbgrad.ops import arithmetic
from nbgrad.ops.arithmetic import (
    abs,
    cbrt,
    clamp,
    clip,
    copysign,
    fmax,
    fmin,
    hypot,
    maximum,
    minimum,
    pow,
    rint,
    round,
    sign,
    sqrt,
)
from nbgrad.ops.table import table

ROWS = [op for op in table.values() if op.__module__ == arithmetic.__name__]


@pytest.mark.parametrize("op", ROWS, ids=lambda op: op.name)
def test_formula_and_partials_agree_with_the_reference(op, check_row):
    check_row(op)


@pytest.mark.parametrize("op", [op for op in ROWS if op.accepts[0] == "number"], ids=lambda op: op.name)
def test_integers_stay_integers(op):
    for x, y in ((7, 2), (-7, 2), (7, -2), (0, 5), (3, 3)):
        if op.name == "pow" and y < 0:
            continue
        found = op.forward(*(x, y)[: op.arity])
        assert type(found) is int
        assert found == op.ref(*(x, y)[: op.arity])


def test_power_is_right_at_base_zero(partials_of):
    wanted = {0.0: (0.0, 0.0), 1.0: (1.0, 0.0), 2.0: (0.0, 0.0), 3.0: (0.0, 0.0)}
    for y, found in wanted.items():
        assert partials_of(pow, 0.0, y) == found
    assert pow(0.0, 0.0) == pow(math.nan, 0.0) == 1.0


def test_power_takes_negative_bases_to_whole_exponents():
    for y in (-3.0, 0.0, 2.0, 5.0):
        assert pow(-1.7, y) == np.power(-1.7, y)


@pytest.mark.parametrize("op", [maximum, minimum, fmax, fmin])
def test_extremes_treat_nan_as_numpy_and_share_ties(op, partials_of):
    for x in (math.nan, 1.0, -math.inf):
        for y in (math.nan, 2.0, math.inf):
            np.testing.assert_equal(op(x, y), op.ref(x, y))
            assert sum(partials_of(op, x, y)) == 1.0
    assert partials_of(op, 2.0, 2.0) == (0.5, 0.5)


def test_the_nan_that_wins_takes_the_gradient(partials_of):
    assert partials_of(maximum, math.nan, 1.0) == (1.0, 0.0)
    assert partials_of(minimum, 1.0, math.nan) == (0.0, 1.0)
    assert partials_of(fmax, math.nan, 1.0) == (0.0, 1.0)


def test_clamp_includes_its_bounds(partials_of):
    assert partials_of(clamp, 1.0, 1.0, 2.0)[0] == partials_of(clamp, 2.0, 1.0, 2.0)[0] == 1.0
    assert partials_of(clamp, 0.5, 1.0, 2.0) == (0.0, 1.0, 0.0)
    assert partials_of(clamp, 2.5, 1.0, 2.0) == (0.0, 0.0, 1.0)
    assert partials_of(clamp, 1.5, 2.0, 1.0) == (0.0, 0.0, 1.0)
    assert clip(1.5, 2.0, 1.0) == np.clip(1.5, 2.0, 1.0) == 1.0
    assert math.isnan(clip(math.nan, 0.0, 1.0))


def test_absolute_value_and_sign_at_zero(partials_of):
    assert partials_of(abs, 0.0) == (0.0,)
    assert math.copysign(1.0, abs(-0.0)) == 1.0
    assert sign(-0.0) == 0.0
    assert math.isnan(sign(math.nan))


def test_halves_round_to_even():
    for x in (-3.5, -2.5, -1.5, -0.5, -0.2, -0.0, 0.0, 0.49999999999999994, 0.5, 1.5, 2.5, 2.0**52 + 1.0, 1e300):
        assert rint(x) == np.rint(x)
        assert math.copysign(1.0, rint(x)) == np.copysign(1.0, np.rint(x))


@pytest.mark.parametrize("decimals", [-2, -1, 0, 1, 3])
def test_round_keeps_decimals(decimals):
    for x in (1234.5678, -0.0625, 25.0, -150.0):
        assert round(x, decimals) == np.round(x, decimals)


def test_rounding_an_integer_to_decimals_gives_it_back():
    assert round(7, 2) == 7


def test_cube_root_at_the_ends():
    for x in (0.0, -0.0, math.inf, -math.inf, math.nan):
        np.testing.assert_equal(cbrt.forward(x), np.cbrt(x))
    for x in (27.0, -8.0, 5e-324, 1.7976931348623157e308, -1e-300):
        np.testing.assert_allclose(cbrt(x), np.cbrt(x), rtol=3e-16)


def test_gradients_where_a_root_is_zero(partials_of):
    assert partials_of(hypot, 0.0, 0.0) == (0.0, 0.0)
    assert hypot(1e200, 1e200) == np.hypot(1e200, 1e200)
    with pytest.raises(ZeroDivisionError):  # on plain numbers; infinite in a kernel
        partials_of(sqrt, 0.0)


def test_copysign_counts_minus_zero_as_negative(partials_of):
    assert copysign(3.0, -0.0) == -3.0
    assert partials_of(copysign, 3.0, -0.0) == (-1.0, 0.0)


def test_numpy_spellings_are_the_same_rows():
    for name in ("add", "subtract", "multiply", "divide", "true_divide", "power", "negative", "absolute", "mod"):
        assert getattr(arithmetic, name).ref is getattr(np, name)


def test_integers_have_no_negative_integer_powers():
    for x, y in (([1, 2], -1), ([0], [-1]), ([2, 2], [1, -3])):
        x, y = np.array(x), np.array(y)
        with pytest.raises(ValueError, match="negative integer powers"):
            x**y
        with pytest.raises(ArgumentError, match=r"negative integer power -\d\n.*test_arithmetic.*\n  try: x.astype"):
            pow.check(x, y)
    for y in (np.array([0, 3]), np.array([3], "uint8"), np.array([-1.0]), np.zeros(0, int)):
        pow.check(np.array([2]), y)
