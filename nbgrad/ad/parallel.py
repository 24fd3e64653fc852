"""Loops over threads on the way back: without races, and with the same bits whatever the number of threads.

An independent loop is cut into a fixed number of chunks. Each chunk has memory of its own for what turns use up and for the
gradients that many turns add to; afterwards the chunks' sums are added in order.
"""

from .statements import INT, Add, Array, Cell, Const, Do, Loop, Put, Ref, Scalar, Set, Store, walk
from .tidy import names, replace

CHUNKS = 16


def threaded(body, made):
    """Give the loops of a derivative that may run on threads the form in which they can; the others run in order."""
    turns = {id(back): made.deferred[id(s)] for s, back, _ in made.twice}
    ahead = {id(s) for s in made.ahead.values()} | made.as_written
    out = []
    for s in body:
        if isinstance(s, Loop) and s.parallel and id(s) in turns:
            out += Chunks(s, made).statements()
            continue
        for t in walk([s]):
            if isinstance(t, Loop) and t.parallel and not (id(t) in ahead or race_free(t, made.roots)):
                t.parallel = False
        out.append(s)
    body[:] = out


def race_free(loop, roots):
    """Say whether no two turns of a loop write or read the same place, if one of them writes it."""
    made = {s.out.name: s for s in walk(loop.body) if isinstance(s, Set)}
    first = set()
    for s in loop.body:
        if isinstance(s, Put):
            first.add(s.cell.name)
        elif isinstance(s, Add) and s.cell.name not in first:
            return False
    for s in walk(loop.body):
        if isinstance(s, Put | Add) and s.cell.name not in first:
            return False
        if (isinstance(s, Do) and s.op == "grow") or (isinstance(s, Set) and s.op == "call" and s.extra.kind != "call"):
            return False
    places: dict = {}
    written = set()
    for s in walk(loop.body):
        array, index = (
            (s.array, s.index)
            if isinstance(s, Store)
            else (s.args[0], s.args[1:])
            if isinstance(s, Set) and s.op == "load"
            else (None, ())
        )
        if array is None:
            continue
        r = roots.get(array.name, array.name)
        own = frozenset(k for k, i in enumerate(index) if _moves(i, loop.index, made))
        places[r] = places.get(r, own) & own
        if isinstance(s, Store):
            written.add(r)
    for n in (n for s in walk(loop.body) if isinstance(s, Set) and s.op == "call" for n in names(s.args)):
        places[roots.get(n, n)] = frozenset()  # a call may read all of an array
    fresh = {s.out.name for s in walk(loop.body) if isinstance(s, Set) and s.op in ("new", "tape")}
    return all(places[r] for r in written if r not in fresh)


def _moves(v, index, made):
    """Say whether an index is the index of the loop itself: then each turn has a place of its own."""
    return isinstance(v, Ref) and v.name == index.name


class Chunks:
    """One independent loop as chunks."""

    def __init__(self, loop, made):
        self.loop, self.made = loop, made
        self.inside = list(walk(loop.body))
        self.defined = {n for s in self.inside for n in names((getattr(s, "out", None), getattr(s, "index", None)))}
        self.arrays = {s.array.name: s.array for s in self.inside if isinstance(s, Store)}
        self.arrays |= {s.args[0].name: s.args[0] for s in self.inside if isinstance(s, Do) and s.op == "grow"}

    def emit(self, block, op, args, kind, extra=None, name="c"):
        out = Ref(self.made.fresh(name), kind)
        block.append(Set(out, op, tuple(args), extra, self.loop.line))
        return out

    def statements(self):
        """Return the loop over chunks, and the sums after it."""
        loop, before, first, last, after = self.loop, [], [], [], []
        chunk = Ref(self.made.fresh("chunk"), INT)
        known: dict = {}
        for a in self.arrays.values():
            self.array(a, chunk, known, before, first, after)
        self.cells(chunk, before, first, last, after)
        index = Ref(self.made.fresh(loop.index.name), INT)
        count = self.emit(before, "turns", (loop.start, loop.stop, loop.step), INT, None, "n")
        bounds = []
        for shift in (0, 1):
            at = chunk if shift == 0 else self.emit(first, "+", (chunk, Const(1, INT)), INT)
            part = self.emit(first, "//", (self.emit(first, "*", (at, count), INT), Const(CHUNKS, INT)), INT)
            bounds.append(self.emit(first, "+", (loop.start, part), INT))
        body = replace(replace(loop.body, known), {loop.index.name: index})
        inner = Loop(index, *bounds, Const(1, INT), body, False, loop.line)
        outer = Loop(chunk, Const(0, INT), Const(CHUNKS, INT), Const(1, INT), [*first, inner, *last], True, loop.line)
        return [*before, outer, *after]

    def array(self, a, chunk, known, before, first, after):
        """Give an array that turns write a form without races."""
        made = self.made
        s = next((t for t in walk(made.body) if isinstance(t, Set) and t.out.name == a.name), None)
        if a.name in self.defined or self.own_places(a):
            return
        if s is not None and s.op == "tape":
            known[a.name] = self.emit(first, "tape", s.args, a.type, s.extra, a.name)
            made.roots[known[a.name].name] = known[a.name].name
            return
        sizes = [self.emit(before, "size", (a,), INT, k, "n") for k in range(a.type.ndim)]
        if self.used_up(a):
            fill = "zeros" if s is None or s.extra[0] == "zeros" else "empty"
            known[a.name] = self.emit(first, "new", sizes, a.type, (fill, a.type.dtype), a.name)
            made.roots[known[a.name].name] = known[a.name].name
            return
        kind = Array(a.type.dtype, a.type.ndim + 1)
        sums = self.emit(before, "new", [Const(CHUNKS, INT), *sizes], kind, ("zeros", a.type.dtype), f"{a.name}_sums")
        made.roots[sums.name] = sums.name
        known[a.name] = self.emit(first, "view", (sums, chunk), Array(a.type.dtype, a.type.ndim), "{0}[{1}]", a.name)
        made.roots[known[a.name].name] = sums.name
        c = Ref(made.fresh("chunk"), INT)
        places = [Ref(made.fresh("i"), INT) for _ in sizes]
        part = Ref(made.fresh("part"), Scalar(a.type.dtype))
        inner = [Set(part, "load", (sums, c, *places)), Store(a, tuple(places), part, True)]
        for p, n in zip(places[::-1], sizes[::-1]):
            inner = [Loop(p, Const(0, INT), n, Const(1, INT), inner)]
        after.append(Loop(c, Const(0, INT), Const(CHUNKS, INT), Const(1, INT), inner))

    def used_up(self, a):
        """Say whether an array, or the gradient of an array, belongs to a turn: nothing of it outlasts the turn."""
        turns = next(self.made.deferred[id(s)] for s, back, _ in self.made.twice if back is self.loop)
        own = set(turns.own)
        return a.name in own or any(self.made.shadows.get(n) is not None and self.made.shadows[n].name == a.name for n in own)

    def own_places(self, a):
        """Say whether each turn touches places of its own of an array."""
        axes = None
        for s in self.inside:
            index = s.index if isinstance(s, Store) and s.array.name == a.name else s.args[1:] if (
                isinstance(s, Set) and s.op == "load" and s.args[0].name == a.name) else None  # fmt: skip
            if index is not None:
                here = {k for k, i in enumerate(index) if isinstance(i, Ref) and i.name == self.loop.index.name}
                axes = here if axes is None else axes & here
        return bool(axes)

    def cells(self, chunk, before, first, last, after):
        """Give a variable that turns add to a copy for each chunk, and add the copies up."""
        puts, adds = {}, {}
        for s in self.inside:
            if isinstance(s, Put):
                puts[s.cell.name] = s
            elif isinstance(s, Add):
                adds[s.cell.name] = s.cell
        top = {s.cell.name for s in self.loop.body if isinstance(s, Put)}
        for n, cell in sorted(adds.items()):
            if n in puts and n in top:
                continue
            own = Cell(self.made.fresh(n), cell.type)
            for s in self.inside:
                if isinstance(s, Add) and s.cell.name == n:
                    s.cell = own
            parts = self.emit(before, "new", (Const(CHUNKS, INT),), Array(cell.type.dtype, 1), ("zeros", cell.type.dtype), f"{n}_sums")
            self.made.roots[parts.name] = parts.name
            first.append(Put(own, Const(0.0 if cell.type.real else 0, cell.type)))
            got = self.emit(last, "get", (own,), cell.type)
            last.append(Store(parts, (chunk,), got))
            c = Ref(self.made.fresh("chunk"), INT)
            part = Ref(self.made.fresh("part"), cell.type)
            after.append(Loop(c, Const(0, INT), Const(CHUNKS, INT), Const(1, INT), [Set(part, "load", (parts, c)), Add(cell, part)]))
