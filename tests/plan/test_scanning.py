"""Plans of scans: lines are shared out, a line is one tile's."""

import numpy as np
import pytest

from nbgrad.target.cpu import loops_scan

LOOPS = (loops_scan,)


@pytest.mark.parametrize(("shape", "axis"), [((300, 40), 0), ((300, 40), 1), ((5, 30, 70), 1), ((7,), 0)])
@pytest.mark.parametrize("reverse", [False, True])
def test_scans(carry_out, rng, shape, axis, reverse):
    x = rng.integers(-5, 5, shape).astype("float64")
    flip = (lambda a: np.flip(a, axis)) if reverse else (lambda a: a)
    _, out = carry_out("running_sum", (x,), {"axis": axis, "reverse": reverse}, shape, "float64", LOOPS)
    np.testing.assert_array_equal(out, flip(np.cumsum(flip(x), axis)))
    ones = np.ones(shape)
    _, out = carry_out("recurrence", (ones, x), {"axis": axis, "reverse": reverse}, shape, "float64", LOOPS)
    np.testing.assert_array_equal(out, flip(np.cumsum(flip(x), axis)))


def test_where_the_extreme_was_met(carry_out):
    x = np.array([[1.0, 3.0, 3.0, np.nan, 9.0], [2.0, 1.0, 2.0, 0.0, 5.0]])
    _, out = carry_out("running_arg", (x,), {"axis": 1, "largest": True}, (2, 5), "int64", LOOPS)
    np.testing.assert_array_equal(out, [[0, 1, 1, 3, 3], [0, 0, 0, 0, 4]])
    _, out = carry_out("running_arg", (x,), {"axis": 1, "largest": False}, (2, 5), "int64", LOOPS)
    np.testing.assert_array_equal(out, [[0, 0, 0, 3, 3], [0, 1, 1, 3, 3]])


def test_columns_are_vectors_in_several_tiles(carry_out, rng):
    x = rng.integers(-5, 5, (200, 400)).astype("int64")
    plan, out = carry_out("running_sum", (x,), {"axis": 0, "reverse": False}, (200, 400), "int64", LOOPS)
    assert plan.steps[0].tiles > 1
    np.testing.assert_array_equal(out, np.cumsum(x, 0))
