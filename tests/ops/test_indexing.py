"""Indexing against NumPy: every kind of index, read and written, with gradients."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nbgrad as ng
from nbgrad.ops.indexing import basic, getitem, index_put, is_basic

B, M = [0, 1, 1], np.array([True, False, True])
FIXED = [
    0, -1, (), ..., None, slice(None), slice(1, None), slice(None, None, -1), slice(5, 1), (..., 0), (0, ..., 1), (1, 2, 3),
    (slice(None), None, 1), (None, ..., None), (slice(None, None, -2), slice(2, 0, -1), slice(-3, None, 2)),
    [0, 1], [], [[0, 1], [1, 0]], np.array(1), np.uint8(1), B, (B, B), (B, B, B), (slice(None), B), (..., B), (..., B, B),
    (B, slice(None), B), (slice(None), B, slice(None, None, -1)), (slice(None), B, ..., B), (B, ..., B), (0, slice(None), B), (0, B),
    (B, slice(None), 0), (slice(None), 0, B), (slice(None), 0, ..., B), (B, None, B), (None, B, B), (slice(1, None), None, B),
    (slice(None), [[0], [1]], [[0, 1, 3]]), (np.array([[0], [1]]), slice(1), np.array([1, 2])),
    np.ones((2, 3, 4), bool), np.arange(24).reshape(2, 3, 4) % 5 == 0, np.array([True, False]), (slice(None), M), (..., [True, False, False, True]),
    (np.arange(6).reshape(2, 3) > 2, slice(1, 3)), (slice(None), np.arange(12).reshape(3, 4) % 3 == 1), (slice(None), M, [0, 1]),
    True, False, (True, B), (slice(None), True, B), (slice(None), False), (None, np.array(True)), np.zeros((2, 3, 4), bool),
    (0, M, slice(None)), (M[:2], 1), (slice(1, 2), B, 0),
]  # fmt: skip


def same(got, want):
    got = got.detach().numpy()
    assert got.dtype == want.dtype
    assert got.shape == want.shape
    np.testing.assert_array_equal(got, want)


def hold(x, index):
    """Compare reading, and writing a number and an array, with NumPy."""
    part = x[index]
    same(getitem(ng.tensor(x), index), part)
    for v in (5, (np.arange(part.size) * 3 + 50).reshape(part.shape).astype(x.dtype)):
        want = x.copy()
        want[index] = v
        same(index_put(ng.tensor(x), index, v), want)


@pytest.mark.parametrize("index", FIXED, ids=lambda i: str(i).replace("\n", ""))
def test_fixed_indices(index, rng):
    x = np.arange(24.0).reshape(2, 3, 4)
    hold(x, index)
    hold(x.astype("int32"), index)
    hold(np.ascontiguousarray(x.T).T, index)
    weights = rng.standard_normal(x[index].shape)
    assert ng.gradcheck(lambda x: getitem(x, index) ** 2.0 * weights, x / 10)
    assert ng.gradcheck(lambda x, v: index_put(x, index, v) ** 2.0, x / 10, weights)


@pytest.mark.parametrize("index", [(slice(None), B, slice(None, None, -2)), (B, slice(None), B), (1, ..., None), np.arange(24).reshape(2, 3, 4) % 2 == 0], ids=str)
def test_second_order(index, rng):
    x = rng.standard_normal((2, 3, 4))
    v = rng.standard_normal(x[index].shape)
    assert ng.gradcheck(lambda x: getitem(x, index) ** 3.0, x, order=2)
    assert ng.gradcheck(lambda x, v: index_put(x, index, v) ** 3.0, x, v, order=2)


@st.composite
def indexed(draw):
    """Draw a shape and an index that NumPy takes for it."""
    shape = tuple(draw(st.lists(st.integers(1, 4), max_size=4)))
    count = draw(st.integers(0, len(shape)))
    of = tuple(draw(st.lists(st.integers(0, 3), max_size=2)))
    dotted = draw(st.booleans())
    parts: list = []
    # With an Ellipsis the parts behind it belong to the last axes.
    split = draw(st.integers(0, count)) if dotted else count
    axes = [*range(split), *range(len(shape) - (count - split), len(shape))]
    for position, axis in enumerate(axes):
        if dotted and position == split:
            parts.append(...)
        n = shape[axis]
        kind = draw(st.sampled_from(["int", "slice", "slice", "array", "array", "mask"]))
        if draw(st.integers(0, 5)) == 0:
            parts.append(draw(st.sampled_from([None, None, True])))
        if kind == "int":
            parts.append(draw(st.integers(-n, n - 1)))
        elif kind == "slice":
            bound = st.none() | st.integers(-n - 1, n + 1)
            parts.append(slice(draw(bound), draw(bound), draw(st.sampled_from([None, 1, 2, -1, -3]))))
        elif kind == "array":
            lengths = tuple(m if draw(st.integers(0, 3)) else 1 for m in of)
            size = int(np.prod(lengths))
            parts.append(np.array(draw(st.lists(st.integers(-n, n - 1), min_size=size, max_size=size)), int).reshape(lengths))
        else:
            parts.append(np.array(draw(st.lists(st.booleans(), min_size=n, max_size=n)), bool))
    if dotted and ... not in [p for p in parts if p is ...]:
        parts.append(...)
    return shape, tuple(parts)


@given(indexed())
@settings(max_examples=300, deadline=None)
def test_any_index_reads_writes_and_fails_like_numpy(drawn):
    shape, index = drawn
    x = np.arange(float(np.prod(shape, dtype=int))).reshape(shape)
    try:
        x[index]
    except IndexError:
        with pytest.raises(ng.IndexRangeError):
            getitem(ng.tensor(x), index)
        return
    hold(x, index)


def test_basic_indices_are_views_and_others_copies():
    x = np.arange(24.0).reshape(2, 3, 4)
    t = ng.tensor(x)
    assert np.shares_memory(getitem(t, (1, slice(None, None, -1), None)).numpy(), x)
    assert np.shares_memory(getitem(t, np.array(1)).numpy(), x)
    assert not np.shares_memory(getitem(t, [0, 1]).numpy(), x)


def test_is_basic():
    assert all(map(is_basic, (0, np.int8(1), np.array(2), None, ..., slice(3), (1, None, ...), ())))
    assert not any(map(is_basic, ([0], True, np.array([1]), np.True_, ng.tensor(1), (0, [1]), np.array(True))))
    assert basic((0, slice(None, None, -2), None), (3, 4)).cuts == ((0, 1, 1), (3, -2, 2))
    with pytest.raises(ng.IndexRangeError, match="not basic"):
        basic([0], (3,))


def test_tensors_as_indices():
    x = np.arange(12.0).reshape(3, 4)
    rows, columns = np.array([2, -1, 0]), np.array([[1], [-4]])
    same(getitem(x, (ng.tensor(rows), ng.tensor(columns))), x[rows, columns])
    same(getitem(x, (ng.tensor(rows), columns.astype("int8"))), x[rows, columns])
    same(getitem(x, ng.tensor(1)), x[1])
    same(getitem(x, ng.tensor(x) > 5), x[x > 5])
    same(getitem(x, [ng.tensor(0), ng.tensor(2)]), x[[0, 2]])
    same(index_put(x, (ng.tensor(rows), 1), ng.tensor([1.0, 2.0, 3.0])), np.array([[0, 3, 2, 3], [4, 5, 6, 7], [8, 2, 10, 11.0]]))


def test_small_integer_indices_do_not_overflow_when_merged():
    x = np.arange(90_000.0).reshape(300, 300)
    i = np.array([120, 100], "int8")
    same(getitem(x, (i, i)), x[i, i])


def test_duplicates_last_wins_and_only_the_winner_gets_a_gradient():
    v = ng.tensor([1.0, 2.0, 3.0], requires_grad=True)
    x = ng.tensor([10.0, 20.0], requires_grad=True)
    y = index_put(x, [0, 0, 0], v)
    assert y.tolist() == [3.0, 20.0]
    (y * ng.tensor([5.0, 7.0])).sum().backward()
    assert v.grad.tolist() == [0.0, 0.0, 5.0]
    assert x.grad.tolist() == [0.0, 7.0]


def test_a_mask_with_one_number_stays_an_elementwise_op():
    x = ng.tensor(np.arange(6.0).reshape(2, 3), requires_grad=True)
    y = index_put(x, x > 2.0, 0.0)
    assert y.node.op.name == "where"
    y.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), [[1, 1, 1], [0, 0, 0]])


def test_values_are_cast_and_leading_ones_dropped():
    x = np.zeros((2, 3), "int32")
    same(index_put(x, 0, 2.9), np.array([[2, 2, 2], [0, 0, 0]], "int32"))
    same(index_put(x, 0, np.array([[[1.5, 2.5, 3.5]]])), np.array([[1, 2, 3], [0, 0, 0]], "int32"))
    same(index_put(x, [1], np.ones((1, 1, 1, 3))), np.array([[0, 0, 0], [1, 1, 1]], "int32"))


def test_in_place_through_the_tensor():
    x = np.arange(12.0).reshape(3, 4)
    t = ng.tensor(x.copy())
    for index, v in ((0, 5.0), ((slice(None), 1), [1.0, 2.0, 3.0]), ([2, 2], [[1.0], [9.0]]), (x > 6, 0.0), ((..., [0, 3]), 7.0)):
        t[index] = v
        x[index] = v
        np.testing.assert_array_equal(t.numpy(), x)


@pytest.mark.parametrize(("index", "error", "text"), [
    (2, IndexError, r"index 2 is out of range for axis 0 of an array of shape \(2, 3\)"),
    ((0, -4), IndexError, "index -4 .* axis 1"),
    ((0, 0, 0), IndexError, "an index for 3 axes"),
    ((..., ...), IndexError, "two Ellipses"),
    (1.0, IndexError, "1.0 is no index"),
    ("a", IndexError, "'a' is no index"),
    (np.array([0.5]), IndexError, "is no index"),
    (([0, 1], [0, 1, 2]), IndexError, "do not broadcast"),
    ([0, 2], IndexError, r"index 2 \(at 1\)"),
    ((slice(None), [-4]), IndexError, "index -4"),
    (np.array([True]), IndexError, r"mask of shape \(1,\)"),
    (np.ones((2, 2), bool), IndexError, "mask"),
    (np.ones((2, 3, 1), bool), IndexError, "an index for 3 axes"),
    (slice(None, None, 0), ValueError, "step 0"),
], ids=str)  # fmt: skip
def test_errors_of_indices_have_three_lines(index, error, text):
    for call in (getitem, lambda x, index: index_put(x, index, 1.0)):
        with pytest.raises(error, match=text) as caught:
            call(ng.zeros((2, 3)), index)
        assert isinstance(caught.value, ng.NbgradError)
        lines = str(caught.value).splitlines()
        assert len(lines) == 3
        assert "test_indexing.py" in lines[1]


def test_a_value_that_does_not_fit():
    for index in (0, [0]):
        with pytest.raises(ng.ShapeError, match=r"v of shape \(2,\) does not fit"):
            index_put(ng.zeros((2, 3)), index, [1.0, 2.0])


def test_gradients_of_in_place_writes(rng):
    def write(x, v):
        y = x * 1.0
        y[1:, ::2] = v
        y[[0, 0], 1] = v[0] * 2.0
        row = y[2]
        y[2, 1] = 3.0
        y[y > 100.0] = 0.0
        return y**2.0 + row.sum()

    assert ng.gradcheck(write, rng.standard_normal((3, 4)), rng.standard_normal((2, 2)), order=2)
