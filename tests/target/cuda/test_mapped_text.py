"""Kernels that call a function for each place: their plans, and values at any layout."""

import math

import numpy as np
import pytest
from numba import njit

from nbgrad.ad.derive import Derivative
from nbgrad.ad.statements import FLOAT, INT, Group
from nbgrad.target.cuda.array import from_host, to_host
from nbgrad.target.cuda.function_text import function_text
from nbgrad.target.cuda.kernels import source
from nbgrad.target.cuda.mapped_text import plan_mapped
from nbgrad.target.cuda.run import SeveralLaunch
from nbgrad.target.launch import layout

pytestmark = pytest.mark.cuda


def run(text, *arrays):
    arrays = [from_host(a) for a in arrays]
    shape = np.broadcast_shapes(*[a.shape for a in arrays])
    plan = plan_mapped(text, tuple(map(layout, arrays)), shape)
    return plan, [to_host(a) for a in SeveralLaunch(0, plan, len(arrays))(arrays)]


def test_a_tuple_of_arguments_is_a_tuple_in_the_call():
    f = Derivative("adjoint", _both, (0,)).statements((FLOAT, Group((FLOAT, FLOAT))))
    x, g, h = np.linspace(0.1, 2.0, 21), np.linspace(1.0, 3.0, 21), np.array(2.0)
    plan, (got,) = run(function_text(f, 8), x, g, h)
    assert len(plan.steps) == 1
    assert "((x0, (x1, x2,)" in source(plan.steps[0].kernel).replace("one_adjoint__both", "(")
    np.testing.assert_allclose(got, 2.0 * x * g + h * np.cos(x))


@njit
def _both(x):
    return x * x, math.sin(x)


def test_a_status_is_cleared_and_says_what_failed():
    text = function_text(Derivative("value_and_grad", _first).statements((FLOAT, INT)), 4)
    x, n = np.linspace(0.5, 1.0, 40).reshape(2, 20), np.arange(20) % 5
    plan, (value, slope, status) = run(text, x, n)
    assert [step.kernel.loop for step in plan.steps] == ["fill", "mapped"]
    assert status.tolist() == [0]
    np.testing.assert_allclose(value, x ** (2.0**n))
    np.testing.assert_allclose(slope, 2.0**n * x ** (2.0**n - 1.0))
    _, (value, _, status) = run(text, x, n + 1)
    assert status.tolist() == [1]


@njit
def _first(x, n):
    for _ in range(n):
        x = x * x
    return x


def test_nothing_to_do_needs_no_step():
    text = function_text(Derivative("value_and_grad", _first).statements((FLOAT, INT)), 4)
    plan, results = run(text, np.zeros((0, 3)), np.ones(3, int))
    assert plan.steps == ()
    assert [r.shape for r in results] == [(0, 3), (0, 3), (1,)]
