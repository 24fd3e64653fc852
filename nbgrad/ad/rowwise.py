"""Rows of a matrix one by one: the way back through a stretch, once for each result that the stretch writes.

Few results of many arguments cost less so than with all directions at once. A stretch is run once, with the partials of its
statements; each way back adds what it finds to one number for each direction, at the colours of what the stretch reads.
"""

from ..ops.table import MISSING
from .rules import Builder
from .statements import Add, Array, Cell, Const, If, Put, Ref, Scalar, Set, Store, reads, walk

MOST = 4  # results of a stretch for which ways back are shorter than a way in 16 directions


def rowwise(part, b):
    """Say whether a stretch reads what it differentiates from arguments, and writes it into a few rows alone.

    Parameters
    ----------
    part : list of statements
    b : Wide
    """
    rows = [s for s in part if isinstance(s, Store) and b.is_active(s.array)]
    made = {s.out.name for s in walk(part) if isinstance(s, Set)}
    if not 0 < len(rows) <= MOST:
        return False
    for s in walk(part):
        if isinstance(s, Store) and b.is_active(s.array) and not (s in rows and s.array.name in b.handed):
            return False
        if isinstance(s, Put | Add) and b.is_active(s.cell) and s.cell.name not in b.stretches.local:
            return False
        if isinstance(s, Set) and b.is_active(s.out) and not _inside(s, b):
            return False
        if any(b.is_active(v) and not (v.name in made or b.is_seed(v)) for v in reads(s) if isinstance(v, Ref) and v not in _memory(s)):
            return False
    return True


def _memory(s):
    """Return the array that a statement reads from or writes to."""
    return (s.array,) if isinstance(s, Store) else s.args[:1] if isinstance(s, Set) and s.op == "load" else ()


def _inside(s, b):
    """Say whether the derivatives of a value stay in its stretch."""
    if s.op == "new":
        return s.out.name in b.handed
    if s.out.name in b.stretches.kept or isinstance(s.out.type, Array) or s.op == "part":
        return False
    if s.op in ("load", "get"):
        return b.is_seed(s.args[0]) if s.op == "load" else s.args[0].name in b.stretches.local
    return s.op == "select" or not any(isinstance(part, MISSING) for _, part, _ in Builder.partials(b, s))


class Rowwise:
    """Writes a stretch and its ways back.

    Parameters
    ----------
    b : Wide
    """

    def __init__(self, b):
        self.b, self.home, self.partials, self.colours = b, {}, {}, {}
        self.levels, self.gradient, self.twins, self.row = [], {}, {}, None
        self.wild = set()  # values and variables whose gradients may be infinite: where the next partial is zero, nothing flows

    def write(self, part):
        b = self.b
        self.ahead(part)
        for k, s in enumerate(part):
            if isinstance(s, Store) and b.is_active(s.array):
                self.row, zero = b.row_of(s), Const(0.0, Scalar(s.array.type.dtype))
                b.over_lanes(lambda lane, zero=zero: b.block.append(Store(self.row, (lane,), zero)))
                self.back_from(s, part, k)
                b.handed[s.array.name](s.index, self.row)

    # forward

    def ahead(self, body):
        """Write statements with their partials, and with the colours of what they load."""
        b = self.b
        for s in body:
            b.line = s.line
            if isinstance(s, If):
                ways, outer = [], b.block
                for way in (s.then, s.other):
                    b.block = []
                    self.ahead(way)
                    ways.append(b.block)
                b.block = outer
                b.block.append(If(s.test, *ways, s.line))
                continue
            if not (isinstance(s, Store) and b.is_active(s.array)):
                b.block.append(s)
            if isinstance(s, Set):
                self.home[s.out.name] = body
                if s.op == "load" and b.is_active(s.out):
                    self.colours[s.out.name] = b.colour(s.args[0], s.args[1:])
                elif b.is_active(s.out) and s.op not in ("get", "select", "new"):
                    self.partials[s.out.name] = b.ready(s)

    # back

    def back_from(self, store, part, k):
        """Write the way back from a result to what it was computed from."""
        b = self.b
        self.gradient, self.levels = {}, [(part, b.block)]
        for c in sorted({s.cell for s in walk(part) if isinstance(s, Put | Add) and b.is_active(s.cell)}, key=lambda c: c.name):
            self.twins[c.name] = Cell(b.fresh(f"g_{c.name}"), c.type)
            b.block.append(Put(self.twins[c.name], Const(0.0, c.type), store.line))
        self.give(store.value, Const(1.0, Scalar(store.array.type.dtype)))
        self.back(part[:k])
        for name, g in list(self.gradient.items()):  # what the function was given
            self.hit(b.colour(Ref(name, g.type), ()), self.got(g))

    def back(self, body):
        for s in reversed(body):
            self.b.line = s.line
            getattr(self, f"back_{type(s).__name__}", lambda s: None)(s)

    def back_If(self, s):
        ways, outer = [], self.b.block
        for way in (s.then, s.other):
            self.b.block = []
            self.levels.append((way, self.b.block))
            self.back(way)
            self.levels.pop()
            ways.append(self.b.block)
        self.b.block = outer
        if any(ways):
            outer.append(If(s.test, *ways, s.line))

    def back_Put(self, s):
        if self.b.is_active(s.cell):
            twin = self.twins[s.cell.name]
            g = self.got(twin)
            self.b.block.append(Put(twin, Const(0.0, twin.type), s.line))
            self.give(s.value, g, s.cell.name in self.wild)

    def back_Add(self, s):
        if self.b.is_active(s.cell):
            self.give(s.value, self.got(self.twins[s.cell.name]), s.cell.name in self.wild)

    def back_Set(self, s):
        b, found = self.b, self.gradient.pop(s.out.name, None)
        if found is None:
            return
        g, wild = self.got(found), s.out.name in self.wild
        if s.op == "load":
            self.hit(self.colours[s.out.name], g)
        elif s.op == "get":
            self.wild.update([s.args[0].name] if wild else [])
            b.block.append(Add(self.twins[s.args[0].name], g, s.line))
        elif s.op == "select":
            zero = Const(0.0, g.type)
            for v, ways in ((s.args[1], (g, zero)), (s.args[2], (zero, g))):
                if b.is_active(v):
                    self.give(v, b.emit("select", (s.args[0], *ways), g.type), wild)
        else:
            for i, part, steep in self.partials[s.out.name]:
                if b.is_active(s.args[i]):
                    self.give(s.args[i], self.product(g, part, steep, wild), steep or wild)

    def product(self, g, part, steep, wild):
        """Return a gradient times a partial; zero where one is zero, though the other be infinite."""
        b = self.b
        if part is None:
            return g
        return b.guarded(part, g) if wild else b.guarded(g, part) if steep else b.times(g, part)

    def got(self, found):
        return self.b.emit("get", (found,), found.type) if isinstance(found, Cell) else found

    def give(self, v, g, wild=False):
        """Add to the gradient of a value, which may be infinite where `wild`."""
        b = self.b
        self.wild.update([v.name] if wild and b.is_active(v) else [])
        if not b.is_active(v) or (isinstance(g, Const) and g.value == 0):
            return
        g, before = b.cast(g, v.type), self.gradient.get(v.name)
        home = next((out for body, out in self.levels if body is self.home.get(v.name)), self.levels[0][1])
        if home is b.block and not isinstance(before, Cell):
            self.gradient[v.name] = g if before is None else b.plus(before, g, f"g_{v.name}")
            return
        if not isinstance(before, Cell):
            cell = self.gradient[v.name] = Cell(b.fresh(f"g_{v.name}"), v.type)
            home.append(Put(cell, Const(0.0, v.type) if before is None else before, b.line))
        b.block.append(Add(self.gradient[v.name], g, b.line))

    def hit(self, colour, g):
        """Add to the number of a colour."""
        b = self.b
        b.block.append(Store(self.row, (colour,), b.cast(g, Scalar(self.row.type.dtype)), True, b.line))


__all__ = ["Rowwise", "rowwise"]
