"""Cheap values are computed again where they are read, as a backward does what its forward made, and not stored for it.

Only from what is there anyway, and only where fewer bytes are moved then; functions such as exp are never computed again.
"""

from .calls import MADE
from .cost import bytes_of, cheap
from .simplify import literal

MOST = 8  # calls of a kernel that are made again for one value
SMALL = 8  # an operand of so many times fewer bytes is read wherever it is needed


class Recomputing:
    """Which calls groups make again, found after calls are grouped.

    Parameters
    ----------
    calls, order, slots : as in `fuse`; kept : slots that are asked for
    is_loop : function of the numbers of a group
        Whether it is a loop of elementwise rows.
    fit : function of two lists of calls
        Whether they can run in one loop.

    Attributes
    ----------
    again : dict
        group -> numbers of calls of other groups that it makes again.
    needs : dict
        slot -> groups that read it, and do not make it again.
    """

    def __init__(self, calls, order, slots, kept, is_loop, fit):
        self.calls, self.order, self.slots, self.kept, self.is_loop, self.fit = calls, order, slots, kept, is_loop, fit
        self.again = {}
        self.needs = {slot: {order.group[i] for i in readers} for slot, readers in order.readers.items()}
        for number, call in enumerate(calls):
            if self._makes(number):
                self._take(number, call.writes[0])

    def made(self, members) -> list:
        """Return the numbers of the calls of other groups that a group makes again."""
        return self.again.get(self.order.group[members[0]], [])

    def stored(self, members) -> set:
        """Return the slots written in a group that others read from memory."""
        return {w.slot for i in members for w in self.calls[i].writes if self._outside(w.slot, i)}

    def _outside(self, slot, writer) -> set:
        """Return the groups that read a slot from memory, other than that of its writer."""
        return self.needs.get(slot, set()) - {self.order.group[writer]}

    def _makes(self, number) -> bool:
        """Say whether a call of a loop is cheap, and the only one that writes a value of the program's own."""
        call = self.calls[number]
        if getattr(call, "plan", 0) is not None or not cheap(call.op) or not self.is_loop(self.order.members(number)):
            return False
        w = call.writes[0]
        return self.slots[w.slot].kind == MADE and w.slot not in self.kept and self.order.writers[w.slot] == [number] and w.whole

    def _take(self, number, w):
        """Let groups that read a value make it again, all of them or those that are there with all it is made of."""
        found = {group: self._found(number, group) for group in self._outside(w.slot, number)}
        size = bytes_of(w.layout)
        costs = [None if f is None else f[1] for f in found.values()]
        every = None not in costs and sum(costs) <= size * len(costs)
        for group, made in found.items():
            if every or (made is not None and made[1] < size / SMALL):
                self.needs[w.slot].discard(group)
                self.again[group] = sorted({*self.again.get(group, ()), *made[0]})
                for slot in made[2]:
                    self.needs[slot].add(group)

    def _found(self, number, group):
        """Return (calls that make a value again, bytes they read more, slots of these) in a group; None where that cannot be."""
        members = self.order.members(group)
        if not self.is_loop(members):
            return None
        own = {*members, *self.again.get(group, ())}
        there, made = {r for i in own for r in self.calls[i].reads}, {w.slot for i in own for w in self.calls[i].writes}
        numbers, more = [number], {}
        for n in numbers:
            size = bytes_of(self.calls[n].writes[0].layout)
            for r in self.calls[n].reads:
                writers = self.order.writers.get(r.slot, ())
                if literal(r, self.slots) is not None or r.slot in more or any(w in numbers for w in writers):
                    continue
                if len(writers) > 1 or any(w > n for w in writers) or (not writers and self.slots[r.slot].kind == MADE):
                    return None
                if r in there or r.slot in made:
                    continue
                lies = not writers or self._lies(r.slot, writers[0])
                if lies and SMALL * bytes_of(r.layout) <= size:
                    more[r.slot] = bytes_of(r.layout)
                elif writers and len(numbers) < MOST and self._makes(writers[0]):
                    numbers.append(writers[0])
                elif lies:
                    more[r.slot] = bytes_of(r.layout)
                else:
                    return None
        fresh = [self.calls[n] for n in sorted(set(numbers) - own)]
        if not self.fit(fresh, [self.calls[i] for i in sorted(own)]):
            return None
        return numbers, sum(more.values()), list(more)

    def _lies(self, slot, writer) -> bool:
        """Say whether a value is in memory anyway."""
        return slot in self.kept or bool(self._outside(slot, writer))
