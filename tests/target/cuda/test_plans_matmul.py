"""Products of matrices on a device: shapes, strides, batches and dtypes against NumPy."""

import numpy as np
import pytest

from nbgrad.ops.table import table
from nbgrad.target.cuda.array import from_host, to_host
from nbgrad.target.cuda.run import launches

pytestmark = pytest.mark.cuda
LAYOUTS = {
    "rows": (lambda a: a, lambda a: a),
    "columns": (lambda a: a.swapaxes(-1, -2).copy(), lambda a: a.transpose((*range(a.ndim - 2), a.ndim - 1, a.ndim - 2))),
    "backwards": (lambda a: a[..., ::-1, ::-1].copy(), lambda a: a[..., ::-1, ::-1]),
    "spread": (lambda a: np.repeat(np.repeat(a, 2, -1), 3, -2), lambda a: a[..., ::3, ::2]),
}


def numbers(rng, shape, dtype):
    if np.dtype(dtype).kind == "f":
        return rng.standard_normal(shape).astype(dtype)
    return rng.integers(0, 100, shape).astype(dtype)


def on_device(a, layout="rows"):
    """Return a device array of these numbers that lies as `layout` says."""
    lay, view = LAYOUTS[layout]
    return view(from_host(lay(a)))


def product(a, b, layouts=("rows", "rows")):
    """Return the product that the device makes of two NumPy arrays."""
    out = np.matmul(a, b)
    arrays = [on_device(x, layout) for x, layout in zip((a, b), layouts)]
    launch = launches().primitive_launch(table["matmul"], arrays, {}, out.shape, out.dtype)
    return to_host(launch(arrays)), out


def close(got, want):
    assert got.dtype == want.dtype
    np.testing.assert_allclose(got, want, rtol=1e-5 if want.dtype == np.float32 else 1e-12, atol=1e-5 if want.dtype == np.float32 else 1e-12)


@pytest.mark.parametrize("left", LAYOUTS)
@pytest.mark.parametrize("right", LAYOUTS)
def test_factors_may_lie_anyhow(left, right, rng):
    close(*product(numbers(rng, (6, 5), "float64"), numbers(rng, (5, 9), "float64"), (left, right)))


@pytest.mark.parametrize(("m", "k", "n"), [(1, 1, 1), (5, 1, 5), (9, 3, 5), (5, 2, 17), (13, 4, 7), (5, 30, 5), (6, 11, 6)])
def test_shapes_that_no_tile_fits(m, k, n, rng):
    close(*product(numbers(rng, (m, k), "float32"), numbers(rng, (k, n), "float32")))


@pytest.mark.parametrize(("m", "k", "n"), [(1, 7, 1), (1, 40, 1), (3, 5, 11), (11, 9, 2), (1, 1500, 3), (4, 5, 13), (13, 5, 4), (1, 9, 6), (6, 9, 1)])
@pytest.mark.parametrize("left", ["rows", "columns"])
@pytest.mark.parametrize("right", ["rows", "columns"])
def test_thin_products(m, k, n, left, right, rng):
    close(*product(numbers(rng, (m, k), "float64"), numbers(rng, (k, n), "float64"), (left, right)))


@pytest.mark.parametrize(
    ("a", "b"),
    [((3, 5, 4), (3, 4, 6)), ((2, 3, 5, 4), (4, 6)), ((5, 4), (2, 4, 6)), ((2, 1, 5, 2), (3, 2, 6)), ((7, 2, 6), (7, 6, 3)), ((4, 1, 6), (6, 5))],
)
def test_batches_broadcast(a, b, rng):
    close(*product(numbers(rng, a, "float32"), numbers(rng, b, "float32")))
    close(*product(numbers(rng, a, "float64"), numbers(rng, b, "float64"), ("columns", "spread")))


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"])
def test_integers_wrap_as_numpy_s(dtype, rng):
    for shapes in (((5, 9), (9, 6)), ((2, 9), (9, 6)), ((1, 9), (9, 1))):
        a, b = (numbers(rng, shape, dtype) for shape in shapes)
        np.testing.assert_array_equal(*product(a, b))


def test_what_is_not_finite_stays_in_its_row_and_column(rng):
    a, b = rng.standard_normal((6, 5)), rng.standard_normal((5, 9))
    a[4, 4], b[4, 8] = np.nan, np.inf
    close(*product(a, b))
    a, b = rng.standard_normal((2, 5)), rng.standard_normal((5, 9))
    b[4, 8] = np.inf
    close(*product(a, b))


def test_nothing_to_sum_is_zero():
    got, want = product(np.ones((3, 0)), np.ones((0, 2)))
    np.testing.assert_array_equal(got, want)
    assert product(np.ones((0, 3)), np.ones((3, 2)))[0].shape == (0, 2)


def test_results_are_the_same_from_run_to_run(rng):
    a, b = numbers(rng, (5, 40), "float32"), numbers(rng, (40, 5), "float32")
    np.testing.assert_array_equal(product(a, b)[0], product(a, b)[0])


@pytest.mark.parametrize(("x", "n"), [((5, 4), 6), ((4,), 6), ((2, 3, 4), 9), ((2, 30), 3), ((3, 0), 2), ((1, 40), 1)])
@pytest.mark.parametrize("step", [1, 2])
def test_a_bias_is_added_to_every_row(x, n, step, rng):
    x, weight, bias = rng.standard_normal(x), rng.standard_normal((n, x[-1])), rng.standard_normal(n * step)
    arrays = [from_host(x), from_host(weight), from_host(bias)[::step]]
    want = x @ weight.T + bias[::step]
    got = to_host(launches().primitive_launch(table["linear"], arrays, {}, want.shape, want.dtype)(arrays))
    close(got, want)


def test_a_view_may_begin_anywhere(rng):
    a, b = rng.standard_normal((9, 8)), rng.standard_normal((10, 9))
    x, y = from_host(a)[2:8, 3:8], from_host(b)[4:9, 1:8]
    launch = launches().primitive_launch(table["matmul"], (x, y), {}, (6, 7), np.dtype("float64"))
    close(to_host(launch((x, y))), a[2:8, 3:8] @ b[4:9, 1:8])
