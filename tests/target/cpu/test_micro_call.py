import ctypes

import numpy as np
import pytest

from nbgrad.plan.host import block_columns, block_shape
from nbgrad.target.cpu import micro_call as source
from nbgrad.target.cpu.load import load
from nbgrad.target.cpu.prelude import prelude

PRODUCT = """
@kernel
def one_product(args, tile):
    m, k, n = word(args, 3), word(args, 4), word(args, 5)
    micro(at0(args), 0, k, 1, at1(args), 0, n, k, at2(args), 0, n, m, n, 0, S0, S1, S2)
"""
COPY = """
@kernel
def one_copy(args, tile):
    copy_vectors(at1(args), word(args, 3), at0(args), word(args, 2), S0, S1)
"""


def run(text, name, kinds, static, arrays, words):
    with open(source.__file__, encoding="utf-8") as file:
        constants = "".join(f"S{i} = {s}\n" for i, s in enumerate(static))
        text = prelude(kinds) + constants + file.read() + text
    block = np.array([*(a.ctypes.data for a in arrays), *words], np.int64)
    ctypes.CFUNCTYPE(None, ctypes.c_int64, ctypes.c_int64)(load(text, name))(block.ctypes.data, 0)


@pytest.mark.parametrize("kind", ["float32", "float64", "int32"])
def test_a_kernel_calls_the_micro_kernel(kind):
    rng, n = np.random.default_rng(0), block_columns(kind) - 1
    a, b = rng.integers(-4, 5, (17, 5)).astype(kind), rng.integers(-4, 5, (5, n)).astype(kind)
    c = np.zeros((17, n), kind)
    run(PRODUCT, "one_product", (kind,) * 3, block_shape(kind), (a, b, c), [17, 5, n])
    np.testing.assert_array_equal(c, a @ b)


@pytest.mark.parametrize(("vectors", "width"), [(2, 64), (1, 48), (3, 16)])
def test_copies_whole_vectors_and_no_more(vectors, width):
    x, out = np.arange(100, dtype="float32"), np.zeros(100, "float32")
    run(COPY, "one_copy", ("float32",) * 2, (vectors, width), (x, out), [3, 7])
    expected, n = np.zeros(100, "float32"), vectors * width // 4
    expected[7 : 7 + n] = x[3 : 3 + n]
    np.testing.assert_array_equal(out, expected)
