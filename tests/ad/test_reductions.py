"""Reductions in derivatives: against finite differences."""

import numpy as np
import pytest

import nbgrad as ng
from tests.ad.made import agrees, number, of

rng = np.random.default_rng(3)
V, X, M, T = rng.normal(size=4), rng.normal(size=6), rng.normal(size=(3, 4)), rng.normal(size=(2, 3, 2))

ARRAYS = [
    ("np.sum(a, axis=0)", M), ("a.sum(axis=1)", M), ("a.sum(1)", T), ("a - np.mean(a)", M),
]  # fmt: skip

NUMBERS = [
    ("np.sum(a * a)", M), ("np.prod(a)", V), ("np.prod(a)", np.array([2.0, 0.0, 3.0])), ("np.mean(a * a)", T), ("np.var(a)", M),
    ("a.std()", V), ("np.max(a)", V), ("a.min()", M), ("np.min(np.abs(a - 0.2))", V),
]  # fmt: skip


@pytest.mark.parametrize(("expression", "a"), ARRAYS, ids=[f"{e}-{a.ndim}d" for e, a in ARRAYS])
def test_arrays(expression, a):
    agrees(ng.value_and_grad, of(expression, "a"), (a,), (0,), 1e-5, 1e-6)


@pytest.mark.parametrize(("expression", "a"), NUMBERS, ids=[f"{e}-{a.ndim}d" for e, a in NUMBERS])
def test_numbers(expression, a):
    agrees(ng.value_and_grad, number(expression, "a"), (a,), (0,), 1e-5, 1e-6)
