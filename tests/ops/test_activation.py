import math

import numpy as np
import pytest

from nbgrad.base.errors import ArgumentError
from nbgrad.ops import activation
from nbgrad.ops.activation import gelu, gelu_erf, gelu_tanh, hardsigmoid, hardswish, hardtanh, leaky_relu, log_sigmoid, relu
from nbgrad.ops.activation import softplus
from nbgrad.ops.table import table

ROWS = [op for op in table.values() if op.__module__ == activation.__name__]
LIMITS = {  # (value, slope) far to the left and far to the right, in units of x
    "relu": ((0, 0), (1, 1)), "leaky_relu": ((0.01, 0.01), (1, 1)), "gelu_erf": ((0, 0), (1, 1)),
    "gelu_tanh": ((0, 0), (1, 1)), "silu": ((0, 0), (1, 1)), "softplus": ((0, 0), (1, 1)), "mish": ((0, 0), (1, 1)),
    "log_sigmoid": ((1, 1), (0, 0)), "hardswish": ((0, 0), (1, 1)), "hardtanh": ((0, 0), (0, 0)),
    "hardsigmoid": ((0, 0), (0, 0)), "elu": ((0, 0), (1, 1)), "selu": ((0, 0), (1.0507009873554805,) * 2),
}  # fmt: skip


@pytest.mark.parametrize("op", ROWS, ids=lambda op: op.name)
def test_formula_and_partials_agree_with_the_reference(op, check_row):
    check_row(op)


@pytest.mark.parametrize("size", [1e3, 1e30])
@pytest.mark.parametrize("op", ROWS, ids=lambda op: op.name)
def test_large_arguments_saturate_with_the_right_slope(op, size, in_float32):
    for x, (value, slope) in zip((-size, size), LIMITS[op.name]):
        for dtype in ("float32", "float64"):
            found, partial = in_float32(op, x, dtype)
            np.testing.assert_allclose(found / size, value * np.sign(x), atol=2.0 / size, rtol=1e-6)
            np.testing.assert_allclose(partial, slope, rtol=1e-6)


@pytest.mark.parametrize("op", ROWS, ids=lambda op: op.name)
def test_nan_goes_through(op):
    defaults = [op.defaults[p] for p in op.params[1:]]
    assert math.isnan(op.forward(math.nan, *defaults))
