"""Rows of softmax and its kin, against SciPy in float64: rows, columns, axes in the middle, strides, special values."""

import numpy as np
import pytest
import scipy.special as special

import nbgrad as ng
from nbgrad.ops import rows

SHAPES = [((7,), 0), ((5, 10), 1), ((3, 4000), 1), ((40, 33), 0), ((2, 21, 200), 1), ((1, 1), 1), ((200, 1), 0)]
TOLERANCE = {"float32": 3e-6, "float64": 2e-14}


def close(got, want, dtype, scale=1.0):
    assert got.dtype == dtype
    np.testing.assert_allclose(got.numpy(), want, rtol=TOLERANCE[dtype], atol=scale * TOLERANCE[dtype])


@pytest.mark.parametrize(("shape", "axis"), SHAPES)
def test_rows_and_columns_equal_scipy(rng, dtype, shape, axis):
    x = (3 * rng.standard_normal(shape)).astype(dtype)
    whole = x.astype("float64")
    close(ng.softmax(x, axis), special.softmax(whole, axis), dtype)
    close(ng.log_softmax(x, axis), special.log_softmax(whole, axis), dtype)
    close(ng.logsumexp(x, axis), special.logsumexp(whole, axis), dtype)


@pytest.mark.parametrize(("shape", "axis"), SHAPES[:5])
def test_gradients_equal_their_formulas(rng, dtype, shape, axis):
    x, g = (rng.standard_normal(shape).astype(dtype) for _ in range(2))
    whole, u = x.astype("float64"), g.astype("float64")
    p = special.softmax(whole, axis)
    sums = lambda v: v.sum(axis, keepdims=True)
    for f, want in ((ng.softmax, p * (u - sums(u * p))), (ng.log_softmax, u - p * sums(u))):
        _, pull = ng.vjp(lambda x, f=f: f(x, axis), x)
        close(pull(g)[0], want, dtype, scale=10.0)
    _, pull = ng.vjp(lambda x: ng.logsumexp(x, axis), x)
    top = g.take(0, axis)
    close(pull(top)[0], p * np.expand_dims(top.astype("float64"), axis), dtype)


@pytest.mark.parametrize("f", [ng.softmax, ng.log_softmax, lambda x, axis: ng.logsumexp(x, axis)])
@pytest.mark.parametrize("axis", [-1, 0, (0, 2), (1, 2), None])
def test_derivatives_to_second_order(rng, f, axis):
    ng.gradcheck(lambda x: f(x, axis) ** 2, rng.standard_normal((3, 2, 4)), order=2, directions=1)


def test_third_order(rng):
    x = rng.standard_normal(4)
    for f in (ng.softmax, ng.log_softmax, ng.logsumexp):
        third = lambda x, f=f: ng.grad(lambda x: (f(x, -1) ** 2).sum())(x)
        ng.gradcheck(third, x, order=2, directions=1, modes=("reverse",))


def test_strided_and_repeated_arguments(rng):
    x = rng.standard_normal((6, 8))
    for part in (x.T, x[::2, 1::3], x[:, ::-1], np.broadcast_to(x[0], (5, 8))):
        np.testing.assert_allclose(ng.softmax(part).numpy(), special.softmax(part, -1), rtol=1e-13)
        np.testing.assert_allclose(ng.logsumexp(part, 0).numpy(), special.logsumexp(part, 0), rtol=1e-13)


@pytest.mark.parametrize("axis", [0, 1])
def test_special_values_are_scipys(dtype, axis):
    lines = [[np.inf, 1.0, 2.0], [-np.inf, 1.0, 2.0], [-np.inf] * 3, [np.nan, 1.0, 2.0], [1.0, 2.0, -np.nan], [np.inf, np.inf, 0.0],
             [1e30, -1e30, 0.0], [np.inf, np.nan, 0.0], [-np.inf, -np.nan, -np.inf], [0.0, -0.0, -1e4]]  # fmt: skip
    x = np.moveaxis(np.array(lines, dtype), 1, axis)
    with np.errstate(all="ignore"):
        for ours, theirs in ((ng.softmax, special.softmax), (ng.logsumexp, special.logsumexp)):
            np.testing.assert_allclose(ours(x, axis).numpy(), theirs(x, axis=axis), rtol=1e-6)


def test_log_softmax_of_masked_scores_is_minus_infinity():
    np.testing.assert_array_equal(ng.log_softmax([-np.inf, 0.0]).numpy(), [-np.inf, 0.0])


def test_a_sum_of_many_is_as_exact_as_one_of_few(rng):
    x = rng.standard_normal((2, 1 << 18)).astype("float32")
    want = special.logsumexp(x.astype("float64"), 1)
    np.testing.assert_allclose(ng.logsumexp(x, 1).numpy(), want, rtol=2e-7)
    np.testing.assert_allclose(ng.logsumexp(np.ascontiguousarray(x.T), 0).numpy(), want, rtol=1e-6)


def test_large_sums_lose_nothing_in_the_gradient():
    x = np.float32([1e6, 1e6 + 1.0, 1e6 - 3.0])
    _, pull = ng.vjp(lambda x: ng.logsumexp(x), x)
    np.testing.assert_allclose(pull(np.float32(1.0))[0].numpy(), special.softmax(x.astype("float64")), rtol=1e-6)


def test_empty_arrays():
    assert ng.softmax(np.zeros((0, 3))).shape == (0, 3)
    assert ng.log_softmax(np.zeros((3, 0)), 0).shape == (3, 0)
    assert ng.logsumexp(np.zeros((3, 0)), 0).shape == (0,)
    np.testing.assert_array_equal(ng.logsumexp(np.zeros((3, 0)), 1).numpy(), [-np.inf] * 3)
    x = ng.tensor(np.zeros((0, 3)), requires_grad=True)
    ng.softmax(x).sum().backward()
    assert x.grad.shape == (0, 3)


def test_a_scalar_is_a_row_of_one():
    assert ng.softmax(3.0, None).item() == 1.0
    assert ng.logsumexp(3.0).item() == 3.0


def test_axes_out_of_range_are_refused():
    for axis in (2, -3, (0, 5)):
        with pytest.raises(ng.ShapeError, match="out of range"):
            ng.softmax(np.zeros((2, 2)), axis)


def test_softmax_keeps_its_result_alone():
    x = ng.tensor(np.zeros(3), requires_grad=True)
    assert list(ng.softmax(x).node.kept) == ["out"]
    assert list(ng.logsumexp(x).node.kept) == ["x", "whole"]


def test_neighbours():
    assert rows.neighbours(()) and rows.neighbours((1, 2)) and not rows.neighbours((0, 2))
