"""Jacobians, Hessians and their products against finite differences and closed forms."""

import sys

import numpy as np
import pytest
from scipy.optimize import approx_fprime, rosen, rosen_hess, rosen_hess_prod

import nbgrad as ng

MODES = ["forward", "reverse", "auto"]


def rosenbrock(x):
    return (100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2).sum()


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("inputs", "outputs"), [((3,), (4,)), ((2, 2), (5,)), ((), (3,)), ((3,), ()), ((0,), (2,)), ((2,), (0,)), ((), ())])
def test_shapes_are_those_of_the_result_and_then_of_the_argument(mode, inputs, outputs, rng):
    n, m = int(np.prod(inputs)), int(np.prod(outputs))
    a, x = rng.standard_normal((m, n)), rng.standard_normal(inputs)
    f = lambda x: ng.reshape(ng.tanh(ng.matmul(ng.tensor(a), ng.reshape(x, (n, 1)))), outputs)
    got = ng.jacobian(f, mode=mode)(x)
    assert got.shape == outputs + inputs
    slope = 1 - np.tanh(a @ x.reshape(n)) ** 2
    np.testing.assert_allclose(got.numpy().reshape(m, n), slope[:, None] * a, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("mode", MODES)
def test_against_finite_differences(mode, rng):
    x = rng.uniform(0.5, 1.5, 4)
    f = lambda x: ng.stack([ng.prod(x), ng.logsumexp(x), ng.norm(x), (ng.cumsum(x) * ng.sort(x)).sum()])
    want = approx_fprime(x, lambda v: f(ng.tensor(v)).numpy(), 1e-7)
    np.testing.assert_allclose(ng.jacobian(f, mode=mode)(x).numpy(), want, rtol=1e-5, atol=1e-5)


def test_auto_takes_the_cheaper_mode(monkeypatch):
    module = sys.modules["nbgrad.jacobian"]  # `nbgrad.jacobian` is the function
    passes = {"pull": 0, "push": 0}
    pull, push = module.Call.pull, module.push
    monkeypatch.setattr(module.Call, "pull", lambda *a, **k: passes.update(pull=passes["pull"] + 1) or pull(*a, **k))
    monkeypatch.setattr(module, "push", lambda *a, **k: passes.update(push=passes["push"] + 1) or push(*a, **k))
    ng.jacobian(lambda x: (x * x).sum())(np.ones(50))
    assert passes == {"pull": 1, "push": 0}
    ng.jacobian(lambda x: x * np.ones(50))(2.0)
    assert passes == {"pull": 1, "push": 1}


def test_several_arguments():
    f = lambda a, b: a * b * 2.0
    ja, jb = ng.jacobian(f, argnums=(0, 1))(np.array([1.0, 2.0]), np.array([3.0, 4.0]))
    np.testing.assert_array_equal(ja.numpy(), np.diag([6.0, 8.0]))
    np.testing.assert_array_equal(jb.numpy(), np.diag([2.0, 4.0]))
    np.testing.assert_array_equal(ng.jacobian(f, argnums=-1)(2.0, np.array([3.0, 4.0])).numpy(), 4.0 * np.eye(2))


def test_results_that_do_not_depend_on_the_argument():
    for mode in MODES:
        j = ng.jacobian(lambda x: (x[:2] * 2.0, ng.ones(2), 3.0), mode=mode)(np.ones(3))
        np.testing.assert_array_equal(j[0].numpy(), [[2.0, 0.0, 0.0], [0.0, 2.0, 0.0]])
        np.testing.assert_array_equal(j[1].numpy(), np.zeros((2, 3)))
        np.testing.assert_array_equal(j[2].numpy(), np.zeros(3))


def test_the_dtype_is_that_of_the_arguments(dtype):
    x = np.ones(2, dtype)
    for mode in MODES:
        assert ng.jacobian(lambda x: x * x, mode=mode)(x).dtype == dtype
    assert ng.hessian(lambda x: (x * x).sum())(x).dtype == dtype
    assert ng.hvp(lambda x: (x * x).sum(), (x,), (x,)).dtype == dtype


@pytest.mark.parametrize("mode", ["forward", "reverse"])
def test_a_jacobian_can_be_differentiated(mode, rng):
    f = lambda x: ng.sin(x) * x.sum()
    ng.gradcheck(lambda x: (ng.jacobian(f, mode=mode)(x) * np.arange(9.0).reshape(3, 3)).sum(), rng.standard_normal(3), modes=("reverse",))
    w = ng.tensor(2.0, requires_grad=True)
    ng.jacobian(lambda x: w * x * x, mode=mode)(np.array([1.0, 3.0])).sum().backward()
    assert w.grad.item() == 8.0


def test_hessian_and_its_product_against_scipy(rng):
    x, v = rng.standard_normal(6), rng.standard_normal(6)
    np.testing.assert_allclose(rosenbrock(ng.tensor(x)).item(), rosen(x), rtol=1e-13)
    np.testing.assert_allclose(ng.hessian(rosenbrock)(x).numpy(), rosen_hess(x), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(ng.hvp(rosenbrock, (x,), (v,)).numpy(), rosen_hess_prod(x, v), rtol=1e-11, atol=1e-11)
    np.testing.assert_allclose(ng.hessian(rosenbrock)(x).numpy(), ng.hessian(rosenbrock)(x).numpy().T, rtol=1e-12)


def test_hessian_of_matrices_and_of_several_arguments(rng):
    a = rng.standard_normal((2, 3))
    h = ng.hessian(lambda x: (x**3).sum())(a)
    assert h.shape == (2, 3, 2, 3)
    np.testing.assert_allclose(h.numpy().reshape(6, 6), np.diag(6 * a.reshape(-1)), rtol=1e-12, atol=1e-14)
    (xx, xy), (yx, yy) = ng.hessian(lambda x, y: x * x * y, argnums=(0, 1))(2.0, 3.0)
    assert [float(v) for v in (xx, xy, yx, yy)] == [6.0, 4.0, 4.0, 0.0]
    hx, hy = ng.hvp(lambda x, y: x * x * y, (2.0, 3.0), (1.0, 10.0))
    assert (float(hx), float(hy)) == (46.0, 4.0)


def test_a_hessian_is_symmetric_through_ops_of_every_kind(rng):
    w = rng.standard_normal((3, 3))

    def f(x):
        h = ng.softmax(ng.matmul(ng.tensor(w), ng.reshape(x, (3, 2))), axis=0)
        return (ng.cumsum(h, axis=1) * ng.max(x) + ng.prod(x)).sum()

    x = rng.uniform(0.5, 1.5, 6)
    h = ng.hessian(f)(x).numpy()
    np.testing.assert_allclose(h, h.T, rtol=1e-9, atol=1e-10)
    np.testing.assert_allclose(h @ np.arange(6.0), ng.hvp(f, (x,), (np.arange(6.0),)).numpy(), rtol=1e-9, atol=1e-10)


def test_an_unknown_mode_is_refused_before_the_function_is_called():
    with pytest.raises(ng.ArgumentError, match="mode='fwd' is unknown\n.*test_jacobian.*\n.*'auto', 'reverse', 'forward'"):
        ng.jacobian(rosenbrock, mode="fwd")
