"""The words that fold: what they return for every length, against NumPy."""

import numpy as np
import pytest
from numba import types

import nbgrad as ng
from nbgrad.plan import reducing
from nbgrad.target.cpu import fold_lanes
from nbgrad.target.cpu.fold_words import Folding

LENGTHS = [1, 15, 16, 17, 63, 64, 65, 255, 256, 257, 320, 511, 512, 2048, 2300]


@pytest.mark.parametrize("n", LENGTHS)
def test_runs_of_every_length(n):
    a = np.random.default_rng(n).integers(-9, 10, (3, n))
    for dtype in ("float32", "float64", "int16", "uint8"):
        b = a.astype(dtype)
        np.testing.assert_array_equal(ng.sum(b, 1).numpy(), b.sum(1))
        np.testing.assert_array_equal(ng.max(b, 1).numpy(), b.max(1))
        np.testing.assert_array_equal(ng.min(b.T, 0).numpy(), b.T.min(0))


@pytest.mark.parametrize("n", [1, 7, 8, 9, 16, 23, 130])
@pytest.mark.parametrize("width", [31, 32, 33, 48, 100, 4096, 4100])
def test_columns_of_every_width(n, width):
    a = np.random.default_rng(n).integers(-9, 10, (n, width)).astype("float32")
    np.testing.assert_array_equal(ng.sum(a, 0).numpy(), a.sum(0))
    np.testing.assert_array_equal(ng.max(a, 0).numpy(), a.max(0))


def test_plans_and_words_agree_on_their_steps():
    assert reducing.WHOLE == fold_lanes.PASS and reducing.DEEP == fold_lanes.DEEP
    assert reducing.COLUMNS % fold_lanes.STRIP == 0


def test_truth_values_are_cast_whatever_the_row_says():
    assert not Folding(types.boolean, types.int64, None, None, as_is=True).as_is
