"""The pool's memory and the start of its workers."""

import ctypes
import time

import pytest

from nbgrad.target.cpu import pool as pools
from nbgrad.target.cpu.pool import Pool
from nbgrad.target.cpu.sharing import BUSY, GATE, LINE, LINES, LOCK, POOL, THREADS


@pytest.fixture
def started(monkeypatch):
    """The lines of workers that would have been started."""
    lines = []
    monkeypatch.setattr(pools, "_start_thread", lambda function, line: lines.append(line) or 1)
    return lines


def test_memory_begins_on_a_line_of_the_cache():
    for most in (1, 2, 7):
        pool = Pool(most)
        assert pool.address % LINE == 0
        assert pool.size == LINES + most * LINE
        pool[LINES + (most - 1) * LINE] = 5
        assert ctypes.c_int64.from_address(pool.address + LINES + (most - 1) * LINE).value == 5


def test_growing_starts_each_worker_once_and_ends_at_the_most(started):
    pool = Pool(4)
    for threads in (1, 2, 2, 3, 9):
        pool.grow(threads)
    assert started == [pool.address + LINES + LINE * number for number in (1, 2, 3)]
    assert pool[POOL] == 4


def test_a_forgotten_pool_starts_workers_again(started):
    pool = Pool(3)
    pool.grow(3)
    locks = [pool[LINES + LINE * number + LOCK] for number in range(3)]
    pool[BUSY] = pool[GATE] = 1
    pool[THREADS] = 2
    pool.forget()
    assert (pool[BUSY], pool[GATE], pool[POOL], pool[THREADS]) == (0, 0, 1, 2)
    pool.grow(3)
    assert len(started) == 4
    assert not set(locks) & {pool[LINES + LINE * number + LOCK] for number in range(3)}


def test_a_system_without_more_threads_is_told(monkeypatch):
    monkeypatch.setattr(pools, "_start_thread", lambda function, line: pools.FAILED)
    pool = Pool(4)
    with pytest.raises(RuntimeError, match="no more than 1 threads"):
        pool.grow(3)
    assert pool[POOL] == 1


def test_a_rest_takes_microseconds():
    wait = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64)(pools.native().address("wait_in_place"))
    start = time.perf_counter()
    for _ in range(100):
        wait(pools._pauses())
    assert time.perf_counter() - start > 20 * pools.REST
