"""Variables that branches and loops write."""

import numpy as np
import pytest
from numba import njit

import nbgrad as ng
from nbgrad.ad.lower import lower
from nbgrad.ad.statements import FLOAT, INT, Cell, Put, Set, walk
from nbgrad.base.errors import GradientError
from tests.ad.plain import close, differences, plain


def cells(f, *kinds):
    """Return the types of the variables of a function that have cells, by name."""
    return {s.cell.name: s.cell.type for s in walk(lower(f, kinds).body) if isinstance(s, Put)}


def test_a_variable_that_no_branch_writes_has_no_cell():
    def f(x):
        y = x * x
        y = y + x
        return y

    assert not cells(f, FLOAT)


def test_a_cell_is_wide_enough_for_all_its_values():
    def f(x, n):
        s = 0
        for i in range(n):
            s = s + x * i
        return s

    assert {n: k for n, k in cells(f, FLOAT, INT).items() if n.startswith("s")} == {"s_": FLOAT}


def test_a_value_is_read_where_it_holds():
    def f(x):
        y = x
        if x > 1.0:
            y = 2.0 * x
        return y * y

    body = lower(f, (FLOAT,)).body
    assert sum(isinstance(s, Set) and s.op == "get" and isinstance(s.args[0], Cell) for s in walk(body)) == 1
    for x in (0.5, 1.5):
        assert close(plain(ng.grad(njit(f)), x), differences(f, (x,), 0))


def test_tuples_have_a_cell_for_each_part():
    def f(x):
        pair = (x, 1.0)
        for _ in range(3):
            pair = (pair[1] * x, pair[0] + x)
        return pair[0] * pair[1]

    assert len(cells(f, FLOAT)) >= 2
    assert close(plain(ng.grad(njit(f)), 0.7), differences(f, (0.7,), 0))


def test_a_variable_of_two_kinds_is_refused():
    def f(x):
        y = x
        if x > 1.0:
            y = np.zeros(3)
        return y

    with pytest.raises(GradientError, match="y is"):
        lower(f, (FLOAT,))
