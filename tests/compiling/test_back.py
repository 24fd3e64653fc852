"""Gradients through compiled functions that are called from outside of them."""

import threading

import numpy as np
import pytest

import nbgrad as ng
from nbgrad.base.errors import GradientError
from tests.compiling.test_compile import count, same, values

RNG = np.random.default_rng(0)
X, Y, W = (ng.tensor(RNG.standard_normal(s)) for s in ((4, 3), (4, 3), (3, 3)))

FUNCTIONS = {
    "one result": lambda x, y: ng.tanh(x @ W) * y,
    "several": lambda x, y: (ng.sin(x * y), ng.exp(x).sum(), y.T @ x),
    "nested": lambda x, y: {"a": [x * 2.0, y.mean(axis=0)], "n": None, "k": 3},
    "integers too": lambda x, y: ((x > y).sum(), x * y, x.argmax(axis=1)),
    "a view": lambda x, y: (x[::-1, 1:], y.T, (x + y)[:, ::-1]),
    "an argument": lambda x, y: (x, x * y),
    "the same twice": lambda x, y: (lambda z: (z, z))(ng.exp(x) * y),
    "one is not used": lambda x, y: ng.sin(x),
    "a constant": lambda x, y: (ng.ones(3), x * y),
    "without axes": lambda x, y: ((x * y).sum(), x.max(), y[0, 0]),
    "repeated": lambda x, y: ng.broadcast_to(x[:1] * y, (5, 4, 3)),
    "no elements": lambda x, y: (x[:0], x * y),
}


def project(tree):
    """Return a scalar of all of the floats of a result."""
    total, leaves = 0.0, []

    def walk(v):
        for part in v.values() if isinstance(v, dict) else v if isinstance(v, (list, tuple)) else ():
            walk(part)
        if isinstance(v, ng.Tensor) and v.dtype.kind == "f":
            leaves.append(v)

    walk(tree)
    for i, v in enumerate(leaves):
        total = total + (ng.sin(v + i) * (i + 1)).sum()
    return total


@pytest.mark.parametrize("name", FUNCTIONS)
def test_gradients_are_those_of_eager_mode(name):
    f = FUNCTIONS[name]
    compiled = ng.compile(f)
    for k in (1.0, -0.5, 1.0):
        want = ng.grad(lambda x, y: project(f(x, y)), (0, 1))(X * k, Y)
        same(ng.grad(lambda x, y: project(compiled(x, y)), (0, 1))(X * k, Y), want, 1e-12, 1e-14)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_leaves_hold_what_backward_finds(name):
    f = FUNCTIONS[name]
    found = []
    for g in (f, ng.compile(f)):
        x, y = (ng.tensor(a.numpy().copy(), requires_grad=True) for a in (X, Y))
        for _ in range(2):
            project(g(x, y)).backward()
        found.append([None if t.grad is None else t.grad for t in (x, y)])
    assert [t is None for t in found[0]] == [t is None for t in found[1]]
    same([t for t in found[1] if t is not None], [t for t in found[0] if t is not None], 1e-12, 1e-14)


@pytest.mark.parametrize("which", [(0,), (1,), (2,), (0, 2)])
def test_a_loss_may_use_some_of_the_results(which):
    f = FUNCTIONS["several"]
    compiled = ng.compile(f)
    gradient = lambda f: ng.grad(lambda x, y: sum([(f(x, y)[i] ** 2).sum() for i in which]), (0, 1))
    for k in (1.0, 2.0):
        same(gradient(compiled)(X * k, Y), gradient(f)(X * k, Y), 1e-12, 1e-14)


@pytest.mark.parametrize("loss", [lambda z: (z.T[::2] * W[:2, :1]).sum(), lambda z: ng.broadcast_to(z[:, :1], (4, 3)).sum(), lambda z: z[::-1].T[0].sum()])
def test_gradients_that_do_not_lie_in_rows(loss):
    f = lambda x: ng.tanh(x) * 2.0
    compiled = ng.compile(f)
    same(ng.grad(lambda x: loss(compiled(x)))(X), ng.grad(lambda x: loss(f(x)))(X), 1e-13, 1e-15)


def test_arguments_that_are_computed():
    inner = ng.compile(lambda x, y: ng.sin(x) * y)
    f = lambda g: ng.grad(lambda x: (g(ng.exp(x), x * x) + x).sum())(X)
    same(f(inner), f(lambda x, y: ng.sin(x) * y), 1e-12)


def test_one_behind_the_other():
    f = ng.compile(lambda x: ng.tanh(x) * 1.5)
    for n in (2, 4):

        def chain(x, f=f, n=n):
            for _ in range(n):
                x = f(x)
            return x.sum()

        same(ng.grad(chain)(X), ng.grad(lambda x, chain=chain: chain(x, f.f))(X), 1e-12)
    assert count(f) == 1


def test_captured_leaves_get_gradients_and_may_change():
    w, b = ng.tensor(W.numpy().copy(), requires_grad=True), ng.tensor(np.ones(3), requires_grad=True)
    f = lambda x: ng.tanh(x @ w + b)
    compiled = ng.compile(f)
    for k in (1.0, 2.0, 3.0):
        w.data[...] = W.numpy() * k
        found = []
        for g in (f, compiled):
            w.grad = b.grad = None
            (g(X) ** 2).sum().backward()
            found.append(values([w.grad, b.grad]))
        same(found[1], found[0], 1e-12)


def test_a_captured_leaf_that_is_an_argument_too():
    w = ng.tensor(np.ones((3, 3)), requires_grad=True)
    f = lambda v: (w * v).sum() + ng.sin(w).sum()
    found = []
    for g in (f, ng.compile(f)):
        w.grad = None
        g(w).backward()
        found.append(w.grad)
    same(found[1], found[0], 1e-13)


def test_nothing_wanted_nothing_recorded():
    f = ng.compile(lambda x: ng.sin(x))
    assert not f(X).requires_grad
    x = ng.tensor(X.numpy(), requires_grad=True)
    assert f(x).requires_grad
    with ng.no_grad():
        assert not f(x).requires_grad
    assert not f(x.detach()).requires_grad


@pytest.mark.parametrize("what", ["argument", "captured"])
def test_writes_between_the_call_and_the_backward_raise(what):
    w = ng.tensor(W.numpy().copy(), requires_grad=True)
    x = ng.tensor(X.numpy().copy(), requires_grad=True)
    y = ng.compile(lambda x: ng.sin(x @ w) * 2.0)(x)
    with ng.no_grad():
        (x if what == "argument" else w)[...] = 0.0
    with pytest.raises(GradientError, match="written in place since the call"):
        y.sum().backward()


def test_writes_before_the_call_are_fine():
    w = ng.tensor(W.numpy().copy(), requires_grad=True)
    f = ng.compile(lambda x: ng.sin(x @ w))
    for k in (2.0, 3.0):
        with ng.no_grad():
            w[...] = W * k
        w.grad = None
        f(X).sum().backward()
        np.testing.assert_allclose(w.grad.numpy(), (X.T @ ng.cos(X @ (W * k))).numpy(), rtol=1e-12)


@pytest.mark.parametrize("part", [lambda y: y, lambda y: y.T, lambda y: y[1]])
def test_results_that_the_backward_reads_must_not_be_written(part):
    x = ng.tensor(X.numpy().copy(), requires_grad=True)
    y, z, n = ng.compile(lambda x: (ng.exp(x), x * 2.0, x > 0))(x)
    with ng.no_grad():
        z.detach()[...] = 0.0
        n[...] = False
    (y.sum() + z.sum()).backward(keep=True)
    np.testing.assert_allclose(x.grad.numpy(), np.exp(X.numpy()) + 2.0)
    with ng.no_grad():
        part(y.detach())[...] = 0.0
    with pytest.raises(GradientError, match="one of its results, which was written in place"):
        y.sum().backward()


def test_a_backward_twice():
    x = ng.tensor(X.numpy().copy(), requires_grad=True)
    y = ng.compile(lambda x: ng.sin(x) * x)(x).sum()
    y.backward(keep=True)
    once = x.grad.numpy().copy()
    y.backward()
    np.testing.assert_allclose(x.grad.numpy(), 2 * once)
    with pytest.raises(GradientError):
        y.backward()


def test_second_derivatives_are_those_of_eager_mode():
    f = lambda x, w: (ng.tanh(x @ w) ** 3).sum()
    second = lambda f: ng.grad(lambda w: (ng.grad(lambda w: f(X, w))(w) * W).sum())(W)
    same(second(ng.compile(f)), second(f), 1e-11, 1e-13)


def test_calls_whose_backwards_come_in_another_order():
    f = ng.compile(lambda x: ng.sin(x) * 2.0)
    xs = [ng.tensor(X.numpy() * k, requires_grad=True) for k in (1.0, 2.0, 3.0)]
    losses = [f(x).sum() for x in xs]
    for i in (1, 2, 0):
        losses[i].backward()
    for x in xs:
        np.testing.assert_allclose(x.grad.numpy(), 2 * np.cos(x.numpy()), rtol=1e-13)


def test_several_threads():
    f, found = ng.compile(lambda x: ng.tanh(x @ W) * x), {}
    want = {k: ng.grad(lambda x: f.f(x).sum())(X * k) for k in (1.0, 2.0, 3.0)}

    def run(k):
        found[k] = [ng.grad(lambda x: f(x).sum())(X * k) for _ in range(30)]

    threads = [threading.Thread(target=run, args=(k,)) for k in want]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    for k, results in found.items():
        for r in results:
            same(r, want[k], 1e-12, 1e-14)
