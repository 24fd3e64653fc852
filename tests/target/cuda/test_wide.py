"""Accesses of 16 bytes."""

import numpy as np
import pytest

from nbgrad.ops.table import table
from nbgrad.plan.plan import Kernel
from nbgrad.target.cuda.array import empty, from_host, to_host
from nbgrad.target.cuda.kernels import source
from nbgrad.target.cuda.package import Package, package
from nbgrad.target.cuda.run import launches
from nbgrad.target.cuda.wide import count_of, wide_text

pytestmark = pytest.mark.cuda
DEVICE = Package("numba-cuda", None, False, "")


def test_the_widest_dtype_says_how_many():
    assert count_of(DEVICE, ["float32", "float32"]) == 4
    assert count_of(DEVICE, ["float32", "float64", "bool"]) == 2
    assert count_of(DEVICE, ["uint8"]) == 16
    assert count_of(DEVICE._replace(name="mlir"), ["float32"]) == 1


def test_texts_of_packages_differ_in_what_they_import():
    for name, line in (("numba-cuda", "numba.cuda.extending import intrinsic"), ("builtin", "numba.core.extending import intrinsic")):
        text = wide_text(DEVICE._replace(name=name), ("float32", "bool"), 4)
        assert line in text
        assert "get1, put1, near1 = wide(types.uint8)" in text


@pytest.mark.parametrize("dtype", ["float32", "float64", "int8"])
@pytest.mark.parametrize("n", [1, 3, 4, 15, 16, 17, 64, 133])
@pytest.mark.parametrize("start", [0, 1, 4])
def test_any_length_from_any_place(n, start, dtype, rng):
    a = (rng.standard_normal(n + start) * 9).astype(dtype)
    x = from_host(a)[start:]
    out = empty((n + start,), dtype)
    got = to_host(launches().run_map(table["add"], (x, x), (n,), np.dtype(dtype)))
    np.testing.assert_array_equal(got, a[start:] + a[start:])
    launches().run_map(table["neg"], (x,), (n,), np.dtype(dtype), out=out[start:])
    np.testing.assert_array_equal(to_host(out)[start:], -a[start:])


def test_kernels_that_lie_in_one_piece_have_them():
    text = lambda classes, outer=False: source(Kernel("map", ("float32",) * 3, table["add"], (classes, outer)))
    assert "get1(p1" in text("111")
    assert "get0(p0" in text("101")
    assert "get1(p1" not in text("101")
    for other in (text("1s1"), text("11s"), text("111", True), text("000")):
        assert "get0(" not in other
    assert package().name in ("numba-cuda", "mlir", "builtin")
