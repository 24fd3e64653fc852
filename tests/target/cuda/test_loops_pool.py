"""Pooling on a device, against the CPU's kernels: the same bits."""

import numpy as np
import pytest

from nbgrad.ops.pooling import _positions
from nbgrad.ops.table import table
from nbgrad.target.cpu.run import CPU
from nbgrad.target.cuda.array import from_host, to_host
from nbgrad.target.cuda.run import launches

pytestmark = pytest.mark.cuda
# shape, window, stride, padding, dilation: overlaps, gaps, tiles, one to three axes
CASES = [
    ((2, 2, 7), (3,), (2,), ((1, 1),), (1,)),
    ((1, 2, 6, 7), (3, 3), (2, 2), ((1, 1), (1, 0)), (1, 1)),
    ((1, 2, 5, 6), (2, 3), (1, 1), ((0, 0), (0, 0)), (2, 1)),
    ((1, 2, 7, 7), (2, 2), (3, 3), ((0, 0), (0, 0)), (1, 1)),
    ((1, 2, 4, 6), (2, 2), (2, 2), ((0, 0), (0, 0)), (1, 1)),
    ((1, 1, 3, 4, 4), (2, 2, 2), (1, 2, 1), ((0, 0), (0, 0), (1, 1)), (1, 1, 1)),
    ((0, 2, 4), (2,), (2,), ((0, 0),), (1,)),
]


def both(name, arrays, there, attrs, shape, dtype):
    """Return what the CPU gives, and what the device gives of arrays there."""
    ours = CPU.primitive_launch(table[name], arrays, attrs, shape, dtype)(arrays)
    return ours, to_host(launches().primitive_launch(table[name], there, attrs, shape, dtype)(there))


def check(x, there, case, rng, adjoint=True):
    attrs = dict(zip(("window", "stride", "padding", "dilation"), case[1:]))
    shape = _positions(x, *attrs.values())
    v, g = rng.integers(-9, 9, x.shape).astype(x.dtype), (rng.standard_normal(shape) * 8).astype(x.dtype)
    calls = [("pool_max", (x,), (there,), shape), ("pool_pick", (v, x), (from_host(v), there), shape)]
    if adjoint:
        calls.append(("pool_unpick", (g, x), (from_host(g), there), x.shape))
    for name, arrays, theirs, to in calls:
        np.testing.assert_array_equal(*both(name, arrays, theirs, attrs, to, x.dtype))


KINDS = [*[(case, "float32") for case in CASES], *[(case, kind) for case in (CASES[0], CASES[4]) for kind in ("float64", "int8", "uint64")]]


@pytest.mark.parametrize(("case", "kind"), KINDS, ids=str)
def test_windows(case, kind, rng):
    x = (rng.integers(-3, 4, case[0]) * 5).astype(kind)  # with ties
    check(x, from_host(x), case, rng)


@pytest.mark.parametrize("case", [CASES[1], CASES[4]], ids=["windows", "tiles"])
def test_numbers_that_are_none(case, dtype, rng):
    x = rng.standard_normal(case[0]).astype(dtype)
    x.flat[::5], x.flat[3::7], x.flat[12:20] = np.nan, np.inf, -np.inf
    check(x, from_host(x), case, rng)


@pytest.mark.parametrize("case", [CASES[1], CASES[4]], ids=["windows", "tiles"])
def test_truths(case, rng):
    x = rng.integers(0, 2, case[0]).astype(bool)
    check(x, from_host(x), case, rng, adjoint=False)


@pytest.mark.parametrize("case", [CASES[1], CASES[4]], ids=["windows", "tiles"])
def test_views_are_read_where_they_lie(case, rng):
    n, c, h, w = case[0]
    whole = rng.standard_normal((h + 2, n, w, c + 1))
    view = lambda a: a.transpose((1, 3, 0, 2))[:, 1:, 1 : h + 1, ::-1]
    check(view(whole), view(from_host(whole)), case, rng)
