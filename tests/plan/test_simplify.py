"""What need not be computed is not: and nothing else is left out."""

import numpy as np
import pytest

import nbgrad as ng
from nbgrad.plan.calls import CONSTANT, MADE, Stop
from nbgrad.plan.simplify import literal, needed, simplify
from tests.plan.records import with_constants


def left(record_of, f, *arrays):
    """Return the names of the rows that are left of a function."""
    record, slots = with_constants(*record_of(f, *arrays)[:2])
    calls = needed(record.calls, slots, record.results)
    return ["stop" if isinstance(c, Stop) else c.op.name for c in simplify(calls, slots, record.results)[0]]


X = np.arange(6.0).reshape(2, 3)
CASES = {
    "unread": (lambda x: (ng.exp(x), x + 1.0)[1], ["add"]),
    "twice": (lambda x: ng.exp(x) + ng.exp(x) * 2.0, ["exp", "mul", "add"]),
    "times one": (lambda x: ng.exp(x * 1.0), ["exp"]),
    "one times": (lambda x: ng.exp(1.0 * x), ["exp"]),
    "over one": (lambda x: ng.exp(x / 1.0), ["exp"]),
    "minus zero": (lambda x: ng.exp(x - 0.0), ["exp"]),
    "plus zero": (lambda x: ng.exp(x + 0.0), ["add", "exp"]),
    "square": (lambda x: x**2.0, ["mul"]),
    "cube": (lambda x: x**3.0, ["pow"]),
    "copy": (lambda x: ng.exp(x.copy()), ["exp"]),
    "the result is a copy": (lambda x: x.copy(), ["copy"]),
    "cast to the same": (lambda x: ng.exp(x.astype("float64")), ["exp"]),
    "cast": (lambda x: ng.exp(x.astype("float32")), ["astype", "exp"]),
    "a gradient of one": (ng.grad(lambda x: (x * ng.exp(x)).sum()), ["exp", "exp_g_x", "add"]),
    "a gradient times a number": (ng.grad(lambda x: ng.exp(x * 3.0).sum()), ["mul", "exp", "exp_g_x", "mul"]),
    "a gradient times infinity": (ng.grad(lambda x: ng.exp(x * np.inf).sum()), ["mul", "exp", "exp_g_x", "mul_g_x"]),
    "numbers alone": (ng.grad(lambda x: (ng.exp(x) * 3.0 * 2.0).sum()), ["exp", "exp_g_x"]),
    "once per layout": (lambda x: ng.exp(x) * ng.exp(x.T).T, ["exp", "exp", "mul"]),
}


@pytest.mark.parametrize("name", CASES)
def test_what_is_left(name, record_of):
    f, want = CASES[name]
    assert left(record_of, f, X) == want


def test_writes_between_are_seen(record_of):
    held = ng.tensor(X.copy())

    def f(x):
        before = ng.exp(held)
        held[...] = x
        return before + ng.exp(held)

    assert left(record_of, f, X).count("exp") == 2

    def kept(x):
        before = held.copy()
        held[...] = x
        return before * 2.0

    assert left(record_of, kept, X).count("copy") == 2


def test_writes_to_memory_of_others_stay(record_of):
    held = ng.tensor(X.copy())
    assert left(record_of, lambda x: held.__setitem__(..., ng.exp(x)) or x, X)[0] == "exp"


def test_stops_stay(record_of):
    assert "stop" in left(record_of, lambda i: (ng.take(ng.tensor([1.0]), i, axis=0), i)[1], np.array([0]))


def test_literals_are_single_numbers_that_never_change(record_of):
    held = ng.tensor(3.0)
    recorder, refs, _ = record_of(lambda x: (ng.tensor(2.0), ng.tensor([1.0, 2.0])[1:], held, x, ng.tensor([4.0, 4.0])), X)
    slots = [s._replace(kind=CONSTANT) if s.kind == "held" and s.array is not held.data else s for s in recorder.record(refs).slots]
    assert [literal(r, slots) for r in refs] == [2.0, 2.0, None, None, None]
    assert slots[refs[3].slot].kind != MADE


def test_a_result_that_is_a_copy_is_made_in_its_place():
    f = ng.compile(lambda x: (ng.exp(x) @ x).copy())
    x = np.random.default_rng(0).standard_normal((5, 5))
    np.testing.assert_allclose(f(x).numpy(), np.exp(x) @ x)
    assert [[op.name for item in wave for op in item.work.ops] for wave in f.latest.program.schedule.waves] == [["exp"], ["matmul"]]


def test_a_value_that_is_written_after_its_copy_stays_apart():
    @ng.compile
    def f(x):
        y = ng.exp(x)
        z = y.copy()
        y += 1.0
        return z, y * 2.0

    z, y = f(np.arange(4.0))
    np.testing.assert_array_equal(z.numpy(), np.exp(np.arange(4.0)))
    np.testing.assert_array_equal(y.numpy(), 2 * (np.exp(np.arange(4.0)) + 1))
