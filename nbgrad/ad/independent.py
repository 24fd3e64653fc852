"""Loops whose turns speak to one another by sums alone: such a turn can be run forward and back in one go.

Nothing of it is kept. A variable or an array of the function that each turn fills before it reads it is a turn's own.
"""

from .routine import written_by_call
from .statements import INT, Add, Array, Cell, Const, Do, If, Loop, Put, Ref, Set, Store, While, blocks, reads, walk
from .tidy import names


class Turns:
    """What the turns of one loop read and write.

    Attributes
    ----------
    sums : set of str
        Variables and arrays that turns only add to or only write: what the loop is for.
    own : set of str
        Variables and arrays that a turn fills before it reads them, and that nobody reads afterwards.
    """

    def __init__(self, loop, function_body, roots, extents, outside):
        self.loop, self.roots, self.extents = loop, roots, extents
        self.inside = list(walk(loop.body))
        self.sums, self.own = set(), set()
        self.carried, self.free = set(), True  # what turns hand on to one another; whether nothing else is in the way
        self.after = function_body[function_body.index(loop) + 1 :]
        ids = {id(s) for s in self.inside} | {id(loop)}
        self.others = [s for s in walk(function_body) if id(s) not in ids]
        self.outside = set(outside)
        self.made = {s.out.name: s for s in function_body if isinstance(s, Set)}
        self._variables()
        self._memory()

    @property
    def ok(self):
        """Whether turns speak to one another by sums alone."""
        return self.free and not self.carried

    def root(self, n):
        return self.roots.get(n, n)

    def _variables(self):
        written = {s.cell.name for s in self.inside if isinstance(s, Put | Add)}
        read = {s.args[0].name for s in self.inside if isinstance(s, Set) and s.op == "get"}
        put = {s.cell.name for s in self.inside if isinstance(s, Put)}
        arrays = {s.cell.name for s in self.inside if isinstance(s, Put) and isinstance(s.cell.type, Array)}
        for c in written:
            if c not in read and c not in put:
                self.sums.add(c)
            elif c not in arrays and first_touch(self.loop.body, c) != "read" and first_touch(self.after, c) != "read":
                self.own.add(c)
            else:
                self.carried.add(c)
                self.free = self.free and c not in arrays

    def rename(self, fresh):
        """Give the variables that are a turn's own names of their own: elsewhere they are other variables."""
        known: dict = {}
        for s in self.inside:
            if isinstance(s, Put | Add) and s.cell.name in self.own:
                s.cell = known.setdefault(s.cell.name, Cell(fresh(s.cell.name), s.cell.type))
        for s in self.inside:
            if isinstance(s, Set) and s.op == "get" and s.args[0].name in known:
                s.args = (known[s.args[0].name],)
        self.own = {known[n].name if n in known else n for n in self.own}

    def _memory(self):
        written: dict = {}
        for s in self.inside:
            if isinstance(s, Store):
                written.setdefault(self.root(s.array.name), []).append(s)
            elif isinstance(s, Set) and s.op == "call":
                self.free = False
        made_inside = {s.out.name for s in self.inside if isinstance(s, Set) and s.op == "new"}
        loaded = {self.root(n) for s in self.inside if isinstance(s, Set) and s.op in ("load", "array") for n in names(s.args)}
        used_elsewhere = {
            self.root(n) for s in self.others for n in names(reads(s)) if not (isinstance(s, Set) and s.op in ("new", "size"))
        }
        for r in written:
            if r in made_inside:
                continue
            if r not in loaded and self.apart(written[r]):
                self.sums.add(r)
            elif r not in used_elsewhere and r not in self.outside and Cover(r, self).holds(self.loop.body):
                self.own.add(r)
            else:
                self.carried.add(r)
        put = {s.cell.name for s in self.inside if isinstance(s, Put | Add)}
        got = {s.args[0].name for s in self.inside if isinstance(s, Set) and s.op == "get"}
        self.reads = (loaded - set(written)) - made_inside | got - put

    def apart(self, stores):
        """Say whether no two turns write the same element; what they only add to may be the same."""
        if all(s.add for s in stores):
            return True
        made, heads = definitions([self.loop, *self.others])
        places = []
        for s in stores:
            view = made.get(s.array.name)
            if view is not None and view in self.inside:  # a row for each turn
                first = (
                    view.op == "view"
                    and view.extra.startswith(("{0}[{1}]", "{0}[{1},"))
                    and view.args[0].name not in {t.out.name for t in self.inside if isinstance(t, Set)}
                )
                places.append({(view.args[0].name, 0, view.args[1])} if first else set())
            else:
                places.append({(s.array.name, axis, i) for axis, i in enumerate(s.index)})
        return any(self.own_place(i, made, heads) for _, _, i in set.intersection(*places))

    def own_place(self, index, made, heads):
        """Say whether an index is another one at each turn, and none counts from the end."""
        if isinstance(index, Const):
            return False
        s = made.get(index.name)
        if s is not None and s.op == "+" and isinstance(s.args[1], Const) and s.args[1].value >= 0:
            return self.own_place(s.args[0], made, heads)
        if s is not None and s.op == "-" and isinstance(s.args[1], Const) and s.args[0] == self.loop.index:
            return _one(self.loop.step) and isinstance(self.loop.start, Const) and self.loop.start.value >= s.args[1].value >= 0
        return index == self.loop.index and counts(index, made, heads)


def counts(v, made, heads):
    """Say whether a number is never negative."""
    if isinstance(v, Const):
        return v.value >= 0
    if v.name in heads:
        h = heads[v.name]
        if isinstance(h.step, Const) and h.step.value < 0:
            return isinstance(h.stop, Const) and h.stop.value >= -1
        return isinstance(h.step, Const) and counts(h.start, made, heads)
    s = made.get(v.name)
    return s is not None and (s.op in ("size", "turns") or (s.op in ("+", "*") and all(counts(a, made, heads) for a in s.args)))


def definitions(body):
    """Return (the operation that makes each value, the loop that each index is of)."""
    made = {s.out.name: s for s in walk(body) if isinstance(s, Set)}
    return made, {s.index.name: s for s in walk(body) if isinstance(s, Loop)}


def first_touch(body, cell):
    """Return "put" when a block surely writes a variable first, "read" when it may read it first, else None.

    A variable that a branch writes first, on one of its ways, may be read on that way: no older one is seen there.
    """
    for s in body:
        if isinstance(s, Set) and s.op == "get" and s.args[0].name == cell:
            return "read"
        if isinstance(s, Put) and s.cell.name == cell:
            return "put"
        if isinstance(s, Add) and s.cell.name == cell:
            return "read"
        if isinstance(s, If):
            one, two = first_touch(s.then, cell), first_touch(s.other, cell)
            if "read" in (one, two):
                return "read"
            if one == two == "put":
                return "put"
        elif isinstance(s, Loop | While):
            head = [*s.head, *s.body] if isinstance(s, While) else s.body
            if first_touch(head, cell) == "read":
                return "read"
    return None


class Cover:
    """Proves that each turn of a loop fills what it reads of an array."""

    def __init__(self, root, turns):
        self.root, self.turns = root, turns
        self.regions = []  # what the turn has written so far: one (low, high) or one point for each axis
        self.bounds: dict = {}  # name of an index -> (low, high) of its loop

    def holds(self, body):
        return self.block(body, True)

    def block(self, body, sure):
        for s in body:
            if isinstance(s, Set) and self.reads_root(s) and s.op not in ("view", "size") and (
                s.op != "load" or s.args[0].name != self.root or not self.covered(s.args[1:])):  # fmt: skip
                return False
            if isinstance(s, Set) and s.op == "view" and self.turns.root(s.out.name) == self.root:
                return False
            if isinstance(s, Store) and self.turns.root(s.array.name) == self.root:
                if s.array.name != self.root or (s.add and not self.covered(s.index)):
                    return False
                if sure:
                    self.regions.append(tuple(self.region(i) for i in s.index))
            if isinstance(s, Loop):
                self.bounds[s.index.name] = (s.start, s.stop) if _one(s.step) else None
                known = len(self.regions)
                if not self.block(s.body, sure and _one(s.step)):
                    return False
                self.regions[known:] = [self.widened(r, s.index.name) for r in self.regions[known:] if s.index in r]
            elif isinstance(s, If | While):
                known = len(self.regions)
                for b in blocks(s):
                    if not self.block(b, True):
                        return False
                    del self.regions[known:]
        return True

    def reads_root(self, s):
        return any(self.turns.root(n) == self.root for n in names(s.args))

    def region(self, index):
        return index

    def widened(self, region, name):
        """Return what a loop has written when it is over: where it wrote at its index, all of its range."""
        low_high = self.bounds[name]
        return tuple(low_high if isinstance(i, Ref) and i.name == name else i for i in region)

    def covered(self, index):
        return any(all(self.within(i, r) for i, r in zip(index, region)) for region in self.regions) or self.joined()

    def joined(self):
        """Say whether what was written of an array of one axis is all of it, piece by piece from the beginning."""
        extents = self.turns.extents.get(self.root, ())
        if len(extents) != 1:
            return False
        here, pieces = Const(0, INT), [r[0] for r in self.regions if r[0] is not None]
        for _ in pieces:
            here = next((self.after(p) for p in pieces if (p == here if isinstance(p, Ref | Const) else p[0] == here)), here)
        return here == extents[0]

    def after(self, piece):
        """Return where a piece ends: the end of its range, or what comes after a place."""
        if not isinstance(piece, Ref | Const):
            return piece[1]
        if isinstance(piece, Const):
            return Const(piece.value + 1, INT)
        s = self.turns.made.get(piece.name)
        return s.args[0] if s is not None and s.op == "-" and s.args[1] == Const(1, INT) else None

    def within(self, index, region):
        """Say whether an index lies in what was written of one axis."""
        if region is None:
            return False
        if isinstance(region, Ref | Const):
            return index == region
        low, high = region
        extents = self.turns.extents.get(self.root, ())
        if _zero(low) and high in extents:
            return True  # the whole axis
        return self.at_least(index, low) and self.below(index, high)

    def at_least(self, v, low):
        if v == low or (isinstance(v, Const) and isinstance(low, Const) and v.value >= low.value):
            return True
        b = self.bounds.get(v.name) if isinstance(v, Ref) else None
        return b is not None and self.at_least(b[0], low)

    def below(self, v, high):
        """Say whether v < high: its loop ends there, or at an index that is below it."""
        b = self.bounds.get(v.name) if isinstance(v, Ref) else None
        if b is None:
            return isinstance(v, Const) and isinstance(high, Const) and v.value < high.value
        return b[1] == high or self.below(b[1], high)


def _one(v):
    return isinstance(v, Const) and v.value == 1


def _zero(v):
    return isinstance(v, Const) and v.value == 0


def effects(s, roots):
    """Return (what a statement and its blocks read, what they write): values, variables, memory."""
    read, written = set(), set()
    for t in walk([s]):
        read.update(roots.get(n, n) for n in names(reads(t)))
        if isinstance(t, Set):
            written.add(t.out.name)
            written.update(roots.get(v.name, v.name) for v in (written_by_call(t) if t.op == "call" else ()))
        elif isinstance(t, Put | Add):
            written.add(t.cell.name)
            read.update([t.cell.name] if isinstance(t, Add) else [])
        elif isinstance(t, Store):
            written.add(roots.get(t.array.name, t.array.name))
        elif isinstance(t, Do):
            written.update(roots.get(n, n) for n in names(t.args[:1]) if t.op == "grow")
        elif isinstance(t, Loop):
            written.add(t.index.name)
    return read, written


def joined(body, first, second, roots):
    """Return a block in which the statement `first` is left out, for `second` does its work too; None if that cannot be.

    What depends on the results of `first` moves behind `second`.
    """
    i, j = body.index(first), body.index(second)
    _, made = effects(first, roots)
    read, written = set(), set(made)
    stay, later = [], []
    for s in body[i + 1 : j + 1]:
        r, w = effects(s, roots)
        if s is second:
            r, w = r - made, w - made  # it makes them itself
        if (r | w) & written or w & read:
            later.append(s)
            read |= r
            written |= w
        else:
            stay.append(s)
    return None if second in later else [*body[:i], *stay, *later, *body[j + 1 :]]
