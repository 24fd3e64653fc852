"""Work arrays get a place for each turn where nobody else knows them, and only there."""

import numpy as np

import nbgrad as ng
from tests.ad.made import agrees, function

X = np.array([[0.3, -0.8], [1.1, 0.4], [0.2, 0.9]])


def test_a_copy_that_another_variable_will_mean_is_no_work_array():
    f = function("""
def f(x, n):
    u, new = x.copy(), x.copy()
    for _ in range(n):
        for i in range(1, x.shape[0]):
            new[i, 0] = 0.7 * u[i, 0] * u[i - 1, 1]
        u, new = new, u
    return np.sum(u * u)
""", "f")
    agrees(ng.value_and_grad, f, (X, 3), (0,))


def test_an_array_that_is_returned_is_no_work_array():
    f = function("""
def f(x, n):
    out = np.empty(2)
    for i in range(n):
        for j in range(x.size):
            out[0] = x[j] * x[j]
            out[1] = x[j] * i
    return out
""", "f")
    assert ng.jacobian(f)(np.array([1.0, 2.0, 3.0]), 2).tolist() == [[0.0, 0.0, 6.0], [0.0, 0.0, 1.0]]
