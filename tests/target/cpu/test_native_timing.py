"""The walk with a clock: notes in order, arguments checked as without one, headers left as they were."""

import numpy as np
import pytest

import nbgrad as ng
from nbgrad.target.cpu.native_replay import STEPS, STOPPED
from nbgrad.target.cpu.timing import _builtin


@pytest.fixture
def made():
    """A table, what it is run on, and how many steps it has."""
    f = ng.compile(lambda x: (ng.exp(x).sum(), x * 2.0))
    f(ng.ones(100))
    program = f.latest.program
    table = program._table()
    arrays = [np.ones(100), *[np.empty(s.size // 8) for s in (program.schedule.slots[i] for i in program.given[1:])]]
    return table, arrays, int(table[0][STEPS // 8])


def test_a_time_stands_before_and_behind_each_step(made):
    table, arrays, steps = made
    notes = np.zeros((steps + 2, 2), np.int64)
    _builtin()(table[0], *arrays, notes)
    times = notes[: steps + 1] @ np.array([10**9, 1])
    assert (np.diff(times) >= 0).all()
    assert times[0] > 0
    assert (notes[steps + 1] == 0).all()
    assert table[0][STEPS // 8] == steps
    assert table[0][STOPPED // 8] == 0


def test_wrong_arguments_are_refused(made):
    table, arrays, steps = made
    notes = np.zeros((steps + 1, 2), np.int64)
    for wrong in ((), (table[0],), (table[0], notes), (table[0], *arrays, notes, notes), ("table", *arrays, notes)):
        with pytest.raises(TypeError):
            _builtin()(*wrong)
