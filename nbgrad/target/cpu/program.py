"""A schedule made ready to run: one table of words, in which every kernel finds its addresses, and its arena."""

import ctypes
from typing import NamedTuple

import numpy as np

from ...plan.calling import ALONE
from ...plan.calls import MADE, WALKS, Reversal, Stop, While
from ...plan.cost import moved, products
from ...plan.plan import Kernel
from .kernels import address, prepare
from .native import FASTCALL, VALUES, make_builtin
from .native_replay import (
    ENTRY,
    FIRST,
    IN_PLACE,
    LOOP,
    PATCH,
    REVERSAL,
    ROOM,
    SHARED,
    STOP,
    STOPPED,
    WHILE,
    group,
    inner,
    replay,
)  # fmt: skip
from .threads import launcher
from .words import Native

LINE = 64
WORTH = 4e-6  # seconds of work in small items that are worth a launch
BYTES, FLOPS = 3e10, 1.5e11  # what a thread moves and computes in a second, roughly: only to choose where to run
MASKS = {1: 0xFF, 2: 0xFFFF, 4: 0xFFFFFFFF, 8: -1}


class Program:
    """A schedule in memory: `run(arrays)` with the arrays of the slots `given`, in order.

    Attributes
    ----------
    given : tuple of int
        Slots whose arrays a run is called with: arguments, and what it makes for the caller.
    schedule : Schedule
    """

    def __init__(self, schedule, given, inner=False):
        self.schedule, self.given = schedule, tuple(given)
        self._numbers = {slot: i for i, slot in enumerate(self.given)}
        items = [item for wave in schedule.waves for item in wave if not isinstance(item, Stop)]
        prepare([k for item in items for k in (item.kernel, *item.words) if isinstance(k, Kernel)])
        self._free = [] if inner else [self._table()]

    def run(self, arrays, caller=None):
        """Run the program; return what ended it early (see `stopped`), None when nothing did."""
        instance = self._free.pop() if self._free else self._table()
        REPLAY(instance[0], *arrays)
        if instance[0][STOPPED // 8]:
            return self.stopped(instance)
        self._free.append(instance)
        return None

    def stopped(self, instance):
        """Return (stop, arena, inner) of what ended a run early: the `Inner` for a stop in a loop, None for one outside of loops."""
        table, arena, needs = instance
        stop, inner = self.stops[int(table[STOPPED // 8]) - 1], None
        while not isinstance(stop, Stop):
            inner = next((n for n in needs if isinstance(n, Inner) and n.table[STOPPED // 8]), None)
            if inner is None:
                raise MemoryError("while_loop: no memory for the values of its turns")
            stop, arena, needs = inner.program.stops[int(inner.table[STOPPED // 8]) - 1], inner.arena, inner.needs
        return stop, arena, inner

    def _table(self, feeds=None):
        """Return (table, arena, what they need): of its own, as a run that meets another in progress takes a new one.

        With a list `feeds`, what is given is not patched: (word, slot, bytes behind its start) of each place is put there.
        """
        size = self.schedule.arena
        memory = np.empty(size + LINE, np.uint8)
        start = -memory.ctypes.data % LINE
        arena = memory[start : start + size]
        self._needs, self._stores, base = [], {}, start_of(arena)
        steps, patches, self.stops, words = [], [], {}, 0
        for wave in self.schedule.waves:
            for step, holes in self._steps(wave, base):
                self.stops[len(steps)] = wave[0]
                steps.append(step)
                patches += [(words + at, slot, behind) for at, slot, behind in holes]
                words += len(step)
        if feeds is not None:
            feeds += [(FIRST + 8 * at, slot, behind) for at, slot, behind in patches]
            patches = []
        head = FIRST // 8 + PATCH // 8 * len(patches)
        table = np.empty(head + words, np.int64)
        table[:4] = len(self.given), len(patches), len(steps), 0
        for i, (at, slot, behind) in enumerate(patches):
            table[4 + 3 * i : 7 + 3 * i] = 8 * (head + at), 8 + 8 * self._numbers[slot], behind
        at = head
        for step in steps:
            table[at : at + len(step)] = [w if type(w) is int else table.ctypes.data + 8 * (at + w[0]) for w in step]
            at += len(step)
        return table, arena, self._needs

    def _steps(self, wave, base):
        """Yield (words of a step, holes); `base` is the address of the arena. A word in brackets is the address of another of the step."""
        if isinstance(wave[0], Stop):
            flag = wave[0].reads[0]
            where, holes = self._address((flag.slot, flag.offset), base)
            yield [STOP, 8 * 4, where, MASKS[np.dtype(flag.layout.dtype).itemsize]], [(2, *h) for h in holes]
            return
        for kind, items in launches_of(wave):
            if kind == LOOP:
                yield self._inner(items[0], base)
            elif len(items) == 1:
                yield self._single(items[0], base, kind)
            else:
                yield self._group(items, base)

    def _inner(self, item, base):
        """Return the words of a loop, and the holes among them."""
        if isinstance(item.kernel, While):
            return self._while(item, base)
        if isinstance(item.kernel, Reversal):
            return self._reversal(item, base)
        loop = item.kernel
        table, _, feeds, holes = self._fed(loop, item, base, 7)
        turns, found = self._turns(loop, item, base)
        return [LOOP, 8 * (7 + len(feeds)), table.ctypes.data, *turns, int(loop.back), len(feeds) // 4, *feeds], [*found, *holes]

    def _turns(self, loop, item, base):
        """Return the two words that say how many turns a loop or a reversal makes, and the holes among those of its step."""
        if type(loop.turns) is int:
            return [loop.turns, 0], []
        at, found = self._address(item.pointers[loop.turns.number], base)
        return [0, at], [(4, *h) for h in found]

    def _while(self, item, base):
        """Return the words of a while: both tables, then the feeds of both, then the carries."""
        what = item.kernel
        condition, memory, feeds, holes = self._fed(what.condition, item, base, 11)
        schedule = what.condition.schedule
        flag = memory.ctypes.data + schedule.places[what.flag]
        body, _, more, found = self._fed(what.body, item, base, 11 + len(feeds))
        holes, words = [*holes, *found], [*feeds, *more]
        count, found = self._address(item.pointers[what.count.number], base)
        holes += [(5, *h) for h in found]
        for first, last, size, place in what.carries:
            (start, a), (end, b) = (self._address(item.pointers[p], base) for p in (first, last))
            holes += [(11 + len(words), *h) for h in a] + [(12 + len(words), *h) for h in b]
            words += [start, end, size, place]
        store = 0 if what.store is None else self._store(what.store)
        head = [WHILE, 8 * (11 + len(words)), condition.ctypes.data, body.ctypes.data, flag, count, store, what.per_turn]
        return [*head, len(feeds) // 4, len(more) // 4, len(what.carries), *words], holes

    def _reversal(self, item, base):
        """Return the words of a reversal: both tables, the levels, then the feeds of both."""
        what = item.kernel
        turns, holes = self._turns(what, item, base)
        again, _, feeds, found = self._fed(what.again, item, base, 13)
        back, _, more, others = self._fed(what.back, item, base, 13 + len(feeds))
        levels, where = self._address(item.pointers[what.levels.number], base)
        holes = [*holes, *found, *others, *[(8, *h) for h in where]]
        head = [REVERSAL, 8 * (13 + len(feeds) + len(more)), again.ctypes.data, *turns, int(what.reverse), back.ctypes.data]
        head += [self._store(what.level), levels, what.count, what.size, len(feeds) // 4, len(more) // 4]
        return [*head, *feeds, *more], holes

    def _fed(self, loop, item, base, at):
        """Return (table, arena, words of the feeds, holes among them, the first word being number `at`) of a loop."""
        feeds, words, holes = [], [], []
        program = Program(loop.schedule, loop.given, True)
        table, memory, needs = program._table(feeds)
        self._needs.append(Inner(program, table, memory, needs, feeds))
        stored = dict(loop.stored)
        for word, slot, behind in feeds:
            number = loop.given.index(slot)
            if slot in stored:
                key, offset = stored[slot]
                words += [word, offset + behind, loop.strides[number], self._store(key)]
                continue
            pointer, offset = item.pointers[loop.first + number]
            where, found = self._address((pointer, offset + behind), base)
            holes += [(at + len(words) + 1, *h) for h in found]
            words += [word, where, loop.strides[number], 0]
        return table, memory, words, holes

    def _store(self, key) -> int:
        """Return the address of the store that the loops of `key` share."""
        if key not in self._stores:
            self._stores[key] = Store()
            self._needs.append(self._stores[key])
        return self._stores[key].words.ctypes.data

    def _address(self, pointer, base):
        """Return the address of a place in a slot, 0 where it is given with each run; and what goes into that hole."""
        slot, offset = pointer
        if slot in self._numbers:
            return 0, [(slot, offset)]
        found = self.schedule.slots[slot]
        if found.kind == MADE:
            return base + self.schedule.places[slot] + offset, []
        return start_of(found.array) + offset, []

    def _block(self, item, base, at):
        """Return the words that a kernel reads, and the holes among them, `at` words behind the start of the step."""
        words, holes = [], []
        for i, pointer in enumerate(item.pointers):
            where, found = self._address(pointer, base)
            words.append(where)
            holes += [(at + i, *h) for h in found]
        return [*words, *[address(w) if isinstance(w, Kernel) else int(w) for w in item.words]], holes

    def _single(self, item, base, kind):
        block, holes = self._block(item, base, 6)
        launch, state = launcher() if kind == SHARED else (0, 0)
        return [kind, 8 * (6 + len(block)), address(item.kernel), item.tiles, launch, state, *block], holes

    def _group(self, items, base):
        """Return the step of several items that share a launch: what `group` reads, then the blocks of the items."""
        launch, state = launcher()
        entries, blocks, holes, tiles = [], [], [], 0
        first = 7 + ENTRY // 8 * len(items)
        for item in items:
            block, found = self._block(item, base, first + len(blocks))
            entries += [tiles, address(item.kernel), [first + len(blocks)]]
            blocks += block
            holes += found
            tiles += item.tiles
        words = [SHARED, 8 * (first + len(blocks)), GROUP, tiles, launch, state, len(items), *entries, *blocks]
        return words, holes


def start_of(array) -> int:
    """Return the address of the first element: `array.ctypes.data` takes twice the time."""
    return array.__array_interface__["data"][0]


class Inner(NamedTuple):
    """The table of the turns of a loop.

    feeds : (where in the table, slot, bytes behind its start) of each address that is another at each turn.
    """

    program: Program
    table: np.ndarray
    arena: np.ndarray
    needs: list
    feeds: list

    def address(self, slot) -> int:
        """Return where a slot that is given to the loop lies at the turn that is, or was, run."""
        at, _, behind = next(f for f in self.feeds if f[1] == slot)
        return int(self.table[at // 8]) - behind


def launches_of(wave) -> list:
    """Return (kind, items that share a launch) of each step that a wave becomes, in order."""
    if isinstance(wave[0], Stop):
        return [(STOP, list(wave))]
    found = [(LOOP, [i]) for i in wave if isinstance(i.kernel, WALKS)]
    found += [(IN_PLACE, [i]) for i in wave if getattr(i.kernel, "loop", None) == ALONE]
    wave = [i for i in wave if not isinstance(i.kernel, WALKS) and i.kernel.loop != ALONE]
    times = {id(i): seconds(i) for i in wave} if len(wave) > 1 else {}
    shared = [i for i in wave if i.tiles > 1]
    small = [i for i in wave if i.tiles == 1]
    behind = sum([times[id(i)] for i in small]) if times else 0.0
    if (len(small) > 1 and behind > WORTH) or (shared and behind > WORTH / 4):
        shared, small = [*shared, *small], []
    found += [(IN_PLACE, [i]) for i in small]
    shared.sort(key=lambda i: times.get(id(i), 0.0), reverse=True)
    return [*found, (SHARED, shared)] if shared else found


class Store:
    """Memory that grows with the turns of a while, kept from run to run; or the level of a reversal, in other memory."""

    def __init__(self):
        self.words = np.zeros(2, np.int64)

    def __del__(self):
        if self.words[ROOM // 8]:
            _free(int(self.words[0]))


_free = ctypes.pythonapi.PyMem_RawFree
_free.restype, _free.argtypes = None, [ctypes.c_void_p]


def seconds(item) -> float:
    """Return how long an item takes on one thread, roughly."""
    work = item.work
    return (moved(work) / BYTES + products(work) / FLOPS) / max(1, len(work.plan.steps)) + 2e-8


NATIVE = Native("replay", [replay, group, inner], {**VALUES, "INNER": 0, "MOVE": ctypes.cast(ctypes.memmove, ctypes.c_void_p).value})
NATIVE.set("INNER", NATIVE.address("inner"))
REPLAY = make_builtin("replay", NATIVE.address("replay"), FASTCALL, "replay(table, *arrays)\n--\n\nRun a program on arrays.")
GROUP = NATIVE.address("group")
