"""Rows that are only read by their elements are not made."""

import numpy as np
import pytest
from numba import njit

from nbgrad.loops import derivative
from tests.ad.plain import differences, plain, text


@njit
def by_rows(m, k):
    s = 0.0
    for i in range(m.shape[0]):
        row = m[i]
        for j in range(row.size):
            s += row[j] * row[j - 1] * k
    return s


@njit
def planes(c):
    s = 0.0
    for i in range(c.shape[0]):
        plane = c[i]
        for j in range(plane.shape[0]):
            line = plane[j]
            line[0] *= 2.0
            s += line[0] * line[1] + c[i, j, 0]
    return s


@njit
def slices(m):
    s = 0.0
    for i in range(m.shape[1]):
        column = m[:, i]
        s += column[0] * column[1]
    return s


@pytest.mark.parametrize(("f", "shape", "more", "made"), [(by_rows, (3, 4), (1.5,), False), (planes, (2, 3, 2), (), False), (slices, (2, 3), (), True)])
def test_gradients_and_what_is_made(f, shape, more, made):
    x = np.random.default_rng(0).normal(size=shape)
    d = derivative("grad", f)
    np.testing.assert_allclose(plain(d, x, *more), differences(f.py_func, (x, *more), 0), rtol=1e-6, atol=1e-8)
    lines = [line for line in text(d, x, *more).splitlines() if line.strip().startswith(("row", "line", "plane", "v", "column"))]
    assert any("[" in line.partition("=")[2] and line.endswith("]") for line in lines) == made
