"""A schedule on a device: its launches in order, where the memory lies that they name, and what is run once arrays are given."""

from typing import Any, NamedTuple

import numpy as np

from ...plan.calls import MADE, WALKS, Stop
from . import memory
from .array import DeviceArray, from_host
from .kernels import function, grid
from .package import package
from .part import Part, Ready
from .site import Place, Store
from .turns import Feeds
from .walks import KINDS, Walk, Walking
from .watch import Ended, check, number_of_check

MOST = 4096  # launches of all turns of a loop that becomes part of a graph


class Launched(NamedTuple):
    """One launch: the kernel and its grid, or a call of a library, which has none; per pointer (place, dtype); words.

    check : whether it tells a watch what it finds.
    """

    call: Any
    grid: tuple | None
    pointers: tuple
    words: tuple
    check: bool = False


class Space:
    """A schedule, of a program or of a loop inside of one, and the memory that it works on.

    Attributes
    ----------
    site : Site
    schedule : Schedule
    given : dict
        Slot -> `Place`, of those whose memory is not its own.
    steps : list
        In order: launches that nothing interrupts, as a list; `Stop`, which the host looks at; `Walk`, a loop.
    size : int or None
        How many launches it is; None where something is looked at in between.
    moved_by : frozenset
        Counters that say where a call of a library works: it has no words that could be moved.
    kept : dict
        Key -> `Store`, of its own loops.
    stores : list of Store
        All memory within that grows.
    """

    def __init__(self, site, schedule, given, told=(), first=()):
        self.site, self.schedule, self.given, self.kept = site, schedule, given, {}
        self._arena = memory.pool(site.number).root(max(1, schedule.arena))
        self._arrays = dict(told)
        for i, slot in enumerate(schedule.slots):
            if slot.array is not None and i not in given and i not in self._arrays:
                self._arrays[i] = DeviceArray(slot.array, site.number) if slot.remote else from_host(slot.array, site.number)
        self.steps = self._ordered([*first])
        whole = all([type(step) is list for step in self.steps])
        self.size = sum([getattr(launch, "size", 1) for step in self.steps for launch in step]) if whole else None
        self.moved_by = frozenset([c for step in self.steps if not isinstance(step, Stop) for c in _moved_by(step)])
        self.stores = [*self.kept.values(), *[s for walk in self.walks() for s in walk.stores]]

    def walks(self) -> list:
        """Return the loops."""
        steps = [launch for step in self.steps for launch in (step if type(step) is list else [step])]
        return [step for step in steps if isinstance(step, Walk)]

    def _ordered(self, launches) -> list:
        steps = []
        for item in [item for wave in self.schedule.waves for item in wave]:
            if isinstance(item, Stop):
                step = item if self.site.runs is None else self._check(item)
            elif isinstance(item.kernel, WALKS):
                step = KINDS[type(item.kernel)](self, item)
            else:
                step = self._launched(item)
            if isinstance(step, Stop) or (isinstance(step, Walk) and (step.size is None or step.size > MOST)):
                steps += [launches, step]
                launches = []
            else:
                launches.append(step)
        return [step for step in [*steps, launches] if step != []]

    def _launched(self, item) -> Launched:
        pointers = tuple([(self.place(*pointer), dtype) for pointer, dtype in zip(item.pointers, item.kernel.dtypes)])
        call = function(item.kernel, self.site.runs is not None)
        return Launched(call, grid(item.kernel, item.words), pointers, tuple(map(int, item.words)))

    def _check(self, stop) -> Launched:
        """Return the launch that halts what comes behind it where a stop would."""
        number, flag = number_of_check(), stop.reads[0]
        self.site.checks[number] = stop, self
        dtype = f"uint{8 * np.dtype(flag.layout.dtype).itemsize}"
        pointers = (self.place(flag.slot, flag.offset), dtype), (Place(self.site.runs), "int64")
        return Launched(check(), (1, 1), pointers, (number,), True)

    def place(self, slot, offset=0) -> Place:
        """Return where something lies, so many bytes behind the start of a slot."""
        if slot in self.given:
            return self.given[slot].behind(offset)
        if slot not in self._arrays and self.schedule.slots[slot].kind == MADE:
            start, size = self.schedule.places[slot], -(-self.schedule.slots[slot].size // 8) * 8  # as numbers of any dtype
            self._arrays[slot] = DeviceArray(np.ndarray((max(8, size),), np.uint8, self._arena, start), self.site.number)
        return Place(self._arrays[slot], offset)

    def view(self, r, arrays) -> DeviceArray:
        """Return the array at a ref, of a run with these arrays, at the turn that is or was run."""
        return self.site.view(self.place(r.slot, r.offset), r.layout, arrays)

    def store(self, key) -> Store:
        """Return the store that loops of a key share."""
        if key not in self.kept:
            self.kept[key] = Store(self.site.number)
        return self.kept[key]

    def body(self, loop, item, counter, level=None) -> "Space":
        """Return the space of a loop within an item, whose turns are counted by a counter; what it stores lies at `level`, if given."""
        stored, given = dict(loop.stored), {}
        for number, (slot, stride) in enumerate(zip(loop.given, loop.strides)):
            if slot in stored:
                key, offset = stored[slot]
                place = (level or Place(self.store(key))).behind(offset)
            else:
                place = self.place(*item.pointers[loop.first + number])
            given[slot] = place.moving(counter, stride)
        return Space(self.site, loop.schedule, given)


def _moved_by(step):
    """Return the counters that say where calls of libraries among launches, or in a loop, work."""
    if isinstance(step, Walk):
        return step.moved_by
    walks = [c for launch in step if isinstance(launch, Walk) for c in launch.moved_by]
    calls = [launch for launch in step if isinstance(launch, Launched) and launch.grid is None]
    return {*walks, *[counter for call in calls for place, _ in call.pointers for counter, _ in place.moves]}


class Bound:
    """A space with the arrays of a run in place: what is run.

    Attributes
    ----------
    steps : list of (Part, Stop or Walking)
    """

    def __init__(self, space, arrays):
        self.space, self.site, words, moving, found = space, space.site, [], [], {}
        for launch in [launch for step in space.steps if type(step) is list for launch in step if isinstance(launch, Launched)]:
            operands = [self.site.flat(place, dtype, arrays) for place, dtype in launch.pointers]
            found[id(launch)] = len(words), operands
            if launch.grid is not None:
                moving += [(len(words) + i, first, moves) for i, (_, first, moves) in enumerate(operands) if moves]
                words += [*[first for _, first, _ in operands], *launch.words]
        table = package().cuda.to_device(np.array(words or [0], np.int64))
        self.feeds = Feeds(self.site, table, moving) if moving or space.walks() else None
        of = lambda launch: Walking(launch, Bound, arrays) if isinstance(launch, Walk) else self._ready(launch, table, *found[id(launch)])
        part = lambda step: Part([of(launch) for launch in step], not _moved_by(step))
        self.steps = [part(step) if type(step) is list else step if isinstance(step, Stop) else of(step) for step in space.steps]

    def _ready(self, launch, table, at, operands) -> Ready:
        flats, firsts = [flat for flat, _, _ in operands], [first for _, first, _ in operands]
        if launch.grid is not None:
            before = self.site.watched if not launch.check else (*self.site.watched, self.site.watch.noticed)
            return Ready(launch.call, launch.grid, table[at : at + len(firsts) + len(launch.words)], flats, before)
        moving, call = [(i, moves) for i, (_, _, moves) in enumerate(operands) if moves], launch.call
        if moving:
            call = self._moved(call, moving)
        return Ready(call, None, (*firsts, *launch.words), flats)

    def _moved(self, call, moving):
        """Return a call of a library that works where its loops are."""

        def at_turn(words, flats, stream):
            words = list(words)
            for i, moves in moving:
                words[i] += self.site.counted(moves)
            call(tuple(words), flats, stream)

        return at_turn

    def run(self, now):
        """Run all; return what ended it early: (stop, None, where it was found), None when nothing did."""
        for step in self.steps:
            stopped = self.step(step, now)
            if stopped is not None:
                return stopped
        return None

    def step(self, step, now):
        """Run one of the steps; return as `run`."""
        if type(step) is Part:
            return step.queue(now.stream) if now.whole else step.run(now.stream)
        if isinstance(step, Stop):
            return (step, None, Ended(self.space)) if self.space.view(step.reads[0], now.arrays).copy().any() else None
        return step.run(now)

    def turn(self, now, counter, turn, level=0):
        """Run one turn of the loop that has a counter; return as `run`."""
        if self.feeds is not None:
            self.feeds.queue(counter, turn, level, now.stream)
        else:
            self.site.counts[counter : counter + 2] = turn, level
        return self.run(now)
