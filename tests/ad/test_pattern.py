"""Patterns are never too small: every derivative that is not zero is in them; those without branches are exact."""

import numpy as np
import pytest
from numba import njit

from nbgrad.loops import derivative
from tests.ad.plain import plain
from tests.ad.test_zoo import NOT_YET
from tests.ad.zoo import CASES


def flat(x, g):
    """Return what a nested gradient holds for the floats of its argument, in order."""
    if isinstance(x, tuple):
        return np.concatenate([np.zeros(0), *(flat(a, b) for a, b in zip(x, g))])
    return np.ravel(g) if np.asarray(x).dtype.kind == "f" else np.zeros(0)


def bits(n):
    return np.uint64(1) << np.arange(n, dtype=np.uint64)


def dense(f, args, argnums=0):
    """Return the pattern of a function as a matrix of truths; and whether floats decide it."""
    d = derivative("pattern", f, argnums)
    n = sum(flat(args[i], args[i]).size for i in d.derivative.wrt)
    found = plain(d, *args, bits(n))
    (steered,) = d.derivative.steered.values()
    return (found[:, None] & bits(n)) != 0, steered


@pytest.mark.parametrize("name", [n for n in CASES if n not in NOT_YET])
def test_no_derivative_is_outside_of_the_pattern(name):
    c = CASES[name]
    found, _ = dense(c.fn, c.args, c.wrt)
    gradient = plain(derivative("grad", c.fn, c.wrt), *c.args)
    full = np.concatenate([flat(c.args[i], g) for i, g in zip(c.wrt, gradient)])
    assert found.shape == (1, full.size)
    assert not (full[~found[0]]).any()


@njit
def stencil(x, k):
    y = x.copy()
    for _ in range(k):
        for i in range(1, x.size - 1):
            y[i] += y[i - 1] * 2.0
    return y


@njit
def picked(x, index):
    return x[index] * 2.0


@njit
def clipped(x):
    return np.where(x > 0.0, x, 0.5)


@njit
def branch(x):
    y = np.zeros_like(x)
    for i in range(x.size):
        if x[i] > 0.0:
            y[i] = x[0]
    return y


@njit
def matrices(a, b):
    return a @ b


def test_patterns_are_exact_where_values_do_not_matter():
    found, steered = dense(stencil, (np.ones(4), 1))
    np.testing.assert_array_equal(found, [[1, 0, 0, 0], [1, 1, 0, 0], [1, 1, 1, 0], [0, 0, 0, 1]])
    assert not steered
    found, steered = dense(picked, (np.ones(4), np.array([2, 0])))
    np.testing.assert_array_equal(found, [[0, 0, 1, 0], [1, 0, 0, 0]])
    assert not steered


def test_a_choice_of_values_has_both_and_a_branch_the_way_it_takes():
    found, _ = dense(clipped, (np.array([1.0, -1.0]),))
    np.testing.assert_array_equal(found | np.eye(2, dtype=bool), np.eye(2, dtype=bool))
    found, steered = dense(branch, (np.array([1.0, -1.0]),))
    np.testing.assert_array_equal(found, [[1, 0], [0, 0]])
    assert steered


@njit
def solved(a, b):
    return np.linalg.solve(a, b)


def test_of_a_linear_system_everything_depends_on_everything():
    assert dense(solved, (np.eye(2), np.ones(2)), (0, 1))[0].all()


def test_a_product_of_matrices_depends_on_a_row_and_a_column():
    a, b = np.zeros((2, 3)), np.zeros((3, 2))
    found, _ = dense(matrices, (a, b), (0, 1))
    for i in range(2):
        for j in range(2):
            row, column = np.zeros((2, 3), bool), np.zeros((3, 2), bool)
            row[i], column[:, j] = True, True
            np.testing.assert_array_equal(found[2 * i + j], np.concatenate([row.ravel(), column.ravel()]))


@pytest.mark.parametrize(("name", "expected"), [("product", False), ("branches", True), ("newton", True), ("continue_in_while", False),
                                                ("lotka_volterra", False), ("while_in_for", True)])  # fmt: skip
def test_floats_that_decide_are_noticed(name, expected):
    assert dense(CASES[name].fn, CASES[name].args, CASES[name].wrt)[1] == expected
