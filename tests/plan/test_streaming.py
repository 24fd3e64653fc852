"""What is written past the cache: large results of one loop that nobody reads again; the values are the same."""

import numpy as np
import pytest

import nbgrad as ng
from nbgrad.plan.calls import Stop
from nbgrad.plan.streaming import LARGE

MANY = LARGE // 4


def past(f, *arrays):
    """Return, per kernel of a compiled function, whether it writes past the cache."""
    waves = ng.compile(f).record(*arrays).program.schedule.waves
    items = [i for wave in waves for i in wave if not isinstance(i, Stop)]
    return [len(i.kernel.static) == 3 for i in items if i.kernel.loop == "map"]


X = np.zeros(MANY + 37, "float32")
CASES = {
    "large": (lambda x: ng.exp(x) * 2.0, [True]),
    "several": (lambda x: (ng.exp(x), ng.sin(x)), [True]),
    "small": (lambda x: ng.exp(x[:1000]), [False]),
    "one of them small": (lambda x: (ng.exp(x), ng.exp(x[:10])), [True, False]),
    "read again": (lambda x: (y := ng.exp(x), y[::-1] + x), [False, True]),
    "narrow": (lambda x: x > 0.0, [False]),
    "in rows": (lambda x: ng.exp(x[:MANY].reshape(-1, 64)[:, :-1]), [False]),
}


@pytest.mark.parametrize("name", CASES)
def test_large_results_that_nobody_reads_go_past_the_cache(name):
    f, want = CASES[name]
    assert sorted(past(f, X)) == sorted(want)


def test_memory_that_others_hold_does_not():
    held = ng.zeros(MANY)

    def f(x):
        held[...] = ng.exp(x)

    assert past(f, X[:MANY]) == [False]


def test_carries_of_loops_do_not():
    f = lambda x: ng.fori_loop(0, 3, lambda i, c: ng.exp(c) * 0.5, x)
    np.testing.assert_allclose(ng.compile(f)(X).numpy(), f(ng.tensor(X)).numpy(), rtol=1e-6)


@pytest.mark.parametrize("size", [LARGE, LARGE + 1, LARGE + 15, LARGE + 4099])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_values_are_the_same(size, dtype, rng):
    x = rng.standard_normal(size).astype(dtype)
    f = lambda x: (x * 2.0 + 1.0, x > 0.5, ng.where(x > 0.0, x, -x))
    assert past(f, x)[0]
    for found, want in zip(ng.compile(f)(ng.tensor(x)), (x * 2 + 1, x > 0.5, np.abs(x))):
        np.testing.assert_array_equal(found.numpy(), want)
