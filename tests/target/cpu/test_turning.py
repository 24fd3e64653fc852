import ctypes

import numpy as np
import pytest

from nbgrad.target.cpu.load import load_ir
from nbgrad.target.cpu.turning import load_turn, turn_ir, turn_name

SIGNATURE = ctypes.CFUNCTYPE(None, *[ctypes.c_int64] * 8)


@pytest.mark.parametrize("width", [64, 32, 16])
@pytest.mark.parametrize("kind", ["float32", "float64", "int8", "int64"])
def test_turned_rows_are_columns_and_nothing_else_is_written(kind, width):
    turn = SIGNATURE(load_ir(turn_ir(kind, width), turn_name(kind, width), optimise=False))
    rng = np.random.default_rng(0)
    for rows in (*range(1, 19), 32, 40):
        for n in (1, 2, 7, 8, 15, 16, 17, 33):
            x = rng.integers(0, 100, (rows, n + 2)).astype(kind)
            out = np.full((n + 1, rows + 3), 77, kind)
            expected = out.copy()
            expected[:n, 1 : 1 + rows] = x[:, 1 : 1 + n].T
            turn(out.ctypes.data, 1, rows + 3, x.ctypes.data, 1, n + 2, rows, n)
            np.testing.assert_array_equal(out, expected)


def test_nothing_to_turn():
    out = np.ones(4)
    turn = SIGNATURE(load_turn(turn_name("float64", 32)))
    turn(out.ctypes.data, 0, 2, out.ctypes.data, 0, 2, 0, 2)
    turn(out.ctypes.data, 0, 2, out.ctypes.data, 0, 2, 2, 0)
    np.testing.assert_array_equal(out, np.ones(4))
