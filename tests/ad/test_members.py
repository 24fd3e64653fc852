"""Attributes and methods of arrays in derivatives: against finite differences."""

import numpy as np
import pytest

import nbgrad as ng
from tests.ad.made import agrees, number, of

rng = np.random.default_rng(3)
V, X, M, T = rng.normal(size=4), rng.normal(size=6), rng.normal(size=(3, 4)), rng.normal(size=(2, 3, 2))

ARRAYS = [
    ("a.cumsum()", M), ("a.T * 2.0", M), ("a.reshape(4, 3)", M), ("a.astype(np.float64)", V),
]  # fmt: skip

NUMBERS = [
    ("len(a) * a[0] + a.size * a[1]", V),
]  # fmt: skip


@pytest.mark.parametrize(("expression", "a"), ARRAYS, ids=[f"{e}-{a.ndim}d" for e, a in ARRAYS])
def test_arrays(expression, a):
    agrees(ng.value_and_grad, of(expression, "a"), (a,), (0,), 1e-5, 1e-6)


@pytest.mark.parametrize(("expression", "a"), NUMBERS, ids=[f"{e}-{a.ndim}d" for e, a in NUMBERS])
def test_numbers(expression, a):
    agrees(ng.value_and_grad, number(expression, "a"), (a,), (0,), 1e-5, 1e-6)
