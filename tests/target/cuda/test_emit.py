"""Statements of one thread: what CUDA's functions are called, and what is put right around them."""

import math

import numpy as np
import pytest

from nbgrad.ops.table import table
from nbgrad.target.cuda import simulated_math
from nbgrad.target.cuda.emit import ThreadLowering

pytestmark = pytest.mark.cuda


def value(name, dtype, *args):
    """Return what the statements of a row give for numbers."""
    low = ThreadLowering(dtype)
    result = low.row(table[name], [f"a{i}" for i in range(len(args))])
    space = {"np": np, **simulated_math.NAMES, **{f"a{i}": getattr(np, dtype)(a) for i, a in enumerate(args)}}
    exec(low.header(), space)
    with np.errstate(all="ignore"):
        exec("\n".join(low.lines), space)
        return eval(result, space)


@pytest.mark.parametrize("name", ["silu", "mish", "gelu_erf"])
def test_limits_at_minus_infinity(name):
    assert value(name, "float32", -math.inf) == 0.0
    assert math.isnan(value(name, "float32", math.nan))


def test_functions_keep_the_dtype():
    assert type(value("floor", "float32", 2.5)) is np.float32
    low = ThreadLowering("float32")
    assert low.row(table["floor"], ["x"]) == "floor_float32(x)"


def test_integers_divided_by_zero_are_zero():
    assert value("floor_divide", "int32", 7, 0) == 0
    assert value("remainder", "int32", -7, 3) == 2
