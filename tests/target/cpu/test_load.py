"""Kernels from text to address: cache hits, damage, many processes, errors."""

import ctypes
import math
import os
import subprocess
import sys
import threading

import numpy as np
import pytest

from nbgrad.base.config import config
from nbgrad.base.errors import KernelError, NbgradCacheWarning
from nbgrad.target.cpu import build, store
from nbgrad.target.cpu import load as load_module
from nbgrad.target.cpu.load import cache_info, clear_cache, load, load_all, load_ir, source_path
from nbgrad.target.cpu.prelude import prelude

SCALE = """

factor = np.float32({factor})


@kernel
def scale(args, tile):
    x, out, n = at0(args), at1(args), word(args, 2)
    for i in range(n):
        out[i] = factor * x[i] + {more}
"""
READER = """
import sys, ctypes, numpy as np
from nbgrad.target.cpu.load import load, cache_info
texts = [open(path).read() for path in sys.argv[2:]]
before = cache_info()
for factor, text in enumerate(texts, 2):
    x, out = np.arange(9, dtype=np.float32), np.zeros(9, np.float32)
    block = np.array([x.ctypes.data, out.ctypes.data, 9], np.int64)
    ctypes.CFUNCTYPE(None, ctypes.c_int64, ctypes.c_int64)(load(text, "scale"))(block.ctypes.data, 0)
    assert (out == factor * x).all()
compiled, read = (after - start for after, start in zip(cache_info()[3:], before[3:]))
exec(sys.argv[1])
"""


def text_of(factor, more="T0(0)"):
    return prelude(("float32", "float32")) + SCALE.format(factor=factor, more=more)


def run_kernel(address, x):
    out = np.zeros_like(x)
    block = np.array([x.ctypes.data, out.ctypes.data, x.size], np.int64)
    ctypes.CFUNCTYPE(None, ctypes.c_int64, ctypes.c_int64)(address)(block.ctypes.data, 0)
    return out


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A cache folder of its own; kernels loaded from it are forgotten afterwards, but stay in the engine."""
    monkeypatch.setattr(config, "cache", str(tmp_path / "cache"))
    monkeypatch.setattr(store, "_spare", None)
    monkeypatch.setattr(load_module, "_counts", {"compiled": 0, "read": 0})
    return tmp_path / "cache"


@pytest.fixture
def read(folder, tmp_path):
    """Load texts in another process that then runs a line of Python."""

    def start(line, texts):
        paths = []
        for i, text in enumerate(texts):
            paths.append(tmp_path / f"text{i}.py")
            paths[-1].write_text(text)
        environ = {**os.environ, "NBGRAD_CACHE_DIR": str(folder)}
        return subprocess.Popen([sys.executable, "-W", "error", "-c", READER, line, *map(str, paths)], env=environ,
                                stderr=subprocess.PIPE, text=True)  # fmt: skip

    return start


def finish(process):
    error = process.communicate(timeout=120)[1]
    assert process.returncode == 0, error


def test_a_kernel_is_compiled_once_and_kept(folder):
    x = np.linspace(-3, 3, 77, dtype=np.float32)
    address = load(text_of(11), "scale")
    np.testing.assert_array_equal(run_kernel(address, x), 11 * x)
    assert load(text_of(11), "scale") == address != load(text_of(12), "scale")
    info = cache_info()
    assert (info.folder, info.kernels, info.compiled, info.read) == (folder, 2, 2, 0)
    assert info.bytes == sum(f.stat().st_size for f in folder.iterdir())
    assert sorted(f.suffix for f in folder.iterdir()) == [".o", ".o", ".py", ".py"]
    assert clear_cache() == 4
    assert cache_info().kernels == 0


def test_kernels_are_compiled_together_and_found_afterwards(folder):
    before, texts = cache_info(), [text_of(n) for n in (71, 72, 73)]
    load_all([(text, "scale") for text in [*texts, texts[0]]])
    assert cache_info().compiled == before.compiled + 3
    for n, text in zip((71, 72, 73), texts):
        np.testing.assert_array_equal(run_kernel(load(text, "scale"), np.ones(3, np.float32)), n)
    assert cache_info().compiled == before.compiled + 3


def test_what_is_wrong_with_one_of_several_kernels_is_told(folder):
    with pytest.raises(KernelError, match="no_such_name"):
        load_all([(text_of(74), "scale"), (text_of(75, "no_such_name"), "scale"), (text_of(76), "scale")])
    np.testing.assert_array_equal(run_kernel(load(text_of(74), "scale"), np.ones(3, np.float32)), 74)


def test_another_process_reads_it_without_numba(folder, read):
    texts = [text_of(2), text_of(3)]
    for text in texts:
        load(text, "scale")
    finish(read("assert 'numba' not in sys.modules and (compiled, read) == (0, 2)", texts))


def test_damaged_machine_code_is_compiled_again_in_silence(folder, read):
    texts = [text_of(2, f"T0({i} - {i})") for i in range(3)]
    good = []
    for i, text in enumerate(texts):
        texts[i] = text = text.replace("float32(2)", f"float32({2 + i})")
        load(text, "scale")
        good.append(store.path(build.stem(text, "scale") + ".o"))
    content = [path.read_bytes() for path in good]
    good[0].write_bytes(b"")
    good[1].write_bytes(content[1][: len(content[1]) // 2])
    good[2].write_bytes(content[2][:-40] + bytes(40))
    finish(read("assert (compiled, read) == (3, 0)", texts))
    finish(read("assert (compiled, read) == (0, 3) and 'numba' not in sys.modules", texts))


def test_many_processes_at_once(folder, read):
    start_together(3, read, folder)


@pytest.mark.slow
def test_eight_processes_at_once(folder, read):
    start_together(8, read, folder)


def start_together(count, read, folder):
    processes = [read("pass", [text_of(2)]) for _ in range(count)]
    for process in processes:
        finish(process)
    assert {f.suffix for f in folder.iterdir()} == {".o", ".py"}
    finish(read("assert compiled == 0", [text_of(2)]))


def test_many_threads_at_once(folder):
    found, gate = [], threading.Barrier(6)

    def work():
        gate.wait()
        found.append(load(text_of(21), "scale"))

    workers = [threading.Thread(target=work) for _ in range(6)]
    for w in workers:
        w.start()
    for w in workers:
        w.join()
    assert len(found) == 6
    assert len(set(found)) == 1
    assert cache_info().compiled == 1


def test_a_cache_that_cannot_be_written_still_works(folder):
    folder.write_text("a file where the folder should be")
    x = np.ones(5, np.float32)
    with pytest.warns(NbgradCacheWarning, match="NBGRAD_CACHE_DIR") as seen:
        address = load(text_of(31), "scale")
    assert len(seen) == 1
    np.testing.assert_array_equal(run_kernel(address, x), 31 * x)
    np.testing.assert_array_equal(run_kernel(load(text_of(32), "scale"), x), 32 * x)
    assert source_path(text_of(31), "scale").read_text() == text_of(31)


def test_no_folder_at_all_still_works(folder, monkeypatch):
    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    x = np.ones(5, np.float32)
    with pytest.warns(NbgradCacheWarning, match="No space left"):
        np.testing.assert_array_equal(run_kernel(load(text_of(41), "scale"), x), 41 * x)


def test_a_missing_symbol_is_an_error_and_not_the_end(folder):
    body = "define void @test_load_calls() {\n  call void @nowhere_to_be_found()\n  ret void\n}"
    text = f"declare void @nowhere_to_be_found()\n{body}"
    for _ in range(2):  # compiled, then read from the cache
        with pytest.raises(KernelError, match="calls nowhere_to_be_found"):
            load_ir(text, "test_load_calls")


def test_functions_of_the_c_library_are_found(folder):
    x = np.linspace(0.1, 4, 50, dtype=np.float32)
    text = prelude(("float32", "float32")) + SCALE.format(factor=0, more="math.lgamma(x[i]) + math.erf(x[i])")
    expected = [math.lgamma(v) + math.erf(v) for v in x]
    np.testing.assert_allclose(run_kernel(load(text, "scale"), x), expected, rtol=1e-5, atol=1e-6)
