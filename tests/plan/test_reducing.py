"""Plans of reductions."""

import pytest

from nbgrad.docs import rows
from nbgrad.ops.table import table
from nbgrad.plan.plan import Layout, packed
from nbgrad.plan.reducing import CHUNK, TILE, plan_arg, plan_reduce

rows()


def plan(shape, axes, name="sum"):
    out = packed([n for i, n in enumerate(shape) if i not in axes], "float32")
    return plan_reduce(table[name], packed(shape, "float32"), axes, out, "float64")


def test_the_last_axis_folds_rows_and_the_first_folds_columns():
    assert plan((50, 60), (1,)).steps[0].kernel.loop == "reduce_rows"
    assert plan((50, 60), (0,)).steps[0].kernel.loop == "reduce_columns"


@pytest.mark.parametrize(("shape", "axes"), [((4 * TILE,), (0,)), ((TILE, 64), (0, 1)), ((4 * TILE, 3), (0,))])
def test_few_results_of_many_numbers_are_split(shape, axes):
    assert plan(shape, axes).steps[0].tiles > 1


def test_what_is_small_is_one_launch_of_one_tile():
    for shape, axes in (((), ()), ((8, 9), (1,)), ((64, 1024), (1,)), ((64, 1024), (0,)), ((CHUNK,), (0,))):
        for name in ("sum", "mean", "max"):
            (step,) = plan(shape, axes, name).steps
            assert step.tiles == 1


def test_chunks_are_joined_in_a_second_step():
    steps = plan((4 * CHUNK,), (0,)).steps
    assert [s.kernel.loop for s in steps] == ["reduce_rows", "reduce_finish"]
    assert steps[0].kernel.dtypes == ("float32", "float64")


def test_the_neighbours_are_found_wherever_they_lie():
    loop = lambda shape, strides, axes: plan_reduce(
        table["sum"], Layout(shape, strides, "float32"), axes,
        packed([n for i, n in enumerate(shape) if i not in axes], "float32"), "float64").steps[0].kernel  # fmt: skip
    assert loop((50, 60), (1, 50), (0,)).loop == "reduce_rows"
    assert loop((50, 60), (1, 50), (1,)).loop == "reduce_columns"
    assert loop((1000, 3), (3, 1), (1,)).loop == "reduce_columns"  # rows too short to fill a vector
    assert loop((100, 1000, 3), (3000, 3, 1), (0, 2)).static[1] == "s"


def test_index_reductions_and_empty_results():
    assert plan_arg(True, packed((3, 4), "float32"), 1, packed((3,), "int64")).steps[0].kernel.body is True
    assert plan((0, 4), (1,)).steps == ()
