"""Argmax and argmin against NumPy: ties, NaN, chunks, layouts, every dtype."""

import numpy as np
import pytest

import nbgrad as ng
from nbgrad.plan.plan import packed
from nbgrad.plan.reducing import plan_arg

SHAPES = [(1,), (5,), (70,), (1000,), (140_003,), (3, 4), (40, 300), (300, 40), (5, 6, 70), (3000, 3), (3, 140_000), (7000, 40)]


@pytest.mark.parametrize("kind", ["float32", "float64", "int8", "uint16", "bool"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_the_first_of_many_ties(shape, kind, rng):
    a = rng.integers(0, 2, shape).astype(bool) if kind == "bool" else (rng.standard_normal(shape) * 5).round().astype(kind)
    for b in (a, a[..., ::-1], a.T):
        for axis in (None, *range(b.ndim)):
            np.testing.assert_array_equal(ng.argmax(b, axis).numpy(), np.argmax(b, axis))
            np.testing.assert_array_equal(ng.argmin(b, axis).numpy(), np.argmin(b, axis))


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_the_first_nan(shape, dtype, rng):
    a = rng.standard_normal(shape).astype(dtype)
    a.flat[rng.integers(0, a.size, 1 + a.size // 200)] = -np.nan
    a.flat[rng.integers(0, a.size, 1 + a.size // 200)] = np.inf
    for axis in (None, *range(a.ndim)):
        np.testing.assert_array_equal(ng.argmax(a, axis).numpy(), np.argmax(a, axis))
        np.testing.assert_array_equal(ng.argmin(a, axis).numpy(), np.argmin(a, axis))


def test_long_axes_are_split_and_joined():
    steps = plan_arg(True, packed((300_000,), "float32"), 0, packed((), "int64")).steps
    assert [s.kernel.loop for s in steps] == ["arg_rows", "arg_finish"]
    assert len(plan_arg(True, packed((64, 1024), "float32"), 1, packed((64,), "int64")).steps) == 1


def test_the_lanes_are_those_of_the_fold():
    from nbgrad.target.cpu import arg_text, fold_lanes

    assert arg_text.LANES == fold_lanes.LANES
