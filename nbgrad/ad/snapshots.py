"""Loops over time: the state is kept once for each turn, and the rest of a turn is computed again on the way back.

Against keeping what each statement reads, that is a copy of the state for each turn instead of one for each stage.
"""

from ..ops.table import Op
from .independent import Turns
from .statements import INT, Add, Array, Const, Loop, Put, Ref, Scalar, Set, Store, While, blocks, walk
from .tidy import names

CHEAP = (
    "load",
    "+",
    "-",
    "*",
    "/",
    "get",
    "size",
    "view",
    "cast",
    "select",
    "turns",
    "<",
    "<=",
    ">",
    ">=",
    "==",
    "!=",
    "and",
    "or",
    "not",
    "new",
    "%",
    "//",
)
CHEAP_ROWS = ("neg", "abs", "maximum", "minimum", "sign")


class State:
    """What the turns of a loop hand on to one another, if it can be kept and given back at each turn.

    Attributes
    ----------
    cells : list of Cell
    arrays : dict of str to Ref
    """

    def __init__(self, turns: Turns, extents):
        self.turns, self.loop = turns, turns.loop
        self.arrays = {s.array.name: s.array for s in turns.inside if isinstance(s, Store) and s.array.name in turns.carried}
        self.cells = sorted(
            {s.cell for s in turns.inside if isinstance(s, Put | Add) and s.cell.name in turns.carried}, key=lambda c: c.name
        )
        known = set(self.arrays) | {c.name for c in self.cells}
        self.ok = turns.free and turns.carried <= known and all(map(self._cell, self.cells)) and all(map(self._array, self.arrays))
        self.ok = self.ok and all(len(extents.get(n, ())) == a.type.ndim for n, a in self.arrays.items())

    def cheap(self):
        """Say whether a turn may be computed twice."""
        return all(
            s.op in CHEAP or (isinstance(s.extra, Op) and s.extra.name in CHEAP_ROWS) for s in self.turns.inside if isinstance(s, Set)
        )

    def _cell(self, cell):
        """A variable is read at the top of the body only, before it is written."""
        written = False
        for s in self.loop.body:
            if isinstance(s, Set) and s.op == "get" and s.args[0].name == cell.name:
                if written:
                    return False
                continue
            for t in walk([s]):
                if isinstance(t, Set) and t.op == "get" and t.args[0].name == cell.name:
                    return False
                written = written or (isinstance(t, Put | Add) and t.cell.name == cell.name)
        return True

    def _array(self, name):
        """An array is read before anything is written into it; an element may be read where it is then written."""
        written = False
        for s in self.loop.body:
            stores = [t for t in walk([s]) if isinstance(t, Store) and t.array.name == name]
            loads = [t for t in walk([s]) if isinstance(t, Set) and t.op == "load" and t.args[0].name == name]
            if any(isinstance(t, Set) and t.op not in ("load", "size") and name in names(t.args) for t in walk([s])):
                return False
            if loads and (written or (stores and not self._same(s, loads, stores))):
                return False
            written = written or bool(stores)
        return not any(r == self.turns.root(name) and n != name for n, r in self.turns.roots.items())

    def _same(self, s, loads, stores):
        """Say whether the loads of a statement read only the elements that the same turn then writes."""
        around, body = _around(s, stores[0]) or ([], [])
        return (len(stores) == 1 and bool(around) and all(_visits_once(t, stores[0].index) for t in around)
                and all(t in body and t.args[1:] == stores[0].index and body.index(t) < body.index(stores[0]) for t in loads))  # fmt: skip

    def prepare(self, b, extents, count):
        """Make the places for what is kept: one for each turn (statements go to `b`)."""
        self.kept = {}
        for c in self.cells:
            self.kept[c.name] = b.emit("tape", (count,), Array(c.type.dtype, 1), c.type.dtype, f"tape_{c.name}")
        for n, a in self.arrays.items():
            sizes = extents[n]
            self.kept[n] = b.emit("new", (count, *sizes), Array(a.type.dtype, a.type.ndim + 1), ("empty", a.type.dtype), f"{n}_before")
        for ref in self.kept.values():
            b.roots[ref.name] = ref.name

    def keep(self, b, turn, extents):
        """Keep the state at the beginning of a turn (statements go to `b`)."""
        for c in self.cells:
            now = b.emit("get", (c,), c.type)
            b.block.append(Store(self.kept[c.name], (turn,), now))
        for n, a in self.arrays.items():
            places = [Ref(b.fresh("i"), INT) for _ in extents[n]]
            value = Ref(b.fresh("now"), Scalar(a.type.dtype))
            body = [Set(value, "load", (a, *places)), Store(self.kept[n], (turn, *places), value)]
            for p, size in zip(places[::-1], extents[n][::-1]):
                body = [Loop(p, Const(0, INT), size, Const(1, INT), body)]
            b.block += body

    def restored(self, body, turn):
        """Let a turn that is computed again read what was kept, and hand on nothing, in place."""
        for t in walk(body):
            if isinstance(t, Set) and t.op == "get" and t.args[0].name in self.kept:
                t.op, t.args = "load", (self.kept[t.args[0].name], turn)
            elif isinstance(t, Set) and t.op == "load" and t.args[0].name in self.kept:
                t.args = (self.kept[t.args[0].name], turn, *t.args[1:])

    def without(self, body):
        """Return a turn without what it hands on, in place."""
        gone = set(self.arrays) | {c.name for c in self.cells} | self.turns.sums
        for b in [body, *[b for t in walk(body) for b in blocks(t)]]:
            b[:] = [t for t in b if not (isinstance(t, Put | Add) and t.cell.name in gone)
                    and not (isinstance(t, Store) and self.turns.root(t.array.name) in gone)]  # fmt: skip
        return body


def _around(s, wanted):
    """Return (the statements around a statement from `s` inwards, the block that it is in); None when it is not in `s`."""
    for b in blocks(s):
        if wanted in b:
            return [s], b
        for t in b:
            found = _around(t, wanted)
            if found:
                return [s, *found[0]], found[1]
    return None


def _visits_once(s, index):
    """Say whether a loop takes another place of an array at each turn; a branch does not take one twice."""
    if not isinstance(s, Loop):
        return not isinstance(s, While)
    return s.index in index and all(isinstance(v, Const) for v in (s.start, s.step)) and s.start.value >= 0 and s.step.value > 0
