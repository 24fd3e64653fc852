"""Programs: stops, threads, arenas, and several runs at once."""

import threading

import numpy as np
import pytest

import nbgrad as ng


def program_of(f, *args):
    compiled = ng.compile(f)
    compiled(*args)
    return compiled.latest.program


def test_what_is_given_is_arguments_and_results():
    program = program_of(lambda x: (x * 2.0, ng.exp(x)), ng.ones(4))
    assert len(program.given) == 3
    x, outs = np.arange(4.0), [np.zeros(4), np.zeros(4)]
    assert program.run([x, *outs]) is None
    np.testing.assert_array_equal(outs[0], x * 2.0)
    np.testing.assert_allclose(outs[1], np.exp(x), rtol=1e-15)


def test_a_stop_is_returned_with_its_arena():
    program = program_of(lambda x, i: ng.take(x, i, axis=0), ng.ones(4), ng.tensor([0, 1]))
    stop, arena, inner = program.run([np.arange(4.0), np.array([0, 7]), np.zeros(2)])
    assert inner is None
    assert len(arena) == program.schedule.arena
    with pytest.raises(ng.IndexRangeError):
        stop.explain(np.array([0, 7]))
    out = np.zeros(2)
    assert program.run([np.arange(4.0), np.array([0, 3]), out]) is None
    assert out.tolist() == [0.0, 3.0]


def test_large_and_small_items_of_a_wave():
    rng = np.random.default_rng(0)
    big, small = rng.standard_normal((600, 700)), rng.standard_normal((3, 4))
    f = lambda x, y: (ng.cumsum(x, axis=1), ng.cumsum(y, axis=1), ng.exp(x).sum(axis=0), x.T @ x, y.T @ y, ng.tanh(x), ng.tanh(y))
    compiled = ng.compile(f)
    for _ in range(2):
        for found, want in zip(compiled(ng.tensor(big), ng.tensor(small)), f(ng.tensor(big), ng.tensor(small))):
            np.testing.assert_allclose(found.numpy(), want.numpy(), rtol=1e-12, atol=1e-9)


def test_the_same_for_any_number_of_threads():
    x = ng.tensor(np.random.default_rng(0).standard_normal((500, 500)).astype("float32"))
    f = lambda x: (ng.softmax(x @ x), (x * x).sum(), ng.tanh(x).mean(axis=0))
    before, found = ng.get_num_threads(), []
    try:
        for n in (1, max(2, before)):
            ng.set_num_threads(n)
            found.append([t.numpy() for t in ng.compile(f)(x)])
    finally:
        ng.set_num_threads(before)
    for a, b in zip(*found):
        np.testing.assert_array_equal(a, b)


def test_runs_at_the_same_time_have_arenas_of_their_own():
    program = program_of(lambda x: ng.cumsum(ng.cumsum(ng.cumsum(x) * 2.0)) * 0.5, ng.ones(20000))
    wrong = []

    def go(i):
        x, out = np.full(20000, float(i)), np.zeros(20000)
        want = np.cumsum(np.cumsum(np.cumsum(x) * 2.0)) * 0.5
        for _ in range(40):
            program.run([x, out])
            if not np.allclose(out, want, rtol=1e-10):
                wrong.append(i)

    threads = [threading.Thread(target=go, args=(i,)) for i in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong
