"""Arrays put together of pieces: copies in the place of calls, one array in the place of sums, and what overlaps."""

import itertools

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import nbgrad as ng
from nbgrad.plan.calls import CONSTANT, HELD, Ref
from nbgrad.plan.pieces import apart, opened
from nbgrad.plan.plan import Layout
from nbgrad.plan.simplify import needed

X = np.arange(12.0).reshape(3, 4)


def opened_calls(record_of, f, *arrays):
    """Return (calls, refs of the results) with what is put together of pieces opened."""
    recorder, refs, out = record_of(f, *arrays)
    del out
    record = recorder.record(refs)
    slots = [s._replace(kind=CONSTANT) if s.kind == HELD else s for s in record.slots]
    return opened(needed(record.calls, slots, record.results), slots)[0], refs


def names(record_of, f, *arrays):
    return [c.op.name for c in opened_calls(record_of, f, *arrays)[0]]


def writers(record_of, f, *arrays):
    """Return how many elements each call writes that writes to the result."""
    calls, refs = opened_calls(record_of, f, *arrays)
    return [w.layout.size for c in calls for w in c.writes if w.slot == refs[0].slot]


def same(f, *arrays):
    """Hold a compiled function against the function itself."""
    compiled = ng.compile(f)
    for k in (1.0, -2.0):
        args = [ng.tensor(a * k) for a in arrays]
        np.testing.assert_allclose(compiled(*args).numpy(), f(*args).numpy(), rtol=1e-14)


@pytest.mark.parametrize("axis", [0, 1])
def test_what_is_joined_is_written_in_place(axis, record_of):
    f = lambda x, y: ng.concatenate([x, y * 2.0, x[:1] if axis == 0 else x[:, :1]], axis=axis)
    assert names(record_of, f, X, X) == ["mul", "copy", "copy", "copy"]
    same(f, X, X)


def test_empty_pieces_are_left_out(record_of):
    f = lambda x: ng.concatenate([x, x[:0], x])
    assert names(record_of, f, X) == ["copy", "copy"]
    same(f, X)


def gradient_of(*parts):
    """Return a function whose gradient is a sum of pieces."""
    return ng.grad(lambda x: sum([(x[p] ** 2 * (i + 1)).sum() for i, p in enumerate(parts)]))


def test_pieces_that_fill_an_array_need_no_zeros(record_of):
    f = gradient_of(np.s_[:, :2], np.s_[:, 2:])
    assert writers(record_of, f, X) == [6, 6]
    same(f, X)


def test_pieces_with_gaps_keep_zeros(record_of):
    f = gradient_of(np.s_[:, :1], np.s_[:, 2:])
    assert writers(record_of, f, X) == [12, 6, 3]
    same(f, X)


def test_pieces_that_overlap_are_added(record_of):
    f = gradient_of(np.s_[:, :3], np.s_[:, 1:])
    assert writers(record_of, f, X) == [12]
    assert names(record_of, f, X).count("add") == 1
    same(f, X)


PARTS = {
    "interleaved": (np.s_[:, ::2], np.s_[:, 1::2]),
    "one within another": (np.s_[:, :], np.s_[1:2, 1:3]),
    "three": (np.s_[0], np.s_[1], np.s_[2]),
    "rows and columns": (np.s_[:1], np.s_[1:, :2], np.s_[1:, 2:]),
    "backwards": (np.s_[::-1, :2], np.s_[:, :1:-1]),
    "backwards over one another": (np.s_[::-1, :2], np.s_[:2, :2]),
    "backwards, begun within": (np.s_[1::-1, :], np.s_[1:, ::-1]),
    "the same twice": (np.s_[:, :2], np.s_[:, :2], np.s_[:, 2:]),
}


@pytest.mark.parametrize("name", PARTS)
def test_sums_of_pieces(name):
    same(gradient_of(*PARTS[name]), X)


def test_written_parts(record_of):
    def f(x, v):
        y = x * 1.0
        y[1:, ::2] = v
        return y * 2.0

    same(f, X, X[1:, ::2])
    assert "overwrite" not in names(record_of, f, X, X[1:, ::2])


def test_a_piece_that_is_read_elsewhere_stays():
    def f(x):
        pair = ng.concatenate([x, x * 2.0])
        return pair.sum(axis=0) + pair[0] * pair[5]

    same(f, X)


def cells(r):
    """Return the bytes at which each element of a part begins."""
    return {r.offset + 8 * sum(i * s for i, s in zip(index, r.layout.strides)) for index in itertools.product(*map(range, r.layout.shape))}


parts = st.integers(1, 3).flatmap(
    lambda n: st.tuples(st.lists(st.integers(1, 4), min_size=n, max_size=n), st.lists(st.integers(-9, 9), min_size=n, max_size=n), st.integers(0, 40))
)


def part(drawn):
    shape, strides, start = drawn
    return Ref(0, Layout(tuple(shape), tuple(strides), "float64"), 8 * (start + 200))


@settings(max_examples=300, deadline=None)
@given(parts, parts)
@example(([4, 2], [4, 1], 0), ([4, 2], [4, 1], 2))
@example(([3, 2], [4, 1], 1), ([3, 2], [4, 1], 2))
@example(([2], [-1], 1), ([2], [1], 1))
@example(([3], [0], 1), ([1], [1], 1))
def test_parts_that_are_said_to_be_apart_share_no_element(a, b):
    a, b = part(a), part(b)
    if apart(a, b) or apart(b, a):
        assert not cells(a) & cells(b)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(2, 5), min_size=2, max_size=3), st.data())
def test_slices_of_an_array_are_told_apart(shape, data):
    """What gradients of slices are: the answer is exact for parts of steps above 0 of one array."""
    whole, refs = np.zeros(shape), []
    for _ in range(2):
        index = []
        for n in shape:
            low = data.draw(st.integers(0, n - 1))
            index.append(slice(low, data.draw(st.integers(low + 1, n)), 1))
        view = whole[tuple(index)]
        offset = view.__array_interface__["data"][0] - whole.__array_interface__["data"][0]
        refs.append(Ref(0, Layout(view.shape, tuple(s // 8 for s in view.strides), "float64"), offset))
    assert apart(*refs) == (not cells(refs[0]) & cells(refs[1]))
