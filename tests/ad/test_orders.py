"""The way back runs forwards where order does not matter, and only there."""

import numpy as np
from numba import njit

import nbgrad as ng
from tests.ad.plain import close, differences, plain, text
from tests.ad.zoo import CASES, V


@njit
def places(x):
    y = np.zeros(x.size)
    for i in range(x.size):
        y[i] = x[i] * x[i]
    s = 1.0
    for i in range(x.size):
        s = s * y[i]
    return s


def back_of(g, *args):
    lines = text(g, *args).split("cache=True)")[1].splitlines()
    return [line.strip() for line in lines if line.strip().startswith("for ")]


def test_elementwise_loops_run_forwards_and_products_backwards():
    found = back_of(ng.grad(places), V)
    assert sum("-1)" in line for line in found) == 1


def test_both_are_right():
    assert close(plain(ng.grad(places), V), differences(places.py_func, (V,), 0), 1e-6)
    c = CASES["cumulative"]
    assert any("-1" in line for line in back_of(ng.grad(c.fn), *c.args))
