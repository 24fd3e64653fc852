"""What can be asked of a function: the parameters of each derivative, arguments that are refused, derivatives of derivatives."""

from typing import NamedTuple

import numpy as np
import pytest
from numba import njit

import nbgrad as ng
from nbgrad.ad.derive import KINDS, Derivative, checked_argnums, fresh_names
from nbgrad.base.errors import ArgumentError, DtypeError, GradientError, ShapeError
from nbgrad.loops import derivative
from nbgrad.target.functions.made import made
from tests.ad.made import function


@njit
def chain(x, a, n=2):
    y = np.empty(x.size - 1)
    for i in range(x.size - 1):
        y[i] = a * (x[i + 1] - x[i] ** n)
    return y


@njit
def rosenbrock(x):
    s = 0.0
    for i in range(x.size - 1):
        s += 100.0 * (x[i + 1] - x[i] ** 2) ** 2 + (1.0 - x[i]) ** 2
    return s


class State(NamedTuple):
    place: np.ndarray
    speed: float


@njit
def pushed(state, dt):
    return State(state.place + dt * state.speed, state.speed * (1.0 - dt))


@njit
def filled(x, y):
    for i in range(x.size):
        y[i] += x[i] ** 2


X = np.array([1.0, 2.0, 3.0, 0.5])


@pytest.mark.parametrize("kind", KINDS)
def test_the_signature_of_each_derivative(kind):
    d = Derivative(kind, chain)
    stub, extra = d.stub(), d.parameters()[3:]
    assert stub.__code__.co_varnames[: stub.__code__.co_argcount] == d.parameters()
    assert d.parameters()[:3] == ("x", "a", "n")
    assert extra == {"jvp": ("t_x", "t_a", "t_n"), "hvp": ("t_x", "t_a", "t_n"), "pullback": ("g", "g_x", "g_a", "g_n"), "adjoint": ("g",),
                     "pattern": ("bits",), **dict.fromkeys(("wide", "columns", "rows"), ("colours", "count", "starts", "which"))}.get(kind, ())  # fmt: skip


@njit
def taken_names(g, t_g):
    return g * t_g


def test_names_of_parameters_that_are_taken():
    assert Derivative("pullback", taken_names).parameters() == ("g", "t_g", "g_", "g_g", "g_t_g")
    assert Derivative("jvp", taken_names).parameters() == ("g", "t_g", "t_g_", "t_t_g")
    assert ng.jvp(taken_names, (2.0, 3.0), (1.0, 0.0)) == (6.0, 3.0)


@pytest.mark.parametrize("argnums", [3, -4, (0, 3), (0, -3), "x", (1.5,)])
def test_argnums_are_checked(argnums):
    with pytest.raises(ArgumentError, match="argnums"):
        checked_argnums("grad", argnums, 3)
    with pytest.raises(ArgumentError, match="argnums"):
        ng.jacobian(chain, argnums)


def test_argnums_count_from_the_end_and_a_tuple_gives_a_tuple():
    assert checked_argnums("grad", (-1, 0), 3) == (2, 0)
    (found,) = ng.jacobian(chain, (-2,))(X, 2.0, 2)
    np.testing.assert_allclose(found, X[1:] - X[:-1] ** 2)


def test_defaults_are_those_of_the_function():
    np.testing.assert_allclose(ng.jacobian(chain)(X, 2.0), ng.jacobian(chain)(X, 2.0, 2))


    t = np.array([1.0, 0.0, 0.0, 0.0])
    np.testing.assert_allclose(ng.jvp(chain, (X, 2.0), (t, 0.0))[1], ng.jacobian(chain)(X, 2.0) @ t)
    by_x, by_a = ng.vjp(chain, X, 2.0)[1](np.ones(3))
    np.testing.assert_allclose(by_x, ng.jacobian(chain)(X, 2.0).sum(axis=0))
    for call in (lambda: ng.vjp(chain, X), lambda: ng.jvp(chain, (X, 2.0, 2, 3), (X, 1.0, 0, 0))):
        with pytest.raises((ArgumentError, TypeError)):
            call()


def test_a_derivative_that_is_asked_for_again_is_the_same():
    assert ng.jacobian(chain) is ng.jacobian(chain)
    assert ng.grad(rosenbrock) is ng.grad(rosenbrock)
    assert derivative("jacobian", chain, 0) is not derivative("jacobian", chain, 1)


def test_jvp_and_vjp_of_an_array():
    t = np.array([1.0, 0.0, 0.0, 2.0])
    dense = ng.jacobian(chain)(X, 2.0)
    out, t_out = ng.jvp(chain, (X, 2.0, 2), (t, 0.0, 0))
    np.testing.assert_allclose(out, chain(X, 2.0))
    np.testing.assert_allclose(t_out, dense @ t)
    out, pull = ng.vjp(chain, X, 2.0, 2)
    np.testing.assert_allclose(out, chain(X, 2.0))
    for g in (np.array([1.0, 2.0, 3.0]), [0, 1, 0]):
        by_x, by_a, by_n = pull(g)
        np.testing.assert_allclose(by_x, g @ dense)
        np.testing.assert_allclose(by_a, g @ chain(X, 1.0))
        assert by_n == 0.0


def test_vjp_of_namedtuples_keeps_its_own_copy():
    state = State(np.array([1.0, 2.0]), 3.0)
    out, pull = ng.vjp(pushed, state, 0.5)
    np.testing.assert_allclose(out.place, [2.5, 3.5])
    state.place[:] = 100.0
    by_state, by_dt = pull(State(np.array([1.0, 1.0]), 2.0))
    np.testing.assert_allclose(by_state.place, [1.0, 1.0])
    assert (by_state.speed, by_dt) == (1.0 + 1.0, 6.0 - 6.0)
    (t, _), _ = ng.jvp(pushed, (state, 0.5), (State(np.ones(2), 0.0), 0.0))
    assert isinstance(ng.jvp(pushed, (state, 0.5), (State(np.ones(2), 0.0), 0.0))[1], State)


def test_vjp_of_a_function_that_writes_into_its_argument():
    y = np.array([1.0, 1.0])
    out, pull = ng.vjp(filled, np.array([2.0, 3.0]), y)
    assert out is None
    np.testing.assert_allclose(y, [5.0, 10.0])
    for _ in range(2):
        by_x, by_y = pull(y=np.array([1.0, 10.0]))
        np.testing.assert_allclose(by_x, [4.0, 60.0])
        np.testing.assert_allclose(by_y, [1.0, 10.0])


@njit
def with_aux(x):
    return x.sum(), x * 2.0


def test_has_aux():
    out, pull, aux = ng.vjp(with_aux, np.ones(2), has_aux=True)
    assert out == 2.0
    np.testing.assert_allclose(aux, [2.0, 2.0])
    np.testing.assert_allclose(pull(3.0)[0], [3.0, 3.0])


def test_hessians_and_products_with_vectors():
    h = ng.hessian(rosenbrock)(X)
    np.testing.assert_allclose(h, h.T)
    np.testing.assert_allclose(np.diag(h)[:-1], 1200 * X[:-1] ** 2 - 400 * X[1:] + 2 + 200 * (np.arange(3) > 0))
    v = np.array([1.0, -1.0, 0.5, 2.0])
    np.testing.assert_allclose(ng.hvp(rosenbrock, (X,), (v,)), h @ v)
    np.testing.assert_allclose(ng.jvp(ng.grad(rosenbrock), (X,), (v,))[1], h @ v)


def test_derivatives_are_called_from_compiled_code():
    jacobian, hessian, jvp, back, hvp = ng.jacobian(chain), ng.hessian(rosenbrock), ng.jvp(chain), ng.vjp(chain), ng.hvp(rosenbrock)

    @njit
    def use(x, v):
        out, t = jvp(x, 2.0, 2, v, 0.0, 0)
        _, grads = back(x, 2.0, 2, out)
        return jacobian(x, 2.0, 2) @ v - t, grads[0], hessian(x) @ v - hvp(x, v)

    v = np.array([1.0, -1.0, 0.5, 2.0])
    zero, gradient, nil = use(X, v)
    np.testing.assert_allclose(zero, 0.0, atol=1e-12)
    np.testing.assert_allclose(nil, 0.0, atol=1e-10)
    np.testing.assert_allclose(gradient, chain(X, 2.0) @ ng.jacobian(chain)(X, 2.0))


def test_tangents_are_checked():
    with pytest.raises(ShapeError, match="2 tangents for 3 arguments"):
        ng.jvp(chain, (X, 2.0, 2), (X, 1.0))
    with pytest.raises(ShapeError, match=r"shape \(3,\)"):
        ng.jvp(chain, (X, 2.0, 2), (np.ones(3), 1.0, 0))
    with pytest.raises(ShapeError, match="tuple of 2"):
        ng.jvp(pushed, (State(X, 1.0), 0.5), (X, 0.0))
    with pytest.raises(ArgumentError, match="primals and tangents are tuples"):
        ng.hvp(rosenbrock, X, X)
    with pytest.raises(DtypeError, match="x is int64"):
        ng.jacobian(chain)(np.array([1, 2]), 2.0)


def test_gradients_of_results_are_checked():
    _, pull = ng.vjp(pushed, State(X, 1.0), 0.5)
    with pytest.raises(ShapeError, match="tuple of 2"):
        pull(np.ones(4))
    with pytest.raises(ShapeError, match=r"shape \(3,\)"):
        pull((np.ones(3), 1.0))
    with pytest.raises(ArgumentError, match="no argument y"):
        pull((np.ones(4), 1.0), y=X)


def test_float32_and_tangents_of_other_dtypes():
    x = X.astype(np.float32)
    out, t = ng.jvp(chain, (x, np.float32(2.0), 2), ([1, 0, 0, 0], 0, 0))
    assert t[0] == -4.0
    np.testing.assert_allclose(ng.jacobian(chain)(x, np.float32(2.0)), ng.jacobian(chain)(X, 2.0), rtol=1e-6)


def test_only_parallel_loops_are_compiled_as_such():
    made = Derivative("grad", njit(parallel=True, fastmath=True)(chain.py_func))
    assert "parallel" not in made.option_text(False) and "fastmath=True" in made.option_text(False)
    assert "'prange': True" in made.option_text(True) and "'numpy': False" in made.option_text(True)
    assert "parallel" not in Derivative("grad", chain).option_text(True)


@pytest.mark.parametrize("parameters", ["*x", "x, *, y=1.0", "x, **y"])
def test_parameters_have_positions(parameters):
    f = function(f"def f({parameters}):\n    return 1.0\n", "f")
    with pytest.raises(GradientError, match="has no position"):
        ng.grad(f)


def test_names_that_are_taken_are_made_longer():
    assert fresh_names(("x", "g", "g_"), ["g", "t"]) == ("g__", "t")
    d = Derivative("adjoint", made(Derivative("adjoint", made(Derivative("adjoint", chain)))))
    assert d.parameters() == ("x", "a", "n", "g", "g_", "g__")
