"""Loops over a long time: their state is kept at few turns, and the way back runs the turns between forward again, by halves.

The state is kept at the first turn, at the middle of those that follow, at the middle of the rest, and so on: as often as
their number can be halved. The way back of a turn begins with the last state kept before it, runs forward to the turn, and
on the way keeps the state at the middles of what lies between, in the places of the turns that are done with.
"""

from ..base.errors import GradientError, problem
from .carried import Carried
from .copying import copied
from .statements import BOOL, INT, Add, Array, Cell, Const, Do, If, Loop, Put, Ref, Scalar, Set, Store, While, walk
from .tidy import names

ZERO, ONE, TWO = (Const(n, INT) for n in range(3))


class Places:
    """Where the states of a loop are kept: how many there are, of which turns, and the next turn whose state is kept."""

    def __init__(self, b):
        self.top, self.middle = Cell(b.fresh("places"), INT), Cell(b.fresh("middle"), INT)
        self.count, self.turns, self.kept, self.then = None, None, {}, {}
        self.room = []  # the statements that make them


class Checkpointed:
    """The part of `Reverse` that writes checkpointed loops."""

    def back_checkpointed(self, s):
        """Write the way back through a loop: the turns before each turn forward from a state that is kept, then the turn."""
        known = set(self.counter)
        made = self.written(lambda: self.backward(s.body))
        if not made:
            return
        state, places = self.carried_by(s), Places(self)
        places.room = self.written(lambda: self.make_room(s, state, places))
        self.places[id(s)] = (state, places)
        first = [Put(self.counter[k], ZERO) for k in self.counter if k not in known]
        ahead, _ = copied(self._forward(s.body, ()), lambda n: n)
        index, turn = self.renewed(s.index, [*state.without(ahead), *made])
        again = self.renewed(s.index, state.without(copied(s.body, lambda n: n)[0]))
        self.block += self.written(lambda: self.way_back(s, state, places, [*first, *turn], index, again))

    def written(self, write):
        """Return the statements that a function writes."""
        outer, self.block = self.block, []
        write()
        made, self.block = self.block, outer
        return made

    def carried_by(self, s):
        """Return what the turns of a loop hand on to one another, which can be kept and given back."""
        state = Carried(s, self.f, self.roots)
        independent = self.around_it[id(s)]
        for v in state.stored.values():
            inside = independent is None or any(isinstance(t, Set) and t.out.name == v.name for t in walk(independent.loop.body))
            if not inside and state.root(v.name) not in independent.own:
                raise self.not_kept(s, f"{v.name} is of all turns of the loop around it", f"an array for each turn in place of {v.name}")
        for c in [*state.cells, *state.holders]:
            if not state.given_before(c):
                if independent is not None or isinstance(c.type, Array):
                    name = c.name.rstrip("_")
                    raise self.not_kept(s, f"{name} may have no value before it", f"a value for {name} before the loop")
                self.head.append(Put(c, Const(0.0 if c.type.real else False if c.type == BOOL else 0, c.type)))
        for n, v in state.arrays.items():
            if state.moves(v):
                raise self.not_kept(s, f"{n} holds every turn of it", f"range alone, or a variable for what the next turn reads of {n}")
        ends = {state.root(n) for n in (*names(self.f.params), *names((self.f.results,)))}
        state.seen = [v for v in state.stored.values() if independent is not None or state.root(v.name) in ends]
        return state

    def not_kept(self, s, what, fix):
        return problem(GradientError, f"no derivative of {self.f.name} by a checkpointed loop: {what}", fix, at=s.checkpointed)

    # places

    def ahead_checkpointed(self, s):
        """Return the way forward through a loop: as it was, with the states that are kept."""
        state, places = self.places[id(s)]
        self.as_written.update(id(t) for t in walk(s.body) if isinstance(t, Loop))
        return self.written(lambda: self.way_forward(s, state, places))

    def way_forward(self, s, state, places):
        count = places.count
        self.block += [*places.room, Put(places.top, ZERO), Put(places.middle, ZERO)]
        turn, first = self.turn_at(s, s.index)
        body = self.written(lambda: self.keep_at_middle(state, places, turn, count))
        self.block.append(Loop(turn, ZERO, count, ONE, [*body, *first, *s.body], False, s.line))

    def make_room(self, s, state, places):
        """Make a place for each time that the number of turns can be halved."""
        count = places.count = self.emit("turns", (s.start, s.stop, s.step), INT, None, "n")
        number, left = Cell(self.fresh("count"), INT), Cell(self.fresh("left"), INT)
        self.block += [Put(number, ZERO), Put(left, count)]
        rest, half, test = Ref(self.fresh("rest"), INT), Ref(self.fresh("half"), INT), Ref(self.fresh("t"), BOOL)
        head = [Set(rest, "get", (left,)), Set(test, ">", (rest, ZERO))]
        self.block.append(While(head, test, [Set(half, "//", (rest, TWO)), Put(left, half), Add(number, ONE)]))
        room = self.emit("get", (number,), INT, None, "room")
        new = lambda kind, sizes, name: self.own(self.emit("new", sizes, kind, ("empty", kind.dtype), name))
        places.turns = new(Array("int64", 1), (room,), "turns")
        for c in state.cells:
            places.kept[c.name] = new(Array(c.type.dtype, 1), (room,), f"{c.name}kept")
        for c in state.holders:
            now = self.emit("get", (c,), c.type, None, c.name)
            self.roots[now.name] = self.roots.get(c.name, c.name)
            places.kept[c.name] = new(Array(c.type.dtype, c.type.ndim + 1), (room, *self.extents_now(now)), f"{c.name}kept")
        for n, v in state.arrays.items():
            places.kept[n] = new(Array(v.type.dtype, v.type.ndim + 1), (room, *self.extents_now(v)), f"{n}_kept")
        for n, v in state.frozen.items():
            places.then[n] = self.copy_made(v, f"{n}_then")

    def own(self, ref):
        self.roots[ref.name] = ref.name
        return ref

    def extents_now(self, v):
        return [self.emit("size", (v,), INT, axis, "n") for axis in range(v.type.ndim)]

    def copy_made(self, v, name):
        """Write a copy of an array."""
        kind = Array(v.type.dtype, v.type.ndim)
        out = self.own(self.emit("new", self.extents_now(v), kind, ("empty", kind.dtype), name))
        self.filled(out, (), v, ())
        return out

    def filled(self, into, before, source, first):
        """Write the elements of an array into another; each may lie at a first index of a larger one."""
        kind, sized = Scalar(into.type.dtype), source if not first else into
        self.over(self.extents_now(sized), lambda *i: self.block.append(
            Store(into, (*before, *i), self.emit("load", (source, *first, *i), kind))))  # fmt: skip

    def keep_at_middle(self, state, places, turn, end):
        """Keep the state of a turn if it is the next that is kept; the next is then in the middle of those up to `end`."""
        middle = self.emit("get", (places.middle,), INT, None, "middle")
        here = self.emit("==", (turn, middle), BOOL)

        def keep():
            at = self.emit("get", (places.top,), INT, None, "at")
            self.block.append(Store(places.turns, (at,), turn))
            for c in state.cells:
                self.block.append(Store(places.kept[c.name], (at,), self.emit("get", (c,), c.type)))
            self.keep_arrays(state, places, at)
            self.block.append(Put(places.top, self.emit("+", (at, ONE), INT)))
            self.next_middle(places, turn, end)

        self.block.append(If(here, self.written(keep), []))

    def keep_arrays(self, state, places, at):
        now = {}
        for c in state.holders:
            v = now[c.name] = self.emit("get", (c,), c.type, None, c.name)
            self.roots[v.name] = self.roots.get(c.name, c.name)
            for axis, n in enumerate(self.extents_now(v)):
                room = self.emit("size", (places.kept[c.name],), INT, axis + 1, "n")
                same = self.emit("==", (n, room), BOOL)
                self.block.append(Do("check", (same,), f"{c.name.rstrip('_')} changes its shape in a checkpointed loop"))
        for one, other in state.meeting():
            a, b = (now[v.name] if isinstance(v, Cell) else v for v in (one, other))
            says = f"{one.name.rstrip('_')} and {other.name.rstrip('_')} share memory in a checkpointed loop: give one a copy"
            self.block.append(Do("alone", (a, b), says))
        for n, v in {**now, **state.arrays}.items():
            self.filled(places.kept[n], (at,), v, ())

    def next_middle(self, places, turn, end):
        rest = self.emit("-", (end, turn), INT)
        half = self.emit("//", (self.emit("+", (rest, ONE), INT), TWO), INT)
        self.block.append(Put(places.middle, self.emit("+", (turn, half), INT)))

    def turn_at(self, s, index):
        """Return the number of a turn of a given index, and the statements that compute that index."""
        if (s.start, s.step) == (ZERO, ONE):
            return index, []
        turn, steps = Ref(self.fresh("turn"), INT), Ref(self.fresh("steps"), INT)
        return turn, [Set(steps, "*", (turn, s.step)), Set(index, "+", (s.start, steps), None, s.line)]

    # the way back

    def way_back(self, s, state, places, turn, index, again):
        after = [(v, self.copy_made(v, f"{v.name}_after")) for v in {v.name: v for v in (*state.seen, *state.frozen.values())}.values()]
        for n, then in places.then.items():
            self.filled(state.frozen[n], (), then, ())
        k, placed = self.turn_at(s, index)

        def one():
            last = self.emit("-", (self.emit("get", (places.top,), INT), ONE), INT, None, "last")
            since = self.emit("load", (places.turns, last), INT, None, "since")
            self.give_back(state, places, last)
            self.run_again(s, state, places, since, k, again)
            self.block += [*placed, *turn]
            self.done_with(places, k)

        self.block.append(Loop(k, ZERO, places.count, ONE, self.written(one), False, s.line, True))
        self.block.append(Put(places.top, ONE))  # the state of the first turn is still there for another way back
        for v, then in after:
            self.filled(v, (), then, ())

    def give_back(self, state, places, at):
        """Give back the state that is kept at a place."""
        for c in state.cells:
            self.block.append(Put(c, self.emit("load", (places.kept[c.name], at), c.type)))
        for n, v in state.arrays.items():
            self.filled(v, (), places.kept[n], (at,))
        for c in state.holders:
            kept = places.kept[c.name]
            sizes = [self.emit("size", (kept,), INT, axis + 1, "n") for axis in range(c.type.ndim)]
            v = self.emit("new", sizes, Array(c.type.dtype, c.type.ndim), ("empty", c.type.dtype), f"{c.name}again")
            self.roots[v.name] = self.roots.get(c.name, c.name)
            self.filled(v, (), kept, (at,))
            self.block.append(Put(c, v))

    def run_again(self, s, state, places, since, k, again):
        """Run from the turn whose state was given back to the turn `k`."""
        index, body = again
        self.next_middle(places, since, self.emit("+", (k, ONE), INT))
        turn, placed = self.turn_at(s, index)

        def one():
            self.keep_at_middle(state, places, turn, self.emit("+", (k, ONE), INT))
            self.block += [*placed, *body]

        self.block.append(Loop(turn, since, k, ONE, self.written(one), False, s.line))

    def done_with(self, places, k):
        """Free the place of a turn."""
        last = self.emit("-", (self.emit("get", (places.top,), INT), ONE), INT, None, "last")
        own = self.emit("==", (self.emit("load", (places.turns, last), INT), k), BOOL)
        self.block.append(If(own, [Put(places.top, last)], []))
