"""Plans of elementwise ops."""

from nbgrad.docs import rows
from nbgrad.ops.table import table
from nbgrad.plan.mapping import Body, broadcast_strides, grain_of, plan_body, plan_map
from nbgrad.plan.plan import GRAIN, Layout, packed

rows()


def only(plan):
    (step,) = plan.steps
    return step


def test_contiguous_operands_are_one_long_row():
    step = only(plan_map(table["add"], (packed((8, 9), "float32"),) * 2, packed((8, 9), "float32")))
    assert step.kernel.static == ("111", False)
    assert step.words[0] == 72
    assert step.tiles == 1
    assert step.pointers == (0, 1, 2)


def test_a_repeated_operand_has_stride_zero():
    assert broadcast_strides(packed((4,), "float32"), (3, 4)) == (0, 1)
    assert broadcast_strides(packed((3, 1), "float32"), (3, 4)) == (1, 0)
    step = only(
        plan_map(table["add"], (packed((3, 4), "float32"), packed((3, 1), "float32")), packed((3, 4), "float32"))
    )
    assert step.kernel.static == ("101", True)


def test_one_kernel_serves_all_shapes():
    kernels = {
        only(plan_map(table["exp"], (packed(s, "float64"),), packed(s, "float64"))).kernel
        for s in [(3,), (5, 7), (100, 100, 10)]
    }
    assert len(kernels) == 1


def test_tiles_follow_from_the_size():
    for n in (1, 2 * GRAIN, 2 * GRAIN + 1, 20 * GRAIN):
        step = only(plan_map(table["exp"], (packed((n,), "float32"),), packed((n,), "float32")))
        assert step.tiles == -(-n // (2 * GRAIN))


def test_tiles_of_large_arrays_are_longer():
    dear = Body(((table["exp"], (0,), "float32", "float32"), *[(table["exp"], (i,), "float32", "float32") for i in range(1, 30)]), (30,))
    tiles = [only(plan_body(dear, (x,), (x,))).tiles for x in (packed((n,), "float32") for n in (grain_of(dear), 1 << 20, 1 << 30))]
    assert tiles[0] == 1
    assert tiles[1] == 256
    assert tiles[2] == (1 << 30) // (2 * GRAIN)


def test_tiles_of_cheap_rows_are_larger():
    assert grain_of(table["neg"]) == grain_of(table["mul"]) == 4 * GRAIN
    assert grain_of(table["tanh"]) == grain_of(table["pow"]) == grain_of(table["silu"]) == 2 * GRAIN


def test_an_empty_array_needs_no_step():
    assert plan_map(table["exp"], (packed((0, 3), "float32"),), packed((0, 3), "float32")).steps == ()


def test_strided_operands():
    step = only(plan_map(table["exp"], (Layout((5,), (-2,), "float32"),), packed((5,), "float32")))
    assert step.kernel.static == ("s1", False)
