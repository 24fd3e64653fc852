"""Parts of arrays brought together by number, against loops over NumPy; gradients."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nbgrad as ng
from nbgrad.ops import segment

OPS = {"segment_sum": np.sum, "segment_mean": np.mean, "segment_max": np.max, "segment_min": np.min}
EMPTY = {"segment_sum": 0, "segment_mean": 0, "segment_max": -np.inf, "segment_min": np.inf}


def by_loop(name, x, segments, size):
    parts = [x[segments == s] for s in range(size)]
    empty = np.full(x.shape[1:], EMPTY[name])
    return np.stack([OPS[name](p, axis=0) if len(p) else empty for p in parts])


@pytest.mark.parametrize("name", OPS)
@pytest.mark.parametrize("shape", [(0,), (40,), (40, 3), (700, 2, 40), (30_000,), (9000, 3)], ids=str)
def test_segments(name, shape, rng):
    x, segments = rng.standard_normal(shape), rng.integers(0, 7, shape[0])
    for numbers in (segments, np.sort(segments), segments.astype("uint8"), segments * 0 + 3):
        got = getattr(segment, name)(ng.tensor(x), numbers, 9).numpy()
        np.testing.assert_allclose(got, by_loop(name, x, numbers, 9), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", OPS)
def test_gradients(name, rng):
    segments, f = [3, 0, 3, 1, 0], getattr(segment, name)
    assert f(ng.zeros((5, 2)), segments).shape == (4, 2)
    assert f(ng.zeros((5, 2), "int32"), segments).dtype == ("float64" if name == "segment_mean" else "int32")
    x = rng.permutation(10).reshape(5, 2) / 3.0
    assert ng.gradcheck(lambda x: ng.where(ng.isfinite(f(x, segments, 6)), f(x, segments, 6), 0.0) ** 2.0, x, order=2)


def test_extremes_of_ties_nans_and_nothing():
    x = ng.tensor([2.0, 2.0, 1.0, 5.0], requires_grad=True)
    segment.segment_max(x, [0, 0, 0, 1]).sum().backward()
    assert x.grad.tolist() == [0.5, 0.5, 0.0, 1.0]
    got = segment.segment_min([1.0, np.nan, 3.0], [0, 0, 2], 4).numpy()
    np.testing.assert_array_equal(got, [np.nan, np.inf, 3.0, np.inf])
    assert segment.segment_max(np.array([3, -4], "int8"), [0, 0], 2).tolist() == [3, -128]


@given(st.integers(0, 60), st.integers(1, 5), st.integers(1, 20), st.integers(0, 99))
@settings(max_examples=30, deadline=None)
def test_segments_of_any_size(n, size, inner, seed):
    rng = np.random.default_rng(seed)
    x, segments = rng.integers(-9, 9, (n, inner)).astype("float64"), rng.integers(0, size, n)
    for name in OPS:
        got = getattr(segment, name)(ng.tensor(x), segments, size).numpy()
        np.testing.assert_allclose(got, by_loop(name, x, segments, size), rtol=1e-14)


def test_bincount(rng):
    segments, weights = [3, 0, 3, 1, 0], rng.standard_normal(5)
    for given_ in (segments, rng.integers(0, 50, 40_000), rng.integers(0, 40_000, 50_000)):
        got = segment.bincount(given_, minlength=6)
        assert got.dtype == np.int64
        np.testing.assert_array_equal(got.numpy(), np.bincount(given_, minlength=6))
    np.testing.assert_allclose(segment.bincount(segments, weights).numpy(), np.bincount(segments, weights), rtol=1e-15)
    np.testing.assert_array_equal(segment.bincount(np.zeros(0, int)).numpy(), np.bincount(np.zeros(0, int)))
    np.testing.assert_array_equal(np.bincount(ng.tensor(segments)).numpy(), np.bincount(segments))


@pytest.mark.parametrize(("call", "error", "text"), [
    (lambda x: segment.segment_sum(x, [0, 1, 2]), ValueError, "one number per part"),
    (lambda x: segment.segment_mean(x, [0, -1]), IndexError, "index -1"),
    (lambda x: segment.segment_max(x, [0, 2], 2), IndexError, r"segment_max\(x, segments\): index 2 \(at 1\)"),
    (lambda x: segment.segment_min(x, [0.0, 1.0]), TypeError, "must be integers"),
    (lambda x: segment.segment_sum(x, [0, 1], 1.5), ValueError, "num_segments must be an integer"),
    (lambda x: segment.bincount([np.nan]), TypeError, "bincount.*must be integers"),
    (lambda x: segment.bincount([2, -1]), IndexError, r"bincount\(x\): index -1 \(at 1\)"),
    (lambda x: segment.bincount([2], minlength=-1), ValueError, "minlength=-1 is not 0 or more"),
])  # fmt: skip
def test_errors_of_segments_have_three_lines(call, error, text):
    with pytest.raises(error, match=text) as caught:
        call(ng.zeros((2, 3)))
    assert isinstance(caught.value, ng.NbgradError)
    lines = str(caught.value).splitlines()
    assert len(lines) == 3
    assert "test_segment.py" in lines[1]
