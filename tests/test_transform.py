"""Transforms against finite differences and against each other where mathematics says they agree."""

import dataclasses
import math

import numpy as np
import pytest
from scipy.optimize import rosen, rosen_der, rosen_hess

import nbgrad as ng
from nbgrad.base.errors import ArgumentError, GradientError, ShapeError


def rosenbrock(x):
    return (100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2).sum()


POINT = np.array([1.3, 0.7, 0.8, 1.9, 1.2])


def test_first_words_of_the_readme():
    assert float(ng.grad(lambda x: x**2)(4.0)) == 8.0


def test_grad_hessian_against_scipy():
    np.testing.assert_allclose(rosenbrock(ng.tensor(POINT)).item(), rosen(POINT))
    np.testing.assert_allclose(ng.grad(rosenbrock)(POINT).numpy(), rosen_der(POINT), rtol=1e-12)
    np.testing.assert_allclose(ng.hessian(rosenbrock)(POINT).numpy(), rosen_hess(POINT), rtol=1e-12)
    v = np.arange(5.0)
    np.testing.assert_allclose(ng.hvp(rosenbrock, (POINT,), (v,)).numpy(), rosen_hess(POINT) @ v, rtol=1e-12)


@pytest.mark.parametrize("order", range(1, 6))
def test_any_order(order):
    f = lambda x: ng.sin(x) * x**3
    for _ in range(order):
        f = ng.grad(f)
    x, cube = 0.7, [0.7**3, 3 * 0.7**2, 6 * 0.7, 6.0, 0.0, 0.0]
    leibniz = sum(math.comb(order, j) * cube[j] * math.sin(x + (order - j) * math.pi / 2) for j in range(order + 1))
    np.testing.assert_allclose(float(f(x)), leibniz, rtol=1e-10)


def test_grad_over_a_closed_over_outer_variable():
    f = lambda x: ng.grad(lambda y: y * x * x)(2.0)
    assert float(ng.grad(f)(3.0)) == 6.0


def test_perturbations_do_not_get_confused():
    f = lambda x: x * ng.grad(lambda y: x + y)(1.0)
    assert float(ng.grad(f)(5.0)) == 1.0


@dataclasses.dataclass
class Weights:
    w: object
    b: object


def test_nested_structures():
    x = np.array([1.0, 2.0])
    tree = {"layer": Weights(np.ones((2, 2)), np.zeros(2)), "scale": (2.0, [3.0])}

    def f(p):
        return ((ng.matmul(p["layer"].w, x) + p["layer"].b) * p["scale"][0]).sum() * p["scale"][1][0]

    g = ng.grad(f)(tree)
    assert isinstance(g["layer"], Weights)
    np.testing.assert_allclose(g["layer"].w.numpy(), 6.0 * np.array([[1.0, 2.0], [1.0, 2.0]]))
    np.testing.assert_allclose(g["layer"].b.numpy(), [6.0, 6.0])
    assert float(g["scale"][0]) == 18.0
    assert float(g["scale"][1][0]) == 12.0


def test_argnums_and_aux():
    f = lambda a, b, k=1.0: (a * b * k, {"sum": a + b})
    (value, aux), (ga, gb) = ng.value_and_grad(f, argnums=(0, 1), has_aux=True)(2.0, 3.0, k=10.0)
    assert (float(value), float(aux["sum"]), float(ga), float(gb)) == (60.0, 5.0, 30.0, 20.0)
    assert float(ng.grad(lambda a, b: a * b, argnums=-1)(2.0, 3.0)) == 2.0
    g, aux = ng.grad(f, has_aux=True)(2.0, 3.0)
    assert float(g) == 3.0


def test_results_of_a_plain_gradient_have_no_history():
    value, g = ng.value_and_grad(lambda x: x * x)(3.0)
    assert not value.requires_grad
    assert not g.requires_grad


def test_an_unused_argument_has_a_zero_gradient():
    g = ng.grad(lambda a, b: a * 2.0, argnums=1)(1.0, np.ones(3))
    np.testing.assert_array_equal(g.numpy(), np.zeros(3))


def test_vjp_and_jvp_are_transposed(rng):
    a, x = rng.standard_normal((4, 3)), rng.standard_normal(3)
    f = lambda x: ng.tanh(ng.matmul(ng.tensor(a), x))
    u, v = rng.standard_normal(4), rng.standard_normal(3)
    _, pull = ng.vjp(f, x)
    _, push = ng.jvp(f, (x,), (v,))
    np.testing.assert_allclose(u @ push.numpy(), pull(u)[0].numpy() @ v, rtol=1e-12)
    np.testing.assert_allclose(pull(u)[0].numpy(), pull(u)[0].numpy())


@pytest.mark.parametrize("mode", ["forward", "reverse"])
def test_jacobian(mode, rng):
    a, x = rng.standard_normal((4, 3)), rng.standard_normal(3)
    j = ng.jacobian(lambda x: ng.matmul(ng.tensor(a), x) ** 2, mode=mode)(x).numpy()
    np.testing.assert_allclose(j, 2 * (a @ x)[:, None] * a, rtol=1e-12)


def test_jacobian_of_structures():
    j = ng.jacobian(lambda p: {"a": p[0] * p[1], "b": p[1]})((2.0, np.array([1.0, 3.0])))
    np.testing.assert_array_equal(j["a"][1].numpy(), [[2.0, 0.0], [0.0, 2.0]])
    np.testing.assert_array_equal(j["a"][0].numpy(), [1.0, 3.0])
    np.testing.assert_array_equal(j["b"][0].numpy(), [0.0, 0.0])


def test_jvp_of_ops_that_are_neither_linear_nor_elementwise(rng):
    x, v = rng.standard_normal((3, 4)), rng.standard_normal((3, 4))
    f = lambda x: ng.logsumexp(ng.sort(x), axis=1) * ng.prod(x, axis=1) * ng.max(x, axis=1)
    out, t = ng.jvp(f, (x,), (v,))
    h = 1e-6
    want = (f(ng.tensor(x + h * v)).numpy() - f(ng.tensor(x - h * v)).numpy()) / (2 * h)
    np.testing.assert_allclose(t.numpy(), want, rtol=1e-6, atol=1e-8)


def test_checkpoint_recomputes_instead_of_keeping(rng):
    calls = []
    w = ng.tensor(rng.standard_normal(5), requires_grad=True)

    def block(x):
        calls.append(1)
        return ng.tanh(x * w) * ng.random.uniform(5, dtype="float64")

    x = rng.standard_normal(5)
    ng.random.seed(3)
    plain = ng.value_and_grad(lambda x: block(block(x)).sum())(x)
    ng.random.seed(3)
    again = ng.value_and_grad(lambda x: ng.checkpoint(block)(ng.checkpoint(block)(x)).sum())(x)
    assert float(plain[0]) == float(again[0])
    np.testing.assert_allclose(plain[1].numpy(), again[1].numpy(), rtol=1e-12)
    assert len(calls) == 2 + 4


def test_checkpoint_of_several_results_second_order_and_captured_parameters(rng):
    w = ng.tensor(2.0, requires_grad=True)
    f = ng.checkpoint(lambda x: (x * x * w, {"s": ng.sin(x)}))

    def loss(x):
        a, b = f(x)
        return (a * b["s"]).sum()

    x = rng.standard_normal(3)
    np.testing.assert_allclose(ng.grad(loss)(x).numpy(), 2 * (2 * x * np.sin(x) + x * x * np.cos(x)), rtol=1e-12)
    h = ng.hessian(loss)(x).numpy()
    np.testing.assert_allclose(np.diag(h), 2 * (2 * np.sin(x) + 4 * x * np.cos(x) - x * x * np.sin(x)), rtol=1e-10)
    loss(ng.tensor(x)).backward()
    np.testing.assert_allclose(w.grad.item(), (x * x * np.sin(x)).sum(), rtol=1e-12)


def test_stop_gradient():
    assert float(ng.grad(lambda x: x * ng.stop_gradient(x))(3.0)) == 3.0
    assert float(ng.grad(lambda x: ng.stop_gradient({"a": x})["a"] * x)(3.0)) == 3.0


def test_show_prints_the_derivative():
    text = str(ng.show(ng.grad(lambda x: x**2), 4.0))
    assert text.splitlines()[0] == "2 * x"
    assert "pow" in text
    assert "leaf" in text


def test_bad_calls_say_what_to_do():
    with pytest.raises(GradientError, match="jacobian"):
        ng.grad(lambda x: x * 2.0)(np.ones(3))
    with pytest.raises(ArgumentError, match="argnums"):
        ng.grad(lambda x: x, argnums=3)(1.0)
    with pytest.raises(ArgumentError, match="has_aux"):
        ng.value_and_grad(lambda x: x, has_aux=True)(1.0)
    with pytest.raises(ShapeError, match="tangent has shape"):
        ng.jvp(lambda x: x, (np.ones(3),), (np.ones(2),))
    _, pull = ng.vjp(lambda x: x * 2.0, np.ones(3))
    with pytest.raises(ShapeError, match="gradient has shape"):
        pull(np.ones(2))
