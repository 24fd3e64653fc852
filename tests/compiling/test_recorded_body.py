"""The body of a recorded loop: what it is given, what it reads of others, what is turned before it begins."""

import contextlib

import numpy as np
import pytest

import nbgrad as ng
from nbgrad.base.errors import GradientError
from nbgrad.compiling.recorded_body import Memory, RecordedBody, gradients_of, own, packed
from nbgrad.plan.calls import HELD, MADE
from nbgrad.plan.recorder import Recorder
from nbgrad.road import ROAD
from nbgrad.tape.tape import recording
from nbgrad.tensor import written

H, V = np.zeros(3), np.ones(3)
W = ng.tensor(np.random.default_rng(0).standard_normal((3, 3)))


@contextlib.contextmanager
def recorder():
    recording.recorder = Recorder()
    ROAD.watch(1)
    try:
        yield recording.recorder
    finally:
        recording.recorder = None
        ROAD.watch(-1)


def body(f, wanted=False, carries=(H,), slices=(V,)):
    return RecordedBody(lambda c, x: f(*c, *x), list(carries), list(slices), wanted)


def names(calls):
    return [c.op.name for c in calls]


def test_it_is_recorded_apart_from_what_is_around_it():
    with recorder() as outer:
        b = body(lambda h, v: ([ng.tanh(h) + v], [h]))
        assert recording.recorder is outer
        assert outer.calls == []
    assert names(b.inner.calls) == ["tanh", "add", "copy", "copy"]
    assert b.forward == b.inner.calls and b.backward == []
    assert [a.shape for a in (*b.carries, *b.slices, *b.outs, *b.ys)] == [(3,)] * 4


def test_the_recorder_comes_back_after_an_exception():
    def broken(h, v):
        raise KeyError("x")

    with recorder() as outer:
        with pytest.raises(KeyError):
            body(broken)
        assert recording.recorder is outer


def test_results_have_memory_of_their_own():
    with recorder():
        b = body(lambda h, v: ([h], [h, v]))
    inner = b.inner
    slots = [inner.slot(a) for a in (*b.carries, *b.slices, *b.outs, *b.ys)]
    assert len(set(slots)) == 5


def test_the_backward_lies_behind_the_forward():
    with recorder():
        b = body(lambda h, v: ([ng.tanh(h @ W)], [v * 2.0]), wanted=True)
    assert "tanh" in names(b.forward)
    assert "tanh_g_x" in names(b.backward)
    assert [g is None for g in b.g_slices] == [False]
    made = {w.slot for c in b.forward for w in c.writes}
    assert b.handed() and set(b.handed()) <= made
    assert all(b.inner.kinds[s] == MADE for s in b.handed())


def test_carries_may_be_changed_in_place():
    with recorder() as outer:
        b = body(lambda h, v: ([ng.tanh(h) + v], []), wanted=True)
        calls = b.in_place()
        assert recording.recorder is outer and outer.calls == []
    assert calls[:-1] == b.forward
    assert calls[-1].writes[0].slot == b.inner.slot(b.carries[0])
    assert calls[-1].reads[0].slot == b.inner.slot(b.outs[0])
    assert calls[-1] not in b.backward


def test_integers_have_no_gradient():
    with recorder():
        b = body(lambda n, v: ([n + 1], [v]), True, [np.zeros(3, np.int64)], [V])
    assert b.ins[0].node is None
    assert b.ins[1].node is not None


def test_leaves_of_others_get_a_place_where_gradients_are_added_up():
    w = ng.tensor(np.ones((3, 2)).T, requires_grad=True)
    with recorder():
        b = body(lambda h, v: ([h * w[0]], [w @ v]), True)
    assert b.ends == [w.node]
    assert [(a.shape, a.flags.c_contiguous) for a in b.sums] == [((2, 3), True)]


def test_what_it_reads_of_others_is_told_to_what_is_around_it():
    with recorder() as outer:
        b = body(lambda h, v: ([h @ W.T], [ng.exp(h)]))
        held = [b.inner.roots[s] for s in b.held]
        assert len(held) == 2, "the weights, and what they are turned to"
        assert outer.find(W.data) is not None
        assert outer.kinds[outer.slot(W.data)] == HELD


@pytest.mark.parametrize(("multiply", "copies"), [(lambda h: h @ W.T, 1), (lambda h: h @ W, 0), (lambda h: ng.linear(h.reshape(1, 3), W)[0], 1)])
def test_factors_that_no_turn_changes_are_turned_once(multiply, copies):
    with recorder() as outer:
        b = body(lambda h, v: ([multiply(h)], [v]), carries=[H])
        assert names(outer.calls) == ["copy"] * copies
        for call in b.inner.calls:
            if call.op.name in ("matmul", "linear"):
                assert call.plan.steps


def test_factors_that_a_turn_changes_are_read_as_they_are():
    w = ng.tensor(np.eye(3))

    def f(h, v):
        w[...] = w * 2.0
        return [h @ w.T], []

    with recorder() as outer:
        body(f)
        assert outer.calls == []


def test_writes_are_counted_and_checked():
    w = ng.tensor(np.ones(3))
    with recorder():
        b = body(lambda h, v: ([h * w + v], []), True)
        b.check("scan", b.backward)
        assert written(w) == 0
        w *= 2.0
        assert written(w) == 1
        with pytest.raises(GradientError, match=r"scan: its backward reads a tensor of shape \(3,\)"):
            b.check("scan", b.backward)


def test_what_the_backward_does_not_read_may_be_written():
    w = ng.tensor(np.ones(3))
    with recorder():
        b = body(lambda h, v: ([h + w], []), True)
        w *= 2.0
        b.check("scan", b.backward)
        with pytest.raises(GradientError):
            b.check("scan", b.forward)  # running it once more would


def test_slices_are_watched_too():
    xs = ng.tensor(np.ones((4, 3)))
    with recorder():
        b = body(lambda h, v: ([h * v], []), True)
        b.watch(b.slices, [xs])
        b.check("scan", b.backward)
        xs *= 2.0
        with pytest.raises(GradientError, match=r"\(4, 3\)"):
            b.check("scan", b.backward)


def test_memory_is_given_once():
    with recorder():
        b = body(lambda h, v: ([h * v], []))
        memory = Memory(b.inner)
        stack = np.zeros((5, 3))
        memory.stack(b.slices, [stack])
        memory.give(b.slices[0], np.zeros(3), 0)
        memory.store(b.carries[0], "store 1", 64, 128)
    assert memory.strides == [24, 128]
    assert memory.arrays[0] is stack and memory.arrays[1] is None
    assert memory.stored == {memory.slots[1]: ("store 1", 64)}


def test_tensors_in_one_piece():
    x = ng.tensor(np.arange(6.0).reshape(2, 3))
    assert packed(x) is x
    assert packed(x.T).data.flags.c_contiguous
    np.testing.assert_array_equal(packed(x.T).numpy(), x.numpy().T)
    assert own(x).data is not x.data


def test_gradients_of_one_result_and_of_several():
    assert gradients_of("g", 1) == ["g"]
    assert gradients_of({1: "g"}, 3) == [None, "g", None]


def test_an_optimizer_inside_of_a_scan_is_refused():
    w = ng.tensor([1.0], requires_grad=True)
    optimizer = ng.optim.Adam([w], lr=0.1)

    @ng.compile
    def f(x):
        def turn(c, _):
            optimizer.step([c])
            return c, None

        return ng.scan(turn, x, None, length=3)[0]

    with pytest.raises(ng.ArgumentError, match="optimizer takes a step inside"):
        f(ng.ones(1))
    assert w.tolist() == [1.0]
    assert optimizer.count == 0
