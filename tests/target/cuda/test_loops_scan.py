"""Scans on a device, against the CPU's kernels."""

import numpy as np
import pytest

from nbgrad.ops.table import table
from nbgrad.target.cpu.run import CPU
from nbgrad.target.cuda import plans_scan
from nbgrad.target.cuda.array import from_host, to_host
from nbgrad.target.cuda.run import launches

pytestmark = pytest.mark.cuda
# columns, rows of a thread, of a warp, of a block, of several turns of a block
CASES = [((3, 9, 2), 1), ((20, 3), 0), ((5, 7), 1), ((3, 50), 1), ((2, 140), 1), ((1,), 0), ((3, 1), 0), ((0, 3), 1)]


def both(name, arrays, attrs, dtype):
    """Return what the CPU gives, and what the device gives."""
    shape, dtype = arrays[0].shape, np.dtype(dtype)
    ours = CPU.primitive_launch(table[name], arrays, attrs, shape, dtype)(arrays)
    there = tuple(map(from_host, arrays))
    return ours, to_host(launches().primitive_launch(table[name], there, attrs, shape, dtype)(there))


def close(ours, theirs):
    if ours.dtype.kind == "f":
        tolerance = 1e-5 if ours.dtype == np.float32 else 1e-12
        np.testing.assert_allclose(theirs, ours, rtol=tolerance, atol=tolerance)
    else:
        np.testing.assert_array_equal(theirs, ours)


@pytest.mark.parametrize(("shape", "axis"), CASES)
@pytest.mark.parametrize("kind", ["float32", "int8", "uint64"])
@pytest.mark.parametrize("reverse", [False, True])
def test_running_sums(shape, axis, kind, reverse, rng):
    x = (50 * rng.standard_normal(shape)).astype("int64").astype(kind) if kind != "float32" else rng.standard_normal(shape).astype(kind)
    close(*both("running_sum", (x,), {"axis": axis, "reverse": reverse}, kind))


@pytest.mark.parametrize(("shape", "axis"), [((90,), 0), ((2, 100), 1), ((70, 2), 0), ((3, 66), 1)])
@pytest.mark.parametrize("reverse", [False, True])
def test_sums_of_long_lines_in_segments(shape, axis, reverse, rng, monkeypatch):
    monkeypatch.setattr(plans_scan, "TURNS", 1)
    x = rng.standard_normal(shape)
    attrs = {"axis": axis, "reverse": reverse}
    launches().known.clear()  # plans of these layouts that were cut otherwise
    close(*both("running_sum", (x,), attrs, "float64"))
    launch = launches().primitive_launch(table["running_sum"], (from_host(x),), attrs, shape, x.dtype)
    assert len(launch.plan.steps) == 3
    launches().known.clear()


@pytest.mark.parametrize(("shape", "axis"), CASES)
@pytest.mark.parametrize("reverse", [False, True])
def test_recurrences_are_the_cpu_s(shape, axis, reverse, dtype, rng):
    a, b = (rng.standard_normal(shape).astype(dtype) for _ in range(2))
    first = tuple(slice(None) if d != axis else (slice(-1, None) if reverse else slice(0, 1)) for d in range(len(shape)))
    a[first] = np.nan  # not read
    close(*both("recurrence", (a, b), {"axis": axis, "reverse": reverse}, dtype))


@pytest.mark.parametrize("n", [10, 100])
def test_products_overflow_as_on_the_cpu(n, rng):
    a, b = np.full(n, 1e300), np.zeros(n)
    b[0] = 1e-300
    with np.errstate(over="ignore"):
        close(*both("recurrence", (a, b), {"axis": 0, "reverse": False}, "float64"))
    whole = rng.integers(-3, 4, (2, n))
    close(*both("recurrence", (whole, whole), {"axis": 1, "reverse": False}, "int64"))


@pytest.mark.parametrize(("shape", "axis"), CASES)
@pytest.mark.parametrize("kind", ["float32", "uint64", "bool"])
@pytest.mark.parametrize("largest", [False, True])
def test_running_extremes(shape, axis, kind, largest, rng):
    x = rng.integers(0, 5, shape).astype(kind)  # with ties
    if kind == "uint64":
        x[x == 4] = 2**63 + 4
    close(*both("running_arg", (x,), {"axis": axis, "largest": largest}, "int64"))


@pytest.mark.parametrize("shape", [(3, 8), (3, 40), (3, 140)])
@pytest.mark.parametrize("largest", [False, True])
def test_nan_beats_all(shape, largest, dtype, rng):
    x = rng.standard_normal(shape).astype(dtype)
    x[0, 5:7], x[1, -1], x[2, ::3] = np.nan, np.nan, np.inf
    close(*both("running_arg", (x,), {"axis": 1, "largest": largest}, "int64"))
    x[2, 1] = -np.inf
    with np.errstate(invalid="ignore"):
        close(*both("running_sum", (x,), {"axis": 1, "reverse": False}, dtype))
