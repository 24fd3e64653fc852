"""When records are alike but for how long their axes are: what was found out about one then holds for the other."""

from .calls import WALKS, Call, Stop
from .simplify import literal

EXACT = 32  # lengths up to this decide how a loop is written; they count as they are


def pattern_of(calls, slots, kept):
    """Return a key that is equal for records with the same calls, of which only lengths of axes differ, and not by much.

    Lengths, strides and sizes count by their order: whatever was equal, or smaller, is so in both; lengths also by their
    power of two. Parts of memory, where more than this decides what lies apart from what, have no such key.

    Parameters
    ----------
    calls : list of Member or Stop
    slots : sequence of Slot
    kept : set of int
        Slots that are asked for.

    Returns
    -------
    tuple, or None
    """
    layouts: dict = {}
    for call in calls:
        if isinstance(call, Call) and (any([r.offset for r in (*call.reads, *call.writes)]) or _walks(call)):
            return None
        layouts.update([(r.layout, None) for r in (*call.reads, *call.writes)])
    numbers = sorted({n for a in layouts for n in (*a.shape, *a.strides, a.size) if n > EXACT})
    rank = {n: EXACT + 1 + i for i, n in enumerate(numbers)}
    label = lambda n: rank.get(n, n)
    for a in layouts:
        powers = tuple([n.bit_length() for n in a.shape])
        layouts[a] = (powers, *map(label, a.shape), *map(label, a.strides), label(a.size), a.contiguous, a.dtype)
    wheres = lambda refs: tuple([(r.slot, layouts[r.layout]) for r in refs])
    says = [(_row(c), wheres(c.reads), wheres(c.writes)) for c in calls]
    touched = {r for c in calls for r in (*c.reads, *c.writes)}
    facts = tuple(sorted([(r.slot, slots[r.slot].kind, literal(r, slots) is None) for r in touched]))
    return tuple(says), facts, frozenset(kept)


def _row(call):
    """Return what a call is, apart from the memory it works on."""
    if isinstance(call, Stop):
        return Stop
    if call.plan is not None:
        return call.op, call.plan.zero, tuple([s.kernel for s in call.plan.steps]), _axes(call)
    return call.op, _axes(call)


def _walks(call) -> bool:
    """Say whether a call walks a schedule of its own."""
    return call.plan is not None and any([isinstance(s.kernel, WALKS) for s in call.plan.steps])


def _axes(call):
    return (call.attrs["axis"], call.attrs["acc"]) if call.is_reduction else ()
