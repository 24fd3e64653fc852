"""Arrays that the way back reads: kept where they are gone or written over by then, and only there."""

import numpy as np

import nbgrad as ng
from tests.ad.made import function
from tests.ad.plain import text

A, V = np.eye(3) + 0.1, np.ones(3)


def written(body):
    return text(ng.grad(function(f"def f(a, b):\n{body}", "f"), (0, 1)), A, V)


def test_what_lasts_is_not_kept():
    assert "tape" not in written("    return np.sum(a @ b)\n")
    assert "tape" not in written("    x = np.linalg.solve(a, b)\n    return np.sum(x * x)\n")


def test_what_is_written_over_is_kept():
    assert "tape" in written("    x = a @ b\n    b[0] = x[1]\n    return np.sum(x * b)\n")


def test_a_matrix_that_lasts_is_not_kept_with_the_vectors_of_a_loop():
    body = "    x = b\n    for _ in range(4):\n        x = a @ x\n    return np.sum(x)\n"
    assert "a_then" not in written(body)
    assert "_then" in written(body)
