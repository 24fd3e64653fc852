"""Replay with a clock, in words: the steps of a program are walked one by one, and a clock is noted around each."""

from .native_call import DATA, INCREF, RESTORE, SAVE
from .native_replay import LENGTH, STEPS, STOPPED, patched, walk
from .words import call, get, put, variables

(CLOCK,) = variables(1)
MONOTONIC, NOTE = 1, 16  # which clock; a note is two words: seconds, nanoseconds


def timed(self, args, given):
    """`timed(table, *arrays, notes)`: run a program as `replay` does; notes take a time more than the program has steps."""
    table = get(args, 0)
    at = patched(table, args, given, 2)
    if at == 0:
        return 0
    thread = call(SAVE)
    stroll(get(table, DATA), at, get(get(args, 8 * (given - 1)), DATA))
    call(RESTORE, thread)
    call(INCREF, table)
    return table


def stroll(table, step, note):
    """Walk the steps of a table as tables of one step, and note the clock before the first and behind each."""
    steps, stopped = get(table, STEPS), 0
    put(table, STEPS, 1)
    call(CLOCK, MONOTONIC, note)
    for number in range(steps):
        walk(table, step)
        note += NOTE
        call(CLOCK, MONOTONIC, note)
        if get(table, STOPPED) != 0:
            stopped = number + 1
            break
        step += get(step, LENGTH)
    put(table, STEPS, steps)
    put(table, STOPPED, stopped)
    return 0
