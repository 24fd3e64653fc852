import math

import numpy as np
import pytest

import nbgrad as ng
from nbgrad.base.errors import ArgumentError
from nbgrad.ops import activation
from nbgrad.ops.activation import (
    gelu,
    gelu_erf,
    gelu_tanh,
    hardsigmoid,
    hardswish,
    hardtanh,
    leaky_relu,
    log_sigmoid,
    relu,
)
from nbgrad.ops.table import table

ROWS = [op for op in table.values() if op.__module__ == activation.__name__]
SELU = 1.0507009873554805
LIMITS = {  # (value / |x|, slope) far to the left and far to the right
    "relu": ((0, 0), (1, 1)), "leaky_relu": ((-0.01, 0.01), (1, 1)), "elu": ((0, 0), (1, 1)),
    "selu": ((0, 0), (SELU, SELU)),
    "gelu_erf": ((0, 0), (1, 1)), "gelu_tanh": ((0, 0), (1, 1)), "silu": ((0, 0), (1, 1)), "mish": ((0, 0), (1, 1)),
    "softplus": ((0, 0), (1, 1)), "log_sigmoid": ((-1, 1), (0, 0)), "hardswish": ((0, 0), (1, 1)),
    "hardtanh": ((0, 0), (0, 0)), "hardsigmoid": ((0, 0), (0, 0)),
}  # fmt: skip


@pytest.mark.parametrize("op", ROWS, ids=lambda op: op.name)
def test_formula_and_partials_agree_with_the_reference(op, check_row):
    check_row(op)


@pytest.mark.parametrize("size", [1e4, 1e30])
@pytest.mark.parametrize("op", ROWS, ids=lambda op: op.name)
def test_large_numbers_saturate_with_the_right_slope(op, size, partials_of):
    for x, (value, slope) in zip((-size, size), LIMITS[op.name]):
        point = (x, *op.defaults.values())
        np.testing.assert_allclose(op.forward(*point) / size, value, atol=2.0 / size, rtol=1e-14)
        np.testing.assert_allclose(partials_of(op, *point)[0], slope, rtol=1e-14)


@pytest.mark.parametrize("op", ROWS, ids=lambda op: op.name)
def test_large_numbers_in_float32(op):
    size = 1e30
    x = ng.tensor([-size, size], dtype="float32")
    (left, left_slope), (right, right_slope) = LIMITS[op.name]
    np.testing.assert_allclose(op(x).numpy() / np.float32(size), [left, right], rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(ng.grad(lambda x: op(x).sum())(x).numpy(), [left_slope, right_slope], rtol=1e-6)


@pytest.mark.parametrize("op", ROWS, ids=lambda op: op.name)
def test_nan_goes_through(op):
    assert math.isnan(op.forward(math.nan, *op.defaults.values()))


def test_slopes_at_kinks_are_as_documented(partials_of):
    assert partials_of(relu, 0.0) == partials_of(relu, -0.0) == (0.0,)
    assert partials_of(leaky_relu, 0.0, 0.2) == (0.2, 0.0)
    assert partials_of(hardtanh, -1.0, -1.0, 1.0) == (0.0, 1.0, 0.0)
    assert partials_of(hardtanh, 1.0, -1.0, 1.0) == (0.0, 0.0, 1.0)
    assert partials_of(hardsigmoid, 3.0) == partials_of(hardsigmoid, -3.0) == partials_of(hardswish, -3.0) == (0.0,)
    assert partials_of(hardswish, 3.0) == (1.0,)


def test_small_results_keep_their_digits():
    np.testing.assert_allclose(log_sigmoid(40.0), -np.exp(-40.0), rtol=1e-14)
    normal = 7.619853024160527e-24  # the normal distribution function at -10
    np.testing.assert_allclose(gelu_erf(-10.0), -10.0 * normal, rtol=1e-13)


def test_gelu_chooses_its_form_by_name():
    assert gelu(0.7) == gelu_erf(0.7)
    assert gelu(0.7, approximate="tanh") == gelu_tanh(0.7)
    with pytest.raises(ArgumentError, match="'fast' is not known"):
        gelu(0.7, approximate="fast")
