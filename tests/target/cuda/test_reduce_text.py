"""Reductions on a device: every row of the table against NumPy, whichever threads work on what."""

import warnings

import numpy as np
import pytest

from nbgrad.docs import rows
from nbgrad.ops.table import table
from nbgrad.ops.types import types_of
from nbgrad.target.cuda.array import from_host, to_host
from nbgrad.target.cuda.run import launches

pytestmark = pytest.mark.cuda
ROWS = rows()["reduction"]


# shape, folded axes: a thread, parts of a warp, warps and blocks for a run; a column, many, and shared rows; other folded axes
SHAPES = [
    ((3,), (0,)), ((3, 5), (1,)), ((9, 20), (1,)), ((3, 40), (1,)), ((2, 300), (1,)), ((5, 3), (0,)), ((40, 3), (0,)), ((70, 9), (0,)),
    ((4, 3, 10), (0, 2)), ((5, 2, 3, 4), (0, 2)), ((3, 4, 5), (0, 1, 2)), ((2, 3, 2, 3, 2), (0, 2, 4)), ((3, 5, 4), (1,)), ((1, 1), (0,)),
]  # fmt: skip


def both(op, a, axes, turn=lambda a: a):
    """Return what a device and NumPy make of an array, seen through `turn`."""
    x, y = turn(a), turn(from_host(a))
    _, dtype = types_of(op, (x.dtype,))
    if op.wide and dtype.kind in "iu":
        dtype = np.dtype("uint64" if dtype.kind == "u" else "int64")
    acc = np.dtype("float64") if op.wide and dtype.kind == "f" else dtype
    shape = tuple(n for i, n in enumerate(x.shape) if i not in axes)
    got = to_host(launches().reduce_launch(op, y, axes, shape, dtype, acc)((y,)))
    assert got.dtype == dtype
    assert got.shape == shape
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the mean of nothing
        want = op.ref(x.astype(acc) if op.wide else x, axis=axes)
    return got, np.asarray(want).astype(dtype)


def close(got, want):
    np.testing.assert_allclose(got, want, rtol=8 * np.finfo(want.dtype).eps if want.dtype.kind == "f" else 0, atol=1e-13)


@pytest.mark.parametrize(("shape", "axes"), SHAPES, ids=str)
@pytest.mark.parametrize("name", ["sum", "max"])
def test_every_arrangement_of_threads(name, shape, axes, rng):
    close(*both(table[name], rng.standard_normal(shape), axes))


@pytest.mark.parametrize("op", ROWS, ids=lambda r: r.name)
@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "int8", "uint64", "uint32", "bool"])
def test_every_row_in_every_dtype(op, dtype, rng):
    if op.name == "mean" and "float" not in dtype:
        pytest.skip("cast before")
    a = rng.integers(-3, 4, (7, 11)).astype(dtype)
    for axes in ((0,), (1,)):
        close(*both(op, a, axes))


@pytest.mark.parametrize("turn", [lambda a: a[::-1], lambda a: a[:, ::-2], lambda a: a.transpose((1, 0)), lambda a: a[1:, 2:], lambda a: a[:1]])
@pytest.mark.parametrize("axes", [(0,), (1,), (0, 1)])
def test_any_layout(turn, axes, rng):
    for name in ("mean", "min"):
        close(*both(table[name], rng.standard_normal((6, 21)), axes, turn))


@pytest.mark.parametrize("op", [table[n] for n in ("sum", "mean", "prod", "max", "min", "any", "all", "count_nonzero")], ids=lambda r: r.name)
@pytest.mark.parametrize("special", [[np.nan], [np.inf], [np.inf, -np.inf], [np.nan, np.inf], [-0.0]], ids=str)
def test_special_numbers_are_numpy_s(op, special, rng):
    a = rng.standard_normal((5, 19))
    a[2], a[:, 3] = 0, 0
    a[2, : len(special)] = special
    a[4, 19 - len(special) :] = special
    for axes in ((0,), (1,)):
        close(*both(op, a, axes))


def test_nothing_is_what_a_row_begins_with():
    for name in ("sum", "prod", "any", "all", "count_nonzero", "mean"):
        close(*both(table[name], np.zeros((3, 0)), (1,)))
        assert both(table[name], np.zeros((3, 0)), (0,))[0].shape == (0,)


@pytest.mark.parametrize("name", ["sum", "max", "any"])
def test_chunks_are_joined(name, rng):
    """Long runs and columns are cut, and the parts of each result joined by a second kernel."""
    for shape, axes in (((8200,), (0,)), ((3000, 3), (0,)), ((2, 2050, 2), (0, 2))):
        close(*both(table[name], (rng.standard_normal(shape) < 0.001) * rng.standard_normal(shape), axes))


def test_a_result_is_the_same_from_run_to_run(rng):
    a = rng.standard_normal((9, 300)) * 10.0 ** rng.integers(-8, 8, (9, 300))
    first = both(table["sum"], a, (1,))[0]
    np.testing.assert_array_equal(first, both(table["sum"], a, (1,))[0])
