"""Derivatives of compiled functions in SciPy's optimizers and solvers, unchanged."""

import numpy as np
import pytest
from numba import njit
from scipy.integrate import solve_ivp
from scipy.optimize import least_squares, minimize, root

import nbgrad as ng


@njit
def rosenbrock(x):
    s = 0.0
    for i in range(x.size - 1):
        s += 100.0 * (x[i + 1] - x[i] ** 2) ** 2 + (1.0 - x[i]) ** 2
    return s


@njit
def decay(p, t, seen):
    r = np.empty(t.size)
    for i in range(t.size):
        r[i] = p[0] * np.exp(-p[1] * t[i]) + p[2] - seen[i]
    return r


@njit
def broyden(x):
    r = np.empty_like(x)
    for i in range(x.size):
        r[i] = (3.0 - 2.0 * x[i]) * x[i] + 1.0
        if i > 0:
            r[i] -= x[i - 1]
        if i < x.size - 1:
            r[i] -= 2.0 * x[i + 1]
    return r


@njit
def robertson(t, y):
    a, b, c = 0.04 * y[0], 3e7 * y[1] ** 2, 1e4 * y[1] * y[2]
    return np.array([c - a, a - b - c, b])


@njit
def product(x, a):
    return a * x[0] * x[1]


START = np.array([1.3, 0.7, 0.8, 1.9])


@pytest.mark.parametrize("method", ["BFGS", "L-BFGS-B", "CG", "SLSQP"])
def test_minimize_with_the_gradient(method):
    found = minimize(rosenbrock, START, jac=ng.grad(rosenbrock), method=method)
    np.testing.assert_allclose(found.x, 1.0, atol=1e-3)


def test_minimize_with_value_and_gradient():
    found = minimize(ng.value_and_grad(rosenbrock), START, jac=True)
    np.testing.assert_allclose(found.x, 1.0, atol=1e-3)


@pytest.mark.parametrize("method", ["Newton-CG", "trust-exact", "trust-ncg", "trust-constr"])
def test_minimize_with_the_hessian(method):
    found = minimize(rosenbrock, START, jac=ng.grad(rosenbrock), hess=ng.hessian(rosenbrock), method=method)
    np.testing.assert_allclose(found.x, 1.0, atol=1e-4)


@pytest.mark.parametrize("method", ["Newton-CG", "trust-krylov"])
def test_minimize_with_products_of_the_hessian(method):
    found = minimize(rosenbrock, START, jac=ng.grad(rosenbrock), hessp=ng.hvp(rosenbrock), method=method)
    np.testing.assert_allclose(found.x, 1.0, atol=1e-4)


def test_further_arguments_and_constraints():
    constraint = {"type": "eq", "fun": product, "jac": ng.grad(product), "args": (2.0,)}
    found = minimize(rosenbrock, START, jac=ng.grad(rosenbrock), constraints=[constraint], method="SLSQP")
    assert abs(found.x[0] * found.x[1]) < 1e-8
    free = minimize(product, np.array([1.0, 2.0]), args=(3.0,), jac=ng.grad(product), method="SLSQP", bounds=[(1, 2), (2, 3)])
    np.testing.assert_allclose(free.x, [1.0, 2.0])


@pytest.mark.parametrize("method", ["lm", "trf", "dogbox"])
def test_least_squares(method):
    t = np.linspace(0.0, 3.0, 30)
    seen = 2.5 * np.exp(-1.3 * t) + 0.5
    found = least_squares(decay, np.array([1.0, 1.0, 0.0]), jac=ng.jacobian(decay), args=(t, seen), method=method)
    np.testing.assert_allclose(found.x, [2.5, 1.3, 0.5], rtol=1e-6)
    assert found.njev < 30


def test_least_squares_with_a_sparse_jacobian():
    found = least_squares(broyden, -np.ones(300), jac=ng.sparse_jacobian(broyden), method="trf", tr_solver="lsmr")
    assert np.abs(broyden(found.x)).max() < 1e-6


@pytest.mark.parametrize("method", ["hybr", "lm"])
def test_root(method):
    found = root(broyden, -np.ones(8), jac=ng.jacobian(broyden), method=method)
    assert found.success and np.abs(broyden(found.x)).max() < 1e-8


@pytest.mark.parametrize("method", ["Radau", "BDF", "LSODA"])
def test_stiff_equations(method):
    found = solve_ivp(robertson, (0.0, 40.0), np.array([1.0, 0.0, 0.0]), method=method, jac=ng.jacobian(robertson, 1), rtol=1e-6, atol=1e-10)
    np.testing.assert_allclose(found.y[:, -1], [0.7158, 9.185e-6, 0.2842], rtol=2e-3)
    sparse = ng.sparse_jacobian(robertson, 1)
    if method != "LSODA":
        again = solve_ivp(robertson, (0.0, 40.0), np.array([1.0, 0.0, 0.0]), method=method, jac=sparse, rtol=1e-6, atol=1e-10)
        np.testing.assert_allclose(again.y[:, -1], found.y[:, -1], rtol=1e-6)
