"""What the texts of derivatives call: plain functions, arrays that lie apart, sums in any order."""

import numpy as np
import pytest
from numba import njit

from nbgrad.target.functions.runtime import apart, give, grow, plus, take


@njit
def lie_apart(a, b):
    return apart(a, b)


def test_memory_apart():
    x = np.zeros((6, 8))
    for a, b, alone in [
        (x[:3], x[3:], True), (x[:4], x[3:], False), (x[::-1][:2], x[:4], True), (x[::-1][:3], x[3:], False),
        (x[:, :4], x[:, 4:], False), (x[:0], x, True), (x, x, False), (x, x.copy(), True), (x[5], x[:5], True),
    ]:  # fmt: skip
        assert lie_apart(a, b) == alone and (apart(a, b) or not alone)


def test_sums_have_the_wider_of_two_dtypes():
    add = njit(lambda a, b: plus(a, b))
    assert add(np.float32(1.5), 2.25) == 3.75 and add(1e-9, np.float32(1)) == 1 + 1e-9
    assert add(np.float32(1), np.float32(1e-9)) == 1


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "bool"])
def test_plain_functions_do_the_same(dtype):
    tape = take(0, 4, np.dtype(dtype))
    tape[:] = [0, 1, 1, 0]
    larger = grow(tape, 9)
    assert larger.size >= 9 and larger.dtype == dtype and list(larger[:4]) == [0, 1, 1, 0]
    assert give(0, larger) is None and plus(1.5, 2.0) == 3.5
