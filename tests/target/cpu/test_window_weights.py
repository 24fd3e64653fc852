import ctypes

import numpy as np

from nbgrad.target.cpu import window_weights
from nbgrad.target.cpu.words import Native


def test_rows_and_columns_that_a_block_of_positions_sees():
    functions = [window_weights.copied_rows, window_weights.copied_row]
    native = Native("test_window_weights", functions, {})
    kind = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64, ctypes.c_int64)
    words = np.zeros(48, np.int64)
    words[[32, 34, 35]] = 3, 2, 1  # cells, step, and how far the next cell is
    words[[40, 42, 43]] = 5, 1, 4
    rows, row = (kind(native.address(f.__name__))(words.ctypes.data, 7) for f in functions)
    assert rows == 6 * 2 + 2 * 1 + 1
    assert row == 6 * 1 + 4 * 4 + 1
