"""Elementwise rows over any layout on a device: every row of the table against its CPU kernel."""

import numpy as np
import pytest

from nbgrad.docs import rows
from nbgrad.ops.table import table
from nbgrad.ops.types import types_of
from nbgrad.target.cpu.run import CPU
from nbgrad.target.cuda.array import empty, from_host, to_host
from nbgrad.target.cuda.run import launches

pytestmark = pytest.mark.cuda
ROWS = rows()["elementwise"]
LAYOUTS = {
    "rows": lambda a: a,
    "turned": lambda a: a.transpose((1, 0)),
    "backwards": lambda a: a[::-1, ::-2],
    "one row for all": lambda a: a[:1],
    "one column for all": lambda a: a[:, :1],
}


def operand(op, i, name, rng, dtype, shape=(4, 6)):
    """Return numbers in the domain of an operand, a few of them special."""
    accepts = op.accepts[i]
    if accepts == "bool":
        return rng.integers(0, 2, shape).astype(bool)
    if accepts in ("integer", "index"):
        return rng.integers(0, 5, shape)
    low, high = op.domain[name] if isinstance(op.domain, dict) else op.domain
    return rng.uniform(low, high, shape).astype(dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("op", ROWS, ids=lambda r: r.name)
def test_rows_are_the_cpu_s(op, dtype, rng):
    arrays = [operand(op, i, name, rng, dtype) for i, name in enumerate(op.params)]
    casts, out = types_of(op, tuple([a.dtype for a in arrays]))
    arrays = tuple([a.astype(c) for a, c in zip(arrays, casts)])
    want = CPU.run_map(op, arrays, (4, 6), out)
    got = to_host(launches().run_map(op, tuple(map(from_host, arrays)), (4, 6), out))
    assert got.dtype == want.dtype
    tolerance = 2e-6 if dtype == "float32" else 1e-13
    np.testing.assert_allclose(got, want, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("other", LAYOUTS)
def test_any_layout_is_walked(layout, other, rng):
    a, b = rng.standard_normal((6, 6)), rng.standard_normal((6, 6))
    x, y = LAYOUTS[layout](a), LAYOUTS[other](b)
    shape = np.broadcast_shapes(x.shape, y.shape) if {x.shape, y.shape} <= {(6, 6), (1, 6), (6, 1)} or x.shape == y.shape else None
    if shape is None:
        pytest.skip("shapes that do not broadcast")
    got = launches().run_map(table["sub"], (LAYOUTS[layout](from_host(a)), LAYOUTS[other](from_host(b))), shape, np.dtype("float64"))
    np.testing.assert_array_equal(to_host(got), x - y)


def test_a_strided_result_is_filled_and_nothing_else(rng):
    a = rng.standard_normal((3, 4))
    out = from_host(np.zeros((3, 8)))
    launches().run_map(table["neg"], (from_host(a),), (3, 4), np.dtype("float64"), out=out[:, ::2])
    got = to_host(out)
    np.testing.assert_array_equal(got[:, ::2], -a)
    assert not got[:, 1::2].any()


@pytest.mark.parametrize("dtype", ["int8", "int32", "int64", "uint8", "uint64"])
@pytest.mark.parametrize("name", ["floor_divide", "remainder"])
def test_integers_are_divided_by_zero_as_on_the_cpu(name, dtype):
    a, b = np.array([7, -7, 0, 100]).astype(dtype), np.array([0, 2, 0, 3]).astype(dtype)
    want = CPU.run_map(table[name], (a, b), (4,), np.dtype(dtype))
    np.testing.assert_array_equal(to_host(launches().run_map(table[name], (from_host(a), from_host(b)), (4,), np.dtype(dtype))), want)


SPECIAL = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1e30, -1e30, 1e-30])


@pytest.mark.parametrize("op", [r for r in ROWS if r.params == ("x",) and r.accepts[0] not in ("bool", "integer", "index")], ids=lambda r: r.name)
def test_special_numbers_are_the_cpu_s(op):
    casts, out = types_of(op, (SPECIAL.dtype,))
    want = CPU.run_map(op, (SPECIAL,), SPECIAL.shape, out)
    got = to_host(launches().run_map(op, (from_host(SPECIAL),), SPECIAL.shape, out))
    np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-30)


def test_nothing_is_launched_for_nothing():
    out = launches().run_map(table["exp"], (empty((0, 3), "float32"),), (0, 3), np.dtype("float32"))
    assert to_host(out).shape == (0, 3)
