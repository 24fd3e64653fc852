"""Counters become what they are at each turn; sums read nothing of what they were."""

import pytest

from nbgrad.ad.induction import accumulated, inducted
from nbgrad.ad.reverse import prepared
from nbgrad.ad.rules import Builder
from nbgrad.ad.statements import Add, Loop, Put, walk
from tests.ad.plain import lowered, plain
from tests.ad.zoo import V

import nbgrad as ng  # isort: skip
from numba import njit  # isort: skip


@njit
def counter(x, n):
    k, s = 2, 0.0
    for _ in range(n):
        s += x[k % x.size] * k
        k += 3
    return s * k


def test_counters_are_computed_from_the_index():
    made = lowered(counter, V, 4)
    inducted(made.body, Builder([p.name for p in made.params]).fresh)
    loop = next(s for s in made.body if isinstance(s, Loop))
    assert not [s for s in walk(loop.body) if isinstance(s, Put | Add) and s.cell.name.startswith("k")]


@pytest.mark.parametrize("n", [0, 1, 4])
def test_their_values_stay(n):
    value, found = plain(ng.value_and_grad(counter), V, n)
    assert value == pytest.approx(counter.py_func(V, n))
    assert found.sum() == pytest.approx((2 + 3 * n) * sum(2 + 3 * i for i in range(n)))


def test_sums_become_additions():
    def f(x):
        s = 0.0
        for v in x:
            s = s + v * v
        return s

    made = lowered(f, V)
    accumulated(made.body)
    assert [s for s in walk(made.body) if isinstance(s, Add) and s.cell.name.startswith("s")]


def test_what_reads_the_sum_is_no_sum():
    def f(x):
        s = 0.0
        for v in x:
            s = s + s * v
        return s

    made = prepared(lowered(f, V))
    assert not [s for s in walk(made.body) if isinstance(s, Add) and s.cell.name.startswith("s")]
