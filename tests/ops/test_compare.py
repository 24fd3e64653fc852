import math

import numpy as np
import pytest

from nbgrad.ops import compare
from nbgrad.ops.compare import invert, left_shift, nan_to_num, replace_nonfinite, right_shift
from nbgrad.ops.table import ZERO, table

ROWS = [op for op in table.values() if op.__module__ == compare.__name__]
FLOATS = (-math.inf, -1.5, -0.0, 0.0, 1.0, 2.5, math.inf, math.nan)


@pytest.mark.parametrize("op", ROWS, ids=lambda op: op.name)
def test_formula_agrees_with_the_reference(op, check_row):
    check_row(op)


@pytest.mark.parametrize("op", [op for op in ROWS if op.returns == "bool"], ids=lambda op: op.name)
def test_special_values_are_as_numpy_has_them(op):
    assert op.df is ZERO
    points = [(x,) for x in FLOATS] if op.arity == 1 else [(x, y) for x in FLOATS for y in FLOATS]
    for point in points:
        assert op(*point) == bool(op.ref(*point)), point


@pytest.mark.parametrize("op", [op for op in ROWS if op.accepts[0] == "any"], ids=lambda op: op.name)
def test_integers_and_booleans_are_taken(op):
    for x in (-3, 0, 7, True, False):
        for y in (0, 7, True):
            assert op(*(x, y)[: op.arity]) == bool(op.ref(*(x, y)[: op.arity]))


def test_bits_of_booleans():
    for x in (False, True):
        assert invert(x) == np.invert(x)
        for y in (False, True):
            assert compare.bitwise_and(x, y) == (x and y)
            assert compare.bitwise_or(x, y) == (x or y)
            assert compare.bitwise_xor(x, y) == (x != y)
    assert invert(12) == -13


def test_shifts_out_of_the_word():
    for y in (-1, 64, 200):
        assert left_shift(5, y) == np.left_shift(5, y)
        assert right_shift(5, y) == np.right_shift(5, y)
        assert right_shift(-5, y) == np.right_shift(-5, y)


@pytest.mark.parametrize("x", FLOATS)
def test_nan_to_num_agrees_with_numpy(x):
    assert nan_to_num(x) == np.nan_to_num(x)
    assert nan_to_num(x, 3.0, 4.0, 5.0) == np.nan_to_num(x, nan=3.0, posinf=4.0, neginf=5.0)


def test_nan_to_num_leaves_integers_alone():
    assert nan_to_num(5) == 5


def test_the_gradient_goes_to_the_number_that_was_taken(partials_of):
    for x, wanted in ((2.0, 0), (math.nan, 1), (math.inf, 2), (-math.inf, 3)):
        found = partials_of(replace_nonfinite, x, 0.0, 1.0, -1.0)
        assert found == tuple(float(i == wanted) for i in range(4))
