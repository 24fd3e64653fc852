"""Data sets keep rows together, under every kind of index and split."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbgrad.base.errors import ArgumentError, IndexRangeError, ShapeError
from nbgrad.data import ArrayDataset


def numbered(n):
    return ArrayDataset(np.arange(n), np.arange(2 * n).reshape(n, 2) * 0.5)


@given(st.integers(1, 30), st.data())
def test_index_is_numpys(n, data):
    set_ = numbered(n)
    index = data.draw(st.one_of(
        st.integers(-n, n - 1),
        st.slices(n),
        st.lists(st.integers(-n, n - 1), max_size=5).map(lambda i: np.array(i, dtype=np.int32)),
        st.lists(st.booleans(), min_size=n, max_size=n).map(np.array)))
    for got, whole in zip(set_[index], set_.arrays, strict=True):
        assert np.array_equal(got, whole[index])
        assert got.dtype == whole.dtype


def test_index_with_a_list_copies():
    set_ = numbered(4)
    set_[[0, 1]][1][:] = 99
    assert set_.arrays[1].max() < 99


def test_memory_maps_stay_on_the_disk(tmp_path):
    np.save(tmp_path / "x.npy", np.arange(6))
    set_ = ArrayDataset(np.load(tmp_path / "x.npy", mmap_mode="r"))
    assert not set_.arrays[0].flags.owndata
    assert set_[[5, 0]][0].tolist() == [5, 0]


@pytest.mark.parametrize("index", [5, -6, [0, 5], np.array([-6])])
def test_index_out_of_range(index):
    with pytest.raises(IndexRangeError, match="data set of 5"):
        numbered(5)[index]


@pytest.mark.parametrize("index", [[0.5], [True, False], ["a"], None])
def test_index_of_wrong_kind(index):
    with pytest.raises(ArgumentError, match="data set of 5"):
        numbered(5)[index]


def test_iteration_ends():
    assert [int(i) for i, _ in numbered(3)] == [0, 1, 2]


@pytest.mark.parametrize("arrays", [([1, 2], [1, 2, 3]), (np.float32(1),)])
def test_lengths_must_fit(arrays):
    with pytest.raises(ShapeError, match="no common length"):
        ArrayDataset(*arrays)
    with pytest.raises(ArgumentError, match="no arrays"):
        ArrayDataset()


@given(st.integers(0, 60), st.lists(st.integers(1, 5), min_size=1, max_size=4), st.integers(0, 99), st.booleans())
def test_split_is_a_partition(n, shares, seed, stratified):
    fractions = [s / sum(shares) for s in shares]
    labels = np.arange(n) % 3 if stratified else None
    parts = numbered(n).split(fractions, seed, labels)
    rows = [p.arrays[0] for p in parts]
    assert sorted(np.concatenate(rows).tolist()) == list(range(n))
    assert all(abs(len(p) - f * n) <= 1 for p, f in zip(parts, fractions, strict=True))
    assert all(np.array_equal(p.arrays[1][:, 0], p.arrays[0]) for p in parts)
    assert all(np.all(np.diff(r) > 0) for r in rows)


def test_split_depends_on_the_seed_alone():
    a, b, c = (numbered(50).split((0.5, 0.5), seed)[0].arrays[0].tolist() for seed in (1, 1, 2))
    assert a == b != c


def test_split_may_leave_examples_out():
    assert [len(p) for p in numbered(10).split((0.3, 0.2))] == [3, 2]


@given(st.lists(st.integers(1, 40), min_size=1, max_size=5), st.integers(0, 99))
def test_split_keeps_the_shares_of_labels(sizes, seed):
    labels = np.repeat([f"class {i}" for i in range(len(sizes))], sizes)
    parts = ArrayDataset(labels).split((0.5, 0.25, 0.25), seed, labels)
    for i, size in enumerate(sizes):
        for part, f in zip(parts, (0.5, 0.25, 0.25), strict=True):
            assert abs(np.sum(part.arrays[0] == f"class {i}") - f * size) <= len(sizes)


@pytest.mark.parametrize("fractions", [(), (0.5, 0.6), (1.0, 0.0), (-0.1, 1), (np.nan,), 0.5])
def test_bad_fractions(fractions):
    with pytest.raises(ArgumentError, match="fractions"):
        numbered(5).split(fractions)


def test_split_wants_one_label_each():
    with pytest.raises(ShapeError, match=r"labels of shape \(4,\) for 5 examples"):
        numbered(5).split((1.0,), labels=[0, 1, 2, 3])


def test_repr_tells_sizes():
    assert repr(numbered(3)) == "ArrayDataset(3 examples: int64(), float64(2,))"
