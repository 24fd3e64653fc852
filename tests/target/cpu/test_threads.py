"""Tiles on several threads: several Python threads, forks, launches within launches, Numba beside them."""

import functools
import multiprocessing
import os
import shutil
import subprocess
import sys

import pytest

from nbgrad.base.config import config
from nbgrad.base.errors import ArgumentError
from nbgrad.target.cpu.threads import get_num_threads, set_num_threads, started

PARTS = {
    "results": """
for tiles in (1, 2, 3, 7, 100, 1000):
    check(tiles)
assert threads.started() == 4
""",
    "lazy": """
check(1)
threads.set_num_threads(1)
check(2)
assert threads.started() == 1 and natives() == 1
threads.set_num_threads(3)
check(2)
assert threads.started() == natives() == 3
""",
    "without numba": """
check(9)
assert "numba" not in sys.modules
""",
    "python threads": """
def work():
    for tiles in (2, 7, 50) * 50:
        check(tiles)
together(4, work)
assert threads.get_num_threads() == 4
""",
    "fork": """
check(9)
def child():
    assert threads.started() == natives() == 1
    check(9)
    assert threads.get_num_threads() == threads.started() == natives() == 4
    threads.set_num_threads(2)
    in_child(lambda: check(9))
    check(9)
in_child(child)
check(9)
""",
    "fork before the pool": """
in_child(lambda: check(9))
check(9)
""",
    "fork that Python does not see": """
check(9)
pid = ctypes.CDLL(None).fork()
if pid == 0:
    check(9)
    os._exit(0)
assert os.waitpid(pid, 0)[1] == 0
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
in_child(lambda: check(9))
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
    "a tile that takes long": """
@ctypes.CFUNCTYPE(None, ctypes.c_int64, ctypes.c_int64)
def slow(args, tile):
    time.sleep(0.05 if tile else 0.0)
    seen.append(tile)
program = make_program(ctypes.cast(slow, ctypes.c_void_p).value, (), 8, 1)
for _ in range(3):
    seen = []
    call(program, x)  # one thread is through long before the others: it sleeps until they are
    assert sorted(seen) == list(range(8))
""",
    "a daemon thread at the end": """
def work():
    while True:
        check(9)
threading.Thread(target=work, daemon=True).start()
time.sleep(0.2)
""",
    "a pool of threads": """
with concurrent.futures.ThreadPoolExecutor(3) as pool:
    list(pool.map(check, (2, 3, 9, 50) * 20))
""",
    "an exit hook": """
import atexit
atexit.register(check, 9)
check(9)
""",
    "a busy processor": """
stop = []
spin = threading.Thread(target=lambda: [None for _ in iter(lambda: bool(stop), True)])
spin.start()
for _ in range(20):
    check(9)
stop.append(1)
spin.join()
""",
}
BESIDE_NUMBA = {
    "in turns": """
for _ in range(50):
    check(9)
    theirs()
assert numba.get_num_threads() == threads.get_num_threads() == 4
""",
    "at once": """
lock = threading.Lock()  # Numba's workqueue ends the process when two threads use it
def work():
    for _ in range(50):
        check(9)
        with lock:
            theirs()
together(3, work)
""",
    "numba's own number of threads": """
numba.set_num_threads(3)
check(9)
theirs()
assert numba.get_num_threads() == 3 and threads.get_num_threads() == 4
""",
    "fork": """
check(9)
theirs()
in_child(lambda: check(9))
check(9)
theirs()
os._exit(0)  # TBB hangs at the end of a process that forked and has few processors, with Numba alone too
""",
    "within their loop": """
ours = ctypes.CFUNCTYPE(None, ctypes.c_int64)(lambda i: check(9))
@numba.njit(parallel=True)
def around(n):
    for i in numba.prange(n):
        ours(i)
around(6)
""",
}
START = '''
import concurrent.futures, ctypes, os, sys, threading, time, traceback, warnings
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
kernel = load(SQUARE, "square")
x = np.arange(20000, dtype=np.float32)
def check(tiles):
    out = np.zeros_like(x)
    call(make_program(kernel, (x.size, -(-x.size // tiles)), tiles, 2), x, out)
    assert (out == x * x).all()
def natives():
    "How many threads the system counts."
    return len(os.listdir("/proc/self/task")) if os.path.exists("/proc/self/task") else threads.started()
def in_child(work):
    child = os.fork()
    if child == 0:
        try:
            work()
            os._exit(0)
        except BaseException:
            traceback.print_exc()
            os._exit(2)
    assert os.waitpid(child, 0)[1] == 0
def together(n, work):
    failed = []
    def run():
        try:
            work()
        except BaseException:
            failed.append(traceback.format_exc())
    workers = [threading.Thread(target=run) for _ in range(n)]
    [w.start() for w in workers]
    [w.join() for w in workers]
    assert not failed, failed[0]
'''
NUMBA = """
import numba
@numba.njit(parallel=True)
def loop(a):
    for i in numba.prange(a.size):
        a[i] = i * 2.0
def theirs():
    a = np.zeros(1000)
    loop(a)
    assert (a == 2.0 * np.arange(1000)).all()
theirs()
assert numba.threading_layer() == os.environ["NUMBA_THREADING_LAYER"]
"""
# pip puts the library of the layer "tbb" where the loader does not look by itself
LIBRARIES = {**os.environ, "LD_LIBRARY_PATH": os.path.join(sys.prefix, "lib") + ":" + os.environ.get("LD_LIBRARY_PATH", "")}


@functools.cache
def has_layer(layer):
    module = {"omp": "omppool", "tbb": "tbbpool"}.get(layer, layer)
    line = f"import numba.np.ufunc.{module}"
    return subprocess.run([sys.executable, "-c", line], env=LIBRARIES, capture_output=True, check=False).returncode == 0


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """One cache for all these processes: the first compiles, the others read."""
    folder = tmp_path_factory.mktemp("cache")
    run("check(2)", folder)
    return folder


def run(text, folder, prefix=(), **environ):
    environ = {**LIBRARIES, "NUMBA_NUM_THREADS": "4", "OPENBLAS_NUM_THREADS": "1", "NBGRAD_CACHE_DIR": str(folder), **environ}
    environ.pop("NBGRAD_NUM_THREADS", None)
    command = [*prefix, sys.executable, "-c", START + text]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr


def skip_without_fork(part):
    if "fork" in part and not hasattr(os, "fork"):
        pytest.skip("this system has no fork")


@pytest.mark.parametrize("part", PARTS)
def test_the_pool(part, cache):
    skip_without_fork(part)
    run(PARTS[part], cache)


@pytest.mark.parametrize("part", BESIDE_NUMBA)
@pytest.mark.parametrize("layer", ["omp", "workqueue", "tbb"])
def test_beside_each_layer_of_numba(layer, part, cache):
    if not has_layer(layer):
        pytest.skip(f"Numba's layer {layer} is not installed")
    skip_without_fork(part)
    run(NUMBA + BESIDE_NUMBA[part], cache, NUMBA_THREADING_LAYER=layer)


def test_one_thread_starts_no_pool(cache):
    run("check(9)\nassert threads.started() == natives() == threads.get_num_threads() == 1", cache, NUMBA_NUM_THREADS="1")


@pytest.mark.skipif(not shutil.which("taskset"), reason="taskset sets which processors a process may use")
def test_a_process_on_one_processor_starts_no_pool(cache):
    prefix = ("taskset", "-c", str(min(os.sched_getaffinity(0))))
    run("check(9)\nassert threads.started() == natives() == threads.get_num_threads() == 1", cache, prefix, NUMBA_NUM_THREADS="")


@pytest.mark.parametrize("start", ["fork", "forkserver", "spawn"])
def test_multiprocessing(start, cache, tmp_path):
    if start not in multiprocessing.get_all_start_methods():
        pytest.skip(f"this system has no {start}")
    (tmp_path / "ours.py").write_text(START)
    main = "import multiprocessing, ours\nif __name__ == '__main__':\n    ours.check(9)\n"
    main += f"    with multiprocessing.get_context({start!r}).Pool(2) as pool:\n        pool.map(ours.check, (2, 3, 9, 50))\n"
    (tmp_path / "main.py").write_text(main)
    environ = {**os.environ, "NUMBA_NUM_THREADS": "3", "NBGRAD_CACHE_DIR": str(cache), "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "main.py"], env=environ, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


def test_a_pool_that_the_system_limits_is_a_warning(cache):
    run("from nbgrad.target.cpu import pool\npool._start_thread = lambda *a: pool.FAILED\n"
        "with warnings.catch_warnings(record=True) as seen:\n"
        "    warnings.simplefilter('always')\n    check(5)\n    check(5)\n"
        "assert len(seen) == 1 and 'on 1 of 4 threads' in str(seen[0].message) and threads.get_num_threads() == 1",
        cache)  # fmt: skip


STRESS = """
import random
end = time.perf_counter() + SECONDS
@ctypes.CFUNCTYPE(None, ctypes.c_int64, ctypes.c_int64)
def raises(args, tile):
    if tile == 3:
        call(0)  # what a tile raises cannot cross native code; Python prints it
broken = make_program(ctypes.cast(raises, ctypes.c_void_p).value, (), 7, 1)
sys.unraisablehook = lambda seen: None
# A tile in Python gives its worker a thread state, under a lock of Python's that a child of Python 3.11 never gets when
# it is forked meanwhile.
python = threading.Lock()
def work():
    rng = random.Random(threading.get_ident())
    while time.perf_counter() < end:
        check(rng.choice((1, 2, 3, 5, 8, 100, 1000)))
        if rng.random() < 0.1:
            threads.set_num_threads(rng.randint(1, 4))
        if rng.random() < 0.05:
            with python:
                call(broken, x)
        if rng.random() < 0.02:
            with python:
                in_child(lambda: check(9))
        if rng.random() < 0.05:
            try:
                threads.set_num_threads(rng.choice((0, 99, "2")))
            except threads.ArgumentError:
                pass
        if rng.random() < 0.1:
            time.sleep(rng.random() * 1e-3)
together(8, work)
check(9)
"""


def test_eight_python_threads_under_stress(cache):
    run(STRESS.replace("SECONDS", "1.5"), cache)


@pytest.mark.slow
@pytest.mark.parametrize("most", ["2", "4", "16"])
def test_eight_python_threads_under_stress_for_long(most, cache):
    run(STRESS.replace("SECONDS", "30").replace("randint(1, 4)", f"randint(1, {most})"), cache, NUMBA_NUM_THREADS=most)


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


def test_started_counts_the_thread_that_launches():
    assert 1 <= started() <= config.max_threads
