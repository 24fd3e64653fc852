import numpy as np
import pytest

from nbgrad.ops.activation import relu
from nbgrad.ops.arithmetic import add, mul
from nbgrad.ops.table import table
from nbgrad.plan.epilogue import COLUMN, MATRIX, ROW, Epilogue
from nbgrad.plan.multiplying import plan_product
from nbgrad.plan.plan import packed
from nbgrad.plan.product import product_of
from nbgrad.target.cpu.epilogue import epilogue_text
from nbgrad.target.cpu.run import Launch
from nbgrad.target.launch import layout

RNG = np.random.default_rng(0)
SHAPES = [((5, 7), (7, 9)), ((70, 300), (300, 130)), ((40, 5000), (5000, 33)), ((6, 8, 9), (6, 9, 10)), ((3, 70, 40), (3, 40, 50)),
          ((2, 600, 700), (2, 700, 600)), ((1, 700), (700, 900)), ((900, 4), (4, 1))]  # fmt: skip


def run(a, b, epilogue, extras, add=0, out=None):
    shape = (*np.broadcast_shapes(a.shape[:-2], b.shape[:-2]), a.shape[-2], b.shape[-1])
    target = packed(shape, a.dtype.name)
    p = product_of(layout(a), layout(b), target, add, epilogue, tuple(map(layout, extras)))
    launch = Launch(plan_product(p), 2 + len(extras))
    return launch((a, b, *extras), out)


@pytest.mark.parametrize("shapes", SHAPES)
@pytest.mark.parametrize("turned", [False, True])
def test_bias_activation_and_residual(shapes, turned):
    a, b = (RNG.standard_normal(s) for s in shapes)
    if turned:
        b = np.ascontiguousarray(b.swapaxes(-1, -2)).swapaxes(-1, -2)
    product = a @ b
    column, row, same = (RNG.standard_normal(s) for s in (product.shape[-1], product.shape[-2], product.shape))
    epilogue = Epilogue(((add, (0, 1)), (relu, (4,)), (mul, (5, 2)), (add, (6, 3))), (COLUMN, ROW, MATRIX))
    expected = np.maximum(product + column, 0.0) * row[:, None] + same
    np.testing.assert_allclose(run(a, b, epilogue, (column, row, same)), expected, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("shapes", SHAPES)
def test_products_are_added_to_what_is_there(shapes):
    a, b = (RNG.standard_normal(s) for s in shapes)
    out = RNG.standard_normal((a @ b).shape)
    expected = out + a @ b
    np.testing.assert_allclose(run(a, b, Epilogue(), (), 1, out), expected, rtol=1e-11, atol=1e-11)


ROWS = {"tanh": np.tanh, "square": np.square, "exp": np.exp, "sigmoid": lambda x: 1.0 / (1.0 + np.exp(-x))}


@pytest.mark.parametrize("name", ROWS)
def test_any_elementwise_row_may_follow(name):
    a, b = RNG.standard_normal((20, 30)).astype("float32"), RNG.standard_normal((30, 40)).astype("float32")
    expected = ROWS[name](a.astype("float64") @ b)
    np.testing.assert_allclose(run(a, b, Epilogue(((table[name], (0,)),)), ()), expected, rtol=1e-4, atol=1e-5)


def test_a_product_without_an_epilogue_does_nothing_more():
    (step,) = plan_product(product_of(packed((3, 4), "float32"), packed((4, 5), "float32"), packed((3, 5), "float32"))).steps
    assert epilogue_text(step.kernel).strip().endswith("pass")
