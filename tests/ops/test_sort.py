"""Order and what follows from it, against NumPy."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import nbgrad as ng

DTYPES = ("float32", "float64", "int64", "int8", "uint16", "bool")


def same(got, want):
    got, want = got.detach().numpy(), np.asarray(want)
    assert got.dtype == want.dtype
    assert got.shape == want.shape
    np.testing.assert_array_equal(got, want)


def messy(rng, shape, dtype):
    """Numbers with ties, and with NaN and infinities where the dtype has them."""
    x = rng.integers(-4, 5, shape).astype(dtype)
    if "float" in dtype and x.size > 3:
        x.flat[rng.integers(0, x.size, x.size // 4)] = np.nan
        x.flat[rng.integers(0, x.size, 2)] = np.inf, -np.inf
    return x


@pytest.mark.parametrize("axis", [None, 0, 1, -1])
@pytest.mark.parametrize("dtype", DTYPES)
def test_sort_and_argsort(axis, dtype, rng):
    for x in (messy(rng, (5, 7, 3), dtype), messy(rng, (3, 5, 7), dtype).T):
        same(ng.argsort(ng.tensor(x), axis), np.argsort(x, axis, kind="stable"))
        same(ng.sort(ng.tensor(x), axis), np.sort(x, axis))


@pytest.mark.parametrize("n", [0, 1, 2, 15, 16, 17, 33, 2048, 2049, 5000, 20_000, 70_001])
def test_lengths_that_take_runs_and_merges(n, rng):
    for rows in (1, 3):
        x = messy(rng, (rows, n), "float32")
        order = np.argsort(x, -1, kind="stable")
        same(ng.argsort(x), order)
        turned = np.argsort(x[:, ::-1], -1, kind="stable")[:, ::-1]
        same(ng.argsort(x, descending=True), n - 1 - turned)
        k = n // 2
        same(ng.topk(x, k, largest=False)[1], order[:, :k])


def test_many_short_rows(rng):
    x = messy(rng, (9000, 5), "float64")
    same(ng.argsort(x), np.argsort(x, -1, kind="stable"))
    same(ng.topk(x, 1)[0], np.sort(x)[:, -1:])


@given(hnp.arrays("float64", st.integers(0, 40), elements=st.floats(width=16)), st.data())
@settings(max_examples=60, deadline=None)
def test_topk_is_the_start_of_the_order(x, data):
    k = data.draw(st.integers(0, len(x)))
    values, indices = ng.topk(x, k, largest=False)
    same(indices, np.argsort(x, kind="stable")[:k])
    same(values, np.sort(x)[:k])
    values, indices = ng.topk(x, k)
    same(indices, ng.argsort(x, descending=True).numpy()[:k])
    same(values, np.sort(x)[::-1][:k])


def test_topk_along_an_axis_of_ties():
    x = np.array([[1.0, 5.0], [5.0, 5.0], [5.0, 1.0]])
    values, indices = ng.topk(x, 2, axis=0)
    same(values, np.full((2, 2), 5.0))
    same(indices, np.array([[1, 0], [2, 1]]))


def test_gradients_go_where_the_elements_came_from(rng):
    x = rng.permutation(24).reshape(2, 4, 3) / 4.0
    weights = rng.standard_normal((2, 4, 3))
    for axis in (None, 0, 1):
        flat = weights.ravel() if axis is None else weights
        assert ng.gradcheck(lambda x, axis=axis, flat=flat: ng.sort(x, axis, descending=True) ** 2.0 * flat, x, order=2)
    assert ng.gradcheck(lambda x: ng.topk(x, 2, axis=1)[0] ** 2.0, x, order=2)


@pytest.mark.parametrize("axis", [None, 0, (0, 2), -1, (0, 1, 2)])
@pytest.mark.parametrize("keepdims", [False, True])
def test_median_and_quantiles(axis, keepdims, rng):
    for shape in ((3, 4, 5), (2, 3, 1)):
        x = rng.standard_normal(shape)
        for dtype in ("float32", "float64", "int32"):
            y = (x * 5).astype(dtype)
            same(ng.median(y, axis, keepdims=keepdims), np.median(y, axis, keepdims=keepdims))
            for q in (0.3, 0.0, [0.5, 1.0], [[0.1, 0.25], [0.9, 0.75]]):
                got = ng.quantile(y, q, axis, keepdims=keepdims).numpy()
                want = np.quantile(y, q, axis, keepdims=keepdims)
                assert got.shape == want.shape
                assert got.dtype == (y.dtype if dtype != "int32" else np.float64)
                np.testing.assert_allclose(got, want, rtol=1e-5 if dtype == "float32" else 1e-13, atol=1e-7 if dtype == "float32" else 0)
        np.testing.assert_allclose(ng.percentile(x, [20, 70], axis).numpy(), np.percentile(x, [20, 70], axis), rtol=1e-13)
    assert ng.gradcheck(lambda x: ng.median(x, axis, keepdims) ** 2.0, x, order=2)
    assert ng.gradcheck(lambda x: ng.quantile(x, [0.2, 0.55], axis, keepdims=keepdims) ** 2.0, x, order=2)


def test_nan_spreads_and_infinities_stay():
    x = np.array([[1.0, np.nan, 3.0], [2.0, 1.0, 0.0], [np.inf, np.inf, 5.0]])
    np.testing.assert_array_equal(ng.median(x, 1).numpy(), [np.nan, 1.0, np.inf])
    np.testing.assert_array_equal(ng.quantile(x, [0.5, 0.75], 1).numpy(), [[np.nan, 1.0, np.inf], [np.nan, 1.5, np.inf]])
    assert np.isnan(ng.median(x).item())


@pytest.mark.parametrize(("call", "error", "text"), [
    (lambda x: ng.sort(x, 2), ng.ShapeError, "axis 2"),
    (lambda x: ng.topk(x, 4), ng.ArgumentError, "has 3 elements"),
    (lambda x: ng.topk(x, -1), ng.ArgumentError, "k=-1"),
    (lambda x: ng.quantile(x[:0], 0.5), ng.ShapeError, "nothing to choose from"),
    (lambda x: ng.quantile(x, ng.tensor(0.5, requires_grad=True)), ng.ArgumentError, "q wants a gradient"),
    (lambda x: ng.percentile(x, ng.tensor(50.0, requires_grad=True)), ng.ArgumentError, "q wants a gradient"),
    (lambda x: ng.topk(x, "k"), ng.ArgumentError, "k must be an integer"),
    (lambda x: ng.topk(x, 1.5), ng.ArgumentError, "k must be an integer"),
    (lambda x: ng.median(x, 0, np.float64), ng.ArgumentError, "keepdims is"),
    (lambda x: ng.quantile(x, 0.5, 0, "linear", 1), ng.ArgumentError, "keepdims is 1"),
    (lambda x: ng.quantile(x, 1.5), ng.ArgumentError, "outside of"),
    (lambda x: ng.quantile(x, np.nan), ng.ArgumentError, "outside of"),
    (lambda x: ng.quantile(x, 0.5, method="nearest"), ng.ArgumentError, "method='nearest'"),
])  # fmt: skip
def test_errors_of_sorting_have_three_lines(call, error, text):
    with pytest.raises(error, match=text) as caught:
        call(ng.zeros((2, 3)))
    lines = str(caught.value).splitlines()
    assert len(lines) == 3
    assert "test_sort.py" in lines[1]


@pytest.mark.parametrize(("shape", "axis"), [((0,), None), ((2, 0), 1), ((0, 3), 0), ((0, 3), 1)])
def test_the_median_of_nothing_is_nan_as_in_numpy(shape, axis):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        want = np.median(np.zeros(shape), axis)
    same(ng.median(np.zeros(shape), axis), want)
    assert ng.median(np.zeros((2, 0)), 1, keepdims=True).shape == (2, 1)
