import ctypes

import numpy as np

from nbgrad.plan.plan import Kernel
from nbgrad.target.cpu.kernels import address, source


def test_the_file_that_is_copied_into_kernels_imports_nothing_of_nbgrad():
    text = source(Kernel("road_apply", ()))
    assert "def caller(count):" in text
    assert "import nbgrad" not in text
    assert "from ." not in text


def test_a_loop_that_is_told_to_decline_writes_a_zero():
    state, block = np.ones(80, np.int64), np.full(24, 7, np.int64)
    block[0] = state.ctypes.data  # its first word says that somebody watches
    ctypes.CFUNCTYPE(None, ctypes.c_int64, ctypes.c_int64)(address(Kernel("road_apply", ())))(block.ctypes.data, 0)
    assert block[0] == 0
    assert block[1] == 7
