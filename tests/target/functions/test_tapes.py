"""Tapes whose memory is kept."""

import threading

import numpy as np
import pytest
from numba import njit

from nbgrad.target.functions import tapes
from nbgrad.target.functions.runtime import give, grow, plus, take


@njit(nogil=True)
def filled(slot, n, grown):
    tape = take(slot, n, np.float64)
    address = tape.ctypes.data
    for i in range(n):
        tape[i] = i
    if tape.size < grown:
        tape = grow(tape, grown)
    size = tape.size
    total = 0.0
    for i in range(n):
        total = plus(total, tape[i])
    give(slot, tape)
    return address, size, total


@njit
def two_at_once(slot):
    a = take(slot, 10, np.float64)
    b = take(slot, 10, np.float64)
    found = a.ctypes.data, b.ctypes.data
    give(slot, a)
    give(slot, b)
    return found


def test_memory_is_kept_between_calls():
    first = filled(11, 1000, 0)
    again = filled(11, 900, 0)
    assert first[0] == again[0] and first[0] % 64 == 0
    assert again[1] >= 900 and first[2] == sum(range(1000)) and again[2] == sum(range(900))


def test_a_tape_that_is_too_small_is_replaced():
    filled(12, 10, 0)
    assert filled(12, 100_000, 0)[1] >= 100_000
    assert filled(12, 10, 0)[1] >= 100_000  # the larger one lies in the slot now


def test_growing_keeps_what_a_tape_holds():
    _, size, total = filled(13, 300, 5000)
    assert size >= 5000 and total == sum(range(300))


def test_a_slot_gives_each_taker_memory_of_its_own():
    a, b = two_at_once(14)
    assert abs(a - b) >= 80


def test_threads_do_not_share_a_tape():
    wrong = []

    def work(n):
        wrong.extend(n for _ in range(300) if filled(15, n, 3 * n)[2] != sum(range(n)))

    threads = [threading.Thread(target=work, args=(n,)) for n in (50, 700, 2500)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong


@njit
def unused(slot, n):
    give(slot, take(slot, n, np.float64))


def test_very_large_tapes_are_not_kept():
    unused(16, 100)
    assert tapes.table[16] != 0
    unused(17, tapes.LARGEST // 8 + 1)
    assert tapes.table[17] == 0


def test_no_memory_is_an_error():
    with pytest.raises(MemoryError, match="tape of a derivative"):
        unused(18, 1 << 58)
