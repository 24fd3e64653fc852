"""Replay, in words: a program as a table in memory is walked from begin to end, without Python's lock.

The table: what a header says, patches (a word, the array whose address goes there, bytes behind its start), then steps.
A step is its kind, the words until the next one, and what its kind needs; see program.py, which writes them.
"""

from .native_call import BAD_ARGUMENT, DATA, INCREF, NDARRAY, RESTORE, SAVE, TYPE
from .words import call, get, put, variables

DICT_ITEM, DICT_SIZE, LIST_ITEM, LIST_SIZE, FALSE, TRUE, INNER = variables(7)

ARRAYS, PATCHES, STEPS, STOPPED, FIRST = range(0, 8 * 5, 8)
WORD, ARRAY, BEHIND, PATCH = range(0, 8 * 4, 8)
KIND, LENGTH, KERNEL, TILES, LAUNCH, STATE, BLOCK = range(0, 8 * 7, 8)
# Kinds: run the tiles here, share them among threads, stop where a number is not zero, walk another table many times.
IN_PLACE, SHARED, STOP, LOOP, WHILE, CHOICE = range(6)
# Of a loop: its table, how many turns, the number of the first and what is added from turn to turn, feeds. A feed: a word
# of the table, an address, what is added to it per turn.
TURNS, START, BY, FEEDS, FIRST_FEED = range(24, 24 + 8 * 5, 8)
FEED_WORD, FEED_BASE, FEED_STRIDE, FEED = range(0, 8 * 4, 8)
# Of a while: tables of the condition and the body, the place of the condition, where the turns are counted.
BODY, FLAG, TRIPS = range(24, 24 + 8 * 3, 8)
COUNT, FIRST_ENTRY = 0, 8  # of the block of a group: how many kernels; then the first tile, kernel and block of each
TILE, WHICH, ITS_BLOCK, ENTRY = range(0, 8 * 4, 8)


def replay(self, args, given):
    """`replay(table, *arrays)`: run a program on arrays; return the table, whose header says where it stopped."""
    table = get(args, 0)
    if given < 1 or get(table, TYPE) != NDARRAY:
        call(BAD_ARGUMENT)
        return 0
    start = get(table, DATA)
    if given != get(start, ARRAYS) + 1:
        call(BAD_ARGUMENT)
        return 0
    at = start + FIRST
    for _ in range(get(start, PATCHES)):
        array = get(args, get(at, ARRAY))
        put(start, get(at, WORD), get(array, DATA) + get(at, BEHIND))
        at += PATCH
    thread = call(SAVE)
    walk(start, at)
    call(RESTORE, thread)
    call(INCREF, table)
    return table


def walk(table, step):
    """Run the steps of a table, the first of which is at `step`; note which of them stopped it, 0 for none."""
    put(table, STOPPED, 0)
    for number in range(get(table, STEPS)):
        kind, stopped = get(step, KIND), 0
        if kind == IN_PLACE:
            kernel, tiles = get(step, KERNEL), get(step, TILES)
            for tile in range(tiles):
                call(kernel, step + BLOCK, tile)
        elif kind == SHARED:
            call(get(step, LAUNCH), get(step, KERNEL), step + BLOCK, get(step, TILES), get(step, STATE))
        elif kind == STOP:
            stopped = get(get(step, KERNEL), 0) & get(step, TILES)
        else:
            stopped = call(INNER, kind, step)
        if stopped != 0:
            put(table, STOPPED, number + 1)
            return 1
        step += get(step, LENGTH)
    return 0


def inner(kind, step):
    """Run a step that walks other tables; return whether one of them was stopped."""
    table = get(step, KERNEL)
    if kind == LOOP:
        turn, by = get(step, START), get(step, BY)
        for _ in range(get(step, TURNS)):
            feed = step + FIRST_FEED
            for _i in range(get(step, FEEDS)):
                put(table, get(feed, FEED_WORD), get(feed, FEED_BASE) + turn * get(feed, FEED_STRIDE))
                feed += FEED
            if walk(table, table + FIRST) != 0:
                return 1
            turn += by
        return 0
    if kind == WHILE:
        trips, body = 0, get(step, BODY)
        while 1:
            if walk(table, table + FIRST) != 0:
                return 1
            if get(get(step, FLAG), 0) & 255 == 0:
                break
            if walk(body, body + FIRST) != 0:
                return 1
            trips += 1
        put(get(step, TRIPS), 0, trips)
        return 0
    if get(get(step, FLAG), 0) & 255 == 0:
        table = get(step, BODY)
    return walk(table, table + FIRST)


def group(block, tile):
    """Run a tile of several kernels that share a launch: that of the last kernel whose first tile is not behind it."""
    entry = block + FIRST_ENTRY + ENTRY * (get(block, COUNT) - 1)
    while get(entry, TILE) > tile:
        entry -= ENTRY
    call(get(entry, WHICH), get(entry, ITS_BLOCK), tile - get(entry, TILE))
    return 0


# Checks: how many, then for each its kind, an object or address, what is looked up there, what is found when it holds.
CHECK, OF, KEY, EXPECTED, CHECK_BYTES = range(0, 8 * 5, 8)
SAME, OTHER, ITEM, ENTRIES, ELEMENT, ELEMENTS = range(6)


def holds(self, args, given):
    """`holds(checks)`: say whether objects are still what they were, by their addresses."""
    if given != 1 or get(get(args, 0), TYPE) != NDARRAY:
        call(BAD_ARGUMENT)
        return 0
    at = get(get(args, 0), DATA)
    count = get(at, 0)
    at += 8
    found = TRUE
    for _ in range(count):
        kind, of, key, expected = get(at, CHECK), get(at, OF), get(at, KEY), get(at, EXPECTED)
        now = 0
        if kind == SAME or kind == OTHER:
            now = get(of, key)
        elif kind == ITEM:
            now = call(DICT_ITEM, of, key)
        elif kind == ENTRIES:
            now = call(DICT_SIZE, of)
        elif kind == ELEMENT:
            now = call(LIST_ITEM, of, key)
        else:
            now = call(LIST_SIZE, of)
        if (now == expected) == (kind == OTHER):
            found = FALSE
            break
        at += CHECK_BYTES
    call(INCREF, found)
    return found
