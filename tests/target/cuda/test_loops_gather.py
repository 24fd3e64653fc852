"""Loops that read where integers say, on a device: the numbers of the CPU, which are NumPy's."""

import numpy as np
import pytest

from nbgrad.base.dtypes import NAMES
from tests.target.cuda.compared import same

pytestmark = pytest.mark.cuda
SHAPES = [((7,), 0), ((3, 7), 0), ((3, 7), 1), ((2, 7, 5), 1), ((2, 3, 7), 2), ((3, 40), 0)]


@pytest.mark.parametrize(("shape", "axis"), SHAPES)
@pytest.mark.parametrize("indices", [(), (1,), (11,), (2, 3)], ids=str)
def test_parts_are_taken(shape, axis, indices, rng):
    x, at = rng.standard_normal(shape), rng.integers(-shape[axis], shape[axis], indices)
    np.testing.assert_array_equal(same("take_rows", (x, at), axis=axis), np.take(x, at, axis))


@pytest.mark.parametrize("dtype", NAMES)
def test_elements_of_any_dtype_are_taken(dtype, rng):
    x, at = (rng.standard_normal((4, 9)) * 10).astype(dtype), np.array([3, -1, 77, 0, -78])
    same("take_rows", (x, at), axis=0)  # an index out of range reads NaN, or 0
    same("take_rows", (x, at), axis=1)
    same("take_each", (x, rng.integers(-12, 12, (4, 6))), axis=1)


@pytest.mark.parametrize(("shape", "axis"), SHAPES)
@pytest.mark.parametrize("length", [1, 6])
def test_one_element_is_taken_for_each_index(shape, axis, length, rng):
    x = rng.standard_normal(shape)
    at = rng.integers(-shape[axis], shape[axis], (*shape[:axis], length, *shape[axis + 1 :]))
    np.testing.assert_array_equal(same("take_each", (x, at), axis=axis), np.take_along_axis(x, at, axis))


def test_what_is_taken_from_may_be_a_view(rng):
    x, at = rng.standard_normal((6, 8, 2)), rng.integers(0, 3, (9, 2))
    same("take_rows", (x, at), views=lambda x, at: (x[::-2, 1:6], at[::2, 1]), axis=0)
    same("take_each", (x, at), views=lambda x, at: (x[0, :, ::-1].transpose((1, 0)), at[:6:3].transpose((1, 0))), axis=1)


def test_nothing_is_taken():
    assert same("take_rows", (np.zeros((3, 0)), np.array([1, 2])), axis=0).shape == (2, 0)
    assert same("take_rows", (np.zeros((3, 4)), np.zeros(0, int)), axis=1).shape == (3, 0)
    assert same("take_each", (np.zeros((3, 4)), np.zeros((3, 0), int)), axis=1).shape == (3, 0)


@pytest.mark.parametrize("dtype", ["int8", "int64", "uint16"])
@pytest.mark.parametrize("count", [1, 16, 100])
def test_indices_out_of_range_are_counted(dtype, count, rng):
    at = rng.integers(0, 100, count).astype(dtype)
    got = same("outside", (at,), low=10, stop=60, block=16)
    assert got.sum() == ((at < 10) | (at >= 60)).sum()


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("dtype", ["float64", "float32", "int16", "bool"])
@pytest.mark.parametrize("n", [0, 1, 20])
def test_places_in_sorted_numbers(side, dtype, n, rng):
    a, v = (rng.integers(0, 9, size).astype(dtype) for size in (n, (3, 7)))
    if "float" in dtype:
        v[0, :2] = np.nan, np.inf
        a[-2:] = np.nan
    a = np.sort(a)
    np.testing.assert_array_equal(same("search", (a, v), side=side), np.searchsorted(a, v, side))
