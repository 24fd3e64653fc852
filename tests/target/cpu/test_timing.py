"""Timed programs: the same results and stops as untimed ones, a time for each step, limits that are of this world."""

import numpy as np
import pytest

import nbgrad as ng
from nbgrad.target.cpu.native_replay import SHARED
from nbgrad.target.cpu.program import Program, launches_of
from nbgrad.target.cpu.threads import get_num_threads, set_num_threads
from nbgrad.target.cpu.timing import Timed, peaks


@pytest.fixture
def net():
    """A compiled function of several waves, called once, and its argument."""
    w = [ng.tensor(np.random.default_rng(i).standard_normal((256, 256), dtype="float32") / 16) for i in range(3)]
    f = ng.compile(lambda x: tuple(ng.tanh(x @ v).sum(0) for v in w))
    x = ng.tensor(np.linspace(-1, 1, 256 * 256, dtype="float32").reshape(256, 256))
    f(x)
    return f, x


@pytest.mark.parametrize("apart", [False, True])
def test_results_are_those_of_a_program_without_a_clock(net, apart):
    f, x = net
    expected, run = f(x), f.latest
    timed = run.program = Timed(run.program.schedule, run.program.given, apart)
    for _ in range(3):
        for a, b in zip(f(x), expected):
            np.testing.assert_array_equal(a.numpy(), b.numpy())
    assert len(timed.notes) == 3
    assert all(len(n) == len(timed.launches) for n in timed.notes)
    assert all((n >= 0).all() and 0 < n.sum() < 10**9 for n in timed.notes)


def test_launches_are_those_of_the_program(net):
    f, _ = net
    schedule = f.latest.program.schedule
    timed = Timed(schedule, f.latest.program.given)
    assert [k for k, _ in timed.launches] == [k for wave in schedule.waves for k, _ in launches_of(wave)]
    apart = Timed(schedule, f.latest.program.given, True)
    assert all(len(items) == 1 for _, items in apart.launches)
    items = lambda launches: [id(i) for _, items in launches for i in items]
    assert sorted(items(apart.launches)) == sorted(items(timed.launches))


def test_kernels_that_share_a_launch_are_timed_alone_when_apart():
    x = ng.tensor(np.ones((64, 1024), "float32"))
    f = ng.compile(lambda x: (x.sum(0), x.max(0), x.min(0)))
    f(x)
    timed = Timed(f.latest.program.schedule, f.latest.program.given)
    apart = Timed(f.latest.program.schedule, f.latest.program.given, True)
    if any(k == SHARED and len(items) > 1 for k, items in timed.launches):
        assert len(apart.launches) > len(timed.launches)


def test_a_stop_ends_the_notes(net):
    f = ng.compile(lambda x, i: ng.take(x, i, axis=0) * 2.0)
    x, good, bad = ng.tensor(np.arange(4.0)), ng.tensor(np.array([1, 2])), ng.tensor(np.array([1, 9]))
    f(x, good)
    run = f.latest
    timed = run.program = Timed(run.program.schedule, run.program.given)
    with pytest.raises(ng.IndexRangeError):
        f(x, bad)
    assert f(x, good).tolist() == [2.0, 4.0]
    assert 0 < len(timed.notes[0]) <= len(timed.notes[1]) == len(timed.launches)


def test_loops_are_one_step():
    f = ng.compile(lambda x: ng.scan(lambda c, row: (c + row, c * row), ng.zeros(4), x))
    x = ng.tensor(np.random.default_rng(0).random((9, 4)))
    expected, run = f(x), f.latest
    assert type(run.program) is Program
    timed = run.program = Timed(run.program.schedule, run.program.given)
    np.testing.assert_array_equal(f(x)[1].numpy(), expected[1].numpy())
    assert len(timed.notes[0]) == len(timed.launches)


def test_peaks_are_measured_once_per_number_of_threads():
    found = peaks()
    assert peaks() is found
    assert all(0 < speed < np.inf for speed in (found.speed["float32"], found.speed["float64"], *found.copies))
    assert (np.diff(found.copies) <= 0).all()
    before = get_num_threads()
    set_num_threads(1)
    try:
        assert (peaks() is found) == (before == 1)
    finally:
        set_num_threads(before)


def test_the_longer_of_two_limits_binds():
    found = peaks()
    seconds, which = found.least(1e12, 1000.0, "float32")
    assert which == "arithmetic"
    assert seconds == 1e12 / found.speed["float32"]
    assert found.least(1.0, 1e9, "float32")[1] == "memory"
    assert found.least(1e12, 8.0, "float64")[0] == 1e12 / found.speed["float64"]
