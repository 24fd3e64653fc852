"""Where: the life of each value that a program makes, and the place in one arena that it has meanwhile."""

import bisect

from .calls import MADE, Stop

LINE = 64  # bytes: every value starts a line of the cache


def lives_of(waves, slots, kept) -> dict:
    """Return slot -> (first, last) number of the wave that needs it, of the values that the program makes for itself.

    `kept` are slots whose memory is given from outside.
    """
    lives = {}
    for number, wave in enumerate(waves):
        for item in wave:
            used = [r.slot for r in item.reads] if isinstance(item, Stop) else [s for s, _ in item.pointers]
            for slot in used:
                if slots[slot].kind == MADE and slot not in kept:
                    lives[slot] = (lives.get(slot, (number,))[0], number)
    return lives


def places_of(lives, sizes):
    """Return (slot -> offset in bytes, bytes of the arena): values that live at the same time never overlap.

    The largest first, each at the lowest place that is free during all its life; within a few percent of the least
    possible for programs that are a forward and its backward (Pisarchyk and Lee 2020, arXiv:2001.03288, "greedy by size").
    """
    placed, places, total = [], {}, 0
    for slot in sorted(lives, key=lambda s: (-sizes[s], lives[s])):
        first, last = lives[slot]
        size, at = -(-sizes[slot] // LINE) * LINE, 0
        for begin, end, one, other in placed:
            if one <= last and first <= other and end > at:
                if begin >= at + size:
                    break
                at = end
        places[slot] = at
        bisect.insort(placed, (at, at + size, first, last))
        total = max(total, at + size)
    return places, total


def least_arena(lives, sizes) -> int:
    """Return the bytes that live at the same time at most: no arena can be smaller."""
    changes = {}
    for slot, (first, last) in lives.items():
        changes[first] = changes.get(first, 0) + sizes[slot]
        changes[last + 1] = changes.get(last + 1, 0) - sizes[slot]
    now, most = 0, 0
    for number in sorted(changes):
        now += changes[number]
        most = max(most, now)
    return most
