import ctypes

import numpy as np
import pytest

from nbgrad.target.cpu import dot as source
from nbgrad.target.cpu.load import load
from nbgrad.target.cpu.prelude import prelude

DOT = """
@kernel
def one_dot(args, tile):
    at2(args)[0] = dot(at0(args), word(args, 3), at1(args), word(args, 4), word(args, 5))
"""


@pytest.mark.parametrize("kind", ["float32", "float64", "int64", "uint8"])
@pytest.mark.parametrize("k", [0, 1, 7, 16, 63, 64, 300, 1000])
def test_dot_equals_numpy(kind, k):
    rng = np.random.default_rng(k)
    a, b = rng.integers(0, 5, k + 3).astype(kind), rng.integers(0, 5, k + 2).astype(kind)
    with open(source.__file__, encoding="utf-8") as file:
        text = prelude((kind,) * 3) + file.read() + DOT
    out = np.full(1, 77, kind)
    words = np.array([a.ctypes.data, b.ctypes.data, out.ctypes.data, 3, 2, k], np.int64)
    ctypes.CFUNCTYPE(None, ctypes.c_int64, ctypes.c_int64)(load(text, "one_dot"))(words.ctypes.data, 0)
    assert out[0] == a[3:] @ b[2:]


def test_vector_width_is_the_machines():
    assert source.vector_bytes() in (16, 32, 64)
