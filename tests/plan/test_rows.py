"""Plans of softmax and its kin: tiles by size alone, columns in blocks that fit into the cache."""

import pytest

from nbgrad.plan.plan import packed, planners
from nbgrad.plan.rows import BLOCK, column_blocks, extents, per_tile


def planned(shape, axes, name="softmax"):
    x = packed(shape, "float32")
    return planners[name][0]((x,), {"axes": axes}, x)


def test_extents_of_neighbouring_axes():
    assert extents((2, 3, 4, 5), (2, 3)) == (6, 20, 1)
    assert extents((2, 3, 4, 5), (0,)) == (1, 2, 60)
    assert extents((2, 3), ()) == (6, 1, 1)


def test_short_rows_share_a_tile_and_long_ones_do_not():
    (step,) = planned((64, 10), (1,)).steps
    assert step.tiles == 1
    (step,) = planned((64, 1024), (1,)).steps
    assert (step.tiles, step.words) == (4, (64, 1024, 16))
    assert planned((2, 1 << 20), (1,)).steps[0].tiles == 2
    assert per_tile(0) == per_tile(1)


@pytest.mark.parametrize(("n", "inner"), [(21, 4096), (1000, 3), (100000, 70), (2, 100), (1, 64)])
def test_blocks_of_columns_are_whole_vectors_and_cover(n, inner):
    blocks, block = column_blocks(n, inner)
    assert block % 64 == 0
    assert (blocks - 1) * block < inner <= blocks * block
    assert block == 64 or n * block <= BLOCK or blocks == 1


def test_columns_take_scratch_for_every_tile():
    plan = planned((16, 21, 4096), (1,))
    (step,) = plan.steps
    assert step.kernel.loop == "softmax_columns"
    ((size,), dtype), block = plan.scratch[0], step.words[3]
    assert (size, dtype) == (step.tiles * 3 * block, "float32")


def test_nothing_is_nothing_to_do():
    assert planned((0, 3), (1,)).steps == ()
    assert planned((3, 0), (0,)).steps == ()


def test_a_row_with_more_to_say_has_several_layouts():
    x, out, whole = packed((8, 5), "float32"), packed((8,), "float32"), packed((8,), "float64")
    plan = planners["logsumexp"][0]((x,), {"axes": (1,)}, (out, whole))
    assert (plan.shape, plan.dtype) == (((8,), (8,)), ("float32", "float64"))
    assert plan.steps[0].pointers == (0, 1, 2)
