"""Ops on arrays of a device."""

import numpy as np
import pytest

from nbgrad.ops.table import table
from nbgrad.target.cuda.array import from_host, to_host
from nbgrad.target.cuda.run import filled, launches, row_major, scalar

pytestmark = pytest.mark.cuda


def test_launches_are_remembered_by_layout(rng):
    x = from_host(rng.standard_normal((3, 4)))
    find = lambda a: launches().map_launch(table["exp"], (a,), a.shape, a.dtype)
    assert find(x) is find(x)
    assert find(x) is not find(x.transpose((1, 0)))
    assert not find(x).plain


def test_numbers_fill_arrays():
    np.testing.assert_array_equal(to_host(filled((2, 3), "int32", 7)), np.full((2, 3), 7, "int32"))
    assert to_host(scalar(2.5, np.dtype("float32"))) == np.float32(2.5)
    assert filled((0,), "float32", 1.0).size == 0


def test_what_lies_row_by_row_is_not_copied(rng):
    a = rng.standard_normal((3, 4))
    x = from_host(a)
    assert row_major(x) is x
    np.testing.assert_array_equal(to_host(row_major(x.transpose((1, 0)))), a.T)
