"""What the tests of windows share: an innermost loop, compiled for vectors of any shape, and run."""

import ctypes
import functools

import numpy as np
import pytest

from nbgrad.plan.host import get_host
from nbgrad.target.cpu.load import load_ir
from nbgrad.target.cpu.window_ir import symbol
from nbgrad.target.cpu.windows import inner_ir


@functools.cache
def inner_loop(name, dtype, shape):
    """Return the address of an innermost loop, compiled for vectors of `shape`."""
    return load_ir(inner_ir(name, dtype, *shape), symbol(name, dtype))


@pytest.fixture
def call():
    """Return what runs an innermost loop: `call(name, dtype, shape, *args)`; arrays are passed as their addresses."""

    def run(name, dtype, shape, *args):
        if shape[0] > get_host().vector_bytes:
            pytest.skip("this machine has no such vectors")
        words = [a.ctypes.data if isinstance(a, np.ndarray) else a for a in args]
        ctypes.CFUNCTYPE(ctypes.c_int64, *[ctypes.c_int64] * len(words))(inner_loop(name, dtype, shape))(*words)

    return run
