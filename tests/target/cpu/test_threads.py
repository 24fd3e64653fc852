"""Tiles on several threads: every layer of Numba, several Python threads, forks, launches within launches."""

import functools
import os
import subprocess
import sys

import pytest

from nbgrad.base.config import config
from nbgrad.base.errors import ArgumentError
from nbgrad.target.cpu.threads import get_num_threads, set_num_threads, threading_layer

PARTS = {
    "results": """
for tiles in (1, 2, 3, 7, 100, 1000):
    check(tiles)
assert threads.threading_layer() == layer and "numba" in sys.modules
""",
    "lazy": """
check(1)
threads.set_num_threads(1)
check(2)
assert "numba" not in sys.modules and threads.threading_layer() is None
""",
    "python threads": """
failed = []
def work():
    try:
        for tiles in (2, 7, 50) * 50:
            check(tiles)
    except BaseException as error:
        failed.append(error)
workers = [threading.Thread(target=work) for _ in range(4)]
[w.start() for w in workers]
[w.join() for w in workers]
assert not failed and threads.get_num_threads() == 4
""",
    "fork": """
check(9)
serial = layer == "omp" and sys.modules["numba.np.ufunc.omppool"].openmp_vendor == "GNU"
child = os.fork()
if child == 0:
    try:
        check(9)
        assert threads.get_num_threads() == (1 if serial else 4)
        if serial:
            try:
                threads.set_num_threads(2)
                os._exit(3)
            except threads.ArgumentError:
                threads.set_num_threads(1)
        check(9)
        os._exit(0)
    except BaseException:
        traceback.print_exc()
        os._exit(2)
assert os.waitpid(child, 0)[1] == 0
check(9)
""",
    "fork before the pool": """
child = os.fork()
if child == 0:
    check(9)
    os._exit(0 if threads.get_num_threads() == 4 else 2)
assert os.waitpid(child, 0)[1] == 0
check(9)
""",
    "fork during a launch": """
check(9)
flag = np.zeros(2, np.int64)
waiting = make_program(load_ir(WAIT, "wait"), (), 2, 1)
worker = threading.Thread(target=lambda: call(waiting, flag))
worker.start()
while not flag[1]:
    pass
child = os.fork()
if child == 0:
    check(9)
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
flag[0] = 1
worker.join()
check(9)
""",
    "within a tile": """
outs = [np.zeros_like(x) for _ in range(6)]
inner = make_program(kernel, (x.size, 1000), x.size // 1000, 2)
@ctypes.CFUNCTYPE(None, ctypes.c_int64, ctypes.c_int64)
def nested(args, tile):
    call(inner, x, outs[tile])
outer = make_program(ctypes.cast(nested, ctypes.c_void_p).value, (), 6, 1)
call(outer, x)
assert all((out == x * x).all() for out in outs)
""",
    "numba's own number of threads": """
import numba
numba.set_num_threads(3)
check(9)
assert numba.get_num_threads() == 3 and threads.get_num_threads() == 4
""",
}
START = '''
import ctypes, os, sys, threading, traceback, warnings
import numpy as np
from nbgrad.target.cpu import threads
from nbgrad.target.cpu.load import load, load_ir
from nbgrad.target.cpu.native import call, make_program
from nbgrad.target.cpu.prelude import prelude
warnings.filterwarnings("ignore", message=".*fork", category=DeprecationWarning)
SQUARE = prelude(("float32", "float32")) + """
@kernel
def square(args, tile):
    x, out = at0(args), at1(args)
    for i in range(tile * word(args, 3), min(word(args, 2), (tile + 1) * word(args, 3))):
        out[i] = x[i] * x[i]
"""
WAIT = """
define void @wait(i64 %args, i64 %tile) {
entry:
  %block = inttoptr i64 %args to ptr
  %flag = load ptr, ptr %block
  %here = getelementptr i64, ptr %flag, i64 1
  store volatile i64 1, ptr %here
  br label %loop
loop:
  %seen = load volatile i64, ptr %flag
  %set = icmp ne i64 %seen, 0
  br i1 %set, label %done, label %loop
done:
  ret void
}
"""
layer = os.environ["NUMBA_THREADING_LAYER"]
kernel = load(SQUARE, "square")
x = np.arange(20000, dtype=np.float32)
def check(tiles):
    out = np.zeros_like(x)
    call(make_program(kernel, (x.size, -(-x.size // tiles)), tiles, 2), x, out)
    assert (out == x * x).all()
'''


@functools.cache
def has_layer(layer):
    module = {"omp": "omppool", "tbb": "tbbpool"}.get(layer, layer)
    line = f"import numba.np.ufunc.{module}"
    return subprocess.run([sys.executable, "-c", line], capture_output=True, check=False).returncode == 0


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """One cache for all these processes: the first compiles, the others read."""
    folder = tmp_path_factory.mktemp("cache")
    run("check(1)", "workqueue", folder)
    return folder


def run(text, layer, folder):
    environ = {**os.environ, "NUMBA_THREADING_LAYER": layer, "NUMBA_NUM_THREADS": "4", "NBGRAD_CACHE_DIR": str(folder)}
    environ.pop("NBGRAD_NUM_THREADS", None)
    command = [sys.executable, "-c", START + text]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("layer", ["omp", "workqueue", "tbb"])
def test_on_each_layer(layer, part, cache):
    if not has_layer(layer):
        pytest.skip(f"Numba's layer {layer} is not installed")
    if "fork" in part and not hasattr(os, "fork"):
        pytest.skip("this system has no fork")
    run(PARTS[part], layer, cache)


def test_a_layer_that_cannot_start_is_a_warning_and_one_thread(cache):
    if has_layer("tbb"):
        pytest.skip("every layer is installed")
    run("with warnings.catch_warnings(record=True) as seen:\n"
        "    warnings.simplefilter('always')\n    check(5)\n    check(5)\n"
        "assert len(seen) == 1 and 'cannot be started' in str(seen[0].message) and threads.get_num_threads() == 1",
        "tbb", cache)  # fmt: skip


@pytest.mark.parametrize("n", [0, -1, 10**6, 1.5, "2", None])
def test_a_wrong_number_of_threads(n):
    before = get_num_threads()
    with pytest.raises(ArgumentError, match=r"set_num_threads\(n\): n is "):
        set_num_threads(n)
    assert get_num_threads() == before


def test_the_number_of_threads_is_kept():
    before = get_num_threads()
    for n in (1, config.max_threads):
        set_num_threads(n)
        assert get_num_threads() == config.num_threads == n
    set_num_threads(before)


def test_the_layer_has_a_name_once_it_runs():
    assert threading_layer() in (None, "omp", "tbb", "workqueue")
