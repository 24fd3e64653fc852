"""Loops of a schedule on a device: the host walks their turns, whose kernels and graphs stay the same (see `turns`).

Where the number of turns is known beforehand, nothing looks at the device: a loop of few launches is part of the graph around
it, and several turns of a longer one are a graph. Otherwise the host waits for a number: how often, once; or whether there is
another turn, at each.
"""

from typing import Any, NamedTuple

from ...plan.calls import Loop, Pointer, Reversal, While, loops_of
from .part import Part
from .site import Now, Place

TURNS, LAUNCHES = 32, 1024  # of a loop that are one graph, at most: its start takes the host no longer than one launch


class Walk:
    """A loop of a schedule.

    Attributes
    ----------
    spaces : tuple of Space
        What is run turn by turn.
    stores : list of Store
        All memory within that grows.
    size : int or None
        How many launches all turns are; None where that is not known, or something is looked at in between.
    moved_by : set
        As of a space, without the loop's own counters.
    """

    def __init__(self, space, item):
        self.space, self.site, self.item, self.kernel = space, space.site, item, item.kernel
        self.counter = self.site.counter()
        level = self._level()
        self.spaces = tuple([space.body(loop, item, self.counter, level) for loop in loops_of(self.kernel)])
        self.stores = [*space.kept.values(), *[s for body in self.spaces for s in body.stores]]
        self.size = self._size() if all([body.size is not None for body in self.spaces]) else None
        self.moved_by = {c for body in self.spaces for c in body.moved_by} - {self.counter, self.counter + 1}

    def _level(self):
        """Return where what turns store lies, if that is no store of the space's."""

    def several(self, bodies):
        """Return what goes on for some turns at once: nothing."""

    def place(self, pointer) -> Place:
        """Return where a pointer of the item, by its number, leads."""
        return self.space.place(*self.item.pointers[pointer.number if isinstance(pointer, Pointer) else pointer])

    def turns(self, now) -> int:
        """Return how many turns there are; the device is asked where nobody knows before."""
        turns = self.kernel.turns
        return turns if type(turns) is int else self.site.read(self.place(turns), "int64", now.arrays)

    def halted(self):
        """Return what a check has ended the run by, of which the host has just waited for a number; None for nothing."""
        return None if self.site.watch is None else self.site.watch.said(self.site)


class Turns(Walk):
    """A loop whose number of turns is known when it begins."""

    def _size(self):
        return self.kernel.turns * (1 + self.spaces[0].size) if type(self.kernel.turns) is int else None

    def run(self, now, walking):
        """Run all turns; return as `Bound.run`."""
        turns, (body,), done = range(self.turns(now)), walking.bodies, 0
        stopped = None if now.whole else self.halted()
        if stopped is not None:
            return stopped
        turns = turns[::-1] if self.kernel.back else turns
        if walking.several is not None and not now.whole:
            count = len(walking.several.launches)
            done = len(turns) // count * count
            for turn in turns[:done:count]:
                body.feeds.queue(self.counter, turn - turns.step, 0, now.stream)
                walking.several.run(now.stream)
        for turn in turns[done:]:
            stopped = body.turn(now, self.counter, turn)
            if stopped is not None:
                return stopped
        return None

    def several(self, bodies):
        """Return the part that goes on for some turns, whichever was the last; None where turns cannot follow unseen."""
        (body,), (space,) = bodies, self.spaces
        if space.size is None or body.feeds is None or self.counter in space.moved_by:
            return None
        turn = Next(body, self.counter, -1 if self.kernel.back else 1, 1 + space.size)
        count = min(TURNS, LAUNCHES // turn.size)
        return Part([turn] * count, not space.moved_by) if count > 1 else None


class Next(NamedTuple):
    """The turn `by` behind the last one, as part of a graph; `size`: how many launches it is."""

    body: Any
    counter: int
    by: int
    size: int

    def queue(self, stream):
        """Queue it."""
        self.body.feeds.queue(self.counter, 0, 0, stream, self.by)
        self.body.run(Now(stream, (), True))


class Repeat(Walk):
    """A loop that goes on as long as the device says."""

    def _size(self):
        return None

    def run(self, now, walking):
        """Run turns as long as the condition holds; return as `Bound.run`."""
        what, turn = self.kernel, 0
        flag, store = self.spaces[0].place(what.flag), None if what.store is None else self.space.store(what.store)
        if store is not None:
            store.reserve(2 * what.per_turn, now.stream)
            self._move(now, store, 0)
        while True:
            stopped = walking.renewed(now)[0].turn(now, self.counter, turn)
            if stopped is not None:
                return stopped
            more, stopped = self.site.read(flag, "uint8", now.arrays), self.halted()
            if stopped is not None:
                return stopped
            if not more:
                break
            if store is not None:
                store.reserve((turn + 2) * what.per_turn, now.stream)
            stopped = walking.renewed(now)[1].turn(now, self.counter, turn)
            if stopped is not None:
                return stopped
            turn += 1
        self.site.write(self.place(what.count), turn, now)
        if store is not None:
            self._move(now, store, turn, out=True)
        return None

    def _move(self, now, store, turn, out=False):
        """Copy carries to their place in the part of a turn of the store, or out of it."""
        for first, last, size, offset in self.kernel.carries:
            there, here = Place(store, turn * self.kernel.per_turn + offset), self.place(last if out else first)
            self.site.copy(*((there, here) if out else (here, there)), size, now)


class Back(Walk):
    """The way back through a loop of which the first carries are kept: those of the other turns are computed again, level by level."""

    def _level(self):
        return self.place(self.kernel.levels).moving(self.counter + 1, self.kernel.size)

    def _size(self):
        n, (again, back) = self.kernel.turns, self.spaces
        return n * (self.kernel.count * (2 + again.size) + 1 + back.size) if type(n) is int else None  # at most

    def run(self, now, walking):
        """Go back through all turns; return as `Bound.run`."""
        what, (again, back), end = self.kernel, walking.bodies, self.turns(now)
        number = lambda turn, count=end: count - 1 - turn if what.reverse else turn
        last, turns, level = what.count - 1, [0] * what.count, 0  # the turn whose carries each level holds
        stopped = None if now.whole else self.halted()
        while end > 0 and stopped is None:
            turn = turns[level]
            if end - turn == 1:
                stopped = back.turn(now, self.counter, number(turn), level)
                end, level = turn, level - 1
                continue
            middle = turn + ((end - turn) >> 1) if level + 1 < last else end - 1  # the last level is for one turn at a time
            level += 1
            self._copy(now, level - 1, level)
            turns[level] = middle
            while turn < middle and stopped is None:
                stopped = again.turn(now, self.counter, number(turn), level)
                turn += 1
        return stopped

    def _copy(self, now, level, to):
        start, size = self.place(self.kernel.levels), self.kernel.size
        self.site.copy(start.behind(level * size), start.behind(to * size), size, now)


KINDS = {Loop: Turns, While: Repeat, Reversal: Back}


class Walking:
    """A loop with the arrays of a run in place.

    Attributes
    ----------
    bodies : list of Bound
    several : Part or None
        Some turns at once.
    """

    def __init__(self, walk, bind, arrays):
        self.walk, self.bind, self.size, self.bodies, self.held = walk, bind, walk.size, None, None
        self._renew(arrays)

    def _renew(self, arrays):
        held = [store.array for store in self.walk.stores]
        self.bodies = [self.bind(space, arrays) for space in self.walk.spaces]
        self.several = self.walk.several(self.bodies)
        self.held = held  # last: what fails on the way is made again

    def renewed(self, now) -> list:
        """Return the bodies, with the memory in place that has grown meanwhile."""
        if any([a is not store.array for a, store in zip(self.held, self.walk.stores)]):
            self._renew(now.arrays)
        return self.bodies

    def run(self, now):
        """Run the loop; return as `Bound.run`."""
        self.renewed(now)
        return self.walk.run(now, self)

    def queue(self, stream):
        """Queue all turns: of a loop that looks at nothing."""
        self.walk.run(Now(stream, (), True), self)
