"""`while_loop` inside of compiled functions, against the same functions op by op: how often a run turns is its own."""

import threading

import numpy as np
import pytest

import nbgrad as ng
from nbgrad.base.errors import GradientError, IndexRangeError
from nbgrad.plan.calls import While
from tests.compiling.test_compile import count, same
from tests.compiling.test_recorded_scan import through

X = ng.tensor([1.0, 2.0])
W = ng.tensor([1.5, 1.2])


def turning(x, w):
    return [ng.while_loop(lambda c: (c * c).sum() < 50.0, lambda c: c * w + 0.1, x)]


def of_own_values(x, w):
    return [ng.while_loop(lambda c: (c * c).sum() < 1e3, lambda c: c * c + 1.0, x * w)]


def counted(x, w):
    return [*ng.while_loop(lambda c: c[1] < 4, lambda c: (ng.sin(c[0] * w), c[1] + 1), (x, 0))]


def swapped(x, w):
    return [*ng.while_loop(lambda c: c[0].sum() < 30.0, lambda c: (c[1] * w, c[0] + 1.0), (x, w))]


def kept(x, w):
    return [*ng.while_loop(lambda c: c[0].sum() < 30.0, lambda c: (c[0] * w + 0.5, c[1]), (x, w * 2.0))]


def numbers(x, w):
    return [ng.while_loop(lambda c: c < 40.0, lambda c: c * 2.0 + w[0], x.sum())]


def growing(x, w):
    """Many turns: the store grows."""
    return [ng.while_loop(lambda c: (c * c).sum() < 500.0, lambda c: c * 1.01 + w * 0.01, x)]


def conditions_of_their_own(x, w):
    limit = w.sum() * 5.0
    return [ng.while_loop(lambda c: (ng.abs(c).sum() < limit) & (c[0] < 20.0), lambda c: c + w, x)]


def in_a_scan(x, w):
    def step(c, limit):
        c = ng.while_loop(lambda c: (c * c).sum() < limit, lambda c: c * w + 0.1, c)
        return c * 0.5, c.sum()

    return [*ng.scan(step, x, ng.tensor([10.0, 50.0, 20.0]))]


def in_a_cond(x, w):
    return [ng.cond(x[0] > 2.0, lambda x: x * w, lambda x: turning(x, w)[0] * x, x)]


def in_a_while(x, w):
    inner = lambda c: ng.while_loop(lambda d: d.sum() < 20.0, lambda d: d * w + 0.3, c)
    return [ng.while_loop(lambda c: c[0] < 9.0, lambda c: inner(c) * 0.5 + 1.0, x)]


WHILES = [turning, of_own_values, counted, swapped, kept, numbers, growing, conditions_of_their_own, in_a_scan, in_a_cond, in_a_while]
SCALES = (1.0, 0.3, 3.0, 100.0, 0.5)  # few turns, more, none


@pytest.mark.parametrize("f", WHILES, ids=lambda f: f.__name__)
def test_values_are_those_of_eager_mode(f):
    compiled = ng.compile(f)
    for scale in SCALES:
        for _ in range(2):
            same(compiled(X * scale, W), f(X * scale, W), 1e-12, 1e-14)
    assert count(compiled) == 1


def turned_round(x, w):
    return [*ng.while_loop(lambda c: c[2] < 5, lambda c: (c[1][::-1], c[0] * w, c[2] + 1), (x, x + w, 0))]


@pytest.mark.parametrize("f", [*WHILES, turned_round], ids=lambda f: f.__name__)
def test_carries_that_are_changed_in_place(f):
    compiled = ng.compile(f)
    with ng.no_grad():
        for scale in SCALES:
            for _ in range(2):
                same(compiled(X * scale, W), f(X * scale, W), 1e-12, 1e-14)


@pytest.mark.parametrize("f", WHILES, ids=lambda f: f.__name__)
def test_gradients_are_those_of_eager_mode(f):
    compiled = ng.compile(through(f))
    for scale in SCALES:
        for _ in range(2):
            same(compiled(X * scale, W), through(f)(X * scale, W), 1e-9, 1e-12)


@pytest.mark.parametrize("f", WHILES, ids=lambda f: f.__name__)
def test_gradients_outside_are_those_of_eager_mode(f):
    compiled = ng.compile(f)
    for scale in SCALES:
        same(through(compiled)(X * scale, W), through(f)(X * scale, W), 1e-9, 1e-12)


def test_what_no_gradient_flows_to_is_not_kept():
    compiled = ng.compile(lambda x: turning(x, W)[0])
    same(compiled(X), turning(X, W)[0], 1e-12)
    (loop,) = [i.kernel for wave in compiled.latest.program.schedule.waves for i in wave if isinstance(i.kernel, While)]
    assert loop.store is None
    leaf = ng.tensor(X.numpy().copy(), requires_grad=True)
    compiled(leaf).sum().backward()
    same(leaf.grad, ng.grad(lambda x: turning(x, W)[0].sum())(X), 1e-12)


def test_two_calls_before_their_backwards():
    compiled = ng.compile(lambda x, w: turning(x, w)[0].sum())
    gradients = []
    for f in (compiled, lambda x, w: turning(x, w)[0].sum()):
        a, b = (ng.tensor(X.numpy() * k, requires_grad=True) for k in (1.0, 0.3))
        first, second = f(a, W), f(b, W)
        first.backward()
        second.backward()
        gradients.append([a.grad, b.grad])
    same(gradients[0], gradients[1], 1e-12)


def test_what_it_reads_is_not_written():
    compiled = ng.compile(lambda x, w: turning(x, w)[0])
    fixed = W.numpy().copy()
    fixed.flags.writeable = False
    for _ in range(3):
        same(compiled(X, ng.tensor(fixed)), turning(X, W)[0], 1e-12)
    assert count(compiled) == 1
    same(compiled(W, W), turning(W, W)[0], 1e-12)
    leaf = ng.tensor(W.numpy().copy(), requires_grad=True)
    kept = (leaf * leaf).sum()
    ng.compile(lambda x: turning(x, leaf)[0])(X)
    kept.backward()
    np.testing.assert_array_equal(leaf.grad.numpy(), 2 * W.numpy())


def test_what_the_backward_reads_must_not_be_written():
    w = ng.tensor(W.numpy().copy())

    def f(x):
        x = ng.tensor(x, requires_grad=True)
        loss = turning(x, w)[0].sum()
        w[...] = 0.0
        loss.backward()

    with pytest.raises(GradientError, match="while_loop: its backward reads a tensor of shape"):
        ng.compile(f)(X)


def hessians(f):
    """Return a function that gives gradients of gradients of a projection of what `f` gives."""

    def first(x, w):
        return ng.grad(lambda x, w: sum([(ng.sin(v) * (i + 1)).sum() for i, v in enumerate(f(x, w)) if v.dtype.kind == "f"]), (0, 1))(x, w)

    return ng.grad(lambda x, w: sum([(ng.cos(g) * g).sum() for g in first(x, w)]), (0, 1))


@pytest.mark.parametrize("f", WHILES, ids=lambda f: f.__name__)
def test_gradients_of_gradients_are_those_of_eager_mode(f):
    compiled = ng.compile(hessians(f))
    for scale in SCALES:
        same(compiled(X * scale, W), hessians(f)(X * scale, W), 1e-8, 1e-10)


def test_a_gradient_of_a_gradient_turns_as_often_as_its_loop():
    compiled = ng.compile(hessians(turning)).record(X, W)
    names = [op.name for wave in compiled.program.schedule.waves for item in wave for op in item.work.ops]
    assert names.count("while_loop") == 2  # of the carries, and of them with their tangents


def test_what_the_second_backward_reads_must_not_be_written():
    w = ng.tensor(W.numpy().copy())

    def f(x):
        x = ng.tensor(x, requires_grad=True)
        (turning(x, w)[0] ** 2).sum().backward(create_graph=True)
        g, x.grad = x.grad, None
        w[...] = 0.0
        (g * g).sum().backward()

    with pytest.raises(GradientError, match="while_loop: its backward reads a tensor of shape"):
        ng.compile(f)(X)


def test_an_index_out_of_range_inside_raises():
    table = ng.tensor([2, 3, 4, 9, 1])
    f = lambda i, x: ng.while_loop(lambda c: c[0] != 1, lambda c: (ng.take(table, c[0], axis=0), c[1] * 2.0), (i, x))[1]
    compiled = ng.compile(f)
    for start in (0, 4, 2):
        same(compiled(ng.tensor(start), X), f(ng.tensor(start), X))
    with pytest.raises(IndexRangeError, match="9"):
        compiled(ng.tensor(3), X)
    with pytest.raises(IndexRangeError, match="7"):
        compiled(ng.tensor(7), X)
    same(compiled(ng.tensor(2), X), f(ng.tensor(2), X))


def test_several_threads():
    f = through(turning)
    compiled, want = ng.compile(f), [f(X * k, W) for k in SCALES]
    got = [[] for _ in want]

    def run(i):
        for _ in range(20):
            got[i].append(compiled(X * SCALES[i], W))

    threads = [threading.Thread(target=run, args=(i,)) for i in range(len(SCALES))]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    for results, right in zip(got, want):
        assert len(results) == 20
        for r in results:
            same(r, right, 1e-9, 1e-12)
