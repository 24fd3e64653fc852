"""Where extremes stand, on a device: against NumPy, whichever threads look."""

import numpy as np
import pytest

from nbgrad.ops.reduce import arg_extreme
from nbgrad.target.cuda.array import from_host, to_host
from nbgrad.target.cuda.run import launches

pytestmark = pytest.mark.cuda
SHAPES = [((1,), 0), ((3, 5), 1), ((9, 20), 1), ((3, 40), 1), ((2, 300), 1), ((5, 3), 0), ((40, 3), 0), ((70, 9), 0), ((3, 5, 4), 1), ((2, 3, 70), 0)]


def same(a, axis, turn=lambda a: a):
    """Compare with NumPy: the first of ties, and of NaNs."""
    x, y = turn(a), turn(from_host(a))
    shape = x.shape[:axis] + x.shape[axis + 1 :]
    for largest, ref in ((True, np.argmax), (False, np.argmin)):
        attrs = {"axis": axis, "largest": largest}
        got = launches().primitive_launch(arg_extreme, (y,), attrs, shape, np.dtype("int64"))((y,))
        np.testing.assert_array_equal(to_host(got), ref(x, axis), err_msg=f"largest: {largest}")


@pytest.mark.parametrize(("shape", "axis"), SHAPES, ids=str)
def test_every_arrangement_of_threads(shape, axis, rng):
    same(rng.standard_normal(shape), axis)
    same(rng.integers(0, 3, shape), axis)  # ties


@pytest.mark.parametrize("dtype", ["float32", "int8", "uint8", "uint32", "uint64", "bool"])
def test_every_dtype(dtype, rng):
    a = rng.integers(-3, 3, (9, 11)).astype(dtype)
    for axis in (0, 1):
        same(a, axis)


def test_the_first_nan_stands_before_all(rng):
    a = rng.standard_normal((9, 33))
    a[2:, [7, 20]] = np.nan
    a[5, 3], a[6, 30] = np.inf, -np.inf
    a[8, 1:] = -np.inf
    for axis in (0, 1):
        same(a, axis)


@pytest.mark.parametrize("turn", [lambda a: a[::-1], lambda a: a[:, ::-2], lambda a: a.transpose((1, 0)), lambda a: a[1:, 2:], lambda a: a[:1]])
@pytest.mark.parametrize("axis", [0, 1])
def test_any_layout(turn, axis, rng):
    same(rng.integers(0, 9, (6, 21)), axis, turn)


@pytest.mark.parametrize(("shape", "axis", "nans"), [((8200,), 0, [-1, -7]), ((3000, 3), 0, [-1])])
def test_chunks_are_joined(shape, axis, nans, rng):
    a = rng.integers(0, 1000, shape).astype("float64")
    a.flat[nans] = np.nan
    same(a, axis)


def test_nothing_is_found_in_nothing():
    y = from_host(np.zeros((0, 3)))
    got = launches().primitive_launch(arg_extreme, (y,), {"axis": 1, "largest": True}, (0,), np.dtype("int64"))((y,))
    assert to_host(got).shape == (0,)
