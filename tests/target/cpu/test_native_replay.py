"""Replay, in words: the same table walked in plain Python and in machine code."""

import numpy as np
import pytest

import nbgrad as ng
from nbgrad.plan.calls import MADE
from nbgrad.plan.recorder import Recorder
from nbgrad.plan.whole import plan_record
from nbgrad.road import ROAD
from nbgrad.tape.tape import recording
from nbgrad.target.cpu.holding import Checks
from nbgrad.target.cpu.native_replay import ARRAYS, FIRST, PATCHES, STEPS, STOPPED
from nbgrad.target.cpu.program import REPLAY, Program
from nbgrad.tensor import Tensor


@pytest.fixture
def program():
    """A program of exp(x) * 2, cumulated, whose results are its last array."""
    recorder = recording.recorder = Recorder()
    ROAD.watch(1)
    try:
        out = ng.cumsum(ng.exp(Tensor._make(recorder.argument(np.zeros(5)), None)) * 2.0)
        ref = recorder.ref(out.data)
    finally:
        recording.recorder = None
        ROAD.watch(-1)
    recorder.tensors = {}
    del out
    given = [*recorder.argument_slots, ref.slot]
    assert recorder.kinds[ref.slot] == MADE
    outside = recorder.outside()
    return Program(plan_record(recorder.record([ref]), given, outside), given)


def test_the_header_says_what_is_there(program):
    table = program._table()[0]
    assert table[ARRAYS // 8] == 2
    assert table[PATCHES // 8] >= 2
    assert table[STEPS // 8] >= 1
    assert table[STOPPED // 8] == 0
    assert len(table) > FIRST // 8


def test_addresses_are_put_where_they_belong(program):
    for x in (np.arange(5.0), np.ones(5)):
        out = np.full(5, np.nan)
        assert program.run([x, out]) is None
        np.testing.assert_allclose(out, np.cumsum(np.exp(x) * 2.0), rtol=1e-14)


def test_wrong_arguments_are_refused(program):
    table = program._table()[0]
    with pytest.raises(TypeError):
        REPLAY()
    with pytest.raises(TypeError):
        REPLAY(table, np.ones(5))
    with pytest.raises(TypeError):
        REPLAY("table", np.ones(5), np.ones(5))


def test_checks_hold_until_something_changes():
    class Slots:
        __slots__ = ("a", "b")

    space, listed, thing, value = {"a": 1.5}, [1.5, 2.5], Slots(), object()
    thing.a = value
    changes = {
        "item": (lambda c: c.item(space, "a", space["a"]), lambda: space.update(a=2.5)),
        "absent": (lambda c: c.absent(space, "b"), lambda: space.update(b=2.5)),
        "items": (lambda c: c.items(space), lambda: space.update(c=2.5)),
        "element": (lambda c: c.items(listed), lambda: listed.__setitem__(0, 3.5)),
        "length": (lambda c: c.items(listed), listed.pop),
        "slot": (lambda c: c.slot(thing, "a", value), lambda: setattr(thing, "a", None)),
        "other": (lambda c: c.slot(thing, "a", value, False), lambda: setattr(thing, "a", value)),
    }
    for name, (add, change) in changes.items():
        checks = Checks()
        add(checks)
        assert checks.hold(), name
        change()
        assert not checks.hold(), name
    assert Checks().hold()
    checks = Checks()
    checks.never()
    assert not checks.hold()
