"""Tiles of products and the sums of their parts: results that are added to, and rows of the table behind them."""

import numpy as np
import pytest

from nbgrad.ops.activation import relu
from nbgrad.ops.arithmetic import add, mul
from nbgrad.plan.epilogue import COLUMN, MATRIX, ROW, SCALAR, Epilogue
from nbgrad.plan.mapping import Literal
from nbgrad.plan.product import product_of
from nbgrad.target.cuda.array import from_host, to_host
from nbgrad.target.cuda.plans_matmul import plan_product
from nbgrad.target.cuda.product_text import apart, sum_dtype
from nbgrad.target.cuda.steps import Steps
from nbgrad.target.cuda.tiles import NARROW, SIMULATED, WIDE
from nbgrad.target.launch import layout

pytestmark = pytest.mark.cuda
SHAPES = [((5, 3), (3, 9)), ((5, 40), (40, 5)), ((2, 30), (30, 9)), ((2, 5, 3), (2, 3, 6))]


def run(a, b, out, **more):
    """Return what becomes of `out` by the product of two arrays."""
    extras = more.pop("extras", ())
    arrays = [from_host(x) for x in (a, b, *extras, out)]
    p = product_of(layout(arrays[0]), layout(arrays[1]), layout(arrays[-1]), extras=tuple(map(layout, arrays[2:-1])), **more)
    Steps(plan_product(p)).run(arrays)
    return to_host(arrays[-1])


@pytest.mark.parametrize(("a", "b"), SHAPES)
def test_a_product_may_be_added(a, b, rng):
    a, b = rng.standard_normal(a), rng.standard_normal(b)
    out = rng.standard_normal((a @ b).shape)
    np.testing.assert_allclose(run(a, b, out, add=1), out + a @ b, rtol=1e-12)


@pytest.mark.parametrize(("a", "b"), SHAPES)
def test_rows_of_the_table_are_applied_before_a_number_is_written(a, b, rng):
    a, b = rng.standard_normal(a), rng.standard_normal(b)
    want = a @ b
    column, row = rng.standard_normal(want.shape[-1]), rng.standard_normal((want.shape[-2], 1))
    matrix, scalar = rng.standard_normal(want.shape), np.array(3.0)
    calls = ((add, (0, 1)), (mul, (5, 2)), (add, (6, 3)), (mul, (7, 4)), (relu, (8,)), (add, (9, Literal(0.5))))
    epilogue = Epilogue(calls, (COLUMN, ROW, MATRIX, SCALAR))
    got = run(a, b, np.zeros_like(want), epilogue=epilogue, extras=(column, row, matrix, scalar))
    np.testing.assert_allclose(got, np.maximum(0, ((want + column) * row + matrix) * 3) + 0.5, rtol=1e-12)


@pytest.mark.parametrize("tile", [*NARROW, *WIDE, *SIMULATED])
def test_threads_have_every_number_of_a_tile_once(tile):
    rows, columns = apart(tile)
    down = [i * tile.runs[0] for i in range(tile.rows // tile.tall)]
    across = [i * tile.runs[1] for i in range(tile.columns // tile.wide)]
    assert sorted(a + b for a in down for b in rows) == list(range(tile.rows))
    assert sorted(a + b for a in across for b in columns) == list(range(tile.columns))


def test_integers_are_added_in_at_least_32_bits():
    assert [sum_dtype(d) for d in ("int8", "uint16", "int64", "float32")] == ["int32", "uint32", "int64", "float32"]
