"""Softmax and its kin over rows and columns on a device, against the CPU's kernels."""

import numpy as np
import pytest

from nbgrad.ops.table import table
from nbgrad.target.cpu.run import CPU
from nbgrad.target.cuda.array import from_host, to_host
from nbgrad.target.cuda.run import launches

pytestmark = pytest.mark.cuda
# lines of a few threads, of a warp, of a block, too long for registers; columns of one thread, of several; several axes
SHAPES = [((5, 7), (1,)), ((11, 1), (1,)), ((3, 40), (1,)), ((1, 300), (1,)), ((2, 3, 4), (1, 2)), ((3, 3, 5), (1,)), ((2, 40, 3), (1,)),
          ((100, 3), (0,)), ((4, 3), ()), ((0, 3), (1,)), ((3, 0), (1,))]  # fmt: skip


def both(name, arrays, attrs, shape, dtype):
    """Return what the CPU gives, and what the device gives."""
    ours = CPU.primitive_launch(table[name], arrays, attrs, shape, dtype)(arrays)
    there = tuple(map(from_host, arrays))
    theirs = launches().primitive_launch(table[name], there, attrs, shape, dtype)(there)
    if isinstance(theirs, list):
        return ours, list(map(to_host, theirs))
    return [ours], [to_host(theirs)]


def same(ours, theirs, dtype, tolerance=None):
    tolerance = tolerance or (3e-6 if dtype == "float32" else 1e-13)
    for a, b in zip(ours, theirs, strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_allclose(b, a, rtol=tolerance, atol=tolerance)


def kept(shape, axes):
    return tuple(n for a, n in enumerate(shape) if a not in axes)


@pytest.mark.parametrize(("shape", "axes"), SHAPES)
def test_softmax(shape, axes, dtype, rng):
    x = (3 * rng.standard_normal(shape)).astype(dtype)
    for name in ("softmax", "log_softmax"):
        same(*both(name, (x,), {"axes": axes}, shape, x.dtype), dtype)
        y, g = both(name, (x,), {"axes": axes}, shape, x.dtype)[0][0], rng.standard_normal(shape).astype(dtype)
        same(*both(f"{name}_grad", (y, g), {"axes": axes}, shape, x.dtype), dtype)


@pytest.mark.parametrize(("shape", "axes"), SHAPES)
def test_logsumexp(shape, axes, dtype, rng):
    x, lines = (3 * rng.standard_normal(shape)).astype(dtype), kept(shape, axes)
    kinds = (x.dtype, np.dtype("float64"))
    if not x.size:
        return
    ours, theirs = both("logsumexp", (x,), {"axes": axes}, (lines, lines), kinds)
    same(ours, theirs, dtype)
    g = rng.standard_normal(lines).astype(dtype)
    same(*both("logsumexp_grad", (g, x, ours[1]), {"axes": axes}, shape, x.dtype), dtype)


@pytest.mark.parametrize(("shape", "axis"), [((9, 6), 0), ((9, 6), 1), ((9, 40), 0), ((9, 260), 1)])
def test_numbers_that_are_none(shape, axis, dtype, rng):
    x = rng.standard_normal(shape).astype(dtype)
    x[0, 1], x[1, 2], x[2, 3], x[3, 1:3], x[4] = np.nan, np.inf, -np.inf, np.inf, -np.inf
    x[5, 1:3], x[6, 2:4], x[7] = (np.inf, np.nan), (np.nan, -np.inf), np.nan
    x = x if axis else np.ascontiguousarray(x.T)
    axes = (axis,)
    same(*both("softmax", (x,), {"axes": axes}, x.shape, x.dtype), dtype)
    same(*both("log_softmax", (x,), {"axes": axes}, x.shape, x.dtype), dtype)
    lines = kept(x.shape, axes)
    ours, theirs = both("logsumexp", (x,), {"axes": axes}, (lines, lines), (x.dtype, np.dtype("float64")))
    same(ours, theirs, dtype)
    g = rng.standard_normal(lines).astype(dtype)
    same(*both("logsumexp_grad", (g, x, ours[1]), {"axes": axes}, x.shape, x.dtype), dtype)


def test_large_numbers_do_not_overflow(dtype):
    x = np.array([[1e4, 1e4 - 1, -1e4] * 20], dtype)
    same(*both("softmax", (x,), {"axes": (1,)}, x.shape, x.dtype), dtype)
    same(*both("logsumexp", (x,), {"axes": (1,)}, ((1,), (1,)), (x.dtype, np.dtype("float64"))), dtype)


def test_a_view_is_read_where_it_lies(rng):
    whole = rng.standard_normal((4, 12))
    there = from_host(whole)[:, 2:9]
    got = launches().primitive_launch(table["softmax"], (there,), {"axes": (1,)}, (4, 7), np.dtype("float64"))((there,))
    x = whole[:, 2:9].copy()
    np.testing.assert_allclose(to_host(got), both("softmax", (x,), {"axes": (1,)}, (4, 7), x.dtype)[0][0], rtol=1e-13)


def test_the_same_each_time(rng):
    x = rng.standard_normal((3, 100)).astype("float32")
    first, again = [both("softmax", (x,), {"axes": (1,)}, x.shape, x.dtype)[1][0] for _ in range(2)]
    np.testing.assert_array_equal(first, again)
