"""Calls: of the user's own functions, ranges, Python's functions."""

import math

import numpy as np
import pytest
from numba import njit

import nbgrad as ng
from nbgrad.base.errors import GradientError
from tests.ad.made import agrees, function
from tests.ad.plain import plain
from tests.ad.zoo import V


@njit
def inner(x, by=2.0, *, shift=0.5):
    return x * by + shift


@njit
def power(x, n):
    out = 1.0
    for _ in range(n):
        out *= x
    return out


@njit
def split(x):
    return np.sin(x), (x, x * x)


KNOWN = {"inner": inner, "power": power, "split": split, "math": math}
BODIES = ["return inner(x)", "return power(x, 3) + power(power(x, 2), 2)", "s, (a, b) = split(x)\n    return s * a + b",
          "return power(n=2, x=x)", "s = 0.0\n    for i in range(4):\n        s += power(x, i)\n    return s", "return power(x, 0)",
          "a, b = 1.0, 2.0\n    for i in range(3):\n        a, b = power(b * x, 2), inner(a, x)\n    return a * b", "return math.floor(x) * x + math.ceil(x) + math.trunc(x)"]  # fmt: skip


@pytest.mark.parametrize("body", BODIES)
def test_calls(body):
    if "inner" in body:
        KNOWN["inner"] = njit(lambda_inner)
    agrees(ng.value_and_grad, function(f"def f(x):\n    {body}\n", "f", KNOWN), (1.3,), (0,))


def lambda_inner(x, by=2.0):
    return x * by + 0.5


LOOPS = ["for i in range(x.size):\n        s += x[i] * s", "for i in range(2, 5):\n        s *= x[i]", "for i in range(4, -1, -2):\n        s *= x[i]",
         "for v in x:\n        s *= v", "for i, v in enumerate(x):\n        s *= v + i", "for i, v in enumerate(x, 2):\n        s *= v + i",
         "for a, b in zip(x, x[::-1]):\n        s += a * b * s", "for a, b in zip(x, x[:2]):\n        s += a * b * s", "for i in range(0):\n        s *= x[i]"]  # fmt: skip


@pytest.mark.parametrize("loop", LOOPS)
def test_loops(loop):
    agrees(ng.value_and_grad, function(f"def f(x):\n    s = 0.5\n    {loop}\n    return s\n", "f"), (V,), (0,))


@pytest.mark.parametrize(("body", "says"), [("return power(x)", "needs an argument n"), ("for i in range(x):\n        pass\n    return x", "range takes integers"),
                                            ("return print(x)", "print is not supported"), ("return sorted((x, x))[0]", "not supported")])  # fmt: skip
def test_what_is_refused(body, says):
    with pytest.raises(GradientError, match=says):
        plain(ng.grad(function(f"def f(x):\n    {body}\n", "f", KNOWN)), 1.3)


@pytest.mark.parametrize("expression", ["np.sum(x, keepdims=True)", "np.zeros(3, order='F')", "x.sum(0, 1)", "round(x[0], 2)", "np.full(3)", "max()", "len()", "np.zeros((2, x[0]))",
                                        "np.dot(x)", "float()", "float(x)", "np.float32(x)", "x.copy(1, 2)", "x.reshape()", "np.array([])", "np.empty(3, dtype=np.complex128)",
                                        "np.arange(1, 2, 3, 4)", "np.var(x, ddof=1)"])  # fmt: skip
def test_wrong_arguments_are_refused_at_the_users_line(expression):
    f = function(f"def f(x):\n    return np.sum({expression} * x)\n", "f")
    with pytest.raises(GradientError, match=r"<made \d+>:2:"):
        plain(ng.grad(f), V)
