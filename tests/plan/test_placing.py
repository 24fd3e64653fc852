"""Plans of copies between layouts."""

import numpy as np

from nbgrad.plan.placing import bits, blocked, per_tile, place_steps
from nbgrad.plan.plan import GRAIN
from nbgrad.target.cpu import loops_place

LOOPS = (loops_place,)


def test_bits_are_as_wide_as_the_dtype():
    for name in ("bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64"):
        assert np.dtype(bits(name)).itemsize == np.dtype(name).itemsize


def test_blocks_cover_a_row():
    for n in (1, GRAIN, GRAIN + 1, 5 * GRAIN - 1):
        blocks, block = blocked(n)
        assert (blocks - 1) * block < n <= blocks * block
    assert per_tile(0) == per_tile(1) == GRAIN
    assert per_tile(10 * GRAIN) == 1


def test_neighbouring_axes_are_one_row():
    (step,) = place_steps((4, 5, 6), (30, 6, 1), (30, 6, 1), 0, "float32", (0, 1))
    assert step.words[5] == 120  # elements of a row
    assert step.words[8] == 0  # row axes
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
