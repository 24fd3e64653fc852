"""What launches and workers do: the gate, workers asleep and awake, tiles dealt out."""

import ctypes
import threading
import time

import pytest

from nbgrad.target.cpu.pool import Pool, native
from nbgrad.target.cpu.sharing import ASLEEP, BUSY, GATE, INSIDE, LAUNCHES, LINE, LINES, PIECES, THREADS, invites

NOTE = ctypes.CFUNCTYPE(None, ctypes.c_int64, ctypes.c_int64)


@pytest.fixture(scope="module")
def pool():
    """A pool of three threads."""
    pool = Pool(3)
    pool.grow(3)
    pool[THREADS] = 3
    return pool


@pytest.fixture
def run(pool):
    """Return a function that runs tiles in Python, and returns which ran."""
    launch = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p)(native().address("launch"))

    def run(tiles, work=lambda tile: None):
        seen = []

        def note(block, tile):
            work(tile)
            seen.append((block, tile))

        function = NOTE(note)
        launch(ctypes.cast(function, ctypes.c_void_p), 77, tiles, pool.address)
        assert all(block == 77 for block, _ in seen)
        return sorted(tile for _, tile in seen)

    return run


def asleep(pool):
    return [pool[LINES + LINE * w + ASLEEP] for w in range(1, pool.most)]


@pytest.mark.parametrize("tiles", [0, 1, 2, 3, 4, 50])
def test_every_tile_runs_once(run, tiles):
    for _ in range(20):
        assert run(tiles) == list(range(tiles))


def test_the_gate_is_closed_and_empty_between_launches(run, pool):
    number = pool[GATE] >> LAUNCHES
    for i in range(1, 4):
        run(5)
        assert pool[GATE] >> LAUNCHES == number + i
        assert pool[GATE] & INSIDE == 0
        assert (pool[GATE] >> PIECES) & 0xFFFF == 0
        assert pool[BUSY] == 0


def test_neighbouring_tiles_are_dealt_to_the_same_thread(run):
    ran = {}
    run(60, lambda tile: (ran.setdefault(threading.get_ident(), []).append(tile), time.sleep(1e-3)))
    assert len(ran) == 3
    assert sorted(tiles[0] for tiles in ran.values())[0] == 0
    for tiles in ran.values():
        assert tiles[:5] == list(range(tiles[0], tiles[0] + 5))


def test_workers_go_to_sleep_and_are_woken(run, pool):
    for _ in range(3):
        for _ in range(2000):
            if asleep(pool) == [1, 1]:
                break
            time.sleep(0.005)
        assert asleep(pool) == [1, 1]
        assert run(6, lambda tile: time.sleep(0.01)) == list(range(6))


def test_a_launch_that_waits_long_sleeps(run):
    for _ in range(3):
        assert run(6, lambda tile: time.sleep(0.03 if tile > 1 else 0.0)) == list(range(6))


def test_a_taken_pool_leaves_the_tiles_to_the_thread_that_launches(run, pool):
    pool[BUSY] = 1
    gate = pool[GATE]
    try:
        assert run(6) == list(range(6))
        assert pool[GATE] == gate
    finally:
        pool[BUSY] = 0


def test_whom_a_gate_invites():
    gate = (7 << LAUNCHES) + (3 << PIECES) + 1
    assert [bool(invites(gate, number, 6)) for number in (1, 2, 3)] == [True, True, False]
    assert not invites(gate, 1, 7)
    assert not invites(7 << LAUNCHES, 1, 6)
