import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal

import nbgrad as ng
from nbgrad.base.errors import ArgumentError, ShapeError
from nbgrad.ops import window as family
from nbgrad.ops.window import avg_pool, conv, conv_input_grad, conv_transpose, max_pool, pool_argmax

RNG = np.random.default_rng(0)


def numbers(*shape, dtype="float64"):
    return RNG.standard_normal(shape).astype(dtype)


def padded(x, padding, value=0.0):
    return np.pad(x, ((0, 0), (0, 0), *padding), constant_values=value)


def seen(x, window, stride, padding, dilation, value=0.0):
    """Every window of x, by NumPy: (n, c, *positions, *window)."""
    x = padded(x, padding, value)
    spans = tuple(d * (k - 1) + 1 for k, d in zip(window, dilation))
    axes = tuple(range(2, x.ndim))
    windows = np.lib.stride_tricks.sliding_window_view(x, spans, axes)
    steps = (
        slice(None),
        slice(None),
        *(slice(None, None, s) for s in stride),
        *(slice(None, None, d) for d in dilation),
    )
    return windows[steps]


def expected_conv(x, w, stride, padding, dilation, groups):
    c, o, ndim = x.shape[1] // groups, w.shape[0] // groups, w.ndim - 2
    parts = []
    for g in range(groups):
        windows = seen(x[:, g * c : (g + 1) * c], w.shape[2:], stride, padding, dilation)
        own = w[g * o : (g + 1) * o]
        part = np.tensordot(windows, own, ((1, *range(2 + ndim, 2 + 2 * ndim)), (1, *range(2, 2 + ndim))))
        parts.append(np.moveaxis(part, -1, 1))
    return np.concatenate(parts, axis=1)


@st.composite
def convolutions(draw, most=(8, 6, 5)):
    ndim = draw(st.integers(1, 3))
    small = lambda low, high: draw(st.tuples(*[st.integers(low, high)] * ndim))
    window, stride, dilation = small(1, 3), small(1, 3), small(1, 2)
    padding = draw(st.tuples(*[st.tuples(st.integers(0, 2), st.integers(0, 2))] * ndim))
    least = tuple(max(1, d * (k - 1) + 1 - sum(p)) for k, d, p in zip(window, dilation, padding))
    size = tuple(n + draw(st.integers(0, most[ndim - 1])) for n in least)
    groups, c, o = draw(st.sampled_from([1, 1, 2, 9])), draw(st.integers(1, 3)), draw(st.integers(1, 3))
    x, w = numbers(draw(st.integers(1, 3)), c * groups, *size), numbers(o * groups, c, *window)
    return x, w, {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}


@settings(max_examples=60, deadline=None)
@given(convolutions(), st.sampled_from(["float32", "float64"]))
def test_conv_and_its_gradients_equal_numpy(case, dtype):
    """The gradients are linear: both are held against finite sums of the forward, which NumPy checks."""
    x, w, options = case
    expected = expected_conv(x, w, **options)
    t, v = ng.tensor(x.astype(dtype), requires_grad=True), ng.tensor(w.astype(dtype), requires_grad=True)
    out = conv(t, v, **options)
    tolerance = {"rtol": 1e-4, "atol": 1e-4} if dtype == "float32" else {"rtol": 1e-10, "atol": 1e-10}
    assert out.shape == expected.shape
    assert out.dtype == dtype
    np.testing.assert_allclose(out.detach().numpy(), expected, **tolerance)
    g = numbers(*expected.shape)
    out.backward(g.astype(dtype))
    dx, dw = numbers(*x.shape), numbers(*w.shape)
    in_x = (expected_conv(dx, w, **options) * g).sum()
    in_w = (expected_conv(x, dw, **options) * g).sum()
    scale = {"rtol": 1e-3, "atol": 1e-2} if dtype == "float32" else {"rtol": 1e-9, "atol": 1e-9}
    np.testing.assert_allclose((t.grad.numpy() * dx).sum(), in_x, **scale)
    np.testing.assert_allclose((v.grad.numpy() * dw).sum(), in_w, **scale)


@settings(max_examples=15, deadline=None)
@given(convolutions(most=(4, 2, 1)))
def test_conv_gradients_to_second_order(case):
    x, w, options = case
    ng.gradcheck(lambda x, w: conv(x, w, **options) * conv(x, w, **options), x, w, order=2, directions=1)


@settings(max_examples=40, deadline=None)
@given(convolutions(most=(4, 2, 1)))
def test_conv_transpose_is_the_adjoint_of_conv(case):
    x, w, options = case
    y = numbers(*expected_conv(x, w, **options).shape)
    extra = tuple(
        (n + sum(p) - d * (k - 1) - 1) % s
        for n, p, d, k, s in zip(x.shape[2:], options["padding"], options["dilation"], w.shape[2:], options["stride"])
    )
    back = conv_transpose(y, w, output_padding=extra, **options)
    assert back.shape == x.shape
    np.testing.assert_allclose(
        (back.numpy() * x).sum(), (expected_conv(x, w, **options) * y).sum(), rtol=1e-9, atol=1e-9
    )
    # The forward itself, by its definition: every y spreads its window.
    np.testing.assert_allclose(back.numpy(), spread_out(y, w, x.shape, **options), rtol=1e-9, atol=1e-9)


def spread_out(y, w, shape, stride, padding, dilation, groups):
    out = np.zeros((*shape[:2], *(n + sum(p) for n, p in zip(shape[2:], padding))))
    c, o = w.shape[1], w.shape[0] // groups
    for place in itertools.product(*map(range, y.shape[2:])):
        for cell in itertools.product(*map(range, w.shape[2:])):
            at = tuple(t * s + k * d for t, s, k, d in zip(place, stride, cell, dilation))
            for g in range(groups):
                own = w[(slice(g * o, (g + 1) * o), slice(None), *cell)]
                out[(slice(None), slice(g * c, (g + 1) * c), *at)] += (
                    y[(slice(None), slice(g * o, (g + 1) * o), *place)] @ own
                )
    return out[(slice(None), slice(None), *(slice(p[0], p[0] + n) for p, n in zip(padding, shape[2:])))]


def test_conv_transpose_gradients():
    options = {"stride": 2, "padding": 1, "output_padding": 1, "groups": 2}
    f = lambda x, w: conv_transpose(x, w, **options) * conv_transpose(x, w, **options)
    ng.gradcheck(f, numbers(2, 4, 3, 2), numbers(4, 3, 3, 3), order=2, directions=2)


@pytest.mark.parametrize(
    "shape", [((4, 3, 20, 21), (70, 3, 3, 3)), ((2, 70, 9, 9), (5, 70, 1, 1)), ((3, 33, 300), (18, 33, 5))]
)
@pytest.mark.parametrize("stride", [1, 2])
def test_larger_convolutions_equal_scipy(shape, stride):
    x, w = numbers(*shape[0], dtype="float32"), numbers(*shape[1], dtype="float32")
    out = conv(x, w, stride=stride, padding="valid").numpy()
    n, o = out.shape[1] - 1, x.shape[0] - 1
    one = sum(signal.correlate(x[o, c].astype(float), w[n, c].astype(float), "valid") for c in range(x.shape[1]))
    np.testing.assert_allclose(out[o, n], one[(slice(None, None, stride),) * one.ndim], rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(("layout", "order"), [("NLC", (0, 2, 1)), ("NHWC", (0, 2, 3, 1)), ("NDHWC", (0, 2, 3, 4, 1))])
def test_channels_last_is_the_same_convolution(layout, order):
    ndim = len(order) - 2
    x, w, b = numbers(2, 3, *(6, 5, 4)[:ndim]), numbers(4, 3, *(2, 3, 2)[:ndim]), numbers(4)
    last = np.ascontiguousarray(x.transpose(order))
    out = conv(last, w, b, stride=2, padding="same", layout=layout)
    np.testing.assert_allclose(
        out.numpy(), conv(x, w, b, stride=2, padding="same").numpy().transpose(order), rtol=1e-12
    )
    first = layout[0] + "C" + layout[1:-1]
    np.testing.assert_array_equal(conv(x, w, layout=first).numpy(), conv(x, w).numpy())
    for pool in (max_pool, avg_pool):
        np.testing.assert_array_equal(pool(last, 2, layout=layout).numpy(), pool(x, 2).numpy().transpose(order))
    back = conv_transpose(last, w.swapaxes(0, 1), b, layout=layout)
    np.testing.assert_allclose(
        back.numpy(), conv_transpose(x, w.swapaxes(0, 1), b).numpy().transpose(order), rtol=1e-12
    )


def test_strided_views_and_other_dtypes():
    x, w = numbers(2, 3, 12, 10)[:, ::-1, ::2, 1::3], numbers(3, 4, 2, 2).swapaxes(0, 1)
    np.testing.assert_allclose(conv(x, w).numpy(), expected_conv(x, w, (1, 1), ((0, 0),) * 2, (1, 1), 1), rtol=1e-12)
    i = RNG.integers(-5, 5, (2, 2, 6)), RNG.integers(-5, 5, (3, 2, 3))
    out = conv(*i, padding=1)
    assert out.dtype == np.int64
    np.testing.assert_array_equal(out.numpy(), expected_conv(*i, (1,), ((1, 1),), (1,), 1))


@pytest.mark.parametrize("n", [0, 2])
def test_empty_batch_has_gradients_of_zero(n):
    x, w = ng.tensor(np.ones((n, 2, 5)), requires_grad=True), ng.tensor(np.ones((3, 2, 2)), requires_grad=True)
    out = conv(x, w)
    out.sum().backward()
    assert out.shape == (n, 3, 4)
    assert x.grad.shape == x.shape
    assert (w.grad.numpy() == 4.0 * n).all()


def test_one_two_and_three_axes_by_name():
    for ndim in (1, 2, 3):
        x, w = numbers(1, 2, *(4,) * ndim), numbers(2, 2, *(2,) * ndim)
        for name in ("conv", "conv_transpose"):
            fixed, free = getattr(ng, f"{name}{ndim}d"), getattr(family, name)
            np.testing.assert_array_equal(fixed(x, w).numpy(), free(x, w).numpy())
            with pytest.raises(ShapeError, match=f"{name}{ndim}d: x is"):
                fixed(x[0], w)
        for name in ("max_pool", "avg_pool"):
            fixed, free = getattr(ng, f"{name}{ndim}d"), getattr(family, name)
            np.testing.assert_array_equal(fixed(x, 2).numpy(), free(x, 2).numpy())


@settings(max_examples=60, deadline=None)
@given(convolutions(), st.sampled_from(["float64", "int32", "bool"]))
def test_max_pool_equals_numpy(case, dtype):
    x, w, options = case
    window, groups = w.shape[2:], options.pop("groups")
    x = (x * 4).astype(dtype)
    lowest = {"float64": -np.inf, "int32": np.iinfo("int32").min, "bool": False}[dtype]
    covered = seen(np.ones(x.shape), window, **options).any(axis=tuple(range(x.ndim, 2 * x.ndim - 2)))
    if not covered.all():
        with pytest.raises(ShapeError, match="padding alone"):
            max_pool(x, window, **options)
        return
    expected = seen(x, window, **options, value=lowest).max(axis=tuple(range(x.ndim, 2 * x.ndim - 2)))
    out = max_pool(x, window, **options)
    assert out.dtype == x.dtype
    np.testing.assert_array_equal(out.numpy(), expected)
    assert groups


def test_max_pool_gradient_goes_to_the_first_largest():
    x = ng.tensor([[[1.0, 3.0, 3.0, 2.0]]], requires_grad=True)
    max_pool(x, 2, stride=1).backward(np.array([[[1.0, 10.0, 100.0]]]))
    np.testing.assert_array_equal(x.grad.numpy(), [[[0.0, 11.0, 100.0, 0.0]]])


def test_max_pool_gradients_to_second_order():
    x = RNG.permutation(2 * 2 * 36).reshape(2, 2, 6, 6) / 7.0
    ng.gradcheck(lambda x: max_pool(x, 3, 2, 1) * max_pool(x, 3, 2, 1), x, order=2)


def test_nan_wins_and_padding_never_does():
    x = np.array([[[1.0, np.nan, 5.0, -np.inf, -np.inf, -2.0]]])
    np.testing.assert_array_equal(max_pool(x, 2).numpy(), [[[np.nan, 5.0, -2.0]]])
    np.testing.assert_array_equal(max_pool(-np.abs(np.nan_to_num(x)), 3, 1, 1).numpy()[0, 0, :2], [-0.0, -0.0])
    assert max_pool(np.full((1, 1, 3), -np.inf), 3, 1, 1).numpy().max() == -np.inf
    lowest = np.full((1, 1, 3), -np.inf)
    places = pool_argmax(lowest, window=(3,), stride=(1,), padding=((1, 1),), dilation=(1,))
    np.testing.assert_array_equal(places.numpy(), [[[0, 0, 1]]])


@settings(max_examples=40, deadline=None)
@given(convolutions())
def test_avg_pool_equals_numpy(case):
    x, w, options = case
    window, axes = w.shape[2:], tuple(range(x.ndim, 2 * x.ndim - 2))
    options.pop("groups")
    total = seen(x, window, **options).sum(axis=axes)
    np.testing.assert_allclose(avg_pool(x, window, **options).numpy(), total / np.prod(window), rtol=1e-10, atol=1e-12)
    count = seen(np.ones(x.shape), window, **options).sum(axis=axes)
    if count.all():
        out = avg_pool(x, window, **options, count_include_pad=False)
        np.testing.assert_allclose(out.numpy(), total / count, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("include", [True, False])
def test_avg_pool_gradients(include):
    f = lambda x: avg_pool(x, 3, 2, 1, count_include_pad=include) ** 2.0
    ng.gradcheck(f, numbers(2, 2, 5, 6), order=2)


def test_avg_pool_dtypes():
    assert avg_pool(np.ones((1, 1, 4), "float32"), 2).dtype == np.float32
    assert avg_pool(np.ones((1, 1, 4), "int64"), 2).dtype == np.float64


@pytest.mark.parametrize("mode", ["full", "same", "valid"])
@pytest.mark.parametrize(("n", "m"), [(1, 1), (5, 3), (5, 4), (4, 4), (3, 7), (2, 7), (300, 40)])
def test_convolve_equals_numpy(mode, n, m):
    a, v = numbers(n), numbers(m)
    np.testing.assert_allclose(ng.convolve(a, v, mode).numpy(), np.convolve(a, v, mode), rtol=1e-10, atol=1e-12)
    if n < 10:
        ng.gradcheck(lambda a, v: ng.convolve(a, v, mode), a, v, order=2, directions=1)


def test_bias_is_per_channel():
    x, w, b = numbers(2, 3, 5), numbers(4, 3, 2), numbers(4)
    np.testing.assert_allclose(conv(x, w, b).numpy(), conv(x, w).numpy() + b[:, None], rtol=1e-12)
    ng.gradcheck(lambda b: conv(x, w, b), b)


ONE = {"stride": (1,), "padding": ((0, 0),), "dilation": (1,), "groups": 1}


@pytest.mark.parametrize(("call", "error", "words"), [
    (lambda: conv(np.ones((2, 3, 8, 8)), np.ones((4, 2, 3, 3))), ShapeError, r"x has 3 channels and w takes 2"),
    (lambda: conv(np.ones((2, 4, 8, 8)), np.ones((4, 2, 3, 3))), ShapeError, r"try: groups=2"),
    (lambda: conv(np.ones((2, 4, 8)), np.ones((3, 2, 3)), groups=2), ArgumentError, r"groups=2 does not divide the 3"),
    (lambda: conv(np.ones((3, 8, 8)), np.ones((4, 3, 3, 3))), ShapeError, r"batch"),
    (lambda: conv(np.ones((1, 1, 2)), np.ones((1, 1, 3))), ShapeError, r"does not fit"),
    (lambda: conv(np.ones((1, 1, 2)), np.ones((1, 1, 1)), np.ones(2)), ShapeError, r"b is \(2,\)"),
    (lambda: conv(np.ones((1, 1, 2)), np.ones((1, 1, 1)), stride=0), ArgumentError, r"stride=0"),
    (lambda: conv(np.ones((1, 1, 2)), np.ones((1, 1, 1)), padding="full"), ArgumentError, r"padding='full'"),
    (lambda: conv(np.ones((1, 2, 2, 1)), np.ones((1, 1, 1, 1)), layout="NLC"), ArgumentError, r"layout='NLC'"),
    (lambda: conv_transpose(np.ones((1, 3, 2)), np.ones((2, 1, 1))), ShapeError, r"x has 3 channels and w takes 2"),
    (lambda: conv_transpose(np.ones((1, 2, 2)), np.ones((2, 1, 1)), output_padding=1), ArgumentError, r"less than"),
    (lambda: max_pool(np.ones((3, 3)), 2), ShapeError, r"pooling: x is \(3, 3\)"),
    (lambda: max_pool(np.ones((1, 1, 3)), (2, 2)), ArgumentError, r"window=\(2, 2\) for 1 spatial axes"),
    (lambda: ng.convolve(np.ones(3), np.ones(3), "half"), ArgumentError, r"mode='half'"),
    (lambda: ng.convolve(np.ones(0), np.ones(3)), ShapeError, r"not empty"),
    (lambda: conv_input_grad(np.ones((1, 1, 3)), np.ones((1, 1, 1)), size=(4,), **ONE), ShapeError, r"\(4,\) pos"),
])  # fmt: skip
def test_what_does_not_fit_is_said(call, error, words):
    with pytest.raises(error, match=words) as caught:
        call()
    assert "try: " in str(caught.value) or "positions" in str(caught.value)


@pytest.fixture
def threads():
    """The function that sets the number of threads, which is given back."""
    before = ng.get_num_threads()
    yield ng.set_num_threads
    ng.set_num_threads(before)


@pytest.mark.parametrize(("groups", "stride"), [(1, 1), (1, 2), (16, 1)])
def test_results_do_not_depend_on_the_number_of_threads(groups, stride, threads):
    x = ng.tensor(numbers(9, 16, 20, 21, dtype="float32"), requires_grad=True)
    w = ng.tensor(numbers(32, 16 // groups, 3, 3, dtype="float32"), requires_grad=True)

    def results():
        x.grad = w.grad = None
        y = conv(x, w, None, stride, 1, 1, groups)
        y.backward(np.ones(y.shape, "float32"))
        return y.detach().numpy(), x.grad.numpy(), w.grad.numpy(), max_pool(x.detach(), 2).numpy()

    several = results()
    threads(1)
    for one, other in zip(results(), several):
        np.testing.assert_array_equal(one, other)
