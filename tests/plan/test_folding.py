"""Plans of elementwise rows that run in one pass with reductions of their values."""

from math import prod

import pytest

from nbgrad.docs import rows
from nbgrad.ops.table import table
from nbgrad.plan.folding import WIDE, plan_folding, worthwhile
from nbgrad.plan.mapping import Body, Reduced, grain_of
from nbgrad.plan.plan import Layout, packed
from nbgrad.plan.reducing import CHUNK, plan_reduce

rows()


def plan(shape, axes, names=("mul",), reductions=("sum",), x=None):
    calls = tuple((table[n], (0,) if table[n].params == ("x",) else (i, 0), "float32", "float32") for i, n in enumerate(names))
    body = Body(calls, (), False, tuple(Reduced(table[r], len(calls), "float32", "float64", "float32") for r in reductions))
    return body, plan_folding(body, shape, axes, (x or packed(shape, "float32"),), ())


@pytest.mark.parametrize(("shape", "axes", "loop"), [
    ((50, 60), (1,), "rows"), ((50, 60), (0,), "columns"), ((50, 60), (0, 1), "rows"), ((8, 32, 196), (0, 2), "rows"), ((6, 30, 500), (1,), "columns"),
])  # fmt: skip
def test_the_inner_loop_runs_along_neighbours(shape, axes, loop):
    _, found = plan(shape, axes)
    assert found.steps[0].kernel.loop == f"map_reduce_{loop}"


@pytest.mark.parametrize(("shape", "axes"), [((4 * CHUNK,), (0,)), ((3000, 700), (0,)), ((3000, 700), (1,)), ((64, 32, 784), (0, 2))])
def test_light_rows_are_cut_into_the_chunks_of_the_reduction_alone(shape, axes):
    _, found = plan(shape, axes)
    out = packed([n for i, n in enumerate(shape) if i not in axes], "float32")
    alone = plan_reduce(table["sum"], packed(shape, "float32"), axes, out, "float64")
    assert [prod(s) for s, _ in found.scratch] == [prod(s) for s, _ in alone.scratch]
    assert len(found.steps) == len(alone.steps)


def test_heavy_rows_are_cut_into_more_of_them():
    """Eight functions over what would be one chunk: threads share it."""
    body, found = plan((128, 64), (0,), ("tanh",) * 8)
    assert grain_of(body) <= 1024
    assert found.steps[0].tiles > 1
    assert plan((128, 64), (0,))[1].steps[0].tiles == 1


def test_each_reduction_has_scratch_and_a_finish_of_its_own():
    _, found = plan((4 * CHUNK,), (0,), ("mul",), ("sum", "mean"))
    assert [s.kernel.loop for s in found.steps] == ["map_reduce_rows", "reduce_finish", "reduce_finish"]
    assert [s.pointers for s in found.steps] == [(0, 3, 4), (3, 1), (4, 2)]


def test_rows_that_lie_behind_each_other_are_one_loop():
    flat = lambda *args: plan(*args)[1].steps[0].kernel.static[-1]
    assert flat((50, 60), (0,))
    assert not flat((50, 2 * WIDE), (0,))  # wider than a room
    assert not plan((50, 60), (0,), x=Layout((50, 60), (0, 1), "float32"))[1].steps[0].kernel.static[-1]


def test_short_inner_loops_are_not_worth_it():
    assert not worthwhile((1000, 3), (0,), ((3, 1),))
    assert not worthwhile((1000, 3), (1,), ((3, 1),))
    assert worthwhile((1000, 3), (1,), ((3, 1), (0, 1)))  # rows alone have loops of three
    assert worthwhile((20, 20, 20), (0, 1, 2), ((400, 20, 1),))  # one run
    assert not worthwhile((20, 20, 20), (0, 1, 2), ((400, 20, 1), (400, 0, 1)))  # an operand that is repeated cuts it
    assert not worthwhile((20, 20, 20), (0, 2), ((400, 20, 1),))
    assert worthwhile((2,), (0,), ((1,),))
