import numpy as np
import pytest

from nbgrad.plan.multiplying import linear, matmul
from nbgrad.plan.plan import Layout, packed


def layout(shape, turned, dtype="float32"):
    x = packed(shape, dtype)
    return Layout(shape, (*x.strides[:-2], 1, shape[-2]), dtype) if turned else x


def planned(a, b, left=False, right=False, dtype="float32"):
    batch = np.broadcast_shapes(a[:-2], b[:-2])
    return matmul((layout(a, left, dtype), layout(b, right, dtype)), {}, packed((*batch, a[-2], b[-1]), dtype))


def loops(plan):
    return [s.kernel.loop for s in plan.steps]


def test_a_small_product_is_one_tile_without_scratch():
    for n in (1, 8, 64):
        plan = planned((n, n), (n, n))
        (step,) = plan.steps
        assert step.tiles == 1
        assert plan.scratch == ()


def test_thin_products_along_k_are_dots():
    assert loops(planned((100, 300), (300, 1))) == ["matmul_dots"]
    swapped = planned((1, 300), (300, 100), right=True).steps[0]
    assert swapped.kernel.loop == "matmul_dots"
    assert swapped.pointers == (1, 0, 2)


def test_a_long_dot_product_is_shared_by_parts():
    first, join = planned((1, 10**6), (10**6, 1)).steps
    assert first.tiles >= 2
    assert join.kernel.loop == "matmul_join"


def test_few_rows_read_a_large_right_factor_once():
    assert loops(planned((2, 1000), (1000, 4000)))[0] == "matmul_rows"
    assert loops(planned((4000, 1000), (1000, 1), left=True))[0] == "matmul_rows"


def test_one_matrix_for_a_batch_makes_one_product():
    assert planned((16, 128, 256), (256, 64)).steps[-1].words[:3] == (16 * 128, 256, 64)
    assert planned((16, 1, 256), (256, 64)).steps[-1].words[:3] == (16, 256, 64)


def test_many_small_products_are_one_launch():
    plan = planned((10000, 8, 8), (10000, 8, 8))
    assert loops(plan) == ["matmul_batch"]
    assert plan.steps[0].tiles > 1


def test_nothing_to_multiply_is_zeros():
    for a, b in (((3, 0), (0, 2)), ((0, 3), (3, 2)), ((4, 0, 3), (3, 2))):
        plan = planned(a, b)
        assert plan.steps == ()
        assert plan.zero


def test_a_right_factor_without_rows_or_columns_in_one_piece_is_copied():
    strided = Layout((40, 50), (200, 2), "float32")
    assert matmul((packed((30, 40), "float32"), strided), {}, packed((30, 50), "float32")).copies == (1,)


def test_a_plan_depends_on_sizes_alone():
    assert planned((300, 400), (400, 500)) == planned((300, 400), (400, 500))


@pytest.mark.parametrize("shape", [(64, 784), (3, 5, 784), (784,)])
def test_linear_is_one_product_with_an_epilogue(shape):
    inputs = packed(shape, "float32"), packed((256, 784), "float32"), packed((256,), "float32")
    plan = linear(inputs, {}, packed((*shape[:-1], 256), "float32"))
    assert plan.steps[-1].kernel.body.name == "add"
    assert plan.steps[-1].kernel.dtypes[-1] == "float32"
    assert plan.copies == ()


def test_linear_copies_what_it_cannot_read():
    x, w, b = packed((4, 6), "float64"), Layout((5, 6), (24, 2), "float64"), Layout((5,), (2,), "float64")
    assert linear((x, w, b), {}, packed((4, 5), "float64")).copies == (1, 2)
