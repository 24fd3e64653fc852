"""Where: the life of each value that a program makes, and the place in one arena that it has meanwhile."""

import bisect

from .calls import MADE, Stop
from .mapping import Body

LOOPS = ("map", "map_reduce_rows", "map_reduce_columns")  # kernels whose turns touch one place of each array
LINE = 64  # bytes: every value starts a line of the cache


def lives_of(waves, slots, kept) -> dict:
    """Return slot -> (first, last) number of the wave that needs it, of the values that the program makes for itself.

    `kept` are slots whose memory is given from outside.
    """
    lives = {}
    for number, wave in enumerate(waves):
        for item in wave:
            for slot in _touched(item):
                if slots[slot].kind == MADE and slot not in kept:
                    lives[slot] = (lives.get(slot, (number,))[0], number)
    return lives


def in_place(waves, lives, sizes):
    """Let results of fused rows take the memory of arguments that nobody needs any more, place by place the same.

    Returns (waves, lives, slot -> slot whose memory it takes): lives are those of the slots that keep memory of their own.
    """
    lives, takes, out = dict(lives), {}, []
    for number, wave in enumerate(waves):
        items = []
        for item in wave:
            body = None if isinstance(item, Stop) or getattr(item.kernel, "loop", None) not in LOOPS else item.kernel.body
            if isinstance(body, Body):
                others = {s for other in wave if other is not item for s in _touched(other)}
                inputs = len(item.work.reads) - (0 if body.after is None else body.after.arrays)
                made_of = [body.made_of(v, inputs) for v in body.outs]
                takers = zip(item.work.writes, made_of)
                if any([_take(item.work, w, inputs, number, lives, takes, sizes, others) for w, inputs in takers]):
                    item = item._replace(kernel=item.kernel._replace(body=body._replace(shared=True)))
            items.append(item)
        out.append(tuple(items))
    return tuple(out), {s: life for s, life in lives.items() if s not in takes}, takes


def _take(work, w, inputs, number, lives, takes, sizes, others) -> bool:
    """Let the result at `w` take the memory of an argument that lives no longer than this wave; say whether one was found.

    Only of one that the result is made of (`inputs` are the numbers of those): it is read before the result is written.
    """
    if w.slot in takes or lives.get(w.slot, (-1,))[0] != number or w.slot in others or not w.whole or w.offset:
        return False
    for r in [work.reads[i] for i in inputs]:
        whole = r.whole and not r.offset and r.layout.size == w.layout.size and r.layout.dtype == w.layout.dtype
        alone = sum(q.slot == r.slot for q in (*work.reads, *work.writes)) == 1 and r.slot not in others
        root = takes.get(r.slot, r.slot)
        if not whole or not alone or root not in lives or lives[root][1] != number or sizes[root] != sizes[w.slot]:
            continue
        if lives.get(r.slot, lives[root])[1] != number:
            continue
        takes[w.slot] = root
        lives[root] = lives[root][0], lives[w.slot][1]
        return True
    return False


def _touched(item) -> list:
    return [r.slot for r in item.reads] if isinstance(item, Stop) else [s for s, _ in item.pointers]


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
