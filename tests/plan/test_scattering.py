"""Plans of scatters: each of the ways to share them out, tiles that never meet, splits that depend on sizes alone."""

import numpy as np
import pytest

from nbgrad.plan.scattering import scatter_steps, start_bits
from nbgrad.target.cpu import loops_gather, loops_place, loops_scatter

LOOPS = (loops_gather, loops_place, loops_scatter)


def loops_of(plan):
    return [step.kernel.loop for step in plan.steps]


@pytest.mark.parametrize(
    ("shape", "axis", "n", "way"),
    [
        ((50, 700), 0, 20, "scatter"),
        ((4, 20, 30), 1, 80, "scatter"),
        ((30, 60, 1), 1, 80, "scatter_flat"),
        ((3000,), 0, 20_000, "scatter_flat"),
        ((900, 12), 0, 1500, "scatter_buckets"),
        ((9, 1100), 0, 40, "scatter_buckets"),
        ((13, 6), 0, 6000, "scatter_parts"),
        ((20,), 0, 40_000, "scatter_parts"),
    ],
)
def test_scatters(carry_out, rng, shape, axis, n, way):
    index = rng.integers(-shape[axis], shape[axis], n)
    v = rng.integers(-9, 9, (*shape[:axis], n, *shape[axis + 1 :])).astype("float64")
    place = (slice(None),) * axis + (index,)
    want = np.zeros(shape)
    np.add.at(want, place, v)
    plan, out = carry_out("scatter_sum", (v, index), {"axis": axis, "size": shape[axis]}, shape, "float64", LOOPS)
    np.testing.assert_array_equal(out, want)
    assert plan.zero
    assert way in loops_of(plan)
    x = rng.standard_normal(shape)
    want = x.copy()
    want[place] = v
    _, out = carry_out("scatter_set", (x, index, v), {"axis": axis}, shape, "float64", LOOPS)
    np.testing.assert_array_equal(out, want)
    for largest, join, start in ((True, np.maximum, -np.inf), (False, np.minimum, np.inf)):
        want = np.full(shape, start)
        join.at(want, place, v)
        _, out = carry_out("scatter_extreme", (v, index), {"axis": axis, "size": shape[axis], "largest": largest}, shape, "float64", LOOPS)
        np.testing.assert_array_equal(out, want)


def test_scatter_of_wide_rows_has_work_for_many_threads(carry_out, rng):
    v, index = rng.standard_normal((200, 3000)), rng.integers(0, 10, 200)
    plan, out = carry_out("scatter_sum", (v, index), {"axis": 0, "size": 10}, (10, 3000), "float64", LOOPS)
    assert plan.steps[-1].tiles > 10
    want = np.zeros((10, 3000))
    np.add.at(want, index, v)
    np.testing.assert_allclose(out, want, atol=1e-13)


@pytest.mark.parametrize(("shape", "axis"), [((30, 40), 0), ((30, 40), 1), ((500,), 0)])
def test_adding_along_an_axis(carry_out, rng, shape, axis):
    index = rng.integers(-shape[axis], shape[axis], shape)
    v = rng.integers(-9, 9, shape).astype("float64")
    want = np.zeros(shape)
    rest = list(np.ogrid[tuple(slice(n) for n in shape)])
    rest[axis] = index
    np.add.at(want, tuple(rest), v)
    _, out = carry_out("add_each", (v, index), {"axis": axis, "size": shape[axis]}, shape, "float64", LOOPS)
    np.testing.assert_array_equal(out, want)


@pytest.mark.parametrize("n", [5, 40_000])
def test_occurrences(carry_out, rng, n):
    index = rng.integers(0, 7, n)
    _, out = carry_out("occurrences", (index,), {"size": 9}, (9,), "int64", LOOPS)
    np.testing.assert_array_equal(out, np.bincount(index, minlength=9))


def test_the_last_position_of_each_index(carry_out):
    index = np.array([3, 0, -1, 3, 1])
    _, out = carry_out("last_at", (index,), {"size": 4}, (4,), "int64", LOOPS)
    np.testing.assert_array_equal(out, [2, 5, 0, 4])


def test_what_a_mode_begins_with():
    assert np.array([start_bits("max", "float32")], "int32").view("float32")[0] == -np.inf
    assert np.array([start_bits("min", "uint64")], "int64").view("uint64")[0] == 2**64 - 1
    assert start_bits("max", "int8") == -128
    assert start_bits("add", "float64") == start_bits("count", "int64") == 0


def test_ways_depend_on_sizes_alone():
    steps, scratch = scatter_steps("add", "float32", (50_000, 256), 0, 8192, (0, 1, 2), 3)
    assert [s.kernel.loop for s in steps] == ["fill", "bucket_count", "bucket_start", "bucket_place", "scatter_buckets"]
    assert steps[-1].tiles >= 64
    assert scratch[1] == ((8192,), "int64")


def test_empty_plans_have_no_steps(carry_out):
    nothing = np.zeros((0,), np.int64)
    for name, arrays, attrs, shape in (
        ("scatter_sum", (np.zeros((0, 3)), nothing), {"axis": 0, "size": 4}, (4, 3)),
        ("add_each", (np.zeros((0, 3)), np.zeros((0, 3), np.int64)), {"axis": 0, "size": 4}, (4, 3)),
        ("occurrences", (nothing,), {"size": 3}, (3,)),
        ("last_at", (nothing,), {"size": 3}, (3,)),
    ):
        plan, out = carry_out(name, arrays, attrs, shape, "float64", LOOPS)
        assert plan.steps == ()
        assert not out.any()
