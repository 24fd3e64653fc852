"""Checkpointed loops inside of compiled functions: not a bit is another, and memory grows with the logarithm of the turns."""

import functools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nbgrad as ng
from nbgrad.base.errors import GradientError, IndexRangeError
from nbgrad.compiling.recorded_reversal import MOST, levels_of, spaced
from nbgrad.plan.calls import WALKS, Reversal
from nbgrad.target.cpu.program import Inner, Store
from tests.compiling.test_compile import flat, same, values
from tests.compiling.test_recorded_scan import SCANS, N, data, states, through
from tests.compiling.test_recorded_while import SCALES, WHILES, W, X

LOOPS = ("scan", "fori_loop", "while_loop")


def checkpointed(f):
    """Return `f`, every loop of which is checkpointed."""

    @functools.wraps(f)
    def wrapped(*args):
        before = {name: getattr(ng, name) for name in LOOPS}
        for name in LOOPS:
            setattr(ng, name, functools.partial(before[name], checkpoint=True))
        try:
            return f(*args)
        finally:
            for name in LOOPS:
                setattr(ng, name, before[name])

    return wrapped


def kernels(schedule):
    return [i.kernel for wave in schedule.waves for i in wave if isinstance(getattr(i, "kernel", None), WALKS)]


def exactly(got, want):
    got, want = flat(values(got)), flat(values(want))
    assert len(got) == len(want)
    for a, b in zip(got, want):
        np.testing.assert_array_equal(a, b)


CASES = [(f, [data(), data(1)]) for f in SCANS] + [(f, [(X * k, W) for k in SCALES]) for f in WHILES]
CASES += [(lambda x, h, w: states(x, h, w, reverse=True), [data(), data(1, "float32")])]
EACH = pytest.mark.parametrize(("f", "calls"), CASES, ids=lambda v: getattr(v, "__name__", ""))


@EACH
def test_checkpoints_change_no_bit(f, calls):
    kept, again = ng.compile(through(f)), ng.compile(checkpointed(through(f)))
    for args in calls:
        for _ in range(2):
            exactly(again(*args), kept(*args))


@EACH
def test_checkpoints_change_no_bit_of_gradients_outside(f, calls):
    kept, again = ng.compile(f), ng.compile(checkpointed(f))
    for args in calls:
        exactly(through(again)(*args), through(kept)(*args))


def turning(c, w, most):
    """A carry of two parts, a captured tensor, and as many turns as `most` says."""
    body = lambda c: (ng.sin(c[0] * w) + 0.1 * c[2], c[1] + 1.0, c[0])
    return ng.while_loop(lambda c: c[1] < most, body, (c, 0.0 * most, w), checkpoint=True)[0]


GRADIENT = ng.compile(lambda c, w, most: ng.grad(lambda c, w: (turning(c, w, most) ** 2).sum(), (0, 1))(c, w))


@settings(max_examples=60)
@given(st.integers(0, 200))
def test_any_number_of_turns(turns):
    c, w = X.numpy() * 0.3, W.numpy()
    trace = [(c, w)]
    for _ in range(turns):
        c, before = np.sin(c * w) + 0.1 * trace[-1][1], c
        trace.append((c, before))
    g, g_before, g_w = 2.0 * c, 0.0, 0.0
    for c, _ in trace[:-1][::-1]:
        slope = np.cos(c * w) * g
        g, g_before, g_w = slope * w + g_before, 0.1 * g, g_w + slope * c
    got = GRADIENT(X * 0.3, W, ng.tensor(float(turns)))
    np.testing.assert_allclose(got[0].numpy(), g, rtol=1e-9, atol=1e-14)
    np.testing.assert_allclose(got[1].numpy(), g_w + g_before, rtol=1e-9, atol=1e-14)


@pytest.mark.parametrize("length", [1, 2, 3, 7, 8, 9, 64, 100])
@pytest.mark.parametrize("reverse", [False, True])
def test_scans_of_any_length(length, reverse):
    rng = np.random.default_rng(length)
    x, h, w = (ng.tensor(rng.standard_normal(s)) for s in ((length, N), (N,), (N, N)))
    f = lambda x, h, w: states(x, h, w, reverse=reverse)
    again = ng.compile(checkpointed(through(f)))
    assert [k.count for k in kernels(again.record(x, h, w).program.schedule) if isinstance(k, Reversal)] == [levels_of(length)]
    exactly(again(x, h, w), ng.compile(through(f))(x, h, w))


def test_few_levels_are_enough_for_any_number_of_turns(monkeypatch):
    monkeypatch.setattr("nbgrad.compiling.recorded_reversal.MOST", 3)
    few = ng.compile(lambda c, w, most: ng.grad(lambda c, w: (turning(c, w, most) ** 2).sum(), (0, 1))(c, w))
    for turns in (0, 1, 2, 3, 4, 5, 6, 7, 8, 31, 100):
        exactly(few(X, W, ng.tensor(float(turns))), GRADIENT(X, W, ng.tensor(float(turns))))


def test_gradients_are_those_of_finite_differences():
    for turns in (0.0, 1.0, 9.0):
        compiled = ng.compile(lambda c, w, turns=turns: (turning(c, w, ng.tensor(turns)) ** 2).sum())
        assert ng.gradcheck(compiled, X, W, directions=2)


def test_captured_leaves_get_gradients():
    w = ng.tensor(W.numpy().copy(), requires_grad=True)

    @ng.compile
    def step(x, most):
        loss = turning(x, w, most).sum()
        loss.backward()
        return loss

    for turns in (0.0, 6.0):
        w.grad = None
        step(X, ng.tensor(turns))
        want = ng.grad(lambda w, most: turning(X, w, most).sum())(W, ng.tensor(turns))
        np.testing.assert_allclose(w.grad.numpy(), want.numpy(), rtol=1e-12)


def arena_of(n):
    """Return the bytes of the arena of a gradient through n turns of a carry of 8 KiB, those of its results left out."""
    f = lambda x: ng.fori_loop(0, n, lambda i, c: ng.sin(c) * 1.01, x, checkpoint=True).sum()
    schedule = ng.compile(ng.grad(f)).record(ng.ones(1024)).program.schedule
    assert sum(isinstance(k, Reversal) for k in kernels(schedule)) == 1
    return schedule.arena + sum(k.again.schedule.arena + k.back.schedule.arena for k in kernels(schedule) if isinstance(k, Reversal))


def test_memory_grows_with_the_logarithm_of_the_turns():
    assert arena_of(5000) - arena_of(50) <= 8192 * 8
    assert arena_of(5000) < 8192 * 18  # the carries of all turns are 8192 * 5000


def test_a_while_has_the_same_memory_for_any_number_of_turns():
    f = lambda x, most: ng.while_loop(lambda c: c[1] < most, lambda c: (ng.sin(c[0]) * 1.01, c[1] + 1), (x, 0), checkpoint=True)[0].sum()
    compiled = ng.compile(ng.grad(f))
    program = compiled.record(ng.ones(1024), ng.tensor(9)).program
    assert program.schedule.arena < 8192 * (MOST + 6)
    for turns in (10, 1000):
        compiled(ng.ones(1024), ng.tensor(turns))
        needs = [n for _, _, needs in program._free for n in needs]
        assert any(isinstance(n, Store) for n in needs)
        assert not any(n.words[1] for n in needs if isinstance(n, Store))  # bytes that it has asked for
        assert sum(n.arena.nbytes for n in needs if isinstance(n, Inner)) < 8192 * 4


def test_a_backward_may_be_walked_again():
    x = ng.tensor(X.numpy().copy(), requires_grad=True)
    y = ng.compile(lambda x: turning(x, W, ng.tensor(5.0)))(x).sum()
    y.backward(keep=True)
    first, x.grad = x.grad, None
    y.backward()
    exactly(x.grad, first)

    @ng.compile
    def both(x):
        _, pull = ng.vjp(lambda x: turning(x, W, ng.tensor(5.0)).sum(), x)
        return pull(1.0)[0], pull(2.0)[0] * 0.5

    for got in both(X):
        np.testing.assert_allclose(got.numpy(), first.numpy(), rtol=1e-13)


def test_an_index_out_of_range_inside_raises():
    table = ng.tensor([2, 3, 4, 9, 1])
    body = lambda c: (ng.take(table, c[0], axis=0), c[1] * c[1])
    f = lambda i, x: ng.while_loop(lambda c: c[0] != 1, body, (i, x), checkpoint=True)[1].sum()
    compiled = ng.compile(ng.grad(f, 1))
    for start in (0, 4, 2):
        same(compiled(ng.tensor(start), X), ng.grad(f, 1)(ng.tensor(start), X), 1e-13)
    with pytest.raises(IndexRangeError, match="9"):
        compiled(ng.tensor(3), X)
    same(compiled(ng.tensor(2), X), ng.grad(f, 1)(ng.tensor(2), X), 1e-13)


def test_what_its_turns_read_must_not_be_written():
    x, h, w = data()

    def f(x, h):
        x = ng.tensor(x, requires_grad=True)
        loss = ng.scan(lambda c, v: (c + w[0] * v, None), h, x, checkpoint=True)[0].sum()
        w[...] = 0.0
        loss.backward()

    with pytest.raises(GradientError, match="scan: its backward reads a tensor of shape"):
        ng.compile(f)(x, h)


def test_turns_that_write_what_is_not_theirs_are_not_made_again():
    held = ng.zeros(N)

    def f(x, h):
        def step(c, v):
            held[...] = held + v.detach()
            return c * v, None

        return ng.scan(step, h, x, checkpoint=True)[0].sum()

    x, h, _ = data()
    with pytest.raises(GradientError, match="they write a tensor that is not theirs"):
        ng.compile(ng.grad(f))(x, h)
    assert not held.numpy().any()
    with ng.no_grad():
        ng.compile(f)(x, h)
    np.testing.assert_allclose(held.numpy(), x.numpy().sum(0), rtol=1e-13)


def test_parts_begin_on_lines_of_the_cache():
    assert spaced([]) == [0]
    assert spaced([1, 64, 65, 0]) == [0, 64, 128, 256, 256]
