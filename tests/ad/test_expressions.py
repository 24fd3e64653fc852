"""Expressions of numbers: values and gradients of one-line functions."""

import math

import numpy as np
import pytest

import nbgrad as ng
from nbgrad.ad.expressions import constant, row_of
from nbgrad.ad.statements import BOOL, FLOAT, INT, Const, Scalar
from nbgrad.base.errors import GradientError
from nbgrad.docs import rows
from nbgrad.ops.table import table
from tests.ad.made import agrees, number
from tests.ad.plain import plain

FORMS = ["x * 2 + y", "-x + +y", "x // 2 + y", "x % 3.0 - y", "(x, y)[1] * x", "((x, y) + (2.0,))[2] * x", "(x, y)[-2:][0] * y", "x if not y > 1.0 else y",
         "x * (x > 0.5) + y", "x * (x > 0.5 and y > 9.0)", "x * (x > 9.0 or y > 0.1 or x > 2.0)", "x * (0.1 < x < y < 3.0)", "x * True + y * False",
         "float(x) * int(y)", "min(x, y, 0.2) + max((x, y))", "abs(x - y) + round(x)", "x * len((x, y))", "x ** 2 * y ** -1", "x * (3 & 2) + y * (1 | 4) + (6 >> 1) * x",
         "x if 2 > 1 else y", "y * bool(x)", "np.float64(x) * y", "x * ~2", "(x if x > y else y) * (y if x > y else x)", "x * (y is not None)"]  # fmt: skip


@pytest.mark.parametrize("expression", FORMS)
def test_values_and_gradients(expression):
    agrees(ng.value_and_grad, number(expression, "x", "y"), (0.7, 1.6), (0, 1))


@pytest.mark.parametrize(("expression", "says"), [("x * 'a'", "no number"), ("x.real", "not supported"), ("x()", "not a function"), ("x in (1, 2)", "not supported"),
                                                  ("x[0]", "no elements"), ("np.sin(x, y)", "takes 1 arguments"), ("1 // 0 * x", "has no value"), ("np.nothing(x)", "not supported")])  # fmt: skip
def test_what_is_refused(expression, says):
    with pytest.raises(GradientError, match=says):
        plain(ng.grad(number(expression, "x", "y")), 0.7, 1.6)


def test_constants():
    assert constant(True) == Const(True, BOOL) and constant(2) == Const(2, INT) and constant(2.5) == Const(2.5, FLOAT)
    assert constant(np.float32(1.5)) == Const(1.5, Scalar("float32")) and constant(np.int32(3)).type == Scalar("int32")


def test_rows_that_functions_mean():
    rows()
    assert row_of(np.sin) is table["sin"] and row_of(math.sin) is table["sin"] and row_of(math.fabs) is table["abs"]
    assert row_of(len) is None and row_of(print) is None and row_of([]) is None
