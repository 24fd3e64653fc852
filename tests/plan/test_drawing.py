import pytest

from nbgrad.plan.drawing import BLOCKS
from nbgrad.plan.plan import packed, planners

KEY = (packed((3,), "int64"),)


DRAWN = [("random_bits", "uint32", 4), ("random_float32", "float32", 4),
         ("random_float64", "float64", 2), ("random_integers", "int64", 2)]  # fmt: skip


@pytest.mark.parametrize(("name", "result", "per_block"), DRAWN)
def test_tiles_are_whole_blocks(name, result, per_block):
    plan, contiguous = planners[name]
    assert contiguous is True
    for blocks, tiles in ((1, 1), (BLOCKS, 1), (BLOCKS + 1, 2)):
        made = plan(KEY, {"shape": (blocks * per_block,), "low": 0, "count": 5}, packed((blocks * per_block,), result))
        assert made.steps[0].tiles == tiles
    assert plan(KEY, {"shape": (0,)}, packed((0,), result)).steps == ()


def test_a_count_of_64_bits_is_one_word():
    plan, _ = planners["random_integers"]
    (step,) = plan(KEY, {"shape": (1,), "low": -5, "count": 2**64 - 1}, packed((1,), "int64")).steps
    assert step.words[2:] == (-5, -1)


def test_a_permutation_is_one_tile():
    plan, _ = planners["random_permutation"]
    assert plan(KEY, {"n": 10**6}, packed((10**6,), "int64")).steps[0].tiles == 1
    assert plan(KEY, {"n": 0}, packed((0,), "int64")).steps == ()
