"""Waves: what does not wait is together, and memory of others is written behind stops."""

import numpy as np

import nbgrad as ng
from nbgrad.plan.calls import MADE, Stop
from nbgrad.plan.fuse import fuse
from nbgrad.plan.waves import waves_of


def waves(record_of, f, *arrays):
    """Return the names of the rows of each wave."""
    recorder, refs, out = record_of(f, *arrays)
    del out
    record = recorder.record(refs)
    found, slots = waves_of(fuse(record.calls, record.slots, record.results), record.slots)
    assert len(slots) >= len(record.slots)
    assert all(s.kind == MADE for s in slots[len(record.slots) :])
    return [["stop" if isinstance(i, Stop) else "_".join(op.name for op in i.work.ops) for i in wave] for wave in found]


X = np.arange(6.0)


def test_what_does_not_wait_is_together(record_of):
    f = lambda x, y: (ng.cumsum(x), ng.cumsum(y), ng.cumsum(ng.cumsum(y)))
    assert [len(wave) for wave in waves(record_of, f, X, X)] == [3, 1]


def test_a_write_waits_for_reads(record_of):
    held = ng.tensor(X.copy())

    def f(x):
        before = ng.cumsum(held)
        held[...] = x
        return before

    assert waves(record_of, f, X) == [["running_sum"], ["copy"]]


def test_memory_of_others_is_written_behind_stops(record_of):
    held = ng.tensor(X.copy())

    def f(x, i):
        picked = ng.take(x, i, axis=0)
        held[...] = x
        return picked * 2.0

    names = [name for wave in waves(record_of, f, X, np.array([0, 1])) for name in wave]
    assert names.index("stop") < names.index("copy")


def test_nothing_makes_no_wave(record_of):
    assert waves(record_of, lambda x: x, X) == []


def test_what_is_recorded_behind_a_check_runs_behind_it():
    f = ng.compile(lambda x, i: ng.take(x * 2.0, i, axis=0) + 1.0)
    f(np.ones((5, 3)), np.array([0, 1]))
    waves = f.latest.program.schedule.waves
    stop = next(n for n, wave in enumerate(waves) if isinstance(wave[0], Stop))
    rows = {op.name: n for n, wave in enumerate(waves) if n != stop for item in wave for op in item.work.ops}
    assert rows["outside"] < stop < rows["take_rows"] < rows["add"]
