"""Recording: calls are noted with the memory they work on, nothing is run, and memory tells values apart."""

import numpy as np
import pytest

import nbgrad as ng
from nbgrad.base.number import Number
from nbgrad.plan.calls import ARGUMENT, HELD, MADE, TOLD, Stop
from nbgrad.plan.recorder import Recorder


def test_calls_are_noted_and_not_run(record_of):
    recorder, (ref,), _ = record_of(lambda x: ng.exp(x) + 1.0, np.zeros(3))
    assert [c.op.name for c in recorder.calls] == ["exp", "add"]
    first, second = recorder.calls
    assert first.writes[0] == second.reads[0]
    assert second.writes[0] == ref
    assert recorder.kinds[first.reads[0].slot] == ARGUMENT
    assert recorder.kinds[ref.slot] == MADE
    assert "test_recorder.py" in recorder.where(ref.slot)


def test_views_lie_in_the_memory_of_what_they_are_of(record_of):
    recorder, refs, _ = record_of(lambda x: (x, x[1:], x[:, 1], x.T, x[0, 0]), np.zeros((3, 4)))
    assert len({r.slot for r in refs}) == 1
    assert [r.offset for r in refs] == [0, 32, 8, 0, 0]
    assert refs[3].layout.strides == (1, 4)
    assert not recorder.calls


@pytest.mark.parametrize("way", [np.s_[::-1], np.s_[:, ::-1], np.s_[::-1, ::-1], np.s_[1:, ::2], np.s_[::-2]])
def test_refs_of_arguments_count_from_the_first_element(way, record_of):
    x = np.arange(12.0).reshape(3, 4)[way]
    _, refs, _ = record_of(lambda x: (x, x[1:], x[:, -1]), x)
    assert [r.offset for r in refs] == [0, x.strides[0], x.strides[1] * (x.shape[1] - 1)]
    assert refs[0].layout.strides == tuple(s // 8 for s in x.strides)


def test_memory_of_others_is_held_by_its_owner(record_of):
    memory = np.arange(6.0)
    held = ng.tensor(memory[2:4])
    recorder, refs, _ = record_of(lambda x: (held, ng.tensor(memory), x * held), np.zeros(2))
    assert refs[0].slot == refs[1].slot
    assert refs[0].offset == 16
    assert recorder.kinds[refs[0].slot] == HELD
    assert recorder.roots[refs[0].slot] is memory


def test_what_others_hold_is_known(record_of):
    held = ng.tensor(np.zeros(2))
    recorder, refs, out = record_of(lambda x: (x * held, x + 1.0), np.zeros(2))
    kept = out.pop() if isinstance(out, list) else out[1]
    del out
    outside = recorder.outside()
    assert refs[1].slot in outside
    assert recorder.find(held.data) in outside
    del kept
    assert recorder.find(np.zeros(2)) is None


def test_values_of_a_program_are_not_known(record_of):
    with pytest.raises(ng.ArgumentError, match="it is not known while the program is recorded"):
        record_of(lambda x: x.sum().item(), np.zeros(2))
    held = ng.tensor([2.0])
    recorder, _, _ = record_of(lambda x: x * held.item(), np.zeros(2))
    ((array, before),) = recorder.seen
    assert array is held.data
    assert before.tolist() == [2.0]

    def written(x):
        held[...] = x[:1]
        return x * held.item()

    with pytest.raises(ng.ArgumentError, match="not known"):
        record_of(written, np.zeros(2))


def test_checks_of_values_are_stops(record_of):
    recorder, _, _ = record_of(lambda i: ng.take(ng.tensor([1.0, 2.0]), i, axis=0), np.array([0, 1]))
    assert [type(c) for c in recorder.calls].count(Stop) == 1


def test_tensors_are_met_once_per_leaf():
    recorder, w = Recorder(), ng.tensor([1.0], requires_grad=True)
    recorder.meet((w.detach(), w, w, 2.0, w.detach()))
    assert [t.node for t, _ in recorder.tensors.values()] == [None, w.node]


def test_gradients_that_are_there_are_given_with_each_run():
    recorder, w = Recorder(), ng.tensor([1.0, 2.0], requires_grad=True)
    w.node.grad = ng.tensor(np.arange(6.0)[2:4])
    recorder.meet((w,))
    ((t, slot),) = recorder.cells
    assert t is w
    assert recorder.ref(w.grad.data).slot == slot
    assert recorder.ref(w.grad.data).offset == 0


def test_numbers_are_told_anew():
    recorder, given = Recorder(), [0.5, 3]
    rate, whole = recorder.follow(list(given), lambda: list(given), lambda: given.reverse())
    assert type(rate) is Number
    assert whole == 3
    array = recorder.array(rate * 2.0, np.dtype("float32"))
    assert recorder.array(rate * 2.0, np.dtype("float32")) is array
    assert recorder.kinds == [TOLD]
    tell = recorder.teller()
    given[0] = 0.75
    assert tell()
    assert array == 1.5
    given[1] = 4
    assert not tell()
    assert given == [4, 0.75]  # what gave them was asked to take it back


def test_random_keys_and_numbers_are_told_together():
    recorder, key = Recorder(), np.zeros(3, np.int64)
    recorder.refresh(key, lambda: np.array([1, 2, 3]), lambda: None)
    (rate,) = recorder.follow([0.5], lambda: [0.25], lambda: None)
    array = recorder.array(rate, np.dtype("float64"))
    assert recorder.teller()()
    assert key.tolist() == [1, 2, 3]
    assert array == 0.25


def test_a_look_with_another_answer_ends_a_record():
    recorder, given = Recorder(), [0.5]
    (rate,) = recorder.follow([0.5], lambda: list(given), lambda: None)
    assert rate < 1.0
    tell = recorder.teller()
    assert tell()
    given[0] = 2.0
    assert not tell()


def test_nothing_lies_in_arrays_without_elements():
    recorder, memory = Recorder(), np.zeros(64)
    recorder.ref(memory[40:][:0])
    others = []
    for _ in range(20):  # wherever those are
        others.append(np.zeros(3))
        recorder.ref(np.empty(0))
    assert all(recorder.find(a) is None for a in (memory, memory[:8], *others))
    slot = recorder.slot(memory)
    assert recorder.find(memory[8:]) == slot
