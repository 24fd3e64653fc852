"""New arrays in derivatives: against finite differences."""

import numpy as np
import pytest

import nbgrad as ng
from tests.ad.made import agrees, of

rng = np.random.default_rng(3)
V, X, M, T = rng.normal(size=4), rng.normal(size=6), rng.normal(size=(3, 4)), rng.normal(size=(2, 3, 2))

ARRAYS = [
    ("np.copy(a)", M), ("np.ascontiguousarray(a.T)", M), ("np.full(3, a[0]) * a[:3]", V), ("np.zeros_like(a) + a", M),
    ("np.linspace(a[0], a[1], 5)", V), ("np.eye(4) * a", V), ("np.identity(4) @ a", V), ("np.asarray(a)", M),
]  # fmt: skip


@pytest.mark.parametrize(("expression", "a"), ARRAYS, ids=[f"{e}-{a.ndim}d" for e, a in ARRAYS])
def test_arrays(expression, a):
    agrees(ng.value_and_grad, of(expression, "a"), (a,), (0,), 1e-5, 1e-6)
