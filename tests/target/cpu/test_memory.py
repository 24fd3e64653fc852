"""Memory of large arrays goes from array to array; small ones are NumPy's own."""

import os
import subprocess
import sys
import threading

import numpy as np
import pytest

import nbgrad as ng
from nbgrad.base.config import config
from nbgrad.target.cpu.blocks import LEAST, MOST_BLOCKS
from nbgrad.target.cpu.memory import empty, kept_bytes, specification

LARGE = (LEAST // 4 + 100,)


@pytest.mark.parametrize("shape", [(), (0,), (3, 0, 2), (5,), (2, 3, 4), LARGE, (64, 1025), (1, 1, 1)])
@pytest.mark.parametrize("dtype", ["float32", "float64", "int8", "bool"])
def test_an_array_is_as_numpy_would_make_it(shape, dtype):
    a, want = empty(shape, dtype), np.empty(shape, dtype)
    assert (a.shape, a.dtype, a.strides) == (want.shape, want.dtype, want.strides)
    assert a.flags.owndata
    assert a.flags.writeable
    assert a.flags.c_contiguous
    a[...] = 1
    assert (a == 1).all()
    if a.nbytes >= LEAST:
        assert a.ctypes.data % 64 == 0


def test_what_one_gave_back_the_next_takes():
    a = empty(LARGE, "float32")
    at, before = a.ctypes.data, kept_bytes()
    del a
    assert kept_bytes() > before
    b = empty((LARGE[0] - 1,), "float32")  # nearly as large
    assert b.ctypes.data == at
    assert kept_bytes() == before
    c = empty(LARGE, "float32")
    assert c.ctypes.data != at


def test_views_keep_the_memory():
    a = empty(LARGE, "float32")
    a[:] = 3.0
    view = a[5:]
    del a
    others = [empty(LARGE, "float32") for _ in range(5)]
    for other in others:
        other[:] = 4.0
    assert (view == 3.0).all()


def test_results_are_aligned_and_reused():
    x = ng.tensor(np.ones((64, 1024), "float32"))
    places = set()
    for _ in range(50):
        y = ng.softmax(ng.exp(x), -1)
        places.add(y.numpy().ctypes.data)
        assert y.numpy().ctypes.data % 64 == 0
    assert len(places) <= 3


def test_an_array_can_be_resized():
    a = empty(LARGE, "float64")
    a[:] = np.arange(a.size)
    a.resize((2 * a.size,), refcheck=False)
    np.testing.assert_array_equal(a[: LARGE[0]], np.arange(LARGE[0]))
    assert (a[LARGE[0] :] == 0).all()
    a.resize((10,), refcheck=False)
    np.testing.assert_array_equal(a, np.arange(10))


def test_no_more_is_kept_than_agreed():
    for size in (1 << 20, 3 << 20, 5 << 20):
        arrays = [empty((size,), "float64") for _ in range(20)]
        del arrays
        assert kept_bytes() <= config.memory_bytes
    many = [empty((LEAST + 64 * i,), "int8") for i in range(2 * MOST_BLOCKS)]
    del many
    assert kept_bytes() <= config.memory_bytes
    much = empty((config.memory_bytes + 1,), "int8")
    before = kept_bytes()
    del much
    assert kept_bytes() == before


def test_numpys_own_arrays_are_left_alone():
    empty(LARGE, "float32")
    before = kept_bytes()
    del_me = np.empty(LARGE, "float32")
    del del_me
    assert kept_bytes() == before


def test_threads_take_and_give_back():
    failed = []

    def work(seed):
        rng = np.random.default_rng(seed)
        mine = []
        for i in range(300):
            a = empty((int(rng.integers(LEAST // 8, LEAST)),), "float64")
            a[:] = seed
            mine.append(a)
            if len(mine) > 5:
                old = mine.pop(int(rng.integers(5)))
                if not (old == seed).all():
                    failed.append(i)

    threads = [threading.Thread(target=work, args=(s,)) for s in range(6)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not failed


def test_the_specification_says_bytes_axes_and_lengths():
    assert specification((3, 5), "float32").tolist() == [60, 2, 3, 5]
    assert specification((), "int64").tolist() == [8, 0]


def test_arrays_outlive_the_library():
    """Memory is given back at the very end, when modules are taken apart, too."""
    code = (
        "import sys, numpy as np, nbgrad as ng\n"
        "x = ng.exp(ng.tensor(np.ones((300, 300))))\n"
        "np.kept = sys.kept = x.numpy()\n"
        "class Last:\n"
        "    def __del__(self, a=ng.exp(x).numpy()):\n"
        "        assert a.flags.owndata\n"
        "sys.last = Last()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], env=os.environ, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert not done.stderr
