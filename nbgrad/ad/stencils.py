"""Sums into shifted places of an array turned about: each place gathers its sums, and is written once.

The gradient of `v[i] = u[i - 1] + u[i + 1]` adds to two places at each turn. Turns would wait for one another's memory; as a
loop over places it is a stream like the loop that it came from. Places at the rim, where some of the sums are missing, are
visited one by one.
"""

from typing import NamedTuple

from .copying import copied
from .independent import counts
from .statements import BOOL, INT, Const, If, Loop, Ref, Set, Store, walk
from .tidy import names, replace

LIGHT = ("load", "+", "-", "*", "neg", "cast", "select", "size", "<", ">", "<=", ">=", "and", "or", "not")


class Nest(NamedTuple):
    """Loops that stand alone in one another: outermost first, what is computed on the way in, the innermost body."""

    loops: list
    given: list
    body: list


class Sum(NamedTuple):
    """One sum: the statement, and its shift along each loop (0 for the innermost is the last)."""

    store: Store
    shifts: tuple


def gathered(loop, roots, fresh, known, anew=()):
    """Return the statements that a nest of loops becomes, or None where turning it about is not allowed or no gain.

    Arrays named in `anew` are to hold the sums of the nest alone, at the places that its turns stand for.
    """
    nest = _nest(loop)
    if nest is None or not _plain(nest, roots, known):
        return None
    made = {s.out.name: s for s in [*nest.given, *nest.body] if isinstance(s, Set)}
    groups: dict = {}
    rest = []
    for s in [s for s in nest.body if isinstance(s, Store) and s.add]:
        found = _shifts(s, nest, made)
        if found is None or not _light(s, made):
            rest.append(s)
        else:
            groups.setdefault((s.array.name, found[0]), []).append(Sum(s, found[1]))
    several = [g for g in groups.values() if len({s.shifts for s in g}) > 1]
    rest += [s.store for g in groups.values() if g not in several for s in g]
    if not several or not all(_begins(name, several, rest, nest, known) for name in anew):
        return None
    writer = Turned(nest, made, fresh)
    out = [begun(writer.rest(rest), anew)] if rest else []
    for g in several:
        out += writer.gather(g, g[0].store.array.name in anew)
    zero = [s for s in nest.body if isinstance(s, Store) and not s.add]
    return [*out, *([writer.rest(zero)] if zero else [])]


def begun(nest, anew):
    """Let the first sum of a turn be written over what arrays held, in place; return the nest."""
    left = set(anew)
    for s in walk([nest]):
        if isinstance(s, Store) and s.add and s.array.name in left:
            s.add = False
            left.discard(s.array.name)
    return nest


def _begins(name, several, rest, nest, known):
    """Say whether the sums of a nest into an array may be written over what it held where the turns stand."""
    mine = [g for g in several if g[0].store.array.name == name]
    other = {s.index for s in rest if s.array.name == name}
    if not mine:
        return len(other) == 1
    for k, loop in enumerate(nest.loops):
        shifts = [s.shifts[k] for s in mine[0]]
        low, start = min(shifts), loop.start
        front = start.value + low >= 0 if isinstance(start, Const) else low == 0 and counts(start, *known)
        if not (low <= 0 <= max(shifts) and front):
            return False
    return len(mine) == 1 and not other


def _nest(loop):
    """Return the nest that a loop is the outermost of, or None."""
    loops, given, body = [loop], [], loop.body
    while True:
        inner = [s for s in body if isinstance(s, Loop)]
        if not isinstance(loops[-1].step, Const) or loops[-1].step.value != 1:
            return None
        if not inner:
            return Nest(loops, given, body)
        if len(inner) > 1 or body[-1] is not inner[0] or not all(isinstance(s, Set) for s in body[:-1]):
            return None
        own = {s.out.name for s in body[:-1]} | {loop.index.name for loop in loops}
        if any(n in own for n in names((inner[0].start, inner[0].stop))):
            return None  # no rectangle
        given += body[:-1]
        loops.append(inner[0])
        body = inner[0].body


def _plain(nest, roots, known):
    """Say whether the turns of a nest add into arrays that they do not read, and otherwise only write zeros."""
    home = lambda a: roots.get(a.name, a.name)
    statements = [*nest.given, *nest.body]
    if not all(isinstance(s, Set | Store) for s in statements):
        return False
    if any(s.op in ("get", "call", "new", "view", "tape", "array") for s in statements if isinstance(s, Set)):
        return False
    sums = {home(s.array) for s in statements if isinstance(s, Store) and s.add}
    zeros = {home(s.array): s for s in statements if isinstance(s, Store) and not s.add}
    indices = [loop.index for loop in nest.loops]
    for s in statements:
        if isinstance(s, Set) and s.op == "load":
            r = home(s.args[0])
            if r in sums or (r in zeros and s.args[1:] != zeros[r].index):
                return False
        if isinstance(s, Store) and not s.add:
            if not isinstance(s.value, Const) or home(s.array) in sums or any(i not in s.index or not counts(i, *known) for i in indices):
                return False
    return True


def _affine(v, made, indices):
    """Return (number of the loop, shift) of an index, (operand, 0) of one that is the same at each turn, or None."""
    if isinstance(v, Const):
        return v, 0
    if v.name in indices:
        return indices[v.name], 0
    s = made.get(v.name)
    if s is None:
        return v, 0
    if s.op in ("+", "-") and isinstance(s.args[1], Const) and isinstance(s.args[0], Ref):
        inner = _affine(s.args[0], made, indices)
        if inner is not None and isinstance(inner[0], int):
            return inner[0], inner[1] + (s.args[1].value if s.op == "+" else -s.args[1].value)
    if s.op == "+" and isinstance(s.args[0], Const) and isinstance(s.args[1], Ref):
        inner = _affine(s.args[1], made, indices)
        if inner is not None and isinstance(inner[0], int):
            return inner[0], inner[1] + s.args[0].value
    return None


def _shifts(store, nest, made):
    """Return (which loop runs along each axis, the shift along each loop) of a sum, or None."""
    indices = {loop.index.name: k for k, loop in enumerate(nest.loops)}
    shifts, axes = [0] * len(nest.loops), []
    for v in store.index:
        found = _affine(v, made, indices)
        if found is None:
            return None
        which, shift = found
        if isinstance(which, int):
            if which in axes:
                return None
            shifts[which] = shift
        axes.append(which)
    if len([a for a in axes if isinstance(a, int)]) != len(nest.loops):
        return None
    return tuple(axes), tuple(shifts)


def _rests_on(values, made):
    found, open_ = set(), [n for n in names(values) if n in made]
    while open_:
        n = open_.pop()
        if n not in found:
            found.add(n)
            open_ += [m for m in names(made[n].args) if m in made]
    return found


def _light(store, made):
    """Say whether what is added may be computed several times."""
    found = _rests_on((store.value,), made)
    return len(found) <= 14 and all(made[n].op in LIGHT or getattr(made[n].extra, "name", "") in ("neg", "abs") for n in found)


class Turned:
    """Writes the loops over places of one nest."""

    def __init__(self, nest, made, fresh):
        self.nest, self.made, self.fresh = nest, made, fresh
        self.order = [s for s in [*nest.given, *nest.body] if isinstance(s, Set)]

    def emit(self, block, op, args, kind=INT):
        out = Ref(self.fresh("e"), kind)
        block.append(Set(out, op, tuple(args), None, self.nest.loops[0].line))
        return out

    def moved(self, block, v, by):
        """Return v + by."""
        if isinstance(v, Const):
            return Const(v.value + by, INT)
        return v if by == 0 else self.emit(block, "+" if by > 0 else "-", (v, Const(abs(by), INT)))

    def rest(self, stores):
        """Return the nest with some of its stores only."""
        wanted = _rests_on([v for s in stores for v in (*s.index, s.value)], self.made)
        keep = lambda body: [s for s in body if s in stores or (isinstance(s, Set) and s.out.name in wanted)]
        return self.around(keep([*self.nest.given, *self.nest.body]), [(n.start, n.stop) for n in self.nest.loops])

    def around(self, body, ranges):
        """Return loops over ranges around a copy of statements of the nest."""
        new, _ = copied(body, self.fresh)
        for loop, (start, stop) in zip(self.nest.loops[::-1], ranges[::-1]):
            index = Ref(self.fresh(loop.index.name), INT)
            new = [Loop(index, start, stop, Const(1, INT), replace(new, {loop.index.name: index}), loop.parallel, loop.line)]
        return new[0]

    def gather(self, group, anew):
        """Return the loops over the places that the sums of a group go to: those in the middle, then the rim.

        If `anew`, the places that the turns stand for hold these sums alone.
        """
        out: list = []
        low = [min(g.shifts[k] for g in group) for k in range(len(self.nest.loops))]
        high = [max(g.shifts[k] for g in group) for k in range(len(self.nest.loops))]
        middle, whole = [], []
        for k, loop in enumerate(self.nest.loops):
            first = self.moved(out, loop.start, high[k])
            last = self.emit(out, "max", (first, self.moved(out, loop.stop, low[k])))
            middle.append((first, last))
            whole.append((self.moved(out, loop.start, low[k]), self.moved(out, loop.stop, high[k])))
        out.append(self.middle(group, middle, anew))
        out.append(self.rim(group, middle, whole, anew))
        return out

    def value(self, block, g, places):
        """Write what a sum adds at a place; return it."""
        known = {loop.index.name: self.moved(block, p, -shift) for loop, p, shift in zip(self.nest.loops, places, g.shifts)}
        wanted = _rests_on((g.store.value,), self.made)
        new, renamed = copied([s for s in self.order if s.out.name in wanted], self.fresh)
        block += replace(new, known)
        return renamed.get(g.store.value.name, g.store.value) if isinstance(g.store.value, Ref) else g.store.value

    def index(self, g, places):
        """Return where a sum goes, as an index of places."""
        axes = _shifts(g.store, self.nest, self.made)[0]
        return tuple(places[a] if isinstance(a, int) else a for a in axes)

    def middle(self, group, ranges, anew):
        places = [Ref(self.fresh(loop.index.name), INT) for loop in self.nest.loops]
        body: list = []
        total = None
        for g in group:
            v = self.value(body, g, places)
            total = v if total is None else self.emit(body, "+", (total, v), g.store.value.type)
        body.append(Store(group[0].store.array, self.index(group[0], places), total, not anew, self.nest.loops[0].line))
        for p, loop, (start, stop) in zip(places[::-1], self.nest.loops[::-1], ranges[::-1]):
            body = [Loop(p, start, stop, Const(1, INT), body, loop.parallel, loop.line)]
        return body[0]

    def reached(self, body, places, shifts):
        """Write whether the nest reaches a place with a shift; return it."""
        test = Const(True, BOOL)
        for p, loop, shift in zip(places, self.nest.loops, shifts):
            for op, bound in ((">=", loop.start), ("<", loop.stop)):
                one = self.emit(body, op, (p, self.moved(body, bound, shift)), BOOL)
                test = one if isinstance(test, Const) else self.emit(body, "and", (test, one), BOOL)
        return test

    def rim(self, group, middle, whole, anew):
        """Visit the places outside of the middle, each sum asked whether it reaches the place."""
        places = [Ref(self.fresh(loop.index.name), INT) for loop in self.nest.loops]
        body: list = []
        if anew:
            zero = Store(group[0].store.array, self.index(group[0], places), Const(0.0, group[0].store.value.type))
            body.append(If(self.reached(body, places, [0] * len(places)), [zero], [], group[0].store.line))
        for g in group:
            test = self.reached(body, places, g.shifts)
            inner: list = []
            v = self.value(inner, g, places)
            inner.append(Store(g.store.array, self.index(g, places), v, True, g.store.line))
            body.append(If(test, inner, [], g.store.line))
        part = Ref(self.fresh("part"), INT)
        side: list = []
        first = self.emit(side, "==", (part, Const(0, INT)), BOOL)
        inside = None
        for p, (start, stop) in zip(places[:-1], middle[:-1]):
            for op, bound in ((">=", start), ("<", stop)):
                one = self.emit(side, op, (p, bound), BOOL)
                inside = one if inside is None else self.emit(side, "and", (inside, one), BOOL)
        (j0, j1), (c0, c1) = middle[-1], whole[-1]
        left = j0 if inside is None else self.emit(side, "select", (inside, j0, c1))
        right = j1 if inside is None else self.emit(side, "select", (inside, j1, c1))
        begin, end = self.emit(side, "select", (first, c0, right)), self.emit(side, "select", (first, left, c1))
        line = self.nest.loops[0].line
        body = [
            Loop(
                part,
                Const(0, INT),
                Const(2, INT),
                Const(1, INT),
                [*side, Loop(places[-1], begin, end, Const(1, INT), body, False, line)],
                False,
                line,
            )
        ]
        for p, (start, stop) in zip(places[:-1][::-1], whole[:-1][::-1]):
            body = [Loop(p, start, stop, Const(1, INT), body, False, line)]
        return body[0]
