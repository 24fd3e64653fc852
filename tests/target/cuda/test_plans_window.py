"""Convolutions on a device and their adjoints against the CPU's kernels: strides, dilations, paddings, groups, any layout."""

import numpy as np
import pytest

from nbgrad.ops.sliding import positions
from nbgrad.ops.table import table
from nbgrad.target.cpu.run import CPU
from nbgrad.target.cuda.array import from_host, to_host
from nbgrad.target.cuda.run import launches

pytestmark = pytest.mark.cuda
# (images, groups, channels in of a group, channels out of a group), size, window, stride, padding, dilation
CASES = {
    "line": ((2, 1, 2, 5), (5,), (3,), (1,), ((0, 0),), (1,)),
    "padded line": ((1, 2, 1, 5), (5,), (3,), (1,), ((2, 1),), (1,)),
    "plane": ((1, 1, 2, 5), (3, 4), (3, 2), (1, 1), ((1, 1), (0, 1)), (1, 1)),
    "points": ((2, 1, 5, 6), (2, 3), (1, 1), (1, 1), ((0, 0), (0, 0)), (1, 1)),
    "steps": ((1, 1, 5, 5), (4, 3), (3, 2), (2, 3), ((1, 1), (1, 0)), (1, 1)),
    "steps beyond the window": ((1, 1, 5, 5), (7,), (2,), (3,), ((0, 0),), (1,)),
    "dilated": ((1, 1, 5, 5), (7,), (3,), (2,), ((3, 2),), (2,)),
    "space": ((1, 1, 2, 5), (2, 2, 3), (2, 1, 2), (1, 1, 2), ((1, 0), (0, 0), (1, 1)), (1, 1, 1)),
    "depthwise": ((1, 2, 1, 1), (4, 3), (3, 3), (1, 2), ((1, 1), (1, 1)), (1, 1)),
    "few of a group": ((1, 2, 3, 2), (3, 4), (2, 2), (1, 1), ((0, 0), (0, 0)), (1, 2)),
    "one channel": ((3, 1, 1, 1), (16,), (2,), (2,), ((0, 0),), (1,)),
}


def case(name, rng, dtype="float64"):
    """Return (x, w, y, attributes) of a case."""
    (images, groups, c, o), size, window, stride, padding, dilation = CASES[name]
    places = positions(size, window, stride, padding, dilation)
    shapes = (images, groups * c, *size), (groups * o, c, *window), (images, groups * o, *places)
    whole = np.dtype(dtype).kind != "f"
    x, w, y = [rng.integers(0, 9, s).astype(dtype) if whole else rng.standard_normal(s).astype(dtype) for s in shapes]
    return x, w, y, {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}


def same(name, arrays, attrs, shape, views=None):
    """Check one call of a row on a device against the CPU's kernel."""
    dtype = arrays[0].dtype
    want = CPU.primitive_launch(table[name], arrays, attrs, shape, dtype)(arrays)
    on = [from_host(a) for a in arrays] if views is None else views
    got = to_host(launches().primitive_launch(table[name], on, attrs, shape, dtype)(on))
    assert got.dtype == want.dtype
    tolerance = 1e-5 if dtype == np.float32 else 1e-12
    np.testing.assert_allclose(got, want, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", CASES)
def test_convolutions(name, rng):
    x, w, y, attrs = case(name, rng)
    same("conv_output", (x, w), attrs, y.shape)


@pytest.mark.parametrize("name", ["padded line", "plane", "depthwise"])
def test_a_number_is_added_to_every_channel(name, rng):
    x, w, y, attrs = case(name, rng)
    same("conv_biased", (x, w, rng.standard_normal(w.shape[0])), attrs, y.shape)


@pytest.mark.parametrize("name", CASES)
def test_gradients_of_the_input(name, rng):
    x, w, y, attrs = case(name, rng)
    same("conv_input_grad", (y, w), {"size": x.shape[2:], **attrs}, x.shape)


@pytest.mark.parametrize("name", CASES)
def test_gradients_of_the_weight(name, rng):
    x, w, y, attrs = case(name, rng)
    same("conv_weight_grad", (x, y), {"window": w.shape[2:], **attrs}, w.shape)


@pytest.mark.parametrize("dtype", ["float32", "int64", "int8"])
@pytest.mark.parametrize("name", ["plane", "depthwise"])
def test_dtypes(name, dtype, rng):
    x, w, y, attrs = case(name, rng, dtype)
    same("conv_output", (x, w), attrs, y.shape)
    same("conv_input_grad", (y, w), {"size": x.shape[2:], **attrs}, x.shape)
    same("conv_weight_grad", (x, y), {"window": w.shape[2:], **attrs}, w.shape)


def turned(a):
    """Return a device array with channels behind in memory, and of every place the second only."""
    wide = np.repeat(np.moveaxis(a, 1, -1), 2, axis=1)
    view = from_host(wide)[:, 1::2]
    return view.transpose((0, a.ndim - 1, *range(1, a.ndim - 1)))


def backwards(a):
    """Return a device array that lies from its end."""
    return from_host(a[::-1, ..., ::-1].copy())[::-1, ..., ::-1]


@pytest.mark.parametrize("lay", [turned, backwards])
@pytest.mark.parametrize("name", ["plane", "steps", "few of a group"])
def test_operands_may_lie_anyhow(name, lay, rng):
    x, w, y, attrs = case(name, rng)
    same("conv_output", (x, w), attrs, y.shape, [lay(x), lay(w)])
    same("conv_input_grad", (y, w), {"size": x.shape[2:], **attrs}, x.shape, [lay(y), lay(w)])
    same("conv_weight_grad", (x, y), {"window": w.shape[2:], **attrs}, w.shape, [lay(x), lay(y)])


@pytest.mark.parametrize("name", ["plane", "depthwise"])
def test_what_lies_beyond_the_edge_is_not_read(name, rng):
    x, w, y, attrs = case(name, rng)
    x[:] = np.inf
    w[:] = 0.5  # a zero that were multiplied with infinity would be NaN
    got = launches().primitive_launch(table["conv_output"], [from_host(x), from_host(w)], attrs, y.shape, x.dtype)
    assert not np.isnan(to_host(got([from_host(x), from_host(w)]))).any()


@pytest.mark.parametrize("empty", [0, 1])
def test_nothing_to_sum_leaves_the_numbers_that_are_added(empty, rng):
    x, w, b = rng.standard_normal((2, empty, 0 if empty else 3)), rng.standard_normal((2, empty, 1)), rng.standard_normal(2)
    attrs = {"stride": (1,), "padding": ((1, 1),), "dilation": (1,), "groups": 1}
    shape = (2, 2, x.shape[2] + 2)
    got = launches().primitive_launch(table["conv_biased"], [*map(from_host, (x, w, b))], attrs, shape, x.dtype)([*map(from_host, (x, w, b))])
    np.testing.assert_array_equal(to_host(got), np.broadcast_to(b[:, None], shape))
