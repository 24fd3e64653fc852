"""What the way back reads of the way forward: computed again where that is cheap, else kept on a tape.

A tape is an array for each kept value, one number for each turn of its loop. What stands outside of loops is still there.
"""

from ..ops.table import Op
from .again import Again, known_extents
from .expanding import expanded
from .statements import INT, Add, Array, Cell, Const, Do, If, Loop, Put, Ref, Scalar, Set, Store, While, blocks, walk
from .tidy import names, replace

COSTLY = ("**", "array", "ruled", "call", "get", "new", "tape", "copy", "like")
CHEAP_ROWS = (
    "neg",
    "abs",
    "maximum",
    "minimum",
    "sign",
    "sqrt",
    "square",
    "floor",
    "ceil",
    "add",
    "sub",
    "mul",
    "div",
    "relu",
    "reciprocal",
)


class Keeping(Again):
    """The part of `Reverse` that brings values of the way forward to the way back."""

    def survey(self, f):
        """Note for each value where it is defined, and when memory is written."""
        self.home, self.defined, self.path, self.paths, self.order, self.writes = {}, {}, {}, {}, {}, {}
        self.needed, self.kept, self.positions, self.counter, self.before, self.after = set(), {}, {}, {}, {}, {}
        self.head, self.loops, self.inside_deferred, self.as_written = [], {}, set(), set()
        self.states: dict = {}
        self.around_it, self.places = {}, {}
        self.outer_extents = known_extents(f.body)
        self.deferred = {id(t.loop): t for t in self.independent(f)}
        self.expanded: dict = {}
        for t in self.deferred.values():
            self.expanded |= expanded(t.loop, f.body, f, self.roots, self.fresh)
        self._survey(f.body, ())

    def _survey(self, body, path, around=None):
        for s in body:
            self.order[id(s)] = len(self.order)
            if isinstance(s, Set):
                self.home[s.out.name], self.defined[s.out.name], self.path[s.out.name] = body, s, path
            elif isinstance(s, Store):
                self.writes.setdefault(self.roots.get(s.array.name, s.array.name), []).append((self.order[id(s)], path))
            elif isinstance(s, Put | Add):
                self.writes.setdefault(s.cell.name, []).append((self.order[id(s)], path))
                self.paths[id(s)] = path
            if isinstance(s, Loop) and s.checkpointed and not path and id(s) not in self.deferred:
                self.around_it[id(s)] = around
            alone = id(s) in self.deferred or id(s) in self.around_it  # each turn forward, and back at once
            inner = () if alone else (*path, s) if isinstance(s, Loop | While) else path
            if isinstance(s, Loop):
                self.home[s.index.name], self.path[s.index.name] = s.body, inner
            if alone:
                self.inside_deferred.update(id(t) for t in walk(s.body))
            if isinstance(s, Loop | While):
                self.loops[id(s)] = path
            for b in blocks(s):
                self._survey(b, inner, self.deferred.get(id(s), around))

    def need(self, v):
        """Say that the way back reads a value."""
        if isinstance(v, Ref) and self.path.get(v.name):
            self.needed.add(v.name)
        return v

    def lasts(self, s):
        """Say whether what a load or a read of a variable finds is still there on the way back."""
        name = s.args[0].name
        path, now, home = self.path[s.out.name], self.order[id(s)], self.roots.get(name, name)
        if any(name in state.arrays or any(c.name == name for c in state.cells) for state in self.restoring):
            return True
        again = self.expanded.get(home)  # each turn of this loop has a place of its own in the array
        for when, where in self.writes.get(home, ()):
            if again is not None and path and where and path[0] is where[0] is again[0]:
                if when > now or (len(path) > 1 and len(where) > 1 and path[1] is where[1]):
                    return False
                continue
            if when > now or (path and where and path[0] is where[0]):
                return False
        return True

    def available(self, v):
        """Say whether an array can be had on the way back, by its name or as a view of one."""
        if not self.path.get(v.name):
            return True
        s = self.defined.get(v.name)
        return s is not None and s.op == "view" and self.available(s.args[0])

    def cheap(self, s):
        """Say whether an operation may be done again."""
        if s.op in ("load", "size"):
            return self.available(s.args[0]) and (s.op == "size" or self.lasts(s))
        if s.op == "view":
            return self.available(s.args[0])
        if isinstance(s.extra, Op):
            return s.extra.name in CHEAP_ROWS
        return s.op not in COSTLY

    def rests_on(self, name, inside, leaves):
        """Collect the values to keep on which a value rests, when all that is cheap is done again."""
        s = self.defined.get(name)
        if s is None or not self.path.get(name) or name in leaves:
            return
        if not self.cheap(s):
            leaves.add(name)
            return
        for n in names(s.args):
            self.rests_on(n, inside, leaves)

    def refreshed(self, body, made, loop=None):
        """Return the way back through a block with what it needs of the block before it."""
        own = [s for s in body if isinstance(s, Set) and self.path[s.out.name]]
        wanted = {s.out.name for s in own} & self.needed
        if not made or (not wanted and loop is None):
            return made
        base: set = set()
        for n in wanted:
            if not self.cheap(self.defined[n]):
                base.add(n)
        again = []
        for s in reversed(own):
            n = s.out.name
            if n not in self.needed:
                continue
            leaves: set = set()
            self.rests_on(n, body, leaves)
            scalar = isinstance(s.out.type, Scalar)
            if scalar and (not self.cheap(s) or len(leaves - base) > 1):
                self.keep(s)
                base.add(n)
                again.append((s, True))
            else:
                base |= leaves
                for a in s.args:
                    self.need(a)
                again.append((s, False))
        known, first = {}, []
        for s, is_kept in reversed(again):
            out = Ref(self.fresh(s.out.name), s.out.type)
            if is_kept:
                position = self.position_back(self.path[s.out.name][-1])
                first.append(Set(out, "load", (self.kept[s.out.name], position), None, s.line))
            else:
                first.append(Set(out, s.op, s.args, s.extra, s.line))
                if isinstance(out.type, Array):
                    self.roots[out.name] = self.roots[s.out.name]
            known[s.out.name] = out
        made = [*first, *made]
        replace(made, known)
        return made

    # tapes

    def keep(self, s):
        """Keep a value of a loop at each turn."""
        n = s.out.name
        if n not in self.kept:
            tape = Ref(self.fresh(f"tape_{n}"), Array(s.out.type.dtype, 1))
            self.roots[tape.name] = tape.name
            self.kept[n] = tape

    def position_back(self, loop):
        """Return the name of the place of a turn on the tapes of a loop, on the way back."""
        if id(loop) not in self.positions:
            self.positions[id(loop)] = Ref(self.fresh("at"), INT)
        return self.positions[id(loop)]

    def counter_of(self, loop):
        """Return the variable that counts the turns of all runs of a loop so far."""
        if id(loop) not in self.counter:
            self.counter[id(loop)] = Cell(self.fresh("count"), INT)
        return self.counter[id(loop)]

    def counted(self, s, back, made, start, stop, step):
        """Return the way back through a for loop."""
        out, outer = [], self.block
        self.block = out
        at = self.positions.get(id(s))
        if at is not None:
            first = []
            self.block = first
            turn = self.turn_of(back, start, step)
            self.block = out
            if self.loops[id(s)]:
                count, cell = self.emit("turns", (start, stop, step), INT, None, "n"), self.counter_of(s)
                self.block.append(Add(cell, self.negative_int(count)))
                base = self.emit("get", (cell,), INT, None, "base")
                made = [*first, Set(at, "+", (base, turn)), *made]
            else:
                made = [*first, *replace(made, {at.name: turn})]
        replace(made, {s.index.name: back})
        in_order = not s.parallel or any(id(t) in self.counter for t in walk(s.body))  # tapes inside are read from their ends
        out.append(Loop(back, start, stop, step, made, s.parallel, s.line, not s.backward and in_order))
        self.block = outer
        return out

    def turn_of(self, index, start, step):
        """Return which turn of a loop an index belongs to."""
        turn = self.minus(index, start)
        return turn if isinstance(step, Const) and step.value == 1 else self.arithmetic("//", turn, step)

    def minus(self, a, b):
        if isinstance(a, Const) and isinstance(b, Const):
            return Const(a.value - b.value, INT)
        return a if isinstance(b, Const) and b.value == 0 else self.emit("-", (a, b), INT)

    def negative_int(self, v):
        return self.emit("-", (Const(0, INT), v), INT)

    def again(self, s, made):
        """Return the way back through a while loop: as many turns as were made."""
        cell = self.counter_of(s)
        out, outer = [], self.block
        self.block = out
        if self.loops[id(s)]:
            count = self.turns_kept(s)
            self.block.append(Add(cell, self.negative_int(count)))
            base = self.emit("get", (cell,), INT, None, "base")
        else:
            count, base = self.emit("get", (cell,), INT, None, "n"), Const(0, INT)
        k = Ref(self.fresh("turn"), INT)
        at = self.positions.get(id(s))
        if at is not None:
            made = [Set(at, "+", (base, k)), *made] if self.loops[id(s)] else replace(made, {at.name: k})
        out.append(Loop(k, Const(0, INT), count, Const(1, INT), made, False, s.line, True))
        self.block = outer
        return out

    def turns_kept(self, s):
        """Return how many turns a while loop inside of another loop made, as a value of that loop."""
        outer = self.loops[id(s)][-1]
        count = Ref(self.fresh("turns"), INT)
        begin = Ref(self.fresh("begin"), INT)
        end = Ref(self.fresh("end"), INT)
        cell = self.counter_of(s)
        self.before.setdefault(id(s), []).append(Set(begin, "get", (cell,)))
        self.after.setdefault(id(s), []).extend([Set(end, "get", (cell,)), Set(count, "-", (end, begin))])
        tape = Ref(self.fresh("tape_turns"), Array("int64", 1))
        self.roots[tape.name] = tape.name
        self.kept[count.name] = tape
        self.path[count.name] = self.loops[id(s)]
        return self.emit("load", (tape, self.position_back(outer)), INT, None, "n")

    # the way forward

    def forward(self):
        """Return the statements of the function, with those that fill tapes."""
        body = self._forward(self.f.body, ())
        zero = [Put(c, Const(0, INT)) for k, c in self.counter.items() if k not in self.inside_deferred]
        return [*zero, *self.head, *body]

    def _forward(self, body, path):
        out = []
        for s in body:
            if isinstance(s, Loop):
                out += self._loop(s, path)
            elif isinstance(s, While):
                out += self._while(s, path)
            elif isinstance(s, If):
                out.append(If(s.test, self._forward(s.then, path), self._forward(s.other, path), s.line))
            else:
                out += self._kept(s, path)
        return out

    def _kept(self, s, path):
        if isinstance(s, Set) and s.out.name in self.kept:
            return [s, Store(self.kept[s.out.name], (self.place[id(path[-1])],), s.out, False, s.line)]
        return [s]

    def tapes_of(self, s):
        inside = [n for n, p in self.path.items() if p and p[-1] is s and n in self.kept]
        return [self.kept[n] for n in inside]

    place: dict = {}

    def _loop(self, s, path):
        tapes = self.tapes_of(s)
        if id(s) in self.places:
            return self.ahead_checkpointed(s)
        if id(s) in self.deferred:
            return self._ahead(s)
        if not tapes and id(s) not in self.counter:
            made = Loop(s.index, s.start, s.stop, s.step, self._forward(s.body, (*path, s)), s.parallel, s.line, s.backward)
            if not any(s in p for n, p in self.path.items() if n in self.kept):
                self.as_written.add(id(made))  # nothing is kept inside: its turns are as independent as the user says
            return [made]
        outer, self.block = self.block, []
        first = []
        count = self.emit("turns", (s.start, s.stop, s.step), INT, None, "n")
        base = None
        if path:
            cell = self.counter_of(s)
            base = self.emit("get", (cell,), INT, None, "base")
            end = self.emit("+", (base, count), INT)
            for t in tapes:
                self.head.append(Set(t, "tape", (Const(256, INT),), t.type.dtype))
                self.block.append(Do("grow", (t, end)))
        elif id(s) in self.inside_deferred:
            for t in tapes:
                self.head.append(Set(t, "tape", (Const(256, INT),), t.type.dtype))
                self.block.append(Do("grow", (t, count)))
        else:
            for t in tapes:
                self.block.append(Set(t, "tape", (count,), t.type.dtype))
        before, self.block = self.block, first
        at = self.turn_of(s.index, s.start, s.step)
        if base is not None:
            at = self.emit("+", (base, at), INT, None, "at")
        self.place = {**self.place, id(s): at}
        self.block = outer
        body = [*first, *self._forward(s.body, (*path, s))]
        after = [Add(self.counter[id(s)], count)] if base is not None else []
        return [*before, Loop(s.index, s.start, s.stop, s.step, body, s.parallel, s.line, s.backward), *after]

    def _while(self, s, path):
        tapes, cell = self.tapes_of(s), self.counter.get(id(s))
        if cell is None:
            return [While(self._forward(s.head, (*path, s)), s.test, self._forward(s.body, (*path, s)), s.line)]
        outer, self.block = self.block, []
        at = self.emit("get", (cell,), INT, None, "at")
        if tapes:
            end = self.emit("+", (at, Const(1, INT)), INT)
        for t in tapes:
            self.head.append(Set(t, "tape", (Const(256, INT),), t.type.dtype))
            self.block.append(Do("grow", (t, end)))
        first, self.block = self.block, outer
        self.place = {**self.place, id(s): at}
        head = [*first, *self._forward(s.head, (*path, s))]
        body = [*self._forward(s.body, (*path, s)), Add(cell, Const(1, INT))]
        extra = [t for b in self.after.get(id(s), ()) for t in self._kept(b, path)]
        return [*self.before.get(id(s), ()), While(head, s.test, body, s.line), *extra]
