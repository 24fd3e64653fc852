"""The types of results are those that Numba gives."""

import operator

import pytest
from numba import types
from numba.core.registry import cpu_target

from nbgrad.ad.statements import BOOL, FLOAT, INT, Array, Group, Scalar
from nbgrad.ad.typing import ORDER, arithmetic, common, function, promoted, said
from nbgrad.docs import rows
from nbgrad.ops.table import table

OPERATORS = {"+": operator.add, "*": operator.mul, "/": operator.truediv}

@pytest.mark.parametrize("op", ["+", "*", "/"])
def test_arithmetic_is_numbas(op):
    context = cpu_target.typing_context
    context.refresh()
    kinds = {n: types.boolean if n == "bool" else getattr(types, n) for n in ORDER}
    for a in ORDER:
        for b in ORDER:
            found = context.resolve_function_type(OPERATORS[op], (kinds[a], kinds[b]), {}).return_type
            assert str(found) == arithmetic(op, Scalar(a), Scalar(b)).dtype, (a, op, b)


def test_what_holds_both():
    assert common("float32", "float32") == "float32" and common("float32", "int32") == "float64" and common("int16", "float32") == "float32"
    assert promoted(INT, FLOAT) == FLOAT and promoted(BOOL, INT) == INT
    assert promoted(Array("float64", 1), Array("float64", 1, "A")) == Array("float64", 1, "A")
    assert promoted(Array("float64", 1), Array("float64", 2)) is None and promoted(FLOAT, Array("float64", 1)) is None
    assert promoted(Group((INT, INT)), Group((FLOAT, INT))) == Group((FLOAT, INT))


def test_rows():
    rows()
    assert function(table["sin"], [Scalar("float32")]).dtype == "float32"
    assert function(table["sin"], [INT]) == FLOAT
    assert arithmetic("<", FLOAT, FLOAT) == BOOL and arithmetic("/", INT, INT) == FLOAT


def test_types_in_words():
    assert said(FLOAT) == "float64"
    assert said(Array("float32", 2)) == "float32 array of 2 axes"
    assert said(Group((INT, INT))) == "a tuple of 2"
