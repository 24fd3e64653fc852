"""Statements as readable Python."""

import math

import numpy as np

from nbgrad.ad.reverse import prepared
from nbgrad.ad.text import needed, row_text, written
from nbgrad.docs import rows
from nbgrad.ops.table import table
from tests.ad.plain import lowered
from tests.ad.zoo import CASES, V


def text(f, *args):
    return written(prepared(lowered(f, *args)))[0]


def test_a_value_used_once_stands_where_it_is_used():
    def f(x, y):
        a = x * y
        b = a + 2.0
        return math.sin(b) * y

    assert text(f, 1.0, 2.0) .endswith("sin(x * y + 2.0) * y\n    return t_3")


def test_a_value_used_twice_has_its_users_name():
    def f(x):
        area = x * x + 1.0
        return area * area

    assert "area = x * x + 1.0" in text(f, 2.0)


def test_loops_and_branches():
    found = text(CASES["product"].fn, V)
    assert "for i in range(" in found and "prod" in found
    found = text(CASES["branches"].fn, 1.0, 2.0)
    assert "if x > 1.0" in found or "x > 1.0" in found
    assert text(CASES["newton"].fn, 2.0).count("while True:") == 1


def test_what_is_read_before_a_write_is_not_moved_behind_it():
    def f(x):
        a = x[0] * 2.0
        x[0] = 5.0
        return a

    lines = text(f, V).splitlines()
    assert lines.index("    x[0] = 5.0") > 1
    scope: dict = {"np": np, "math": math}
    exec("\n".join(lines), scope)
    assert scope["f"](np.array([3.0])) == 6.0


def test_constants():
    def f(x):
        return x * np.inf - np.nan + np.float32(2.0) * -1

    scope: dict = {"np": np, "math": math}
    exec(text(f, 1.0), scope)
    assert np.isnan(scope["f"](1.0))


def test_rows_as_text():
    rows()
    scope: dict = {"math": math}
    exec(row_text(table["square"]), scope)
    assert scope["square"](3.0) == 9.0
    assert isinstance(needed(table["tanh"]), dict)
