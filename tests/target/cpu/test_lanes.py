import ctypes

import numpy as np
import pytest

from nbgrad.target.cpu import lanes as source
from nbgrad.target.cpu.load import load
from nbgrad.target.cpu.prelude import prelude

KERNEL = """
@kernel
def one_row(args, tile):
    {call}(at1(args), word(args, 2), at0(args), word(args, 3), word(args, 4))
"""


def run(call, v, out, to, first, count):
    """Run a row intrinsic: `v` from `first` into a copy of `out` at `to`."""
    with open(source.__file__, encoding="utf-8") as file:
        text = prelude((v.dtype.name,) * 2) + file.read() + KERNEL.format(call=call).replace("(at1", ", at1").replace("{", "(")
    out = out.copy()
    block = np.array([v.ctypes.data, out.ctypes.data, to, first, count], np.int64)
    ctypes.CFUNCTYPE(None, ctypes.c_int64, ctypes.c_int64)(load(text, "one_row"))(block.ctypes.data, 0)
    return out


JOIN = {"add": np.add, "max": np.maximum, "min": np.minimum}
COUNTS = (0, 1, 2, 3, 4, 5, 15, 16, 17, 31, 32, 33, 64, 100)


@pytest.mark.parametrize("lanes", [1, 4, 16])
@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64"])
def test_rows_are_copied_and_nothing_around_them(lanes, dtype, rng):
    v, out = (rng.integers(0, 99, 200).astype(dtype) for _ in range(2))
    for count in COUNTS:
        want = out.copy()
        want[5 : 5 + count] = v[7 : 7 + count]
        np.testing.assert_array_equal(run(f"put_row{{{lanes}", v, out, 5, 7, count), want)


@pytest.mark.parametrize("mode", JOIN)
@pytest.mark.parametrize("dtype", ["int16", "uint64", "float32", "float64"])
def test_rows_are_joined_and_nothing_around_them(mode, dtype, rng):
    v, out = (rng.integers(0, 99, 200).astype(dtype) for _ in range(2))
    if dtype.startswith("f"):
        v[::7], out[::5] = np.nan, np.nan
    for lanes, count in ((8, c) for c in COUNTS):
        want = out.copy()
        want[5 : 5 + count] = JOIN[mode](out[5 : 5 + count], v[7 : 7 + count])
        np.testing.assert_array_equal(run(f"join_row{{{lanes}, {mode!r}", v, out, 5, 7, count), want)
