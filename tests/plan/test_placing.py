"""Plans of copies between layouts."""

import numpy as np

from nbgrad.plan.placing import bits, lanes, per_tile, place_steps, rectangles
from nbgrad.plan.plan import GRAIN
from nbgrad.target.cpu import loops_place

LOOPS = (loops_place,)


def test_bits_are_as_wide_as_the_dtype():
    for name in ("bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64"):
        assert np.dtype(bits(name)).itemsize == np.dtype(name).itemsize


def test_rectangles_cover_all():
    for rows, columns, cost, least in ((1, 1, 1, 1), (7, GRAIN + 1, 1, 1), (1000, 30, 2, 1), (3, 100, 10 * GRAIN, 32)):
        (r, height, c, width), tiles = rectangles(rows, columns, cost, least)
        assert (r, c) == (rows, columns)
        assert tiles == -(-rows // height) * -(-columns // width)
        assert width == columns or (height == 1 and width >= least)
    assert per_tile(0) == per_tile(1) == GRAIN
    assert per_tile(10 * GRAIN) == 1


def test_lanes_fill_a_cache_line_or_fit_the_row():
    assert [lanes(n, "float64") for n in (0, 1, 3, 8, 100)] == [1, 1, 2, 8, 8]
    assert lanes(1000, "int8") == 64


def test_neighbouring_axes_are_one_row():
    (step,) = place_steps((4, 5, 6), (30, 6, 1), (30, 6, 1), 0, "float32", (0, 1))
    assert step.words[3] == 120  # elements of a row
    assert step.words[7] == 0  # row axes
    assert place_steps((4, 0), (0, 1), (0, 1), 0, "float32", (0, 1)) == ()


def test_place_in_many_tiles(carry_out, rng):
    x = rng.standard_normal((9, 5000))
    plan, out = carry_out("place", (x,), {"strides": (10_001, -2), "offset": 10_000}, (9, 10_001), "float64", LOOPS)
    want = np.zeros((9, 10_001))
    want[:, ::-2][:, :5000] = x
    np.testing.assert_array_equal(out, want)
    assert plan.zero
    assert plan.steps[0].tiles > 1


def test_overwrite_and_concat(carry_out, rng):
    x, v = rng.standard_normal((3, 4)), rng.standard_normal((2, 2))
    _, out = carry_out("overwrite", (x, v), {"strides": (4, 1), "offset": 5}, (3, 4), "float64", LOOPS)
    want = x.copy()
    want[1:, 1:3] = v
    np.testing.assert_array_equal(out, want)
    _, out = carry_out("concat", (x, x[:, :1].copy()), {"axis": 1}, (3, 5), "float64", LOOPS)
    np.testing.assert_array_equal(out, np.concatenate([x, x[:, :1]], 1))
