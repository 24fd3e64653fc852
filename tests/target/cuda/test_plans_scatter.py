"""Rows written where integers say, on a device: the same bits as one after the other, however many name a cell."""

import numpy as np
import pytest

from nbgrad.base.dtypes import NAMES
from nbgrad.ops.segment import occurrences  # noqa: F401 - its row registers
from nbgrad.target.cuda import plans_scatter, plans_sort
from nbgrad.target.cuda.run import launches
from tests.target.cuda.compared import both, same

pytestmark = pytest.mark.cuda
NUMBERS = [n for n in NAMES if n != "bool"]
CASES = [((), 0, ()), ((), 0, (4,)), ((3,), 1, ()), ((2,), 1, (5,)), ((), 0, (40,))]  # outer, axis, inner


@pytest.fixture(params=["few", "in order", "by digits", "in pieces"])
def way(request, monkeypatch):
    """Each of the ways that a scatter is planned, whatever its size."""
    if request.param != "few":
        monkeypatch.setattr(plans_scatter, "FEW", 0)
        monkeypatch.setattr(plans_scatter, "VERY_FEW", 0)
    if request.param == "by digits":
        monkeypatch.setattr(plans_scatter, "RUN", 0)
        monkeypatch.setattr(plans_sort, "FEWER_ITEMS", 2)
    if request.param == "in pieces":
        monkeypatch.setattr(plans_scatter, "PIECE", 4)
    launches().known.clear()
    yield request.param
    launches().known.clear()


def some(rng, shape, dtype):
    """Return numbers of which sums wrap in small integers."""
    return np.asarray(rng.standard_normal(shape) * 50).astype(dtype)


@pytest.mark.parametrize(("outer", "axis", "inner"), CASES)
@pytest.mark.parametrize("indices", [(), (30,), (3, 4)], ids=str)
def test_rows_are_added(outer, axis, inner, indices, rng, way):
    at, v = np.asarray(rng.integers(-9, 9, indices)), some(rng, (*outer, *indices, *inner), "float32")
    want, got = both("scatter_sum", (v, at), axis=axis, size=7)
    flat = np.zeros((*outer, 7, *inner), "float32")
    inside = (at >= -7) & (at < 7)
    np.add.at(flat, (*[slice(None)] * axis, at[inside]), v[(*[slice(None)] * axis, inside)])
    np.testing.assert_allclose(got, flat, rtol=1e-5, atol=1e-4)
    if way != "in pieces":
        np.testing.assert_array_equal(got, flat)


@pytest.mark.parametrize("largest", [False, True])
def test_extremes(largest, rng, way):
    for dtype in ("float32", "float64", "int8", "uint64"):
        v, at = np.abs(some(rng, (2, 20, 3), dtype)), rng.integers(-6, 6, 20)
        if "float" in dtype:
            v[0, 3:5, 0] = np.nan, np.inf
        same("scatter_extreme", (v, at), axis=1, size=6, largest=largest)


def test_the_last_one_written_stays(rng, way):
    for dtype in ("bool", "int16", "float32"):
        x, v, at = some(rng, (2, 9, 3), dtype), some(rng, (2, 20, 3), dtype), rng.integers(-12, 9, 20)
        same("scatter_set", (x, at, v), views=lambda x, at, v: (x[::-1], at[::-1], v), axis=1)


def test_indices_alone(rng, way):
    at = rng.integers(-12, 10, (4, 9))
    same("occurrences", (at,), size=9)
    same("last_at", (at,), size=9)


@pytest.mark.parametrize(("shape", "axis"), [((30,), 0), ((2, 5, 3), 1), ((3, 12), 1), ((12, 3), 0)])
def test_elements_are_added_where_their_own_index_says(shape, axis, rng, way):
    for dtype in ("float32", "int64"):
        v, at = some(rng, shape, dtype), rng.integers(-7, 7, shape)
        want, got = both("add_each", (v, at), axis=axis, size=6)
        np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-4)


def test_many_columns_take_a_thread_each(rng, monkeypatch):
    monkeypatch.setattr(plans_scatter, "COLUMNS", 6)
    launches().known.clear()
    v, at = some(rng, (2, 40, 3), "float32"), rng.integers(-7, 7, (2, 40, 3))
    same("add_each", (v, at), axis=1, size=6)
    launches().known.clear()


@pytest.mark.parametrize("dtype", NUMBERS)
def test_numbers_of_any_dtype_are_added(dtype, rng):
    same("scatter_sum", (some(rng, (40, 3), dtype), rng.integers(0, 7, 40)), axis=0, size=7)
    same("add_each", (some(rng, (4, 5), dtype), rng.integers(0, 7, (4, 5))), axis=1, size=7)


def test_a_cell_that_all_name_is_joined_in_pieces(rng):
    v, at = rng.standard_normal(1000).astype("float32"), np.full(1000, 2)
    at[::50] = 1
    want, got = both("scatter_sum", (v, at), axis=0, size=5)
    np.testing.assert_allclose(got, want, atol=1e-4)
    again = both("scatter_sum", (v, at), axis=0, size=5)[1]
    np.testing.assert_array_equal(got, again)


def test_nothing_is_written():
    for shape, size in (((0, 3), 4), ((2, 0), 4), ((0, 3), 0)):
        at = np.zeros(shape[0], int)
        same("scatter_sum", (np.zeros(shape), at), axis=0, size=size)
        same("scatter_extreme", (np.zeros(shape), at), axis=0, size=size, largest=True)
        same("scatter_set", (np.ones((size, *shape[1:])), at, np.zeros(shape)), axis=0)
        same("add_each", (np.zeros(shape), np.zeros(shape, int)), axis=0, size=size)
    same("occurrences", (np.zeros(0, int),), size=3)
    same("last_at", (np.zeros(0, int),), size=3)


def test_many_cells_do_not_look_at_all_indices():
    assert plans_scatter.few(30, 1000)
    assert not plans_scatter.few(30, 1 << 20)
    assert plans_scatter.few(1, 1 << 30)
