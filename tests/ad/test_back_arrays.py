"""The way back through operations on whole arrays: how its text looks."""

import numpy as np

import nbgrad as ng
from tests.ad.made import function, of
from tests.ad.plain import text

A, V = np.eye(3) + 0.1, np.ones(3)


def test_one_solution_serves_both_arguments():
    assert text(ng.grad(of("np.linalg.solve(a, b)", "a", "b"), (0, 1)), A, V).count("np.linalg.solve") == 2


def test_what_no_gradient_reaches_is_left_out():
    f = function("def f(a, b):\n    unused = np.linalg.inv(a)\n    return np.sum(b * b)\n", "f")
    assert "inv" not in text(ng.grad(f, (0, 1)), A, V)


def test_only_the_asked_argument_costs():
    assert "outer" not in text(ng.grad(of("a @ b", "a", "b"), 1), A, V)
    assert text(ng.grad(of("np.linalg.inv(a) @ b", "a", "b"), 1), A, V).count(".inv(") == 1
