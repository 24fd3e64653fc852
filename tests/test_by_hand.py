"""Ops of a forward and a backward on arrays: eager, and in programs where both are Numba's."""

import numpy as np
import pytest
from numba import njit

import nbgrad as ng
from nbgrad.base.errors import ArgumentError, GradientError, ShapeError


@njit
def smooth(x, w):
    out = np.zeros_like(x)
    for i in range(1, x.size - 1):
        out[i] = w[0] * x[i - 1] + w[1] * x[i] + w[2] * x[i + 1]
    return out


@njit
def smooth_backward(g, x, w):
    g_x, g_w = np.zeros_like(x), np.zeros_like(w)
    for i in range(1, x.size - 1):
        for k in range(3):
            g_x[i + k - 1] += g[i] * w[k]
            g_w[k] += g[i] * x[i + k - 1]
    return g_x, g_w


def test_two_kernels_are_an_op(rng):
    f = ng.op(smooth, backward=smooth_backward)
    x, w = rng.standard_normal(8), rng.standard_normal(3)
    np.testing.assert_array_equal(f(x, w).numpy(), smooth(x, w))
    ng.gradcheck(f, x, w, modes=("reverse",))
    ng.gradcheck(lambda x: ng.tanh(f(x * 2.0, w)), x, modes=("reverse",))


def test_a_black_box_refuses_a_second_derivative(rng):
    f = ng.op(smooth, backward=smooth_backward)
    x, w = rng.standard_normal(8), rng.standard_normal(3)
    with pytest.raises(GradientError, match="second derivative of smooth"):
        ng.grad(lambda x: (ng.grad(lambda y: (f(y, w) ** 2).sum())(x) ** 2).sum())(x)


def test_backward_keeps_what_it_names():
    f = ng.op(lambda x: np.exp(x), backward=lambda g, out: g * out, name="my_exp")
    x = ng.tensor([0.5, 1.0], requires_grad=True)
    y = f(x)
    assert set(y.node.kept) == {"out"}
    y.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), np.exp([0.5, 1.0]))


def test_wrong_declarations_are_refused():
    with pytest.raises(ArgumentError, match="it may ask only for"):
        ng.op(smooth, backward=lambda g, z: g)
    bad = ng.op(smooth, backward=lambda g, x: g)
    x = ng.tensor(np.ones(4), requires_grad=True)
    with pytest.raises(GradientError, match="1 gradients for the parameters"):
        bad(x, np.ones(3)).sum().backward()
    with pytest.raises(ArgumentError, match="3 arguments given"):
        bad(x, x, x)


def test_programs_call_both_functions(rng):
    f, x, w = ng.op(smooth, backward=smooth_backward), rng.standard_normal(8), rng.standard_normal(3)
    loss = ng.value_and_grad(lambda x, w: (f(x[::-1], w) ** 2).sum(), (0, 1))
    compiled = ng.compile(loss)
    for _ in range(2):
        (value, (g_x, g_w)), (one, (two, three)) = loss(x, w), compiled(x, w)
        for a, b in ((value, one), (g_x, two), (g_w, three)):
            np.testing.assert_array_equal(a.numpy(), b.numpy())
    with pytest.raises(GradientError, match="second derivative of smooth"):
        ng.compile(ng.grad(lambda x: (ng.grad(lambda y: (f(y, w) ** 2).sum())(x) ** 2).sum()))(x)


@njit
def scaled(x, k):
    k[0] += 1.0
    return x * k[0]


@njit
def scaled_backward(g, x, out):
    g *= 2.0
    return g * out / x / 2.0, None


def test_numbers_nones_and_what_is_written(rng):
    f, x = ng.op(scaled, backward=scaled_backward), rng.standard_normal(4)
    compiled = ng.compile(lambda x: (f(x, 2.0) * x).sum())
    v = ng.tensor(x, requires_grad=True)
    (compiled(v) * 1.0).backward()
    np.testing.assert_allclose(v.grad.numpy(), 6.0 * x)
    np.testing.assert_allclose(ng.compile(ng.grad(lambda x: (f(x, 2.0) * x).sum()))(x).numpy(), 6.0 * x)


def test_functions_of_python_are_refused_in_programs():
    f = ng.op(lambda x: np.exp(x), backward=lambda g, out: g * out, name="my_exp")
    with pytest.raises(ArgumentError, match="my_exp.., which is run by Python"):
        ng.compile(lambda x: f(x * 2.0))(np.ones(2))


def test_gradients_that_do_not_fit_are_refused_in_programs():
    bad = ng.op(smooth, backward=njit(lambda g, x: g))
    with pytest.raises(GradientError, match="1 gradients for the parameters"):
        ng.compile(ng.grad(lambda x: bad(x, np.ones(3)).sum()))(np.ones(4))
    short = ng.op(smooth, backward=njit(lambda g, w: (g[1:], w)))
    with pytest.raises(ShapeError, match=r"smooth_backward: a result has shape \(3,\), and \(4,\)"):
        ng.compile(ng.grad(lambda x: short(x, np.ones(3)).sum()))(np.ones(4))
    several = ng.op(njit(lambda x: (x, x)), backward=njit(lambda g: g))
    with pytest.raises(ArgumentError):
        ng.compile(lambda x: several(x))(np.ones(4))
