"""Loops that the way back runs forward again turn by turn: nothing of a turn is kept, or only the state it began with."""

from .copying import copied
from .independent import Turns, effects
from .snapshots import State
from .statements import INT, Const, Loop, Put, Ref, Set, walk
from .tidy import names, replace


def known_extents(body):
    """Return the extents of the arrays of a block, where they are known in it: name -> operands."""
    found: dict = {}
    for s in body:
        if isinstance(s, Set) and s.op == "new":
            found[s.out.name] = s.args
        elif isinstance(s, Set) and s.op == "size" and s.extra == len(found.get(s.args[0].name, ())):
            found[s.args[0].name] = (*found.get(s.args[0].name, ()), s.out)
    return found


class Again:
    """The part of `Reverse` that chooses such loops and writes them."""

    restoring: tuple = ()  # the states of the loops over time that are being written

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
                elif turns.free and not s.checkpointed:
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
        index, body = self.renewed(s.index, [*(state.without(ahead) if state else ahead), *made])
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
        self.block.append(loop)
        if not state:
            self.twice.append((s, loop, turns.sums))

    def renewed(self, index, body):
        """Return a turn under names of its own: its index, its statements."""
        body, now = copied(body, self.fresh)
        new = Ref(self.fresh(index.name), INT)
        replace(body, {index.name: new})
        for n, ref in now.items():
            if n in self.roots:
                self.roots[ref.name] = now[self.roots[n]].name if self.roots[n] in now else self.roots[n]
        return new, body

    def _ahead(self, s):
        """Return the way forward through a loop that is run again turn by turn: as it was, its state kept."""
        state, body, room = self.states.get(id(s)), s.body, []
        if state is not None and hasattr(state, "room"):
            outer, self.block = self.block, []
            state.keep(self, self.turn_of(s.index, s.start, s.step), self.outer_extents)
            body, self.block, room = [*self.block, *s.body], outer, state.room
        self.ahead[id(s)] = Loop(s.index, s.start, s.stop, s.step, body, s.parallel, s.line, s.backward)
        return [*room, self.ahead[id(s)]]
