"""Replay, in words: a program as a table in memory is walked from begin to end, without Python's lock.

The table: what a header says, patches (a word, the array whose address goes there, bytes behind its start), then steps.
A step is its kind, the words until the next one, and what its kind needs; see program.py, which writes them.
"""

from .native_call import BAD_ARGUMENT, DATA, FREE, INCREF, MALLOC, NDARRAY, RESTORE, SAVE, TYPE
from .words import call, get, put, room, variables

DICT_ITEM, DICT_SIZE, LIST_ITEM, LIST_SIZE, FALSE, TRUE, INNER, MOVE = variables(8)

ARRAYS, PATCHES, STEPS, STOPPED, FIRST = range(0, 8 * 5, 8)
WORD, ARRAY, BEHIND, PATCH = range(0, 8 * 4, 8)
KIND, LENGTH, KERNEL, TILES, LAUNCH, STATE, BLOCK = range(0, 8 * 7, 8)
# Kinds: run the tiles here, share them among threads, stop where a number is not zero, walk another table
# many times, walk one as long as another one finds something true, go back through a loop whose carries are computed again.
IN_PLACE, SHARED, STOP, LOOP, WHILE, REVERSAL = range(6)
COUNT, FIRST_ENTRY = 0, 8  # of the block of a group: how many kernels; then the first tile, kernel and block of each
TILE, WHICH, ITS_BLOCK, ENTRY = range(0, 8 * 4, 8)
# Of a loop: its table, how many turns and where that stands (0: here), whether the last comes first, feeds. A feed: a word
# of the table, an address, what is added to it per turn, and where the address stands that it is relative to (0: to none).
TURNS, TURNS_AT, BACK, FEEDS, FIRST_FEED = range(24, 24 + 8 * 5, 8)
FEED_WORD, FEED_BASE, FEED_STRIDE, FEED_STORE, FEED = range(0, 8 * 5, 8)
# Of a while: tables of the condition and of the body, where the condition is found, where the number of turns goes, the
# store of the values of all turns (0: they are changed in place), bytes of a turn there, feeds of both, carries; then the
# feeds, and per carry where its first value is, where its last goes, its bytes, where in a turn's part of the store it lies.
BODY, FLAG, TRIPS_AT, STORE, PER_TURN, CONDITION_FEEDS, BODY_FEEDS, CARRIES, WHILE_FEEDS = range(24, 24 + 8 * 9, 8)
FROM, TO, BYTES, PLACE, CARRY = range(0, 8 * 5, 8)
AT, ROOM = range(0, 8 * 2, 8)  # of a store: where it is, its bytes, 0 where it is part of other memory
# Of a reversal: as of a loop the table of a turn, how many turns, whether the last slices are those of the first; the table
# of a turn with its backward; a store that is the level at hand, where the levels of carries are, how many, bytes of one;
# feeds of both tables; then the feeds.
BACKWARD, LEVEL, LEVELS_AT, LEVELS, LEVEL_BYTES, AGAIN_FEEDS, BACK_FEEDS, REVERSAL_FEEDS = range(48, 48 + 8 * 8, 8)


def replay(self, args, given):
    """`replay(table, *arrays)`: run a program on arrays; return the table, whose header says where it stopped."""
    table = get(args, 0)
    at = patched(table, args, given, 1)
    if at == 0:
        return 0
    thread = call(SAVE)
    walk(get(table, DATA), at)
    call(RESTORE, thread)
    call(INCREF, table)
    return table


def patched(table, args, given, more):
    """Put the addresses of the arrays, of which `more` are other arguments, into a table; return its first step, or 0."""
    if given < more or get(table, TYPE) != NDARRAY:
        call(BAD_ARGUMENT)
        return 0
    start = get(table, DATA)
    if given != get(start, ARRAYS) + more:
        call(BAD_ARGUMENT)
        return 0
    at = start + FIRST
    for _ in range(get(start, PATCHES)):
        array = get(args, get(at, ARRAY))
        put(start, get(at, WORD), get(array, DATA) + get(at, BEHIND))
        at += PATCH
    return at


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
    """Run a step that walks other tables; return whether it was stopped."""
    if kind == LOOP:
        return loop(step)
    return repeat(step) if kind == WHILE else reverse(step)


def feed(table, at, count, turn):
    """Put the addresses of a turn into a table; return what is behind the feeds."""
    for _ in range(count):
        store = get(at, FEED_STORE)
        base = get(at, FEED_BASE) + (get(store, 0) if store != 0 else 0)
        put(table, get(at, FEED_WORD), base + turn * get(at, FEED_STRIDE))
        at += FEED
    return at


def loop(step):
    """Walk a table a number of times."""
    table, turns = get(step, KERNEL), turns_of(step)
    turn, by = 0, 1
    if get(step, BACK) != 0:
        turn, by = turns - 1, -1
    for _ in range(turns):
        feed(table, step + FIRST_FEED, get(step, FEEDS), turn)
        if walk(table, table + FIRST) != 0:
            return 1
        turn += by
    return 0


def turns_of(step):
    """Return how many turns a loop or a reversal makes."""
    return get(step, TURNS) if get(step, TURNS_AT) == 0 else get(get(step, TURNS_AT), 0)


def repeat(step):
    """Walk the table of a body as long as that of a condition finds it true."""
    condition, body, store, size = get(step, KERNEL), get(step, BODY), get(step, STORE), get(step, PER_TURN)
    first = step + WHILE_FEEDS
    second = first + FEED * get(step, CONDITION_FEEDS)
    carries = second + FEED * get(step, BODY_FEEDS)
    turn = 0
    if store != 0 and (reserve(store, 2 * size) == 0 or move(carries, get(step, CARRIES), get(store, AT), 0) != 0):
        return 1
    while 1:
        feed(condition, first, get(step, CONDITION_FEEDS), turn)
        if walk(condition, condition + FIRST) != 0:
            return 1
        if get(get(step, FLAG), 0) & 255 == 0:
            break
        if store != 0 and reserve(store, (turn + 2) * size) == 0:
            return 1
        feed(body, second, get(step, BODY_FEEDS), turn)
        if walk(body, body + FIRST) != 0:
            return 1
        turn += 1
    put(get(step, TRIPS_AT), 0, turn)
    if store != 0:
        move(carries, get(step, CARRIES), get(store, AT) + turn * size, 1)
    return 0


def reverse(step):
    """Go back through the turns of a loop: a level holds the carries of a turn, those of turns behind it are made of them."""
    levels, size, last = get(step, LEVELS_AT), get(step, LEVEL_BYTES), get(step, LEVELS) - 1
    again = step + REVERSAL_FEEDS
    back = again + FEED * get(step, AGAIN_FEEDS)
    turns, level = room(last + 1), 0  # the turn whose carries each level holds
    end = turns_of(step)
    put(turns, 0, 0)
    while end > 0:
        turn = get(turns, 8 * level)
        put(get(step, LEVEL), AT, levels + size * level)
        if end - turn == 1:
            if turn_of(step, get(step, BACKWARD), back, get(step, BACK_FEEDS), turn) != 0:
                return 1
            end, level = turn, level - 1
            continue
        middle = turn + ((end - turn) >> 1) if level + 1 < last else end - 1  # the last level is for one turn at a time
        level += 1
        call(MOVE, levels + size * level, levels + size * (level - 1), size)
        put(get(step, LEVEL), AT, levels + size * level)
        put(turns, 8 * level, middle)
        while turn < middle:
            if turn_of(step, get(step, KERNEL), again, get(step, AGAIN_FEEDS), turn) != 0:
                return 1
            turn += 1
    return 0


def turn_of(step, table, feeds, count, turn):
    """Walk a table of a reversal at the level at hand; return whether it was stopped."""
    feed(table, feeds, count, turns_of(step) - 1 - turn if get(step, BACK) != 0 else turn)
    return walk(table, table + FIRST)


def move(carry, count, place, out):
    """Copy carries into the part of a turn of the store, or out of it."""
    for _ in range(count):
        there, here = place + get(carry, PLACE), get(carry, TO) if out != 0 else get(carry, FROM)
        if out != 0:
            call(MOVE, here, there, get(carry, BYTES))
        else:
            call(MOVE, there, here, get(carry, BYTES))
        carry += CARRY
    return 0


def reserve(store, size):
    """Make sure that a store has so many bytes, what it holds kept; return where it is, 0 when there is no memory."""
    if get(store, ROOM) < size:
        size *= 2
        new = call(MALLOC, size)
        if new == 0:
            return 0
        if get(store, ROOM) != 0:
            call(MOVE, new, get(store, AT), get(store, ROOM))
            call(FREE, get(store, AT))
        put(store, AT, new)
        put(store, ROOM, size)
    return get(store, AT)


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
