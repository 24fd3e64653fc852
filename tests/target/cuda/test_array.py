"""Arrays on a device: views, and the way there and back."""

import numpy as np
import pytest

from nbgrad.target.cuda.array import empty, from_host, to_host
from nbgrad.target.cuda.run import row_major

pytestmark = pytest.mark.cuda
VIEWS = {
    "turned": lambda a: a.transpose((2, 0, 1)),
    "a row": lambda a: a[1],
    "every other, backwards": lambda a: a[:, ::-2],
    "a new axis": lambda a: a[..., None, 0],
    "a number": lambda a: a[1, 2, 3],
    "flat": lambda a: a.reshape((-1,)),
}


@pytest.mark.parametrize("dtype", ["bool", "int8", "int64", "float32", "float64"])
def test_numbers_come_back_as_they_went(dtype, rng):
    a = (rng.standard_normal((3, 4)) * 10).astype(dtype)
    np.testing.assert_array_equal(to_host(from_host(a)), a)
    np.testing.assert_array_equal(to_host(from_host(a.T[::-1])), a.T[::-1])


@pytest.mark.parametrize("view", VIEWS)
def test_views_are_numpy_s(view, rng):
    a = rng.standard_normal((2, 3, 4))
    got, want = VIEWS[view](from_host(a)), VIEWS[view](a)
    assert (got.shape, got.strides, got.ndim, got.size) == (want.shape, want.strides, want.ndim, want.size)
    assert got.flags.c_contiguous == want.flags.c_contiguous
    np.testing.assert_array_equal(to_host(row_major(got)), want)


def test_a_view_keeps_the_memory():
    a = from_host(np.arange(6.0))
    last = a[3:]
    del a
    other = empty((6,), "float64")
    assert not np.may_share_memory(other.shadow, last.shadow)
    np.testing.assert_array_equal(to_host(row_major(last)), [3.0, 4.0, 5.0])


def test_numbers_are_read_as_their_bits(rng):
    a = rng.standard_normal((3, 4)).astype("float32")
    x = from_host(a)
    whole, first = x[::-1].read_as("uint32")
    assert (whole.dtype, first) == (np.uint32, 8)
    np.testing.assert_array_equal(whole.copy_to_host(), a.ravel().view("uint32"))
    assert x.read_as("float32")[0].dtype == np.float32
    assert from_host(a > 0).read_as("bool")[0].dtype == np.uint8


def test_arrays_without_elements():
    a = from_host(np.zeros((0, 3), "float32"))
    assert to_host(a).shape == (0, 3)
    assert repr(a) == "DeviceArray(float32[0, 3] on cuda:0)"


def test_what_does_not_lie_row_by_row_is_not_reshaped_in_place():
    with pytest.raises(ValueError, match="row by row"):
        from_host(np.zeros((2, 3))).transpose((1, 0)).reshape((6,))


@pytest.mark.parametrize("view", VIEWS)
def test_numpy_reads_any_view(view, rng):
    a = rng.standard_normal((2, 3, 4))
    np.testing.assert_array_equal(np.array(VIEWS[view](from_host(a))), VIEWS[view](a))
    np.testing.assert_array_equal(VIEWS[view](from_host(a)).copy(), VIEWS[view](a))
