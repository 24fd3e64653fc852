"""Normalisations on a device, of lines and of channels, against the CPU's kernels."""

import numpy as np
import pytest

from nbgrad.ops.table import table
from nbgrad.target.cpu.run import CPU
from nbgrad.target.cuda import plans_norm
from nbgrad.target.cuda.array import from_host, to_host
from nbgrad.target.cuda.run import launches

pytestmark = pytest.mark.cuda
FLOAT64 = np.dtype("float64")
# shape, axis, groups: lines of a few threads, of a block, too long for registers; groups of channels
LINES = [((5, 6), 1, 0), ((3, 40), 1, 0), ((1, 140), 1, 0), ((3, 2, 4), 1, 0), ((2, 4, 3, 3), 1, 2), ((2, 6, 5), 1, 3), ((3, 4), 1, 2)]
CHANNELS = [((9, 5), 1), ((4, 3, 7), 1), ((2, 2, 5, 5), 1), ((3, 5), 0), ((6, 1), 1)]


def both(name, arrays, attrs, shape, dtype):
    """Return what the CPU gives, and what the device gives."""
    ours = CPU.primitive_launch(table[name], arrays, attrs, shape, dtype)(arrays)
    there = tuple(map(from_host, arrays))
    theirs = launches().primitive_launch(table[name], there, attrs, shape, dtype)(there)
    if isinstance(theirs, list):
        return ours, list(map(to_host, theirs))
    return [ours], [to_host(theirs)]


def same(ours, theirs, dtype, factor=1):
    tolerance = factor * (5e-6 if dtype == "float32" else 1e-12)
    for a, b in zip(ours, theirs, strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_allclose(b, a, rtol=tolerance, atol=tolerance)


def check_lines(x, axis, groups, centered, dtype, rng):
    attrs = {"axis": axis, "groups": groups, "eps": 1e-5, "centered": centered}
    pairs = (x.shape[1],) if groups else x.shape[axis:]
    weight, bias = (rng.standard_normal(pairs).astype(dtype) for _ in range(2))
    u, x_dtype = rng.standard_normal(x.shape).astype(dtype), x.dtype
    same(*both("standardize", (x,), attrs, x.shape, x_dtype), dtype)
    same(*both("standardize_scaled", (x, weight, bias), attrs, x.shape, x_dtype), dtype)
    same(*both("standardize_grad", (u, x), attrs, x.shape, x_dtype), dtype)
    same(*both("standardize_scaled_grad", (u, x, weight), attrs, (x.shape, pairs, pairs), (x_dtype,) * 3), dtype, 4)


@pytest.mark.parametrize(("shape", "axis", "groups"), LINES)
@pytest.mark.parametrize("centered", [True, False])
def test_lines(shape, axis, groups, centered, rng):
    dtype = "float32" if centered else "float64"
    check_lines((3 * rng.standard_normal(shape) + 1).astype(dtype), axis, groups, centered, dtype, rng)


def test_a_large_mean_costs_lines_no_accuracy(rng):
    check_lines((1e4 + rng.standard_normal((2, 100))).astype("float32"), 1, 0, True, "float32", rng)


@pytest.mark.parametrize("shape", [(0, 4), (3, 0)])
def test_no_lines(shape, rng):
    check_lines(np.zeros(shape, "float32"), 1, 0, True, "float32", rng)


def check_channels(x, axis, dtype, rng, factor=1):
    attrs, channels = {"axis": axis, "eps": 1e-5}, (x.shape[axis],)
    weight, bias, mean = (rng.standard_normal(channels).astype(dtype) for _ in range(3))
    variance, u = rng.uniform(0.5, 2, channels).astype(dtype), rng.standard_normal(x.shape).astype(dtype)
    kinds, shapes = (x.dtype, FLOAT64, FLOAT64, FLOAT64), (x.shape, channels, channels, channels)
    ours, theirs = both("batch_standardize", (x, weight, bias), attrs, shapes, kinds)
    same(ours, theirs, dtype, factor)
    same(*both("batch_rescale", (x, mean, variance, weight, bias), attrs, x.shape, x.dtype), dtype)
    grads = both("batch_standardize_grad", (u, x, weight, ours[1], ours[2]), {"axis": axis}, (x.shape, channels, channels), (x.dtype,) * 3)
    same(*grads, dtype, 4 * factor)
    same(*both("channel_sums", (u, x, mean), {"axis": axis}, (channels, channels), (x.dtype,) * 2), dtype, 4)


@pytest.mark.parametrize(("shape", "axis"), CHANNELS)
def test_channels(shape, axis, dtype, rng):
    check_channels((3 * rng.standard_normal(shape) + 1).astype(dtype), axis, dtype, rng)


@pytest.mark.parametrize(("shape", "axis"), [((30, 5), 1), ((12, 2, 3), 1)])
def test_channels_in_chunks(shape, axis, rng, monkeypatch):
    monkeypatch.setattr(plans_norm, "PART", 12)
    check_channels(rng.standard_normal(shape), axis, "float64", rng)


def test_a_large_mean_costs_channels_no_accuracy(rng):
    x = (1e4 + rng.standard_normal((60, 2))).astype("float32")
    ours, theirs = both("batch_standardize", (x, np.ones(2, "float32"), np.zeros(2, "float32")), {"axis": 1, "eps": 1e-5},
                        (x.shape, (2,), (2,), (2,)), (x.dtype, FLOAT64, FLOAT64, FLOAT64))  # fmt: skip
    exact = x.astype(np.float64)
    np.testing.assert_allclose(theirs[3], exact.var(0), rtol=1e-6)
    np.testing.assert_allclose(theirs[1], exact.mean(0), rtol=1e-10)
    np.testing.assert_allclose(theirs[0], (exact - exact.mean(0)) / np.sqrt(exact.var(0) + 1e-5), rtol=1e-4, atol=1e-5)


def test_numbers_that_are_none(rng):
    x = rng.standard_normal((6, 5))
    x[0, 0], x[1, 1], x[3, 4] = np.nan, np.inf, -np.inf
    attrs = {"axis": 1, "groups": 0, "eps": 1e-5, "centered": True}
    same(*both("standardize", (x,), attrs, x.shape, x.dtype), "float64")
    ours, theirs = both("batch_standardize", (x, np.ones(5), np.zeros(5)), {"axis": 1, "eps": 1e-5},
                        (x.shape, (5,), (5,), (5,)), (FLOAT64,) * 4)  # fmt: skip
    same(ours[:1], theirs[:1], "float64")


@pytest.mark.parametrize("shape", [(0, 3), (3, 0)])
def test_no_numbers_in_channels(shape):
    x, c = np.zeros(shape, "float32"), (shape[1],)
    same(*both("channel_sums", (x, x, np.zeros(c, "float32")), {"axis": 1}, (c, c), (x.dtype,) * 2), "float32")
