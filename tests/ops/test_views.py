"""Rows that are index maps, and their adjoints."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nbgrad as ng
from nbgrad.base.shapes import View, contiguous_strides
from nbgrad.ops import views


def filled(shape, dtype="float64"):
    return (np.arange(np.prod(shape, dtype=int)) + 1).reshape(shape).astype(dtype)


def test_reshape_is_a_view_where_memory_allows_it():
    x = filled((3, 4))
    assert np.shares_memory(views.reshape(ng.tensor(x), shape=(2, 6)).numpy(), x)
    turned = views.reshape(ng.tensor(x.T), shape=(2, 6)).numpy()
    np.testing.assert_array_equal(turned, x.T.reshape(2, 6))
    assert not np.shares_memory(turned, x)


def test_reshape_of_a_strided_view_that_drops_an_axis_needs_no_copy():
    x = filled((3, 4))
    part = ng.tensor(x)[:, 1:2]
    assert np.shares_memory(views.reshape(part, shape=(3,)).numpy(), x)


def test_slice_with_negative_step():
    x = filled((4, 5))
    got = views.slice_(ng.tensor(x), cuts=((3, -2, 2), (0, 3, 2)))
    np.testing.assert_array_equal(got.numpy(), x[3::-2, ::3])
    assert np.shares_memory(got.numpy(), x)


def test_broadcast_to_says_what_does_not_fit():
    with pytest.raises(ng.ShapeError, match=r"x of \(3, 1\) does not broadcast to \(2, 4\)"):
        views.broadcast_to(ng.tensor(filled((3, 1))), shape=(2, 4))


@pytest.mark.parametrize("dtype", ["bool", "int8", "int16", "float32", "uint64"])
def test_place_keeps_every_width(dtype):
    x = filled((2, 2), dtype)
    got = views.place_cuts(ng.tensor(x), (3, 5), ((2, -2, 2), (1, 3, 2))).numpy()
    want = np.zeros((3, 5), dtype)
    want[2::-2, 1::3] = x
    np.testing.assert_array_equal(got, want)
    assert got.dtype == want.dtype


def test_place_of_nothing_is_zeros():
    got = views.place_cuts(ng.tensor(np.zeros((0, 2))), (3, 2), ((0, 1, 0), (0, 1, 2)))
    np.testing.assert_array_equal(got.numpy(), np.zeros((3, 2)))


def test_place_larger_than_a_tile_from_strided_memory(rng):
    x = rng.standard_normal((300, 201)).astype("float32")
    got = views.place_cuts(ng.tensor(x.T), (300, 600), ((5, 1, 201), (599, -2, 300))).numpy()
    want = np.zeros((300, 600), "float32")
    want[5:206, ::-2] = x.T
    np.testing.assert_array_equal(got, want)


def test_place_of_one_row_longer_than_a_tile(rng):
    x = rng.standard_normal(50_001)
    got = views.place_cuts(ng.tensor(x), (100_010,), ((7, 2, 50_001),)).numpy()
    want = np.zeros(100_010)
    want[7 : 7 + 100_002 : 2] = x
    np.testing.assert_array_equal(got, want)


def test_overwrite_copies_the_rest():
    x, v = filled((3, 4)), -filled((2, 2))
    got = views.overwrite(ng.tensor(x), ng.tensor(v), strides=(4, 2), offset=5).numpy()
    want = x.copy()
    want[1:, 1::2] = v
    np.testing.assert_array_equal(got, want)


def test_concat_names_the_array_that_does_not_fit():
    with pytest.raises(ng.ShapeError, match=r"array 0 is \(2, 3\) and array 1 is \(2, 4\)"):
        views.concat(ng.zeros((2, 3)), ng.zeros((2, 4)), axis=0)


def test_overlaps():
    assert not views.overlaps((2, 3), (3, 1))
    assert not views.overlaps((2, 3), (-1, 2))
    assert views.overlaps((4, 3), (1, 1))
    assert views.overlaps((2,), (0,))
    assert not views.overlaps((1, 1), (0, 0))


@given(st.lists(st.integers(1, 3), min_size=1, max_size=3), st.data())
@settings(max_examples=60, deadline=None)
def test_cell_numbers_are_those_of_the_view(shape, data):
    strides = tuple(data.draw(st.integers(0, 4)) for _ in shape)
    memory = np.arange(40)
    view = np.lib.stride_tricks.as_strided(memory[2:], shape, [8 * s for s in strides])
    np.testing.assert_array_equal(views.cell_numbers(tuple(shape), strides, 2), view)


@pytest.mark.parametrize(("shape", "strides", "offset"), [((2, 2), (6, 2), 1), ((3, 4), (0, 1), 2), ((4, 3), (1, 1), 0), ((3,), (-2,), 8)])
def test_gradient_of_as_view(rng, shape, strides, offset):
    x = rng.standard_normal((3, 4))
    assert ng.gradcheck(lambda x: views.as_view(x, shape=shape, strides=strides, offset=offset) ** 2.0, x, order=2)


def test_gradients_of_place_and_overwrite(rng):
    x, v = rng.standard_normal((3, 4)), rng.standard_normal((2, 2))
    assert ng.gradcheck(lambda v: views.place(v, shape=(3, 4), strides=(4, 2), offset=5) ** 3.0, v, order=2)
    assert ng.gradcheck(lambda x, v: views.overwrite(x, v, strides=(-4, 2), offset=4) ** 3.0, x, v, order=2)


def test_gradient_of_concat_goes_to_each_array(rng):
    a, b = rng.standard_normal((2, 3)), rng.standard_normal((2, 1))
    assert ng.gradcheck(lambda a, b: views.concat(a, b, a, axis=1) ** 3.0, a, b, order=2)


def test_whole_and_inverse():
    assert views.whole((2, 3)) == View((2, 3), contiguous_strides((2, 3)), 0)
    order = (3, 0, 2, 1)
    assert tuple(order[i] for i in views.inverse(order)) == (0, 1, 2, 3)
