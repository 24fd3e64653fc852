"""Copies from any layout to any other on a device."""

import numpy as np
import pytest

from nbgrad.base.dtypes import NAMES
from tests.target.cuda.compared import same

pytestmark = pytest.mark.cuda
VIEWS = {
    "rows": lambda x: x,
    "every other": lambda x: x[:, ::2],
    "backwards": lambda x: x[::-1, :, ::-1],
    "turned": lambda x: x.transpose((2, 0, 1)),
    "one axis": lambda x: x[1, :, 2],
    "a number": lambda x: x[1, 2, 3, ...],
}


@pytest.mark.parametrize("dtype", NAMES)
def test_arrays_of_any_dtype_are_joined(dtype, rng):
    a, b = ((rng.standard_normal((3, n, 4)) * 9).astype(dtype) for n in (2, 5))
    np.testing.assert_array_equal(same("concat", (a, b, a), axis=1), np.concatenate([a, b, a], 1))


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_is_written_into_zeros(view, rng):
    x = rng.standard_normal((3, 4, 5))
    strides = (-100, 11, 2)[: VIEWS[view](x).ndim]
    got = same("place", (x,), views=lambda x: (VIEWS[view](x),), shape=(7, 100), strides=strides, offset=500)
    np.testing.assert_array_equal(np.sort(got[got != 0]), np.sort(VIEWS[view](x).ravel()))


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_is_written_over(view, rng):
    x, v = rng.standard_normal((70, 10)), rng.standard_normal((3, 4, 5))
    strides = (-100, 11, 2)[: VIEWS[view](v).ndim]
    same("overwrite", (x, v), views=lambda x, v: (x[::-1], VIEWS[view](v)), strides=strides, offset=500)


@pytest.mark.parametrize("axis", [0, 1])
def test_long_rows_and_views_are_joined(axis, rng):
    a = rng.standard_normal((2, 300))
    got = same("concat", (a, a), views=lambda a, b: (a[:, ::-1], b), axis=axis)
    np.testing.assert_array_equal(got, np.concatenate([a[:, ::-1], a], axis))


def test_nothing_is_joined():
    assert same("concat", (np.zeros((0, 3)), np.zeros((0, 3))), axis=0).shape == (0, 3)
    np.testing.assert_array_equal(same("concat", (np.zeros((0, 3)), np.ones((1, 3))), axis=0), np.ones((1, 3)))
