"""Gradients of every function of the zoo, against finite differences; texts run as plain Python, so each costs milliseconds."""

import numpy as np
import pytest

import nbgrad as ng
from tests.ad.plain import close, complex_step, copies, differences, plain
from tests.ad.zoo import CASES

SINGLE = ("single", "mixed")
NOT_YET = ("view_chosen",)
NAMES = [pytest.param(n, marks=[pytest.mark.xfail] if n in NOT_YET else []) for n in CASES]


def gradients(c, args):
    return plain(ng.value_and_grad(c.fn, c.wrt), *args)


@pytest.mark.parametrize("name", NAMES)
def test_gradients_are_finite_differences(name):
    c = CASES[name]
    h, rtol = (1e-3, 2e-3) if name in SINGLE else (1e-6, 1e-5)
    for args in (c.args, *c.more):
        value, found = gradients(c, args)
        assert close(value, c.fn.py_func(*copies(args)), 1e-6 if name in SINGLE else 1e-12)
        assert close(found, tuple(differences(c.fn.py_func, args, k, h) for k in c.wrt), rtol, 1e-6), (name, args)


@pytest.mark.parametrize("name", [n for n, c in CASES.items() if c.smooth and not isinstance(c.args[0], tuple)])
def test_gradients_of_smooth_code_are_exact(name):
    c = CASES[name]
    _, found = gradients(c, c.args)
    for k, g in zip(c.wrt, found):
        np.testing.assert_allclose(g, complex_step(c.fn.py_func, c.args, k), rtol=1e-12)
