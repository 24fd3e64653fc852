"""When: works in order become waves, each of items that wait for no other of the same wave.

An item runs as early as what it reads is there, and nobody needs any more what it writes over; and behind each stop that was
recorded before it: that an index is in range is known before a kernel goes there, or memory of others is written.
"""

from math import prod

import numpy as np

from .calls import MADE, Item, Slot, Stop


def waves_of(works, slots):
    """Return (waves, slots with those of scratch added): a wave is a tuple of items, or one stop."""
    slots, levels = list(slots), _Levels()
    for work in works:
        if isinstance(work, Stop):
            levels.put(work, [r.slot for r in work.reads], (), stop=True)
            continue
        scratch = []
        for shape, dtype in work.plan.scratch:
            scratch.append(len(slots))
            slots.append(Slot(MADE, prod(shape) * np.dtype(dtype).itemsize))
        refs = [*[(r.slot, r.offset) for r in (*work.reads, *work.writes)], *[(s, 0) for s in scratch]]
        reads, writes = [r.slot for r in work.reads], [w.slot for w in work.writes]
        for step in work.plan.steps:
            item = Item(step.kernel, tuple([refs[i] for i in step.pointers]), step.words, step.tiles, work)
            levels.put(item, reads, [*writes, *scratch])
    return levels.waves(), tuple(slots)


class _Levels:
    """The earliest wave of each item."""

    def __init__(self):
        self.read, self.written, self.stopped, self.found = {}, {}, -1, []

    def put(self, item, reads, writes, stop=False):
        """Place an item that reads and writes these slots."""
        written, read = self.written, self.read
        level = 1 + max([self.stopped, *[written.get(s, -1) for s in (*reads, *writes)], *[read.get(s, -1) for s in writes]])
        if stop:
            self.stopped = level
        for s in reads:
            read[s] = max(level, read.get(s, -1))
        for s in writes:
            written[s] = level
        self.found.append((level, item))

    def waves(self) -> tuple:
        """Return the waves in order; stops have one of their own, before the items of theirs."""
        out = [([], []) for _ in range(1 + max([level for level, _ in self.found], default=-1))]
        for level, item in self.found:
            out[level][not isinstance(item, Stop)].append(item)
        return tuple(wave for stops, items in out for wave in (*[(s,) for s in stops], tuple(items)) if wave)
