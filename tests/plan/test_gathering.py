"""Plans of gathers and scatters: tiles that never meet, and splits that depend on sizes alone."""

import numpy as np
import pytest

from nbgrad.plan.gathering import COLUMNS, columns, fill_bits, split_shape
from nbgrad.plan.plan import GRAIN
from nbgrad.target.cpu import loops_gather, loops_place

LOOPS = (loops_gather, loops_place)


def test_fill_bits_are_nan_or_zero():
    assert np.isnan(np.array([fill_bits("float32")], "int32").view("float32")[0])
    assert np.isnan(np.array([fill_bits("float64")], "int64").view("float64")[0])
    assert fill_bits("int16") == fill_bits("bool") == 0


def test_columns_are_shared_out():
    assert columns(10, 5) == (1, 5)
    assert columns(GRAIN, 1000) == (-(-1000 // COLUMNS), COLUMNS)
    blocks, block = columns(100, 1000)
    assert (blocks - 1) * block < 1000 <= blocks * block
    assert split_shape((2, 3, 4), 0) == (1, 2, 12)


@pytest.mark.parametrize(("shape", "axis"), [((50, 700), 0), ((3, 60, 1), 1), ((4, 20, 30), 1)])
def test_gathers(carry_out, rng, shape, axis):
    x, index = rng.standard_normal(shape), rng.integers(-shape[axis], shape[axis], 80)
    want = np.take(x, index, axis)
    _, out = carry_out("take_rows", (x, index), {"axis": axis}, want.shape, "float64", LOOPS)
    np.testing.assert_array_equal(out, want)
    each = rng.integers(-shape[axis], shape[axis], shape)
    _, out = carry_out("take_each", (x, each), {"axis": axis}, shape, "float64", LOOPS)
    np.testing.assert_array_equal(out, np.take_along_axis(x, each, axis))


@pytest.mark.parametrize(("shape", "axis"), [((50, 700), 0), ((30, 60, 1), 1), ((4, 20, 30), 1)])
def test_scatters(carry_out, rng, shape, axis):
    n = 80
    index = rng.integers(-shape[axis], shape[axis], n)
    v = rng.standard_normal((*shape[:axis], n, *shape[axis + 1 :]))
    place = (slice(None),) * axis + (index,)
    want = np.zeros(shape)
    np.add.at(want, place, v)
    plan, out = carry_out("scatter_sum", (v, index), {"axis": axis, "size": shape[axis]}, shape, "float64", LOOPS)
    np.testing.assert_array_equal(out, want)
    want = x = rng.standard_normal(shape)
    want = x.copy()
    want[place] = v
    _, out = carry_out("scatter_set", (x, index, v), {"axis": axis}, shape, "float64", LOOPS)
    np.testing.assert_array_equal(out, want)
    assert plan.zero


def test_scatter_of_wide_rows_has_work_for_many_threads(carry_out, rng):
    v, index = rng.standard_normal((200, 300)), rng.integers(0, 10, 200)
    plan, out = carry_out("scatter_sum", (v, index), {"axis": 0, "size": 10}, (10, 300), "float64", LOOPS)
    assert plan.steps[0].tiles > 1
    want = np.zeros((10, 300))
    np.add.at(want, index, v)
    np.testing.assert_array_equal(out, want)


def test_the_last_position_of_each_index(carry_out):
    index = np.array([3, 0, -1, 3, 1])
    _, out = carry_out("last_at", (index,), {"size": 4}, (4,), "int64", LOOPS)
    np.testing.assert_array_equal(out, [2, 5, 0, 4])


def test_empty_plans_have_no_steps(carry_out):
    nothing = np.zeros((0,), np.int64)
    for name, arrays, attrs, shape in (
        ("take_rows", (np.zeros((2, 3)), nothing), {"axis": 0}, (0, 3)),
        ("scatter_sum", (np.zeros((0, 3)), nothing), {"axis": 0, "size": 4}, (4, 3)),
        ("add_each", (np.zeros((0, 3)), np.zeros((0, 3), np.int64)), {"axis": 0, "size": 4}, (4, 3)),
        ("last_at", (nothing,), {"size": 3}, (3,)),
        ("search", (np.zeros(3), np.zeros(0)), {"side": "left"}, (0,)),
    ):
        plan, _ = carry_out(name, arrays, attrs, shape, "float64", LOOPS)
        assert plan.steps == ()
