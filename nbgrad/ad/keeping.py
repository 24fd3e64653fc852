"""What the way back reads of the way forward: computed again where that is cheap, else kept on a tape.

A tape is an array for each kept value, one number for each turn of its loop. What stands outside of loops is still there.
"""

from ..ops.table import Op
from .statements import INT, Add, Array, Cell, Const, Do, If, Loop, Put, Ref, Scalar, Set, Store, While, blocks, walk
from .expanding import expanded
from .independent import Turns, effects
from .snapshots import State
from .tidy import copied, names, replace

COSTLY = ("**", "array", "ruled", "call", "get", "new", "tape", "copy", "like")
CHEAP_ROWS = ("neg", "abs", "maximum", "minimum", "sign", "sqrt", "square", "floor", "ceil", "add", "sub", "mul", "div", "relu", "reciprocal")


def _extents(body):
    """Return the extents of the arrays of a block, where they are known in it: name -> operands."""
    found: dict = {}
    for s in body:
        if isinstance(s, Set) and s.op == "new":
            found[s.out.name] = s.args
        elif isinstance(s, Set) and s.op == "size" and s.extra == len(found.get(s.args[0].name, ())):
            found[s.args[0].name] = (*found.get(s.args[0].name, ()), s.out)
    return found


class Keeping:
    """The part of `Reverse` that brings values of the way forward to the way back."""

    def survey(self, f):
        """Note for each value where it is defined, and when memory is written."""
        self.home, self.defined, self.path, self.paths, self.order, self.writes = {}, {}, {}, {}, {}, {}
        self.needed, self.kept, self.positions, self.counter, self.before, self.after = set(), {}, {}, {}, {}, {}
        self.head, self.loops, self.inside_deferred = [], {}, set()
        self.states: dict = {}
        self.outer_extents = _extents(f.body)
        self.deferred = {id(t.loop): t for t in self.independent(f)}
        self.expanded: dict = {}
        for t in self.deferred.values():
            self.expanded |= expanded(t.loop, f.body, f, self.roots, self.fresh)
        self._survey(f.body, ())

    def independent(self, f):
        """Return what is known of the loops of the function that can be run forward and back turn by turn."""
        found = []
        extents = {s.out.name: s.args for s in walk(f.body) if isinstance(s, Set) and s.op == "new"}
        for i, s in enumerate(f.body):
            if isinstance(s, Loop):
                turns = Turns(s, f.body, self.roots, extents, [p.name for p in f.params] + names((f.results,)))
                later = set().union(*[effects(t, self.roots)[1] for t in f.body[i + 1 :]]) if f.body[i + 1 :] else set()
                if turns.reads & later:
                    continue
                if turns.ok:
                    turns.rename(self.fresh)
                    found.append(turns)
                elif turns.free:
                    self.consider(s, turns, found)
        return found

    def consider(self, loop, turns, found):
        """Note the state of a loop over time, and compute its turns again where that was chosen."""
        state = State(turns, self.outer_extents)
        if state.ok and state.cheap():
            self.states[id(loop)] = state
            if self.again_in and self.f.body.index(loop) in self.again_in:
                turns.rename(self.fresh)
                found.append(turns)

    def worth(self):
        """Return the positions of the loops whose turns are better computed again: they keep more than their state."""
        out = []
        for i, s in enumerate(self.f.body):
            state = self.states.get(id(s))
            if state is not None:
                nested = [n for n in self.kept if len(self.path.get(n, ())) > 1 and self.path[n][0] is s]
                if len(nested) > len(state.arrays):
                    out.append(i)
        return out

    def _survey(self, body, path):
        for s in body:
            self.order[id(s)] = len(self.order)
            if isinstance(s, Set):
                self.home[s.out.name], self.defined[s.out.name], self.path[s.out.name] = body, s, path
            elif isinstance(s, Store):
                self.writes.setdefault(self.roots.get(s.array.name, s.array.name), []).append((self.order[id(s)], path))
            elif isinstance(s, Put | Add):
                self.writes.setdefault(s.cell.name, []).append((self.order[id(s)], path))
                self.paths[id(s)] = path
            inner = () if id(s) in self.deferred else (*path, s) if isinstance(s, Loop | While) else path
            if isinstance(s, Loop):
                self.home[s.index.name], self.path[s.index.name] = s.body, inner
            if id(s) in self.deferred:
                self.inside_deferred.update(id(t) for t in walk(s.body))
            if isinstance(s, Loop | While):
                self.loops[id(s)] = path
            for b in blocks(s):
                self._survey(b, inner)

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
        out.append(Loop(back, start, stop, step, made, s.parallel, s.line, not s.backward and not s.parallel))
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

    # loops run forward and back turn by turn

    def turn_by_turn(self, s):
        """Write the way back through a loop whose turns are independent: each turn forward, and back at once."""
        turns = self.deferred[id(s)]
        state = self.states.get(id(s))
        outer, self.block = self.block, []
        known = set(self.counter)
        self.restoring = [state] if state else []
        self.backward(s.body)
        self.restoring = []
        made, self.block = self.block, outer
        if not made:
            return
        first = [Put(self.counter[k], Const(0, INT)) for k in self.counter if k not in known]
        first += [Put(self.twin(c), Const(0.0, c.type)) for c in self.cells if c.name in turns.own]
        ahead, _ = copied(self._forward(s.body, ()), lambda n: n)
        body, names_now = copied([*(state.without(ahead) if state else ahead), *made], self.fresh)
        index = Ref(self.fresh(s.index.name), INT)
        replace(body, {s.index.name: index})
        if state:
            before, self.block = self.block, first
            turn = self.turn_of(index, s.start, s.step)
            self.block = before
            outer, self.block = self.block, []
            state.prepare(self, self.outer_extents, self.emit("turns", (s.start, s.stop, s.step), INT, None, "n"))
            state.room, self.block = self.block, outer
            state.restored(body, turn)
        way = s.backward if not state else not s.backward
        loop = Loop(index, self.need(s.start), self.need(s.stop), self.need(s.step), [*first, *body], s.parallel and not state, s.line, way)
        for n, ref in names_now.items():
            if n in self.roots:
                self.roots[ref.name] = names_now[self.roots[n]].name if self.roots[n] in names_now else self.roots[n]
        self.block.append(loop)
        if not state:
            self.twice.append((s, loop, turns.sums))

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
    restoring: tuple = ()

    def _loop(self, s, path):
        tapes = self.tapes_of(s)
        if id(s) in self.deferred:
            return self._ahead(s)
        if not tapes and id(s) not in self.counter:
            return [Loop(s.index, s.start, s.stop, s.step, self._forward(s.body, (*path, s)), s.parallel, s.line, s.backward)]
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

    def _ahead(self, s):
        """Return the way forward through a loop that is run again turn by turn: as it was, its state kept."""
        state, body, room = self.states.get(id(s)), s.body, []
        if state is not None and hasattr(state, "room"):
            outer, self.block = self.block, []
            state.keep(self, self.turn_of(s.index, s.start, s.step), self.outer_extents)
            body, self.block, room = [*self.block, *s.body], outer, state.room
        self.ahead[id(s)] = Loop(s.index, s.start, s.stop, s.step, body, s.parallel, s.line, s.backward)
        return [*room, self.ahead[id(s)]]

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


__all__ = ["INT", "Do", "Keeping", "walk"]
