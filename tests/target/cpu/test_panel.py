import ctypes

import numpy as np
import pytest

from nbgrad.target.cpu import panel as source
from nbgrad.target.cpu.load import load
from nbgrad.target.cpu.prelude import prelude

KERNEL = """
@kernel
def one_panel(args, tile):
    a, b, acc, table = at0(args), at1(args), at2(args), at3(args)
    height, k, start = word(args, 4), word(args, 5), word(args, 6)
    to, pitch, n = word(args, 7), word(args, 8), word(args, 9)
    panel(a, b, acc, table, height, 0, 6, k, start, to, pitch, n)
"""


def product(a, b, height, start=0, to=0):
    """Run the micro-kernel on rows of `a` and of `b` read through a table of offsets."""
    k, n = b.shape
    dtypes = (a.dtype.name,) * 3 + ("int64",)
    with open(source.__file__, encoding="utf-8") as file:
        text = prelude(dtypes) + file.read() + KERNEL
    pitch = -(-n * a.itemsize // 256) * 256 // a.itemsize
    acc = np.full(to + 6 * pitch, 77, a.dtype)
    rows = [min(r, height - 1) * a.shape[1] for r in range(6)]
    table = np.array([*rows, *range(k), *(p * n for p in range(k))], np.int64)
    words = [x.ctypes.data for x in (a, b, acc, table)] + [height, k, start, to, pitch, n - start]
    block = np.array(words, np.int64)
    ctypes.CFUNCTYPE(None, ctypes.c_int64, ctypes.c_int64)(load(text, "one_panel"))(block.ctypes.data, 0)
    assert (acc[:to] == 77).all()
    return acc[to:].reshape(6, pitch)[:height, : n - start]


@pytest.mark.parametrize("kind", ["float32", "float64", "int64", "int8", "uint16"])
@pytest.mark.parametrize("height", [1, 2, 3, 4, 5, 6])
def test_panel_equals_numpy(kind, height):
    rng = np.random.default_rng(height)
    for k, n in ((0, 5), (1, 1), (3, 16), (7, 33), (20, 64), (5, 257)):
        a, b = (rng.integers(-4, 5, s).astype(kind) for s in ((height, max(k, 1)), (k, n)))
        np.testing.assert_array_equal(product(a, b, height), a[:, :k] @ b)


def test_panel_starts_where_it_is_told():
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((3, 4)), rng.standard_normal((4, 50))
    np.testing.assert_allclose(product(a, b, 3, start=7, to=5), (a @ b)[:, 7:], rtol=1e-12)


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


def test_columns_past_the_end_are_not_read():
    """The last row of b ends where a page begins that may not be read."""
    mmap = pytest.importorskip("mmap")
    if not hasattr(mmap, "PROT_READ"):
        pytest.skip("needs the page protection of POSIX")
    size = mmap.PAGESIZE
    memory = mmap.mmap(-1, 2 * size)
    libc = ctypes.CDLL(None)
    whole = np.frombuffer(memory, np.float64)
    address = whole.ctypes.data + size
    assert libc.mprotect(ctypes.c_void_p(address), ctypes.c_size_t(size), 0) == 0
    try:
        for n in (1, 3, 8, 17, 63):
            b = whole[size // 8 - 2 * n : size // 8].reshape(2, n)
            b[:] = 1.0
            np.testing.assert_array_equal(product(np.ones((3, 2)), b, 3), np.full((3, n), 2.0))
    finally:
        libc.mprotect(ctypes.c_void_p(address), ctypes.c_size_t(size), 3)


def test_vector_width_is_the_machines():
    assert source.vector_bytes() in (16, 32, 64)
