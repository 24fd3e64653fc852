"""Arrays put together, turned and reordered, in derivatives: against finite differences."""

import numpy as np
import pytest

import nbgrad as ng
from tests.ad.made import agrees, of

rng = np.random.default_rng(3)
V, X, M, T = rng.normal(size=4), rng.normal(size=6), rng.normal(size=(3, 4)), rng.normal(size=(2, 3, 2))

ARRAYS = [
    ("np.flip(a)", V), ("np.flipud(a)", M), ("np.fliplr(a)", M), ("np.transpose(a)", M), ("np.transpose(a, (1, 2, 0))", T),
    ("np.swapaxes(a, 0, 2)", T), ("np.concatenate((a, a * a))", V), ("np.concatenate((a, a[:, :2]), axis=1)", M),
    ("np.stack((a, a * 2.0))", V), ("np.stack((a, a * 2.0), 1)", V), ("np.hstack((a, a[1:]))", V), ("np.hstack((a, a))", M),
    ("np.vstack((a, a * a))", V), ("np.column_stack((a, a * a))", V), ("np.append(a, 2.0)", V), ("np.append(a, a[:2])", V),
    ("np.where(a > 0.0, a * a, 2.0)", V), ("np.where(a > 0.0, a, -a)", M), ("np.clip(a, -0.5, 0.5)", V), ("a.clip(-0.5, 0.5)", V),
    ("np.expand_dims(a, 0) * 2.0", V), ("np.ravel(a)", M), ("np.reshape(a, (2, 6))", M), ("np.round(a, 1) * a", V),
]  # fmt: skip


@pytest.mark.parametrize(("expression", "a"), ARRAYS, ids=[f"{e}-{a.ndim}d" for e, a in ARRAYS])
def test_arrays(expression, a):
    agrees(ng.value_and_grad, of(expression, "a"), (a,), (0,), 1e-5, 1e-6)
