"""The way back runs forwards where order does not matter, and only there."""

import numpy as np
from numba import njit

import nbgrad as ng
from tests.ad.plain import close, copies, differences, plain, text
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


@njit
def exchanged(x, n, h):
    u, v = x.copy(), x.copy()
    for _ in range(n):
        for i in range(1, u.size - 1):
            v[i] = u[i] + h * (u[i - 1] - 2 * u[i] + u[i + 1]) * u[i]
        u, v = v, u
    return np.sum(u * u) + v[1]


def test_ways_for_arrays_that_lie_apart_are_no_part_of_what_is_differentiated_again():
    slope = ng.grad(exchanged)

    @njit
    def along(x, n, h):
        g = slope(x, n, h)
        return 0.3 * g[0] - 0.2 * g[1] + 0.5 * g[2]

    args = (V[:4].copy(), 3, 0.1)
    assert "apart(" in text(slope, *args)
    expected = differences(lambda *a: plain(slope, *a)[:3] @ [0.3, -0.2, 0.5], args, 0)
    assert close(plain(ng.grad(along), *args), expected, 1e-6)
    assert close(ng.hvp(exchanged, copies(args), (np.array([0.3, -0.2, 0.5, 0.0]), 0, 0.0))[0], expected, 1e-6)
