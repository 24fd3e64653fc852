"""Reductions cut for a device."""

from math import prod

import pytest

from nbgrad.docs import rows
from nbgrad.ops.table import table
from nbgrad.plan.cutting import BUSY, LEAST, MOST
from nbgrad.plan.plan import Layout, packed
from nbgrad.target.cuda.kernels import LAUNCH
from nbgrad.target.cuda.package import Package
from nbgrad.target.cuda.plans_reduce import plan_arg, plan_reduce

rows()
DEVICE = Package("numba-cuda", None, False, "")


def plan(shape, axes, x=None):
    out = packed([n for i, n in enumerate(shape) if i not in axes], "float32")
    return plan_reduce(table["sum"], x or packed(shape, "float32"), axes, out, "float64")


@pytest.mark.parametrize(("shape", "axes", "loop"), [
    ((50, 60), (1,), "rows"), ((50, 60), (0,), "columns"), ((50, 60), (0, 1), "rows"), ((8, 32, 196), (0, 2), "rows"), ((6, 30, 500), (1,), "columns"),
    ((1000, 8), (1,), "rows"), ((1000, 3), (1,), "rows"), ((1000, 3), (0,), "columns"),
    ((1000, 1000, 3), (1,), "columns"), ((1000, 100, 3), (1,), "rows"), ((1000, 2, 2), (1,), "rows"), ((1000, 1000, 2), (0, 2), "columns"),
])  # fmt: skip
def test_neighbouring_threads_read_neighbours(shape, axes, loop):
    assert plan(shape, axes).steps[0].kernel.loop == f"reduce_{loop}"


def test_memory_decides_and_not_the_order_of_axes():
    assert plan((50, 60), (0,), Layout((50, 60), (1, 50), "float32")).steps[0].kernel.loop == "reduce_rows"
    assert plan((50, 60), (1, 0), Layout((50, 60), (1, 50), "float32")).steps[0].words[-1] == 1


@pytest.mark.parametrize(("shape", "axes"), [((10**8,), (0,)), ((10**6, 3), (0,)), ((8192, 4096), (0,)), ((64, 10**6), (1,)), ((1000, 64, 784), (0, 2))])
def test_a_large_device_is_kept_busy(shape, axes):
    found = plan(shape, axes)
    first, last = found.steps
    blocks, _ = LAUNCH[first.kernel.loop](first.words).grid(DEVICE)
    assert blocks >= BUSY * 0.9
    assert prod(shape) / blocks <= 2 * MOST
    assert last.kernel.loop == "reduce_finish"
    assert found.scratch == (((prod(found.scratch[0][0]),), "float64"),)


@pytest.mark.parametrize(("shape", "axes"), [((2 * LEAST,), (0,)), ((100, 1000), (1,)), ((100, 1000), (0,)), ((10**6, 100), (1,)), ((0, 3), (0,)), ((3, 0), (0,))])
def test_what_is_short_is_one_launch_at_most(shape, axes):
    assert len(plan(shape, axes).steps) <= 1
    assert not plan(shape, axes).scratch


@pytest.mark.parametrize(("shape", "axis", "loops"), [
    ((1000, 100), 1, ["arg_rows"]), ((100, 1000), 0, ["arg_columns"]), ((10**6,), 0, ["arg_rows", "arg_finish"]), ((10**6, 3), 0, ["arg_columns", "arg_finish"]),
    ((0, 3), 1, []),
])  # fmt: skip
def test_places_of_extremes_are_cut_as_reductions_are(shape, axis, loops):
    out = packed([n for i, n in enumerate(shape) if i != axis], "int64")
    found = plan_arg(True, packed(shape, "float32"), axis, out)
    assert [s.kernel.loop for s in found.steps] == loops
    if len(loops) > 1:
        assert LAUNCH[loops[0]](found.steps[0].words).grid(DEVICE)[0] >= BUSY * 0.9
        assert [d for _, d in found.scratch] == ["float32", "int64"]
