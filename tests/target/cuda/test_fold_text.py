"""Reductions as functions of a thread."""

import numpy as np
import pytest

from nbgrad.docs import rows
from nbgrad.ops.table import table
from nbgrad.target.cuda.fold_text import HELD, Fold
from nbgrad.target.cuda.package import package
from nbgrad.target.cuda.prelude import prelude
from nbgrad.target.cuda.simulated_math import NAMES

pytestmark = [pytest.mark.cuda, pytest.mark.skipif(not package().simulated, reason="helpers are called from the host")]
rows()


def functions(name, dtype, acc, **more):
    space = {"cuda": package().cuda, **NAMES}
    exec(prelude(package(), ()) + Fold(0, table[name], dtype, acc, **more).head(), space)
    return space


def test_a_mean_is_taken_joined_and_finished():
    f = functions("mean", "float32", "float64")
    a = f["fold0"](f["fold0"](f["start0"], np.float32(1)), np.float32(3))
    assert type(a) is np.float64
    assert f["finish0"](f["join0"](a, a), 4) == 2


def test_what_begins_with_its_first_number_has_no_start():
    f = functions("max", "int8", "int8")
    assert "start0" not in f
    assert f["fold0"](f["first0"](np.int8(-5)), np.int8(-7)) == -5


@pytest.mark.parametrize("acc", HELD)
def test_accumulators_are_held_in_what_lanes_exchange(acc):
    f = functions("max", acc, acc)
    assert f["K0"] == np.dtype(HELD[acc]).type
    assert type(f["fold0"](f["first0"](1), 0)) is f["K0"]


def test_truth_is_one_or_nothing():
    f = functions("any", "float32", "bool")
    assert f["fold0"](f["start0"], np.float32(0.5)) == 1
    assert f["finish0"](np.int32(1), 3) is True or f["finish0"](np.int32(1), 3) == np.True_


def test_parts_are_joined_and_not_counted_again():
    f = functions("count_nonzero", "int64", "int64", parts=True)
    assert f["fold0"](np.int64(3), np.int64(4)) == 7
