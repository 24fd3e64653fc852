"""The pool: its gate, its workers asleep and awake, its text for each kind of processor."""

import ctypes
import time

import llvmlite.binding as llvm
import numpy as np
import pytest

from nbgrad.target.cpu import pool as pools

NOTE = ctypes.CFUNCTYPE(None, ctypes.c_int64, ctypes.c_int64)


@pytest.fixture
def launch():
    """Return a function that launches a Python function on tiles, without Python's lock."""
    return ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p)(pools.launch())


@pytest.fixture(scope="module")
def pool():
    """A pool of three threads; it lives as long as the process, as all do."""
    pool = pools.Pool(3)
    pool.grow(3)
    pool.words[pools.THREADS] = 3
    return pool


def run(launch, pool, tiles, work=lambda tile: None):
    """Return which tiles ran."""
    seen = []

    def note(block, tile):
        work(tile)
        seen.append((block, tile))

    function = NOTE(note)
    launch(ctypes.cast(function, ctypes.c_void_p), 77, tiles, pool.address)
    assert all(block == 77 for block, _ in seen)
    return sorted(tile for _, tile in seen)


def asleep(pool):
    return [pool.words[pools.LINES + pools.LINE * w + pools.ASLEEP] for w in range(1, pool.most)]


@pytest.mark.parametrize("tiles", [1, 2, 3, 4, 50])
def test_every_tile_runs_once(launch, pool, tiles):
    for _ in range(20):
        assert run(launch, pool, tiles) == list(range(tiles))


def test_the_gate_is_closed_and_empty_between_launches(launch, pool):
    number = pool.words[pools.GATE] >> 32
    for i in range(1, 4):
        run(launch, pool, 5)
        assert pool.words[pools.GATE] >> 32 == number + i
        assert pool.words[pools.GATE] & 0xFFFF7FFF == 0
        assert pool.words[pools.BUSY] == 0


def test_workers_go_to_sleep_and_are_woken(launch, pool):
    for _ in range(3):
        for _ in range(2000):
            if asleep(pool) == [1, 1]:
                break
            time.sleep(0.005)
        assert asleep(pool) == [1, 1]
        assert run(launch, pool, 6, lambda tile: time.sleep(0.01)) == list(range(6))


def test_a_launch_that_waits_long_sleeps(launch, pool):
    for _ in range(3):
        assert run(launch, pool, 6, lambda tile: time.sleep(0.03 if tile > 1 else 0.0)) == list(range(6))


def test_a_taken_pool_leaves_the_tiles_to_the_thread_that_launches(launch, pool):
    pool.words[pools.BUSY] = 1
    number = pool.words[pools.GATE]
    try:
        assert run(launch, pool, 6) == list(range(6))
        assert pool.words[pools.GATE] == number
    finally:
        pool.words[pools.BUSY] = 0


def test_the_state_begins_on_a_line_of_the_cache(pool):
    assert pool.address % 64 == 0
    assert len(pool.words) == pools.LINES + 3 * pools.LINE


def test_growing_is_once_for_each_worker_and_ends_at_the_most(monkeypatch):
    started = []
    monkeypatch.setattr(pools, "_start_thread", lambda function, line: started.append(line) or 1)
    pool = pools.Pool(4)
    for threads in (2, 2, 3, 9):
        pool.grow(threads)
    assert started == [pool.address + 8 * (pools.LINES + pools.LINE * w) for w in (1, 2, 3)]
    assert pool.words[pools.POOL] == 4
    pool.forget()
    assert pool.words[pools.POOL] == 1
    pool.grow(2)
    assert len(started) == 4


def test_a_system_without_more_threads_is_told(monkeypatch):
    monkeypatch.setattr(pools, "_start_thread", lambda function, line: pools.FAILED)
    pool = pools.Pool(4)
    with pytest.raises(RuntimeError, match="no more than 1 threads"):
        pool.grow(3)
    assert pool.words[pools.POOL] == 1


@pytest.mark.parametrize(("triple", "word"), [("x86_64-pc-linux", "x86.sse2.pause"), ("aarch64-linux", "aarch64.hint"), ("riscv64-linux", None)])
def test_the_text_for_each_kind_of_processor(triple, word, monkeypatch):
    monkeypatch.setattr(llvm, "get_process_triple", lambda: triple)
    text = pools.text()
    llvm.parse_assembly(text).verify()
    assert ("@llvm." in text) == (word is not None)
    assert word is None or word in text


def test_a_rest_takes_microseconds(pool):
    assert 1 <= pool.words[pools.PAUSES] < 100_000
    pause = ctypes.CFUNCTYPE(None, ctypes.c_int64)(pools._functions().pause)
    start = time.perf_counter()
    for _ in np.arange(100):
        pause(pool.words[pools.PAUSES])
    assert time.perf_counter() - start > 50 * pools.REST
