"""The words of kernels that call functions, inside of functions of Numba."""

import ctypes

import numpy as np
import pytest
from numba import cfunc, njit, types

from nbgrad.ad.statements import Array, Scalar
from nbgrad.target.functions.calling import array, copy, invoke, thrown
from nbgrad.target.functions.entry import Entry

RESULT = types.Array(types.float64, 2, "C")


@njit
def grown(m, by):
    if by < 0:
        raise ValueError("less", by)
    return m + by


@njit
def called(address, m, by):
    code, info, found = invoke(address, RESULT, (m, by))
    if code != 0:
        thrown(code, info)
    return found


def test_a_function_is_called_at_its_address():
    entry = Entry(grown, (Array("float64", 2), Scalar("int64")))
    m = np.arange(6.0).reshape(2, 3)
    np.testing.assert_array_equal(called(int(entry), m, 2), m + 2)
    for _ in range(2):
        with pytest.raises(ValueError, match=r"\('less', -1\)"):
            called(int(entry), m, -1)


@njit
def filled(pointer, rows, columns, source):
    copy(pointer, source, rows * columns)
    m = array(pointer, (rows, columns), types.float64)
    m[1, 2] *= 10.0
    return m.sum(), m.shape, m.strides


def test_arrays_of_what_lies_at_an_address():
    @cfunc(types.float64(types.CPointer(types.float64), types.CPointer(types.float64)))
    def last(pointer, source):
        total, shape, strides = filled(pointer, 2, 3, array(source, (6,), types.float64))
        return total + 100.0 * shape[1] + 1000.0 * strides[0]

    a, source = np.zeros(6), np.arange(6.0)
    address = lambda x: x.ctypes.data_as(ctypes.POINTER(ctypes.c_double))
    assert last.ctypes(address(a), address(source)) == 15.0 + 45.0 + 300.0 + 24000.0
    assert a.tolist() == [0.0, 1.0, 2.0, 3.0, 4.0, 50.0] and source[5] == 5.0
