"""`cond` inside of compiled functions, against the same functions op by op: a run chooses, not the recording."""

import numpy as np
import pytest

import nbgrad as ng
from nbgrad.base.errors import ArgumentError, DtypeError, GradientError, IndexRangeError, ShapeError
from tests.compiling.test_compile import count, same
from tests.compiling.test_recorded_scan import through

X = ng.tensor([1.5, -0.5, 2.0])
W = ng.tensor([0.5, 0.25, -1.0])


def signs(f, x=X):
    """Hold a compiled function against itself on arguments that take either branch, one after another."""
    compiled = ng.compile(f)
    for sign in (1.0, -1.0, -2.0, 3.0, -1.0):
        for _ in range(2):
            same(compiled(x * sign, W), f(x * sign, W), 1e-12, 1e-14)
    assert count(compiled) == 1


def branches(x, w):
    return [ng.cond(x.sum() > 0, lambda x: x * w + 1.0, lambda x: ng.sin(x) @ w * x, x)]


def structures(x, w):
    a, more = ng.cond((x > 0.0).any(), lambda p, w: (p[0], {"n": p[1] + 1, "v": w}), lambda p, w: (w * p[0], {"v": p[0], "n": p[1]}), (x, 3), w)
    return [a, more["n"], more["v"]]


def one_reads_nothing(x, w):
    return [ng.cond(x[0] > 0, lambda x: ng.zeros(3), lambda x: x * x, x)]


def views(x, w):
    m = x.reshape(3, 1) * w
    return [ng.cond(x[0] > 0, lambda m: m.T, lambda m: m[::-1] * 2.0, m)]


def one_within_another(x, w):
    inner = lambda x: ng.cond(x[0] > 1.0, lambda x: x * 3.0, lambda x: x * w, x)
    return [ng.cond(x.sum() > 0, inner, lambda x: -x, x)]


def scan_within(x, w):
    rows = ng.stack([x, w, x * w])
    looped = lambda x: ng.scan(lambda c, v: (ng.sin(c * v + w), c.sum()), x, rows)
    return [*ng.cond(x.sum() > 0, looped, lambda x: (x, w * 2.0), x)]


def within_a_scan(x, w):
    step = lambda c, v: (ng.cond(v > 0, lambda c: c * v, lambda c: ng.sin(c) * w, c), v)
    return [*ng.scan(step, w, x)]


CONDS = [branches, structures, one_reads_nothing, views, one_within_another, scan_within, within_a_scan]


@pytest.mark.parametrize("f", CONDS, ids=lambda f: f.__name__)
def test_values_are_those_of_eager_mode(f):
    signs(f)


@pytest.mark.parametrize("f", CONDS, ids=lambda f: f.__name__)
def test_gradients_are_those_of_eager_mode(f):
    signs(through(f))


@pytest.mark.parametrize("f", CONDS, ids=lambda f: f.__name__)
def test_gradients_outside_are_those_of_eager_mode(f):
    compiled = ng.compile(f)
    for sign in (1.0, -1.0, 2.0):
        same(through(compiled)(X * sign, W), through(f)(X * sign, W), 1e-12, 1e-14)


def test_a_plain_bool_is_of_the_record():
    f = ng.compile(lambda x, flag: ng.cond(flag, ng.exp, ng.neg, x))
    for flag in (True, False, True):
        same(f(X, flag), (ng.exp if flag else ng.neg)(X))
    assert count(f) == 2


def test_captured_leaves_get_gradients_of_the_branch_that_ran():
    w, v = ng.tensor([0.5, 0.25, -1.0], requires_grad=True), ng.tensor(2.0, requires_grad=True)

    def step(x):
        loss = ng.cond(x.sum() > 0, lambda x: (x * w).sum(), lambda x: (x * x).sum() * v, x)
        loss.backward()
        return loss

    compiled = ng.compile(step)
    for sign in (1.0, -1.0, 1.0):
        w.grad = v.grad = None
        compiled(X * sign)
        np.testing.assert_allclose(w.grad.numpy(), X.numpy() if sign > 0 else np.zeros(3))
        np.testing.assert_allclose(v.grad.item(), 0.0 if sign > 0 else (X.numpy() ** 2).sum())


@pytest.mark.parametrize(
    ("other", "kind"), [(lambda x: (x, x), ArgumentError), (lambda x: x[:2], ShapeError), (lambda x: x.astype("float32"), DtypeError)]
)
def test_branches_must_be_alike(other, kind):
    with pytest.raises(kind, match="cond: "):
        ng.compile(lambda x: ng.cond(x[0] > 0, lambda x: x * 2.0, other, x))(X)


def test_only_the_branch_that_runs_can_fail():
    f = lambda x, i: ng.cond(x[0] > 0, lambda x, i: ng.take(x, i, axis=0), lambda x, i: i.astype("float64"), x, i)
    compiled, far = ng.compile(f), ng.tensor([0, 7])
    same(compiled(-X, far), f(-X, far))
    same(compiled(X, ng.tensor([0, 2])), f(X, ng.tensor([0, 2])))
    with pytest.raises(IndexRangeError, match="7"):
        compiled(X, far)
    same(compiled(-X, far), f(-X, far))


def test_what_the_backward_reads_must_not_be_written():
    w = ng.tensor([0.5, 0.25, -1.0])

    def f(x):
        x = ng.tensor(x, requires_grad=True)
        loss = ng.cond(x.sum() > 0, lambda x: x * w, lambda x: x, x).sum()
        w[...] = 0.0
        loss.backward()

    with pytest.raises(GradientError, match="cond: its backward reads a tensor of shape"):
        ng.compile(f)(X)


def test_gradients_of_gradients():
    f = lambda x: branches(x, W)[0].sum()
    second = ng.grad(lambda x: (ng.grad(f)(x) * W).sum())
    for g in (ng.compile(second), ng.grad(lambda x: (ng.grad(ng.compile(f))(x) * W).sum())):
        for sign in (1.0, -1.0):
            same(g(X * sign), second(X * sign), 1e-12, 1e-14)
