import numpy as np
import pytest

from nbgrad.plan.multiplying import TILES, evenly, matmul, pitch_of
from nbgrad.plan.plan import Layout, packed


def planned(a, b, transposed=False, dtype="float32"):
    left, right = packed(a, dtype), packed(b, dtype)
    if transposed:
        right = Layout(b, (*right.strides[:-2], 1, b[-2]), dtype)
    batch = np.broadcast_shapes(a[:-2], b[:-2])
    return matmul((left, right), {}, packed((*batch, a[-2], b[-1]), dtype))


@pytest.mark.parametrize("n", [1, 16, 100, 784, 1000])
def test_blocks_are_even_and_cover(n):
    block = evenly(n, 256, 16)
    assert block % 16 == 0
    assert block <= 256
    count = -(-n // block)
    assert count == -(-n // 256)
    assert count * block - n < 16 * count


def test_rows_of_sums_hold_whole_vectors():
    assert pitch_of(10, "float32") == 64
    assert pitch_of(65, "float64") == 96
    assert pitch_of(1, "int8") == 256


def test_a_small_product_is_one_tile_and_copies_nothing():
    (step,) = planned((8, 8), (8, 8)).steps
    assert step.tiles == 1
    assert step.words[18] == 0


def test_two_threads_are_busy_on_a_layer():
    for a, b in (
        ((64, 784), (784, 256)),
        ((784, 64), (64, 256)),
        ((256, 256), (256, 256)),
        ((64, 128, 32), (64, 32, 128)),
    ):
        for transposed in (False, True):
            (step,) = planned(a, b, transposed).steps
            assert 4 <= step.tiles <= TILES


def test_a_right_factor_in_columns_is_packed():
    plan = planned((64, 256), (256, 784), transposed=True)
    assert plan.steps[0].words[18] == 1
    assert plan.scratch[0][0][0] > planned((64, 256), (256, 784)).scratch[0][0][0]


def test_thin_products_along_k_are_dots():
    assert planned((100, 300), (300, 1)).steps[0].kernel.loop == "matmul_dots"
    swapped = planned((1, 300), (300, 100), transposed=True).steps[0]
    assert swapped.kernel.loop == "matmul_dots"
    assert swapped.pointers == (1, 0, 2)


def test_one_matrix_for_a_batch_makes_one_product():
    (step,) = planned((16, 128, 256), (256, 64)).steps
    assert step.words[0] == 16 * 128


def test_nothing_to_multiply_is_zeros():
    for a, b in (((3, 0), (0, 2)), ((0, 3), (3, 2)), ((4, 0, 3), (3, 2))):
        plan = planned(a, b)
        assert plan.steps == ()
        assert plan.zero


def test_a_plan_depends_on_sizes_alone():
    assert planned((300, 400), (400, 500)) == planned((300, 400), (400, 500))
