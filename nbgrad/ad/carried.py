"""What the turns of a loop hand on to one another: the variables and arrays that must be kept to run a turn again."""

from .expanding import _Turns
from .independent import Cover, first_touch
from .statements import Add, Array, Cell, Put, Ref, Set, Store, blocks, reads, walk
from .tidy import names

OWN = ("new", "array", "constant", "tape", "ruled")  # what makes memory


class Carried:
    """The state of a loop.

    Attributes
    ----------
    cells : list of Cell
        Variables that hold numbers which a turn reads of the turn before.
    holders : list of Cell
        Variables that hold such arrays.
    arrays : dict of str to Ref
        Arrays from before the loop, written in place, which a turn reads before it fills them.
    stored : dict of str to Ref
        All arrays from before the loop that turns write and read.
    frozen : dict of str to Ref
        Arrays that turns read and that are written after the loop.
    gone : set of str
        Variables and memory that turns write and never read: no turn needs them to be run again.
    """

    def __init__(self, loop, f, roots):
        self.loop, self.body, self.roots = loop, f.body, roots
        everything, self.inside = list(walk(f.body)), list(walk(loop.body))
        first = next(i for i, s in enumerate(everything) if s is loop)
        self.after = everything[first + 1 + len(self.inside) :]
        self.defined = {s.out.name: s for s in self.inside if isinstance(s, Set)}
        extents = {s.out.name: s.args for s in everything if isinstance(s, Set) and s.op == "new"}
        self._reads()
        self._cells()
        self._arrays(_Turns(roots, extents))

    def root(self, n):
        return self.roots.get(n, n)

    def _reads(self):
        got = {s.args[0].name for s in self.inside if isinstance(s, Set) and s.op == "get"}
        readers = [s for s in self.inside if not (isinstance(s, Set) and s.op in ("size", "view", "get")) and not isinstance(s, Put)]
        loaded = {self.root(v) for s in readers for v in names(_operands(s))}
        self.put = {s.cell.name for s in self.inside if isinstance(s, Put | Add)}
        stored = {self.root(s.array.name) for s in self.inside if isinstance(s, Store)}
        self.loaded, self.both = loaded, stored & loaded
        self.gone = (self.put - got) | (stored - loaded)
        self.later = {s.cell.name for s in self.after if isinstance(s, Put | Add)}
        self.later |= {self.root(s.array.name) for s in self.after if isinstance(s, Store)}

    def _cells(self):
        found = {s.args[0] for s in self.inside if isinstance(s, Set) and s.op == "get"}
        changed = lambda c: c.name in self.put | self.later or (
            isinstance(c.type, Array) and self.root(c.name) in self.both | self.later)  # fmt: skip
        carried = [c for c in sorted(found, key=lambda c: c.name) if changed(c) and first_touch(self.loop.body, c.name) == "read"]
        self.cells = [c for c in carried if not isinstance(c.type, Array)]
        self.holders = [c for c in carried if isinstance(c.type, Array)]

    def _arrays(self, turns):
        self.stored, self.arrays, self.frozen, self.mentioned = {}, {}, {}, {}
        for s in self.inside:
            for v in _arrays_of(reads(s)):
                v = self.source(v)
                if isinstance(v, Ref):
                    self.mentioned[v.name] = v
        for s in self.inside:
            v = self.source(s.array) if isinstance(s, Store) else None
            if isinstance(v, Ref) and self.root(v.name) not in self.gone:
                self.stored[v.name] = v
        through = {self.root(s.array.name) for s in self.inside if isinstance(s, Store) and isinstance(self.source(s.array), Cell)}
        for s in self.inside:  # what a turn gives to a variable may be written by way of the variable
            v = self.source(s.value) if isinstance(s, Put) and isinstance(s.cell.type, Array) else None
            if isinstance(v, Ref) and self.root(v.name) in through - self.gone:
                self.stored[v.name] = v
        for n, v in self.stored.items():
            if not (n == self.root(n) and Cover(n, turns).holds(self.loop.body)):
                self.arrays[n] = v
        for n, v in self.mentioned.items():
            if n not in self.arrays and self.root(n) in self.later & self.loaded:
                self.frozen[n] = v

    def source(self, v):
        """Return the array from before the loop that an array lies in, or the variable that holds it; None for a turn's own."""
        while isinstance(v, Ref) and v.name in self.defined:
            s = self.defined[v.name]
            if s.op in OWN:
                return None
            v = s.args[0]
        return v

    def moves(self, array):
        """Say whether each turn writes another place of an array."""
        stores = [s for s in self.inside if isinstance(s, Store) and self.source(s.array) == array]
        return bool(stores) and all(any(map(self._moved, (*s.index, *self._views(s.array)))) for s in stores)

    def _views(self, v):
        found = []
        while isinstance(v, Ref) and v.name in self.defined:
            found += self.defined[v.name].args[1:]
            v = self.defined[v.name].args[0]
        return found

    def _moved(self, v):
        if v == self.loop.index:
            return True
        s = self.defined.get(v.name) if isinstance(v, Ref) else None
        return s is not None and s.op in ("+", "-", "*") and any(map(self._moved, s.args))

    def meeting(self):
        """Return the pairs of a variable and another one, or an array, that must not be the same memory: one is written to."""
        written = {self.root(s.array.name) for s in self.inside if isinstance(s, Store) and self.source(s.array) is not None}
        out = []
        for i, c in enumerate(self.holders):
            r = self.root(c.name)
            others = [*self.holders[i + 1 :], *self.mentioned.values()]
            out += [(c, v) for v in others if r in written and self.root(v.name) == r]
        return out

    def given_before(self, cell):
        """Say whether a variable surely has a value when the loop begins."""
        body = self.body
        while True:
            at, block = next((i, b) for i, s in enumerate(body) for b in [self._towards(s)] if b is not None)
            if first_touch(body[:at], cell.name) == "put" or any(isinstance(s, Put) and s.cell == cell for s in body[:at]):
                return True
            if body[at] is self.loop:
                return False
            body = block

    def _towards(self, s):
        """Return the block of a statement that the loop is in, [] for the loop itself; None where it is not."""
        if s is self.loop:
            return []
        return next((b for b in blocks(s) if any(t is self.loop for t in walk(b))), None)

    def without(self, body):
        """Return a turn without what no turn reads, in place."""
        for b in [body, *[b for t in walk(body) for b in blocks(t)]]:
            b[:] = [t for t in b if not (isinstance(t, Put | Add) and t.cell.name in self.gone)
                    and not (isinstance(t, Store) and self.root(t.array.name) in self.gone)]  # fmt: skip
        return body


def _operands(s):
    return (*s.index, s.value) if isinstance(s, Store) else reads(s)


def _arrays_of(values):
    for v in values:
        if isinstance(v, Ref | Cell) and isinstance(v.type, Array):
            yield v
