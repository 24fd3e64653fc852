"""Plans of gathers: tiles that never meet, and splits that depend on sizes alone."""

import numpy as np
import pytest

from nbgrad.plan.gathering import fill_bits, number_bits, split_shape
from nbgrad.target.cpu import loops_gather

LOOPS = (loops_gather,)


def test_fill_bits_are_nan_or_zero():
    assert np.isnan(np.array([fill_bits("float32")], "int32").view("float32")[0])
    assert np.isnan(np.array([fill_bits("float64")], "int64").view("float64")[0])
    assert fill_bits("int16") == fill_bits("bool") == 0


def test_bits_of_numbers():
    for value, dtype in ((-np.inf, "float32"), (1.5, "float64"), (-3, "int8"), (2**63, "uint64")):
        width = 8 * np.dtype(dtype).itemsize
        assert np.array([number_bits(value, dtype)], f"int{width}").view(dtype)[0] == value


def test_an_array_seen_from_an_axis():
    assert split_shape((2, 3, 4), 0) == (1, 2, 12)
    assert split_shape((2, 3, 4), 2) == (6, 4, 1)


@pytest.mark.parametrize(("shape", "axis"), [((50, 700), 0), ((3, 60, 1), 1), ((4, 20, 30), 1), ((2, 3, 17_000), 1)])
def test_gathers(carry_out, rng, shape, axis):
    x, index = rng.standard_normal(shape), rng.integers(-shape[axis], shape[axis], 80 if shape[-1] < 1000 else 4)
    want = np.take(x, index, axis)
    _, out = carry_out("take_rows", (x, index), {"axis": axis}, want.shape, "float64", LOOPS)
    np.testing.assert_array_equal(out, want)
    if shape[-1] < 1000:
        each = rng.integers(-shape[axis], shape[axis], shape)
        _, out = carry_out("take_each", (x, each), {"axis": axis}, shape, "float64", LOOPS)
        np.testing.assert_array_equal(out, np.take_along_axis(x, each, axis))


def test_few_indices_of_a_long_row_are_cut(carry_out, rng):
    x, index = rng.standard_normal(100), rng.integers(-100, 100, 20_000)
    plan, out = carry_out("take_rows", (x, index), {"axis": 0}, (20_000,), "float64", LOOPS)
    assert plan.steps[0].tiles > 1
    np.testing.assert_array_equal(out, x[index])


def test_indices_out_of_range_are_counted_by_block(carry_out, rng):
    index = rng.integers(-50, 50, 1000)
    _, out = carry_out("outside", (index,), {"low": -10, "stop": 20, "block": 300}, (4,), "int64", LOOPS)
    wrong = (index < -10) | (index >= 20)
    np.testing.assert_array_equal(out, [wrong[i : i + 300].sum() for i in range(0, 1000, 300)])


def test_empty_plans_have_no_steps(carry_out):
    nothing = np.zeros((0,), np.int64)
    for name, arrays, attrs, shape in (
        ("take_rows", (np.zeros((2, 3)), nothing), {"axis": 0}, (0, 3)),
        ("take_each", (np.zeros((2, 3)), np.zeros((0, 3), np.int64)), {"axis": 0}, (0, 3)),
        ("outside", (nothing,), {"low": 0, "stop": 1, "block": 9}, (0,)),
        ("search", (np.zeros(3), np.zeros(0)), {"side": "left"}, (0,)),
    ):
        plan, _ = carry_out(name, arrays, attrs, shape, "float64", LOOPS)
        assert plan.steps == ()
