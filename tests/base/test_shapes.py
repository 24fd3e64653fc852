"""Shapes, axes and strides, against NumPy."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from nbgrad.base.errors import ArgumentError, ShapeError
from nbgrad.base.shapes import (
    broadcast_shapes,
    collapse,
    contiguous_strides,
    infer_shape,
    is_contiguous,
    normalize_axes,
    normalize_axis,
    reduced_shape,
    view_strides,
)

shapes = hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)


@st.composite
def views(draw):
    """An array of distinct numbers, and a view of it made by slicing, repeating and reordering axes."""
    shape = draw(hnp.array_shapes(min_dims=1, max_dims=4, max_side=5))
    a = np.arange(np.prod(shape)).reshape(shape)
    a = a[tuple(draw(st.sampled_from([slice(None), slice(None, None, -1), slice(1, None), slice(None, None, 2)])) for _ in shape)]
    if draw(st.booleans()):
        a = np.broadcast_to(a, (draw(st.integers(1, 3)), *a.shape))
    return a.transpose(draw(st.permutations(range(a.ndim))))


def strides_of(a):
    return tuple(s // a.itemsize for s in a.strides)


def offsets(shape, strides):
    """Return the place in memory of each element, in row-major order."""
    return [sum(i * s for i, s in zip(index, strides)) for index in itertools.product(*map(range, shape))]


@settings(deadline=None)
@given(shapes)
def test_contiguous_strides_are_numpys(shape):
    if 0 not in shape:
        assert contiguous_strides(shape) == strides_of(np.empty(shape, "int8"))
        assert offsets(shape, contiguous_strides(shape)) == list(range(int(np.prod(shape))))
    assert is_contiguous(shape, contiguous_strides(shape))


@settings(deadline=None)
@given(views())
def test_contiguous_views_are_those_of_numpy(a):
    if a.size:
        assert is_contiguous(a.shape, strides_of(a)) == a.flags.c_contiguous


@settings(max_examples=200, deadline=None)
@given(st.lists(hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3), min_size=1, max_size=3))
def test_broadcast_shapes_is_numpys(given_shapes):
    try:
        want = np.broadcast_shapes(*given_shapes)
    except ValueError:
        with pytest.raises(ShapeError, match=r"do not broadcast: axis -\d has lengths"):
            broadcast_shapes(*given_shapes)
    else:
        assert broadcast_shapes(*given_shapes) == want


def test_axes_are_counted_from_the_front():
    assert [normalize_axis(a, 3) for a in (-3, -1, 0, 2, np.int8(1))] == [0, 2, 0, 2, 1]
    assert normalize_axes(None, 3) == (0, 1, 2)
    assert normalize_axes((), 3) == ()
    assert normalize_axes([-1, 0], 3) == (2, 0)
    assert normalize_axes(-2, 3) == (1,)


def test_bad_axes_are_told():
    with pytest.raises(ShapeError, match=r"axis 3 is out of range .* 3 dimensions\n.*\n  try: an axis between -3 and 2"):
        normalize_axis(3, 3)
    with pytest.raises(ShapeError, match="left out for a 0-d array"):
        normalize_axis(0, 0)
    with pytest.raises(ArgumentError, match="must be an integer, not 1.5"):
        normalize_axis(1.5, 3)
    with pytest.raises(ShapeError, match=r"\(0, -3\) name one axis twice"):
        normalize_axes((0, -3), 3)


@settings(deadline=None)
@given(hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=3), st.data())
def test_reduced_shape_is_numpys(shape, data):
    axes = data.draw(st.sets(st.integers(0, len(shape) - 1)).map(tuple)) if shape else ()
    for keepdims in (False, True):
        assert reduced_shape(shape, axes, keepdims) == np.zeros(shape).sum(axis=axes, keepdims=keepdims).shape


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 24), st.lists(st.sampled_from([-2, -1, 0, 1, 2, 3, 4, 6]), max_size=3))
def test_infer_shape_is_numpys(size, shape):
    try:
        if min(shape, default=0) < -1:
            raise ValueError
        want = np.empty(size).reshape(shape).shape
    except ValueError:
        with pytest.raises(ShapeError, match=f"cannot give {size} elements the shape"):
            infer_shape(shape, size)
    else:
        assert infer_shape(shape, size) == want


def cut(draw, size):
    """Draw a shape of up to four axes with `size` elements."""
    shape = []
    for _ in range(draw(st.integers(0, 3))):
        shape.append(draw(st.sampled_from([n for n in range(1, size + 1) if size % n == 0])))
        size //= shape[-1]
    return (*shape, size)


@settings(max_examples=150, deadline=None)
@given(views(), st.data())
def test_a_view_of_another_shape_shows_the_same_elements_or_needs_a_copy(a, data):
    new = cut(data.draw, a.size) if a.size else (0, 2)
    found = view_strides(a.shape, strides_of(a), new)
    if a.size == 0:
        assert found == contiguous_strides(new)
    elif found is None:
        assert not np.may_share_memory(a, a.reshape(new))
    else:
        assert offsets(new, found) == offsets(a.shape, strides_of(a))
        assert np.may_share_memory(a, a.reshape(new))


@settings(max_examples=150, deadline=None)
@given(views())
def test_collapse_walks_the_same_elements_along_fewer_axes(a):
    packed = contiguous_strides(a.shape)
    shape, first, second = collapse(a.shape, strides_of(a), packed)
    assert offsets(shape, first) == offsets(a.shape, strides_of(a))
    assert offsets(shape, second) == offsets(a.shape, packed)
    assert 1 not in shape
    if a.flags.c_contiguous and a.size:
        assert len(shape) <= 1
