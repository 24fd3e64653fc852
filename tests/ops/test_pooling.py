import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nbgrad as ng
from nbgrad.base.errors import ArgumentError, ShapeError
from nbgrad.ops import pooling as family
from nbgrad.ops.pooling import avg_pool, max_pool, pool_max, pool_pick, pool_unpick

RNG = np.random.default_rng(0)


def seen(x, window, stride, padding, dilation, value=0.0):
    """Every window of x, by NumPy: (n, c, *positions, *window)."""
    x = np.pad(x, ((0, 0), (0, 0), *padding), constant_values=value)
    spans = tuple(d * (k - 1) + 1 for k, d in zip(window, dilation))
    windows = np.lib.stride_tricks.sliding_window_view(x, spans, tuple(range(2, x.ndim)))
    steps = (slice(None, None, s) for s in (*stride, *dilation))
    return windows[(slice(None), slice(None), *steps)]


@st.composite
def pools(draw, most=(8, 6, 5)):
    ndim = draw(st.integers(1, 3))
    small = lambda low, high: draw(st.tuples(*[st.integers(low, high)] * ndim))
    window, stride, dilation = small(1, 3), small(1, 3), small(1, 2)
    padding = draw(st.tuples(*[st.tuples(st.integers(0, 2), st.integers(0, 2))] * ndim))
    least = tuple(max(1, d * (k - 1) + 1 - sum(p)) for k, d, p in zip(window, dilation, padding))
    size = tuple(n + draw(st.integers(0, most[ndim - 1])) for n in least)
    x = RNG.standard_normal((draw(st.integers(1, 3)), draw(st.integers(1, 3)), *size))
    return x, {"window": window, "stride": stride, "padding": padding, "dilation": dilation}


def covered(x, options):
    return seen(np.ones(x.shape), **options).any(axis=tuple(range(x.ndim, 2 * x.ndim - 2))).all()


@settings(max_examples=60, deadline=None)
@given(pools(), st.sampled_from(["float64", "float32", "int32", "uint8", "bool"]))
def test_max_pool_equals_numpy(case, dtype):
    x, options = case
    x = np.abs(x * 4).astype(dtype) if dtype == "uint8" else (x * 4).astype(dtype)
    if not covered(x, options):
        with pytest.raises(ShapeError, match="padding alone"):
            max_pool(x, **options)
        return
    lowest = {"int32": np.iinfo("int32").min, "bool": False, "uint8": 0}.get(dtype, -np.inf)
    expected = seen(x, **options, value=lowest).max(axis=tuple(range(x.ndim, 2 * x.ndim - 2)))
    out = max_pool(x, **options)
    assert out.dtype == x.dtype
    np.testing.assert_array_equal(out.numpy(), expected)


def first_largest(x, options):
    """Return where in (n, c, cells) each window is largest, by NumPy's argmax over cells numbered through x."""
    flat = np.prod(x.shape[2:], dtype=int)
    numbers = np.broadcast_to(np.arange(flat).reshape(x.shape[2:]), x.shape)
    values = seen(x, **options, value=-np.inf)
    cells = seen(numbers, **options, value=-1)
    count = x.ndim - 2
    joined = values.reshape(*values.shape[: 2 + count], -1), cells.reshape(*values.shape[: 2 + count], -1)
    inside = np.where(joined[1] < 0, -np.inf, joined[0])
    best = np.argmax(np.where(np.isneginf(inside) & (joined[1] >= 0), np.finfo(float).min, inside), axis=-1)
    return np.take_along_axis(joined[1], best[..., None], -1)[..., 0]


@settings(max_examples=60, deadline=None)
@given(pools(), st.sampled_from(["float64", "float32"]), st.integers(1, 4))
def test_pick_and_its_adjoint_equal_numpy(case, dtype, levels):
    """Few levels make many equal values."""
    x, options = case
    if not covered(x, options):
        return
    x = np.round(x * levels).astype(dtype)
    v = RNG.standard_normal(x.shape).astype(dtype)
    places = first_largest(x, options)
    n, c, *positions = places.shape
    expected = np.take_along_axis(v.reshape(n, c, -1), places.reshape(n, c, -1), 2).reshape(places.shape)
    np.testing.assert_array_equal(pool_pick(v, x, **options).numpy(), expected)
    g = RNG.standard_normal(places.shape).astype(dtype)
    back = np.zeros((n, c, v[0, 0].size), dtype)
    for i in np.ndindex(*places.shape):
        back[i[0], i[1], places[i]] += g[i]
    np.testing.assert_allclose(pool_unpick(g, x, **options).numpy(), back.reshape(x.shape), rtol=1e-5, atol=1e-6)


def test_max_pool_gradient_goes_to_the_first_largest():
    x = ng.tensor([[[1.0, 3.0, 3.0, 2.0]]], requires_grad=True)
    max_pool(x, 2, stride=1).backward(np.array([[[1.0, 10.0, 100.0]]]))
    np.testing.assert_array_equal(x.grad.numpy(), [[[0.0, 11.0, 100.0, 0.0]]])


@pytest.mark.parametrize("shape", [(2, 2, 20), (2, 2, 6, 6), (1, 2, 4, 5, 4)])
def test_max_pool_gradients_to_second_order(shape):
    x = RNG.permutation(np.prod(shape)).reshape(shape) / 7.0
    ng.gradcheck(lambda x: max_pool(x, 3, 2, 1) * max_pool(x, 3, 2, 1), x, order=2)


def test_nan_wins_and_padding_never_does():
    x = np.array([[[1.0, np.nan, 5.0, -np.inf, -np.inf, -2.0]]])
    np.testing.assert_array_equal(max_pool(x, 2).numpy(), [[[np.nan, 5.0, -2.0]]])
    np.testing.assert_array_equal(max_pool(-np.abs(np.nan_to_num(x)), 3, 1, 1).numpy()[0, 0, :2], [-0.0, -0.0])
    lowest = np.full((1, 1, 3), -np.inf)
    assert max_pool(lowest, 3, 1, 1).numpy().max() == -np.inf
    options = {"window": (3,), "stride": (1,), "padding": ((1, 1),), "dilation": (1,)}
    numbers = np.arange(3).reshape(1, 1, 3)
    np.testing.assert_array_equal(pool_pick(numbers, lowest, **options).numpy(), [[[0, 0, 1]]])
    x = np.array([[[1.0, np.nan, np.nan]]])
    np.testing.assert_array_equal(pool_pick(numbers, x, **options).numpy(), [[[1, 1, 1]]])


@settings(max_examples=40, deadline=None)
@given(pools())
def test_avg_pool_equals_numpy(case):
    x, options = case
    axes = tuple(range(x.ndim, 2 * x.ndim - 2))
    total = seen(x, **options).sum(axis=axes)
    np.testing.assert_allclose(avg_pool(x, **options).numpy(), total / np.prod(options["window"]), rtol=1e-10, atol=1e-12)
    count = seen(np.ones(x.shape), **options).sum(axis=axes)
    if count.all():
        out = avg_pool(x, **options, count_include_pad=False)
        np.testing.assert_allclose(out.numpy(), total / count, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("include", [True, False])
def test_avg_pool_gradients(include):
    f = lambda x: avg_pool(x, 3, 2, 1, count_include_pad=include) ** 2.0
    ng.gradcheck(f, RNG.standard_normal((2, 2, 5, 6)), order=2)


def test_avg_pool_dtypes():
    assert avg_pool(np.ones((1, 1, 4), "float32"), 2).dtype == np.float32
    assert avg_pool(np.ones((1, 1, 4), "int64"), 2).dtype == np.float64


def test_strided_views():
    whole = RNG.standard_normal((4, 6, 30, 30))
    for x in (whole[::2, ::-1, ::2, ::3], whole.transpose(0, 1, 3, 2), whole[:, :, ::-1, ::-1]):
        flat = np.ascontiguousarray(x)
        for pool in (max_pool, avg_pool):
            np.testing.assert_allclose(pool(x, 3, 2, 1).numpy(), pool(flat, 3, 2, 1).numpy(), rtol=1e-12)


@pytest.mark.parametrize(("layout", "order"), [("NLC", (0, 2, 1)), ("NHWC", (0, 2, 3, 1)), ("NDHWC", (0, 2, 3, 4, 1))])
def test_channels_last_is_the_same_pooling(layout, order):
    x = RNG.standard_normal((2, 3, *(6, 5, 4)[: len(order) - 2]))
    last = np.ascontiguousarray(x.transpose(order))
    for pool in (max_pool, avg_pool):
        np.testing.assert_allclose(pool(last, 2, layout=layout).numpy(), pool(x, 2).numpy().transpose(order), rtol=1e-12)


def test_one_two_and_three_axes_by_name():
    for ndim in (1, 2, 3):
        x = RNG.standard_normal((1, 2, *(4,) * ndim))
        for name in ("max_pool", "avg_pool"):
            fixed, free = getattr(ng, f"{name}{ndim}d"), getattr(family, name)
            np.testing.assert_array_equal(fixed(x, 2).numpy(), free(x, 2).numpy())
            with pytest.raises(ShapeError, match=f"{name}{ndim}d: x is"):
                fixed(x[0], 2)


@pytest.mark.parametrize("n", [0, 2])
def test_empty_batch(n):
    x = ng.tensor(np.ones((n, 2, 6)), requires_grad=True)
    max_pool(x, 2).sum().backward()
    assert x.grad.shape == x.shape


OPTIONS = {"window": (2,), "stride": (2,), "padding": ((0, 0),), "dilation": (1,)}


@pytest.mark.parametrize(("call", "error", "words"), [
    (lambda: max_pool(np.ones((3, 3)), 2), ShapeError, r"pooling: x is \(3, 3\)"),
    (lambda: max_pool(np.ones((1, 1, 3)), (2, 2)), ArgumentError, r"window=\(2, 2\) for 1 spatial axes"),
    (lambda: pool_max(np.ones((1, 1, 3)), **{**OPTIONS, "padding": ((2, 2),)}), ShapeError, "padding alone"),
    (lambda: pool_unpick(np.ones((1, 1, 3)), np.ones((1, 1, 4)), **OPTIONS), ShapeError, r"g is \(1, 1, 3\)"),
])  # fmt: skip
def test_what_does_not_fit_is_said(call, error, words):
    with pytest.raises(error, match=words):
        call()


def test_results_do_not_depend_on_the_number_of_threads():
    x = ng.tensor(RNG.standard_normal((9, 16, 40, 41)).astype("float32"), requires_grad=True)

    def results():
        x.grad = None
        y = max_pool(x, 3, 2, 1)
        (y * y).sum().backward()
        return y.detach().numpy(), x.grad.numpy(), avg_pool(x.detach(), 3, 2, 1).numpy()

    before = ng.get_num_threads()
    try:
        several = results()
        ng.set_num_threads(1)
        for one, other in zip(results(), several):
            np.testing.assert_array_equal(one, other)
    finally:
        ng.set_num_threads(before)
