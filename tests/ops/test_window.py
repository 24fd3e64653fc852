import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal

import nbgrad as ng
from nbgrad.base.errors import ArgumentError, ShapeError
from nbgrad.ops import window as family
from nbgrad.ops.window import conv, conv_biased, conv_input_grad, conv_output, conv_transpose, conv_weight_grad

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
    (lambda: ng.convolve(np.ones(3), np.ones(3), "half"), ArgumentError, r"mode='half'"),
    (lambda: ng.convolve(np.ones(0), np.ones(3)), ShapeError, r"not empty"),
    (lambda: conv_input_grad(np.ones((1, 1, 3)), np.ones((1, 1, 1)), size=(4,), **ONE), ShapeError, r"\(4,\) pos"),
])  # fmt: skip
def test_what_does_not_fit_is_said(call, error, words):
    with pytest.raises(error, match=words) as caught:
        call()
    assert "try: " in str(caught.value) or "positions" in str(caught.value)


@pytest.mark.parametrize(("size", "window"), [((150_000,), (149_990,)), ((260, 270), (255, 262))])
def test_very_large_windows(size, window):
    """Their copies and tables would be megabytes on the stack of a thread."""
    x, w = numbers(1, 1, *size), numbers(1, 1, *window)
    t, v = ng.tensor(x, requires_grad=True), ng.tensor(w, requires_grad=True)
    out = conv(t, v)
    expected = signal.correlate(x[0, 0], w[0, 0], "valid")
    np.testing.assert_allclose(out.detach().numpy()[0, 0], expected, rtol=0, atol=1e-8)
    g = numbers(*out.shape)
    out.backward(g)
    np.testing.assert_allclose(t.grad.numpy()[0, 0], signal.convolve(g[0, 0], w[0, 0], "full"), rtol=0, atol=1e-9)
    np.testing.assert_allclose(v.grad.numpy()[0, 0], signal.correlate(x[0, 0], g[0, 0], "valid"), rtol=0, atol=1e-9)


ODD = [  # shapes that meet every way to cut the work: x, w, stride, padding, dilation, groups
    ((2, 33, 9, 14), (31, 33, 3, 3), (1, 1), ((1, 1), (1, 1)), (1, 1), 1),
    ((1, 32, 40, 57), (17, 32, 3, 3), (1, 1), ((1, 1), (0, 2)), (1, 1), 1),
    ((1, 70, 30, 61), (5, 70, 3, 5), (1, 1), ((1, 1), (2, 2)), (1, 1), 1),
    ((3, 3, 31, 45), (20, 3, 7, 7), (2, 2), ((3, 2), (3, 3)), (1, 1), 1),
    ((2, 24, 9, 9), (40, 24, 1, 1), (1, 1), ((0, 0), (0, 0)), (1, 1), 1),
    ((2, 24, 9, 9), (7, 24, 1, 1), (2, 2), ((0, 0), (0, 0)), (1, 1), 1),
    ((2, 6, 20, 20), (6, 1, 3, 3), (1, 1), ((1, 1), (1, 1)), (1, 1), 6),
    ((2, 10, 20, 70), (20, 1, 5, 5), (2, 2), ((2, 2), (2, 2)), (1, 1), 10),
    ((2, 12, 13, 13), (27, 4, 3, 3), (1, 1), ((1, 1), (1, 1)), (2, 2), 3),
    ((1, 2, 5, 1300), (3, 2, 2, 3), (1, 1), ((0, 0), (1, 1)), (1, 2), 1),
    ((2, 5, 2000), (9, 5, 4), (1,), ((1, 2),), (1,), 1),
    ((2, 4, 1500), (4, 1, 3), (3,), ((1, 1),), (2,), 4),
    ((1, 3, 4000), (2, 3, 1000), (1,), ((500, 499),), (1,), 1),
    ((2, 5, 6, 9, 10), (12, 5, 3, 3, 3), (1, 1, 1), ((1, 1), (1, 1), (1, 1)), (1, 1, 1), 1),
    ((1, 3, 7, 9, 10), (4, 3, 2, 3, 2), (2, 3, 1), ((0, 1), (2, 0), (1, 1)), (2, 1, 2), 1),
    ((65, 1, 6, 6), (1, 1, 2, 2), (2, 2), ((0, 0), (0, 0)), (1, 1), 1),
    ((1, 2, 8, 8), (96, 2, 3, 3), (4, 4), ((1, 1), (1, 1)), (1, 1), 1),
    ((1, 100, 4, 4), (130, 100, 3, 3), (1, 1), ((1, 1), (1, 1)), (1, 1), 1),
]  # fmt: skip


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", ODD, ids=lambda c: "x".join(map(str, (*c[0], "w", *c[1]))))
def test_odd_shapes_and_their_gradients_equal_numpy(case, dtype):
    xs, ws, *rest = case
    options = dict(zip(("stride", "padding", "dilation", "groups"), rest))
    x, w, b = numbers(*xs), numbers(*ws), numbers(ws[0])
    expected = expected_conv(x, w, **options)
    t, v, u = (ng.tensor(a.astype(dtype), requires_grad=True) for a in (x, w, b))
    out = conv(t, v, u, **options)
    scale = np.abs(expected).max() * (1e-5 if dtype == "float32" else 1e-13)
    np.testing.assert_allclose(out.detach().numpy(), expected + b.reshape(-1, *(1,) * (x.ndim - 2)), atol=scale, rtol=0)
    g = numbers(*expected.shape)
    out.backward(g.astype(dtype))
    dx, dw = seen_back(g, x, w, **options)
    for got, wanted in ((t.grad, dx), (v.grad, dw), (u.grad, g.sum((0, *range(2, x.ndim))))):
        scale = np.abs(wanted).max() * (2e-5 if dtype == "float32" else 1e-13)
        np.testing.assert_allclose(got.numpy(), wanted, atol=scale, rtol=0)


def seen_back(g, x, w, stride, padding, dilation, groups):
    """Return both gradients of (conv * g).sum(), cell by cell of the window, by NumPy."""
    whole, dw = padded(np.zeros(x.shape), padding), np.zeros(w.shape)
    around, c, o = padded(x, padding), w.shape[1], w.shape[0] // groups
    for cell in np.ndindex(*w.shape[2:]):
        places = tuple(slice(k * d, k * d + (t - 1) * s + 1, s) for k, d, t, s in zip(cell, dilation, g.shape[2:], stride))
        for i in range(groups):
            own, mine = slice(i * o, (i + 1) * o), slice(i * c, (i + 1) * c)
            whole[(slice(None), mine, *places)] += np.einsum("no...,oc->nc...", g[:, own], w[(own, slice(None), *cell)])
            part = around[(slice(None), mine, *places)]
            dw[(own, slice(None), *cell)] = np.tensordot(g[:, own], part, ((0, *range(2, x.ndim)),) * 2)
    inner = tuple(slice(p[0], p[0] + n) for p, n in zip(padding, x.shape[2:]))
    return whole[(slice(None), slice(None), *inner)], dw


@pytest.mark.parametrize("channels", [1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 15, 16, 17, 23, 31, 32, 33])
def test_any_number_of_channels(channels):
    for c, o in ((channels, 5), (5, channels), (channels, channels)):
        x, w = numbers(2, c, 5, 7), numbers(o, c, 3, 2)
        options = {"stride": (1, 1), "padding": ((1, 1), (1, 0)), "dilation": (1, 1), "groups": 1}
        g = numbers(*expected_conv(x, w, **options).shape)
        dx, dw = seen_back(g, x, w, **options)
        np.testing.assert_allclose(conv_output(x, w, **options).numpy(), expected_conv(x, w, **options), rtol=0, atol=1e-11)
        np.testing.assert_allclose(conv_input_grad(g, w, size=(5, 7), **options).numpy(), dx, rtol=0, atol=1e-11)
        np.testing.assert_allclose(conv_weight_grad(x, g, window=(3, 2), **options).numpy(), dw, rtol=0, atol=1e-11)


def test_gradients_that_lie_anyhow():
    """A gradient may be one number for all positions, channels last, or every second element of something."""
    x, w = numbers(3, 4, 9, 8), numbers(6, 4, 3, 3)
    options = {"stride": (1, 1), "padding": ((1, 1), (1, 1)), "dilation": (1, 1), "groups": 1}
    whole = numbers(3, 6, 18, 16)
    last = np.ascontiguousarray(numbers(3, 6, 9, 8).transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    for g in (np.broadcast_to(np.float64(2.0), (3, 6, 9, 8)), last, whole[:, :, ::2, ::2], last[:, :, ::-1, ::-1]):
        dx, dw = seen_back(g, x, w, **options)
        np.testing.assert_allclose(conv_input_grad(g, w, size=(9, 8), **options).numpy(), dx, rtol=0, atol=1e-11)
        np.testing.assert_allclose(conv_weight_grad(x, g, window=(3, 3), **options).numpy(), dw, rtol=0, atol=1e-11)
    grouped = {**options, "groups": 2}
    w = numbers(4, 2, 3, 3)
    dx, dw = seen_back(last[:, :4], x, w, **grouped)
    np.testing.assert_allclose(conv_weight_grad(x, last[:, :4], window=(3, 3), **grouped).numpy(), dw, rtol=0, atol=1e-11)


@pytest.mark.parametrize("dtype", ["int8", "int16", "int32", "int64", "uint8"])
def test_integers_wrap_around_as_numpys(dtype):
    x, w = (RNG.integers(0, 9, shape).astype(dtype) for shape in ((2, 5, 8, 20), (6, 5, 3, 3)))
    options = {"stride": (1, 1), "padding": ((1, 1), (1, 1)), "dilation": (1, 1), "groups": 1}
    expected = expected_conv(x.astype("int64"), w.astype("int64"), **options).astype(dtype)
    out = conv_output(x, w, **options)
    assert out.dtype == dtype
    np.testing.assert_array_equal(out.numpy(), expected)


def test_bias_is_in_the_row_and_differentiable_to_second_order():
    x, w, b = numbers(2, 4, 6, 5), numbers(6, 2, 3, 3), numbers(12)[::2]
    options = {"stride": (2, 1), "padding": ((1, 1), (0, 1)), "dilation": (1, 1), "groups": 2}
    out = conv_biased(x, w, b, **options)
    np.testing.assert_allclose(out.numpy(), expected_conv(x, w, **options) + b[:, None, None], rtol=1e-12)
    ng.gradcheck(lambda x, w, b: conv(x, w, b, **options) ** 2.0, x, w, b, order=2, directions=1)


@pytest.fixture
def threads():
    """The function that sets the number of threads, which is given back."""
    before = ng.get_num_threads()
    yield ng.set_num_threads
    ng.set_num_threads(before)


@pytest.mark.parametrize(("groups", "stride"), [(1, 1), (1, 2), (16, 1), (16, 2), (2, 1)])
def test_results_do_not_depend_on_the_number_of_threads(groups, stride, threads):
    x = ng.tensor(numbers(9, 16, 20, 21, dtype="float32"), requires_grad=True)
    w = ng.tensor(numbers(32, 16 // groups, 3, 3, dtype="float32"), requires_grad=True)

    def results():
        x.grad = w.grad = None
        y = conv(x, w, None, stride, 1, 1, groups)
        y.backward(y.detach())
        return y.detach().numpy(), x.grad.numpy(), w.grad.numpy()

    several = results()
    threads(1)
    for one, other in zip(results(), several):
        np.testing.assert_array_equal(one, other)
