"""Gradients of gradients of what has no rules of its own: compiled functions, and scans inside of them."""

import numpy as np
import pytest

import nbgrad as ng
from tests.compiling.test_compile import same

RNG = np.random.default_rng(1)
X, W, V = (ng.tensor(RNG.standard_normal(s) * 0.5) for s in ((4, 3), (3, 3), (3,)))


def product(x, w):
    return ng.tanh(x @ w)


def recurrence(x, w):
    return ng.scan(lambda c, r: (lambda c: (c, c * r))(ng.tanh(c @ w + r)), x[0], x)[1]


def powers(x, w):
    return ng.fori_loop(0, 3, lambda i, c: ng.sin(c @ w) + c, x)


def choice(x, w):
    return ng.cond(x.sum() > 0, lambda x: ng.sin(x @ w), lambda x: x * x @ w, x)


def doubling(x, w):
    return ng.while_loop(lambda c: (c * c).sum() < 50.0, lambda c: ng.sin(c @ w) + 1.5 * c, x)


def doubling_twice(x, w):
    """A loop of a loop, with carries of integers and one that is read from outside, and a checkpoint."""
    inner = lambda c: ng.while_loop(lambda d: d[1] < 2, lambda d: (ng.sin(d[0] @ w) + d[0], d[1] + 1), (c, 0))[0]
    body = lambda c: (inner(c[1]) * 0.7, ng.tanh(c[0]) + x[::-1], c[2] + 1)
    return ng.while_loop(lambda c: c[2] < 4, body, (x, x * w.sum(), 0), checkpoint=True)[1]


FUNCTIONS = [product, recurrence, powers, choice, doubling, doubling_twice]
OF = pytest.mark.parametrize("f", FUNCTIONS, ids=lambda f: f.__name__)


def second(f):
    """Return the gradient of a projection of both first gradients of a scalar of f."""

    def outer(x, w):
        gx, gw = ng.grad(lambda x, w: (f(x, w) ** 2).sum(), (0, 1))(x, w)
        return (ng.sin(gx) * 2.0).sum() + (gw * gw).sum()

    return ng.grad(outer, (0, 1))


@OF
def test_second_derivatives_through_a_compiled_function(f):
    compiled = ng.compile(f)
    for k in (1.0, -1.0):
        same(second(compiled)(X * k, W), second(f)(X * k, W), 1e-10, 1e-12)


@OF
def test_second_derivatives_inside_of_a_compiled_function(f):
    compiled = ng.compile(second(f))
    for k in (1.0, -1.0, 1.0):
        same(compiled(X * k, W), second(f)(X * k, W), 1e-10, 1e-12)


@OF
def test_third_derivatives(f):
    def third(f):
        return ng.grad(lambda x: (second(f)(x, W)[0] * X).sum())

    same(third(ng.compile(f))(X), third(f)(X), 1e-9, 1e-11)


@pytest.mark.parametrize("f", [doubling, pytest.param(doubling_twice, marks=pytest.mark.slow)], ids=lambda f: f.__name__)
def test_third_derivatives_inside_of_a_compiled_function(f):
    third = ng.grad(lambda x, w: (second(f)(x, w)[0] * X).sum(), (0, 1))
    same(ng.compile(third)(X, W), third(X, W), 1e-9, 1e-11)


@OF
def test_directional_derivatives_inside_of_a_compiled_function(f):
    scalar = lambda x, w: (f(x, w) ** 2).sum()
    along = lambda x, w: [*ng.jvp(f, (x, w), (ng.cos(x), w * w)), *ng.hvp(scalar, (x, w), (w[:1] + x, w * w))]
    compiled = ng.compile(along)
    for k in (1.0, -1.0):
        same(compiled(X * k, W), along(X * k, W), 1e-10, 1e-12)


@OF
def test_inputs_that_depend_on_one_another_are_counted_once(f):
    """The weight is made of what the other argument is made of: its part must not be added twice."""

    def outer(f):
        def loss(w):
            x = X @ w
            gx, gw = ng.grad(lambda x, w: (f(x, w) ** 2).sum(), (0, 1))(x, ng.sin(w) + w)
            return (gx * gx).sum() + (gw * 2.0).sum()

        return ng.grad(loss)(W)

    same(outer(ng.compile(f)), outer(f), 1e-10, 1e-12)


def test_an_argument_that_is_made_of_the_other_by_backward():
    found = []
    for f in (product, ng.compile(product)):
        w = ng.tensor(W.numpy().copy(), requires_grad=True)
        x = ng.sin(X @ w)
        (f(x, w) ** 2).sum().backward(create_graph=True)
        first = w.grad
        w.grad = None
        (first * first).sum().backward()
        found.append([first.detach(), w.grad])
    same(found[1], found[0], 1e-10, 1e-12)


def test_the_same_tensor_for_both():
    f = lambda a, b: ng.tanh(a * b) + a
    twice = lambda f: ng.grad(lambda v: (ng.grad(lambda v: (f(v, v) ** 2).sum())(v) * V).sum())(V)
    same(twice(ng.compile(f)), twice(f), 1e-11, 1e-13)


def test_several_results_of_which_some_are_used():
    f = lambda x, w: (ng.tanh(x @ w), ng.exp(x * 0.1), w.sum())
    for which in ((0,), (1,), (0, 2), (0, 1, 2)):

        def twice(f, which=which):
            scalar = lambda x: sum([(f(x, W)[i] ** 2).sum() for i in which])
            return ng.grad(lambda x: (ng.grad(scalar)(x) ** 2).sum() + x.sum())(X)

        same(twice(ng.compile(f)), twice(f), 1e-10, 1e-12)


def test_captured_leaves():
    found = []
    w = ng.tensor(W.numpy().copy(), requires_grad=True)
    f = lambda x: ng.tanh(x @ w)
    for g in (f, ng.compile(f)):
        w.grad = None
        x = ng.tensor(X.numpy(), requires_grad=True)
        (g(x) ** 2).sum().backward(create_graph=True)
        gx, w.grad = x.grad, None
        x.grad = None
        (gx * gx).sum().backward()
        found.append([gx.detach(), w.grad, x.grad])
    same(found[1], found[0], 1e-10, 1e-12)


def test_hessians_and_their_products():
    f = ng.compile(lambda v: ng.scan(lambda c, x: (ng.sin(c * x), None), v, X[:, :3])[0].sum())
    want = ng.hessian(f.f)(V)
    same(ng.hessian(f)(V), want, 1e-10, 1e-12)
    same(ng.hvp(f, (V,), (X[0],)), want @ X[0], 1e-10, 1e-12)


def test_first_gradients_stay_what_they_are():
    compiled = ng.compile(recurrence)
    plain = ng.grad(lambda x: compiled(x, W).sum())(X)
    x = ng.tensor(X.numpy(), requires_grad=True)
    compiled(x, W).sum().backward(create_graph=True)
    np.testing.assert_array_equal(x.grad.detach().numpy(), plain.numpy())
    assert x.grad.requires_grad
