"""From a record to a schedule."""

import numpy as np

import nbgrad as ng
from nbgrad.plan.calls import CONSTANT, MADE
from nbgrad.plan.whole import plan_record


def planned(record_of, f, *arrays):
    recorder, refs, out = record_of(f, *arrays)
    del out
    given = [*recorder.argument_slots, *dict.fromkeys(r.slot for r in refs if recorder.kinds[r.slot] == MADE)]
    outside = recorder.outside()
    return plan_record(recorder.record(refs), given, outside), refs


X = np.arange(6.0)


def test_results_are_not_in_the_arena(record_of):
    schedule, refs = planned(record_of, lambda x: (ng.exp(x) @ ng.sin(x)).sum() * 2.0, X)
    assert refs[0].slot not in schedule.places
    assert schedule.arena > 0
    assert len(schedule.waves) == 3


def test_values_of_a_chain_share_the_arena(record_of):
    def f(x):
        for _ in range(20):
            x = ng.cumsum(x)
        return x

    schedule, _ = planned(record_of, f, X)
    assert len(schedule.waves) == 20
    assert schedule.arena <= 3 * 64


def test_constants_stay_and_those_that_are_written_are_filled_anew(record_of):
    def f(x):
        total = ng.zeros(6)
        total += x
        return total * ng.tensor(np.arange(6.0))

    schedule, _ = planned(record_of, f, X)
    kinds = [s.kind for s in schedule.slots]
    assert kinds.count(CONSTANT) == 2
    assert "held" not in kinds


def test_memory_of_others_is_held(record_of):
    held = ng.tensor(X.copy())
    schedule, _ = planned(record_of, lambda x: x * held, X)
    assert next(s.array for s in schedule.slots if s.kind == "held") is held.data


def test_nothing_to_do(record_of):
    schedule, _ = planned(record_of, lambda x: x, X)
    assert schedule.waves == ()
    assert schedule.arena == 0
