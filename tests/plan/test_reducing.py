"""Plans of reductions."""

import pytest

from nbgrad.docs import rows
from nbgrad.ops.table import table
from nbgrad.plan.plan import packed
from nbgrad.plan.reducing import MANY, plan_arg, plan_reduce

rows()


def plan(shape, axes, name="sum"):
    out = packed([n for i, n in enumerate(shape) if i not in axes], "float32")
    return plan_reduce(table[name], packed(shape, "float32"), axes, out, "float64")


def test_the_last_axis_folds_rows_and_the_first_folds_columns():
    assert plan((50, 60), (1,)).steps[0].kernel.loop == "reduce_rows"
    assert plan((50, 60), (0,)).steps[0].kernel.loop == "reduce_columns"


@pytest.mark.parametrize(("shape", "axes"), [((4 * MANY,), (0,)), ((MANY, 64), (0, 1)), ((4 * MANY, 3), (0,))])
def test_few_results_of_many_numbers_are_split(shape, axes):
    assert plan(shape, axes).steps[0].tiles > 1


def test_accumulators_are_joined_in_a_second_step():
    steps = plan((8, 9), (1,)).steps
    assert [s.kernel.loop for s in steps] == ["reduce_rows", "reduce_finish"]
    out = packed((8,), "float64")
    assert len(plan_reduce(table["max"], packed((8, 9), "float64"), (1,), out, "float64").steps) == 1


def test_index_reductions_and_empty_results():
    assert plan_arg(True, packed((3, 4), "float32"), 1, packed((3,), "int64")).steps[0].kernel.body is True
    assert plan((0, 4), (1,)).steps == ()
