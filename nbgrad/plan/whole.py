"""From a record to a schedule: the order of the passes."""

import numpy as np

from ..ops.cast import copy as COPY  # noqa: N812 - a row this file names itself
from .absorb import turned
from .calls import CONSTANT, HELD, MADE, Call, Ref, Schedule, Slot
from .cutting import CPU, DEVICE
from .fuse import fuse
from .gathered import gathered
from .memory import in_place, lives_of, places_of
from .pieces import opened
from .plan import packed
from .simplify import forwarded, needed, simplify
from .streaming import streamed
from .waves import waves_of


def plan_record(record, given, outside, fresh=frozenset(), device=False) -> Schedule:
    """Plan a record.

    Parameters
    ----------
    record : Record
    given : sequence of int
        Slots whose memory each run is given.
    outside : set of int
        Slots whose memory others hold: their values are there before and behind a run.
    fresh : set of int
        Those of the slots `given` for which each run is given new memory, which begins at a multiple of 64 where it is large.
    device : bool
        Whether it is planned for a device: products and convolutions are those of its libraries, and take no rows with them.

    Returns
    -------
    Schedule
    """
    calls, slots = _own_constants(record, outside)
    calls, slots = opened(needed(calls, slots, record.results), slots)
    calls, slots = simplify(calls, slots, record.results)
    calls = forwarded(calls, slots, record.results)
    if not device:
        calls, slots = gathered(turned(calls, slots, record.results), slots, record.results)
    works = fuse(calls, slots, record.results, products=not device, cut=DEVICE if device else CPU)
    if not device:
        works = streamed(works, fresh)
    waves, slots = waves_of(works, slots)
    known = set(given)
    lives = lives_of(waves, slots, known)
    for r in record.results:
        if r.slot in lives:
            lives[r.slot] = lives[r.slot][0], len(waves)
    slots = tuple([s._replace(array=None) if i in known else s for i, s in enumerate(slots)])  # they differ from run to run
    sizes = [s.size for s in slots]
    waves, lives, takes = in_place(waves, lives, sizes)
    places, arena = places_of(lives, sizes)
    places.update({slot: places[root] for slot, root in takes.items()})
    return Schedule(waves, slots, places, arena, record.results, (len(record.calls), len(calls)), device)


def _own_constants(record, outside):
    """Mark memory that never changes; give constants that the program writes memory of its own, filled anew at each run."""
    written = {w.slot for c in record.calls for w in c.writes}
    slots, first = list(record.slots), []
    for i, slot in enumerate(record.slots):
        if slot.kind == HELD and i not in written and (i not in outside or not slot.array.flags.writeable):
            slots[i] = slot._replace(kind=CONSTANT)
        elif slot.kind == HELD and i in written and i not in outside:
            flat = packed((slot.array.size,), slot.array.dtype.name)
            first.append(Call(COPY, {}, (Ref(len(slots), flat),), (Ref(i, flat),)))
            slots.append(slot._replace(kind=CONSTANT, array=slot.array if slot.remote else np.array(slot.array).reshape(-1)))
            slots[i] = Slot(MADE, slot.size)
    return [*first, *record.calls], slots
