"""The pool of threads in words: what a launch does and what a worker does, for ever.

A launch opens a gate; a worker that sees it open goes in, takes tiles and goes out; the launch takes tiles itself,
closes the gate when none is left, and waits only for those who are in. So a worker that sleeps, or that the system
keeps from running, costs nothing: its tiles are done by the others. Tiles are dealt out in pieces, one run of
neighbouring tiles per thread, so that a thread meets the same memory from kernel to kernel; a thread that is done with
its piece takes tiles from the others. Which thread runs a tile never changes what the tile computes.
"""

from .words import atomic_add, atomic_get, atomic_replace, atomic_swap, call, get, pause, put, quotient, variables

# START is Python's, to start workers; the others wait for a lock, release one, and let another thread run.
START, ACQUIRE, RELEASE, YIELD = variables(4)
# The state, in lines of 64 bytes: what a launch reads; the gate with the job; then a line per thread.
BUSY, THREADS, POOL, PAUSES = range(0, 8 * 4, 8)
GATE, KERNEL, BLOCK, TILES = range(64, 64 + 8 * 4, 8)
LINES, LINE = 128, 64
NEXT, ASLEEP, LOCK, STATE, NUMBER = range(0, 8 * 5, 8)
# The gate: how many are in; whether the launch sleeps until they are out; in how many pieces the tiles are dealt out,
# 0 when it is closed; the number of the launch.
INSIDE, AWAITED, PIECES, LAUNCHES = (1 << 15) - 1, 1 << 15, 16, 32
ROUNDS = 25  # of some microseconds each, until a thread that waits goes to sleep; waking it takes 30 to 40 of them
PATIENCE = 100  # looks at the gate before a launch lets other threads run meanwhile
BRANCHES = 4  # threads that a thread wakes: a tree, for the first alone would take long to wake many


def launch(kernel, block, tiles, state):
    """Run all tiles of a kernel.

    When the pool is taken (by another thread of Python, or by a launch around this tile) they run here, in order: the
    processors are busy.
    """
    if get(state, THREADS) > 1:
        if get(state, POOL) < get(state, THREADS):
            call(START)
        if atomic_replace(state, BUSY, 0, 1):
            threads, there = get(state, THREADS), get(state, POOL)
            threads = there if there < threads else threads
            put(state, KERNEL, kernel)
            put(state, BLOCK, block)
            put(state, TILES, tiles)
            run_together(state, tiles if tiles < threads else threads)
            atomic_swap(state, BUSY, 0)
            return 0
    for tile in range(tiles):
        call(kernel, block, tile)
    return 0


def run_together(state, pieces):
    """Open the gate, take tiles, close it, and wait until all are out."""
    tiles, line = get(state, TILES), state + LINES
    for piece in range(pieces):
        put(line, NEXT, quotient(piece * tiles, pieces))
        line += LINE
    number = (atomic_get(state, GATE) >> LAUNCHES) + 1
    atomic_swap(state, GATE, (number << LAUNCHES) + (pieces << PIECES))
    take_tiles(state, 0, pieces)
    if atomic_add(state, GATE, -(pieces << PIECES)) & INSIDE == 0:
        return 0
    for _ in range(PATIENCE):
        if atomic_get(state, GATE) & INSIDE == 0:
            return 0
        pause()
    for _ in range(ROUNDS):
        rest(state)
        if atomic_get(state, GATE) & INSIDE == 0:
            return 0
    if atomic_add(state, GATE, AWAITED) & INSIDE != 0:
        call(ACQUIRE, get(state + LINES, LOCK), 1)
    return 0


def take_tiles(state, number, pieces):
    """Wake the threads of this branch; run tiles of this thread's piece, then of the others."""
    for other in range(BRANCHES * number + 1, BRANCHES * number + 1 + BRANCHES):
        if other < pieces:
            wake(state + LINES + other * LINE)
    kernel, block, tiles, piece = get(state, KERNEL), get(state, BLOCK), get(state, TILES), number
    for _ in range(pieces):
        line, end = state + LINES + piece * LINE, quotient((piece + 1) * tiles, pieces)
        while atomic_get(line, NEXT) < end:
            tile = atomic_add(line, NEXT, 1)
            if tile < end:
                call(kernel, block, tile)
        piece = 0 if piece + 1 == pieces else piece + 1
    return 0


def wake(line):
    """Wake a worker if it sleeps: who clears the word releases the lock, once."""
    if atomic_get(line, ASLEEP) != 0 and atomic_swap(line, ASLEEP, 0) != 0:
        call(RELEASE, get(line, LOCK))
    return 0


def rest(state):
    """Let another thread run for a moment, after a few microseconds."""
    for _ in range(get(state, PAUSES)):
        pause()
    return call(YIELD)


def work(line):
    """Live as a worker whose line this is."""
    state, number = get(line, STATE), get(line, NUMBER)
    pauses, last, waited, rounds = get(state, PAUSES), 0, 0, 0
    while 1:
        gate = atomic_get(state, GATE)
        if invites(gate, number, last):
            if atomic_replace(state, GATE, gate, gate + 1):
                last, waited, rounds = gate >> LAUNCHES, 0, 0
                take_tiles(state, number, (gate >> PIECES) & 0xFFFF)
                if atomic_add(state, GATE, -1) & (AWAITED + INSIDE) == AWAITED + 1:
                    call(RELEASE, get(state + LINES, LOCK))
            continue
        pause()
        waited += 1
        if waited == pauses:
            call(YIELD)
            rounds, waited = rounds + 1, 0
        if rounds == ROUNDS:
            sleep(state, line, number, last)
            rounds = 0
    return 0


def invites(gate, number, last):
    """Say whether a gate is open for this worker, and not for the launch that it was in last."""
    return number < ((gate >> PIECES) & 0xFFFF) and gate >> LAUNCHES != last


def sleep(state, line, number, last):
    """Sleep until a launch wakes this worker: it looks at the word after it opened the gate."""
    atomic_swap(line, ASLEEP, 1)
    if invites(atomic_get(state, GATE), number, last) and atomic_swap(line, ASLEEP, 0) != 0:
        return 0
    return call(ACQUIRE, get(line, LOCK), 1)


def wait_in_place(pauses):
    """Take the time that a number of pauses takes."""
    for _ in range(pauses):
        pause()
    return 0
