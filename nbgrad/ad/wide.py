"""Forward mode in many directions at once, the directions innermost: all of them go through a stretch of statements in one loop.

A stretch is what stands between two loops of the function. Its statements are run once; the statements of its tangents
follow in a loop over the directions, which vectorises. A tangent that another stretch reads is kept in an array. Those of an
element of a result that nobody reads again are handed over behind that loop. Where they depend on arguments alone, and such
elements are few, each is differentiated by itself (`rowwise`).
"""

from itertools import groupby

from ..ops.table import Op
from .copying import leaves
from .forward import Forward
from .independent import first_touch
from .rowwise import Rowwise, rowwise
from .snapshots import CHEAP_ROWS
from .statements import (
    BOOL,
    INT,
    Add,
    Array,
    Cell,
    Const,
    Function,
    If,
    Loop,
    Put,
    Ref,
    Scalar,
    Set,
    Store,
    While,
    blocks,
    reads,
    walk,
)
from .streams import UNSIGNED
from .tidy import names, replace

WIDTH = 16  # directions of an inner loop, whose length the compiler knows: it unrolls shorter ones, and vectorises nothing


class Seed:
    """The tangents of an argument: one where the direction is an element's, else zero; in no memory."""

    def __init__(self, type_, part):
        self.type, self.part = type_, part


def compound(s):
    """Say whether a statement ends a stretch: a loop, or a branch with a loop inside."""
    return any(isinstance(t, Loop | While) for t in walk([s]))


class Stretches:
    """Where the stretches of a function begin and end.

    Attributes
    ----------
    kept : set of str
        Values that another stretch reads.
    local : set of str
        Variables that one stretch alone reads and writes, and writes first.
    """

    def __init__(self, f: Function):
        self.parts, self.home = [], {}
        self.block(f.body)
        where, cells = {}, {}
        for k, part in enumerate(self.parts):
            for s in walk(part):
                if isinstance(s, Set) and isinstance(s.out, Ref):
                    where[s.out.name] = k
                for c in [s.cell] if isinstance(s, Put | Add) else [a for a in reads(s) if isinstance(a, Cell)]:
                    cells.setdefault(c.name, set()).add(k)
        self.kept = set(names((f.results,)))
        for k, part in enumerate(self.parts):
            for s in walk(part):
                self.kept.update(n for n in names(reads(s)) if where.get(n) != k)
        self.local = {c for c, at in cells.items() if len(at) == 1 and first_touch(self.parts[min(at)], c) != "read"}

    def block(self, body):
        self.parts.append([])
        for s in body:
            if compound(s):
                for b in blocks(s):
                    self.block(b)
                self.parts.append([])
            else:
                self.parts[-1].append(s)


def fits(f: Function, active):
    """Say whether the form is one for a function: its derivatives flow through numbers and elements of arrays that it makes."""
    statements = list(walk(f.body))
    for s in statements:
        if isinstance(s, Set) and active(s.out) and s.op not in ("new", "part") and (
            s.op in ("call", "ruled", "array") or isinstance(s.out.type, Array)):  # fmt: skip
            return False
        if isinstance(s, Put | Add) and isinstance(s.cell.type, Array):
            return False
    own = {s.out.name for s in statements if isinstance(s, Set) and s.op == "new"}
    results = all(v.name in own for v in leaves(f.results) if isinstance(v.type, Array) and active(v))
    return results and pays(f, active) and threads(f, statements, active)


def pays(f, active):
    """Say whether to run the function once is worth it: tangents of states in arrays are in memory for all directions."""
    states = {s.out.name for s in f.body if isinstance(s, Set) and s.op == "new"}
    of_active = [s for s in walk(f.body) if isinstance(s, Set) and active(s.out)]
    dear = any(s.op in ("/", "**", "%") or (isinstance(s.extra, Op) and s.extra.name not in CHEAP_ROWS) for s in of_active)
    return dear or not any(s.op == "load" and s.args[0].name in states for s in of_active)


def threads(f, statements, active):
    """Say whether loops that threads share keep no tangents in arrays: threads would share them too."""
    loops = [s for s in statements if isinstance(s, Loop) and s.parallel]
    found = Stretches(f) if loops else None
    for s in walk(loops):
        if isinstance(s, Put | Add) and active(s.cell) and s.cell.name not in found.local:
            return False
        if isinstance(s, Set) and isinstance(s.out.type, Scalar) and active(s.out) and s.out.name in found.kept:
            return False
    return True


def only_written(f: Function):
    """Return the results that are arrays whose elements are written, and never read, added to or seen, nor shared by threads."""
    found = {s.out.name: s for s in f.body if isinstance(s, Set) and s.op == "new"}
    ends = [v.name for v in leaves(f.results) if isinstance(v, Ref)]
    threads = {id(t) for s in walk(f.body) if isinstance(s, Loop) and s.parallel for t in walk(s.body)}
    for s in walk(f.body):
        if not (s.op == "size" if isinstance(s, Set) else isinstance(s, Store) and not s.add and id(s) not in threads):
            for n in names(reads(s)):
                found.pop(n, None)
    return {n: s for n, s in found.items() if ends.count(n) == 1}


class Wide(Forward):
    """Writes the statements of a function, and those of its tangents in loops over the directions.

    Parameters
    ----------
    f : Function
    """

    def __init__(self, f: Function):
        super().__init__(f)
        self.flow, self.lane, self.seeds, self.near = [], Ref(self.fresh("lane"), INT), {}, set()
        self.stretches, self.kept, self.top = Stretches(f), {}, []
        self.behind, self.handed = [], {}
        self.colour_of = self.lanes = None

    def open(self, lanes, colour, handed):
        """Begin: `lanes` is how many directions there are, a multiple of `WIDTH`; `colour` writes that of an element of a `Seed`.

        `handed` has for names of `only_written` what takes the index of an element and the array of its tangents.
        """
        self.lanes, self.colour_of, self.handed = lanes, colour, handed

    def memory(self, v):
        """Return the array that holds the tangents of a result."""
        return self.tangents[v.name] if isinstance(v.type, Array) else self.keep(v.name, v.type)

    # where statements are written

    def each(self, write, s):
        """Write what belongs to a statement of the function into the loop over directions."""
        self.block, self.flow = self.flow, self.block
        write(s)
        self.block, self.flow = self.flow, self.block

    def outside(self, write):
        """Write what does not depend on the direction before the loop; the tangent that is being written stays open."""
        self.block, self.flow = self.flow, self.block
        made = write()
        self.block, self.flow = self.flow, self.block
        return made

    def partials(self, s):
        return self.outside(lambda: self.ready(s))

    def ready(self, s):
        """Write the partials of a statement that somebody may read."""
        ready = lambda i, part: part() if callable(part) and self.is_active(s.args[i]) else part
        return [(i, ready(i, part), steep) for i, part, steep in super().partials(s)]

    def over_lanes(self, write):
        """Write a loop over the directions around what `write(lane)` writes."""
        first, k, outer = Ref(self.fresh("first"), INT), Ref(self.fresh("k"), INT), self.block
        self.block = []
        write(self.emit("+", (first, k), INT, None, "lane"))
        inner = Loop(k, Const(0, INT), Const(WIDTH, INT), Const(1, INT), self.block)
        outer.append(Loop(first, Const(0, INT), self.lanes, Const(WIDTH, INT), [inner], False, self.line))
        self.block = outer

    def close(self):
        """End a stretch: write its loop over the directions."""
        if self.flow:
            self.over_lanes(lambda lane: self.block.extend(replace(self.flow, {self.lane.name: lane})))
            self.block += self.behind
            self.flow, self.behind = [], []
        self.lane, self.seeds, self.near = Ref(self.fresh("lane"), INT), {}, set()

    def statements(self, body):
        for is_compound, part in groupby(body, compound):
            part = list(part)
            if is_compound:
                self.close()
            if not is_compound and rowwise(part, self):
                Rowwise(self).write(part)
            else:
                super().statements(part)

    def do_If(self, s):
        if compound(s):
            outer, self.block, ways = self.block, [], []
            for b in (s.then, s.other):
                self.block = []
                self.statements(b)
                self.close()
                ways.append(self.block)
            self.block = outer
            self.block.append(If(s.test, *ways, s.line))
            return
        ways, outer = [], (self.block, self.flow, self.behind, self.seeds)
        for b in (s.then, s.other):
            self.block, self.flow, self.behind, self.seeds = [], [], [], dict(outer[3])
            super().statements(b)
            ways.append((self.block, self.flow, self.behind))
        self.block, self.flow, self.behind, self.seeds = outer
        for place, pair in zip(outer, zip(*ways)):
            if place is self.block or any(pair):
                place.append(If(s.test, *pair, s.line))

    def looped(self, body):
        """Return a block of a loop, its stretches closed."""
        outer, self.block = self.block, []
        self.statements(body)
        self.close()
        made, self.block = self.block, outer
        return made

    def do_Loop(self, s):
        self.block.append(Loop(s.index, s.start, s.stop, s.step, self.looped(s.body), s.parallel, s.line, s.backward))

    def do_While(self, s):
        head = self.looped(s.head)
        self.block.append(While(head, s.test, self.looped(s.body), s.line))

    # tangents of numbers

    def keep(self, name, kind):
        """Return the array that holds the tangents of a value or a variable in all directions."""
        if name not in self.kept:
            out = self.kept[name] = Ref(self.fresh(f"t_{name}"), Array(kind.dtype, 1))
            self.roots[out.name] = out.name
            self.top.append(Set(out, "new", (self.lanes,), ("zeros", kind.dtype)))
        return self.kept[name]

    def tangent_of(self, s):
        super().tangent_of(s)
        found = self.tangents[s.out.name]
        self.near.add(s.out.name)
        if s.out.name in self.stretches.kept and isinstance(s.out.type, Scalar) and not isinstance(found, Seed):
            t = self.cast(found, s.out.type)
            self.block.append(Store(self.keep(s.out.name, s.out.type), (self.lane,), t, False, s.line))

    def tangent(self, v):
        found = self.tangents.get(v.name) if isinstance(v, Ref) else None
        if isinstance(v.type, Array):
            return found if found is not None else self.outside(lambda: self.fresh_tangent(v, "zeros"))
        if isinstance(found, Seed):
            return self.seeded(found, ())
        if isinstance(v, Ref) and v.name in self.kept and v.name not in self.near:
            return self.seeds_once(("kept", v.name), lambda: self.emit("load", (self.kept[v.name], self.lane), v.type, None, "d"))
        return super().tangent(v)

    def seeds_once(self, key, write):
        if key not in self.seeds:
            self.seeds[key] = write()
        return self.seeds[key]

    def seeded(self, seed, index):
        """Return the tangent of an element of an argument in the direction of the loop."""
        kind = Scalar(seed.type.dtype)
        same = lambda: self.emit("==", (self.outside(lambda: self.colour_of(seed, index)), self.lane), BOOL)
        unit = lambda: self.emit("select", (same(), Const(1.0, kind), Const(0.0, kind)), kind, None, "unit")
        return self.seeds_once((id(seed), index), unit)

    def is_seed(self, v):
        return isinstance(self.tangents.get(v.name), Seed)

    def colour(self, v, index):
        """Write the colour of an element of an argument, as an index."""
        return self.emit("unsigned", (self.colour_of(self.tangents[v.name], index),), UNSIGNED, None, "colour")

    # tangents of arrays and of variables

    def fresh_tangent(self, v, fill):
        sizes = [self.emit("size", (v,), INT, axis, "n") for axis in range(v.type.ndim)]
        return self.new_tangent(v, sizes, (fill, v.type.dtype))

    def new_tangent(self, v, sizes, extra):
        out = self.emit("new", (*sizes, self.lanes), Array(extra[1], v.type.ndim + 1), extra, f"t_{v.name}")
        self.roots[out.name] = self.root(v.name)
        return out

    def of_new(self, s):
        return self.outside(lambda: self.new_tangent(s.out, s.args, s.extra))

    def of_load(self, s):
        base = self.tangent(s.args[0])
        if isinstance(base, Seed):
            return self.seeded(base, s.args[1:])
        return self.emit("load", (base, *s.args[1:], self.lane), s.out.type, None, f"t_{s.out.name}")

    def of_get(self, s):
        c = s.args[0]
        if c.name in self.stretches.local:
            return super().of_get(s)
        return self.emit("load", (self.keep(c.name, c.type), self.lane), c.type, None, f"t_{s.out.name}")

    def put(self, s):
        if s.cell.name in self.stretches.local:
            super().put(s)
        else:
            t = self.cast(self.tangent(s.value), s.cell.type)
            self.block.append(Store(self.keep(s.cell.name, s.cell.type), (self.lane,), t, False, s.line))

    def add(self, s):
        if s.cell.name in self.stretches.local:
            super().add(s)
        else:
            t = self.cast(self.tangent(s.value), s.cell.type)
            self.block.append(Store(self.keep(s.cell.name, s.cell.type), (self.lane,), t, True, s.line))

    def store(self, s):
        if s.array.name in self.handed:
            self.hand(s)
            return
        array = self.tangent(s.array)
        t = self.cast(self.tangent(s.value), Scalar(array.type.dtype))
        self.block.append(Store(array, (*s.index, self.lane), t, s.add, s.line))


    def row_of(self, s):
        """Return the array of the tangents of an element: each turn uses it again."""
        row = Ref(self.fresh(f"t_{s.array.name}"), Array(s.array.type.dtype, 1))
        self.roots[row.name] = row.name
        self.top.append(Set(row, "new", (self.lanes,), ("empty", row.type.dtype)))
        return row

    def hand(self, s):
        """Write the tangents of an element, and behind the loop what takes them."""
        row = self.row_of(s)
        t = self.cast(self.tangent(s.value), Scalar(row.type.dtype))
        self.block.append(Store(row, (self.lane,), t, False, s.line))
        outer, self.block = self.block, self.behind
        self.handed[s.array.name](s.index, row)
        self.block = outer


__all__ = ["WIDTH", "Seed", "Wide", "fits", "only_written"]
