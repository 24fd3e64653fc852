"""Gradients that are cleared only to be added to: the first sum is written over what was there, and nothing is cleared.

A statement that overwrites an element reads its gradient and sets it to zero; what comes next adds to these zeros. Where
the places that are cleared and the places that are added to are proved to be the same, the zeros are never written. In a
loop over time what comes next is in the next turn: then the places are cleared once, behind the loop.
"""

from typing import NamedTuple

from .regions import Place, beside, covered, disjoint, linear
from .statements import BOOL, INT, Const, If, Loop, Put, Ref, Scalar, Set, Store, blocks, reads, walk
from .tidy import names


class Touch(NamedTuple):
    """One access of an array: "load", "add", "zero" or "set", the loops around it, whether it is done at each of their turns."""

    kind: str
    statement: object
    loops: tuple
    sure: bool
    body: list


def spared(body, results, roots, fresh, gathers):
    """Drop zeros that nobody reads, in place; return {id of a nest: names of arrays that it begins anew}.

    Parameters
    ----------
    body : list
        Of a function.
    results : operand
        Of the function, None where other statements follow.
    roots : dict
    fresh : function of str -> str
    gathers : function of (Loop, str) -> bool
        Whether the sums of a nest into an array may be gathered over what the array held.
    """
    made = {s.out.name: s for s in walk(body) if isinstance(s, Set)}
    known: dict = {}
    anew: dict = {}
    asked = None if results is None else names((results,))
    for s in walk(body):
        for v in (*reads(s), getattr(s, "out", None)):
            for n in names((v,)):
                known.setdefault(roots.get(n, n), set()).add(n)
    only_indexed = _only_indexed(body)
    for s in [s for s in walk(body) if isinstance(s, Set) and s.op == "new" and s.extra[0] == "zeros"]:
        n = s.out.name
        if roots.get(n, n) == n and known[n] == {n} and n in only_indexed:
            Spared(s.out, s.args, made, fresh, gathers, anew).find(body, asked is None or n in asked)
    return anew


def _only_indexed(body):
    """Return the names of arrays whose elements are read and written one by one, and that nothing else asks for."""
    arrays, other = set(), set()
    for s in walk(body):
        if isinstance(s, Store):
            arrays.add(s.array.name)
            other.update(names((*s.index, s.value)))
        elif isinstance(s, Set) and s.op in ("load", "size"):
            arrays.add(s.args[0].name)
            other.update(names(s.args[1:]))
        else:
            other.update(names(reads(s)))
    return arrays - other


class Spared:
    """The zeros of one array."""

    def __init__(self, array, extents, made, fresh, gathers, anew):
        self.array, self.made, self.fresh, self.gathers, self.anew = array, made, fresh, gathers, anew
        self.extents = [linear(n, made) for n in extents]

    def find(self, body, asked):
        """Look at the block where the array is made, and at the loops in it."""
        for b in [body, *[b for s in walk(body) for b in blocks(s)]]:
            at = next((i for i, s in enumerate(b) if isinstance(s, Set) and s.out == self.array), None)
            if at is not None:
                self.block(b, at + 1, [self.whole()], None, asked)
                return

    def whole(self):
        return tuple((Place(None, 0), n) for n in self.extents)

    # where

    def region(self, t):
        """Return (first, end) along each axis of what an access touches, None for an axis that is not known."""
        return tuple(self.span(v, t.loops, axis) for axis, v in enumerate(_index(t.statement)))

    def span(self, v, loops, axis):
        base, shift = linear(v, self.made)
        around = next((s for s in loops if s.index.name == base), None)
        if around is None:
            first, end = Place(base, shift), Place(base, shift + 1)
        elif around.step == Const(1, INT):
            (b, low), (c, high) = linear(around.start, self.made), linear(around.stop, self.made)
            first, end = Place(b, low + shift), Place(c, high + shift)
        else:
            return None
        moving = self.inside(loops[0]) if loops else set()
        return None if {first.base, end.base} & moving or not self.counted(first, axis) else (first, end)

    def counted(self, first, axis):
        """Say whether a place is counted from the front: below 0 it would be one at the end."""
        if first.base is None:
            return first.shift >= 0
        s = self.made.get(first.base)
        if s is None or s.op not in ("size", "turns"):
            return False
        return first.shift >= 0 or Place(first.base, first.shift + 1) == self.extents[axis]

    def rectangle(self, t):
        """Return what an access touches if it surely touches all of that, each place once, else None."""
        index = [linear(v, self.made).base for v in _index(t.statement)]
        found = self.region(t)
        once = all(index.count(s.index.name) == 1 for s in t.loops)
        return found if t.sure and once and None not in found else None

    # what

    def touches(self, s):
        """Return the accesses of the array in a statement."""
        out: list = []

        def visit(body, loops, sure):
            for t in body:
                if isinstance(t, Store) and t.array == self.array:
                    zero = isinstance(t.value, Const) and t.value.value == 0
                    out.append(Touch("add" if t.add else "zero" if zero else "set", t, loops, sure, body))
                elif isinstance(t, Set) and t.op == "load" and t.args[0] == self.array:
                    out.append(Touch("load", t, loops, sure, body))
                for b in blocks(t):
                    visit(b, (*loops, t) if isinstance(t, Loop) else loops, sure and isinstance(t, Loop))

        visit([s], (), True)
        return out

    def cleared(self, found):
        """Return (the zeros that a statement writes and nothing else, their rectangle), None for another statement."""
        zeros = [t for t in found if t.kind == "zero"]
        if len(zeros) != 1:
            return None
        z = zeros[0]
        for t in found:
            if t is not z and not (t.kind == "load" and t.body is z.body and _index(t.statement) == _index(z.statement)
                                   and z.body.index(t.statement) < z.body.index(z.statement)):  # fmt: skip
                return None
        where = self.rectangle(z)
        return None if where is None else (z, where)

    def adds(self, s, found, zeros):
        """Return the rectangle that a nest adds to, all of it zeros, and may write over instead; else None."""
        if not isinstance(s, Loop) or any(t.kind != "add" for t in found) or len({id(t.body) for t in found}) != 1:
            return None
        first, indices = found[0], {_index(t.statement) for t in found}
        if len(indices) > 1:  # to several places around that of the turn
            here = {t.index.name: t.index for t in first.loops}
            middle = tuple(here.get(linear(v, self.made).base, v) for v in _index(first.statement))
            first = first._replace(statement=Store(self.array, middle, None))
        where = self.rectangle(first)
        if where is None or not covered(where, zeros):
            return None
        return where if len(indices) == 1 or self.gathers(s, self.array.name) else None

    # in which order

    def block(self, body, start, zeros, loop, asked):
        """Spare zeros in a block from a statement on; `zeros` are regions that hold zeros there.

        `loop` is the loop over time that the block is the body of, and `asked` says whether somebody reads the array behind
        the block. Return the writes of zeros that the last turn is spared too: they are to be done behind the loop.
        """
        found = [(s, t) for s in body[start:] if (t := self.touches(s))]
        begins = self.begins(found, zeros, loop)
        for s, _ in found:
            if id(s) in begins:
                self.anew.setdefault(id(s), set()).add(self.array.name)
        now, late = [], []
        for k, (_, touched) in enumerate(found):
            cleared = self.cleared(touched)
            until = self.unread(found, k, *cleared, begins, loop, asked) if cleared and cleared[0].loops else None
            if until is not None:
                (now if until == "now" else late).append(cleared[0])
        if loop is None and found and begins.get(id(found[0][0])) == self.whole():
            self.made[self.array.name].extra = ("empty", self.array.type.dtype)
        inner = []
        for k, (s, touched) in enumerate(found):
            if isinstance(s, Loop) and not s.parallel and len({id(t.body) for t in touched}) > 1:
                inner.append((s, [] if loop is not None else zeros, found[k + 1 :] or asked or loop is not None))
            zeros = self.after(zeros, touched)
        for s, there, needed in inner:
            last = self.block(s.body, 0, there, s, True)
            if last and needed:
                at = body.index(s) + 1
                body[at:at] = self.behind(s, last)
        for z in (*now, *late):
            z.body.remove(z.statement)
        return late

    def after(self, zeros, touched):
        """Return the regions that hold zeros behind a statement, of those before it."""
        cleared = self.cleared(touched)
        written = [self.region(t) for t in touched if t.kind in ("add", "set")]
        for w in written:
            zeros = [piece for z in zeros for piece in ([z] if disjoint(z, w) else beside(z, w))]
        return [*zeros, cleared[1]] if cleared is not None else zeros

    def begins(self, found, zeros, loop):
        """Return {id of a nest: its rectangle} for the nests that add to zeros alone, whatever the turn."""
        now: list = [] if loop is not None else zeros
        out: dict = {}
        for k, (s, touched) in enumerate(found):
            where = self.adds(s, touched, now if k or loop is None else zeros)
            if where is not None:
                out[id(s)] = where
            now = self.after(now, touched)
        first = out.get(id(found[0][0])) if found and loop is not None else None
        if first is not None and not (covered(first, now) and self.lasting(first, loop)):
            del out[id(found[0][0])]
        return out

    def inside(self, loop):
        return {s.out.name for s in walk(loop.body) if isinstance(s, Set)} | {s.index.name for s in walk([loop]) if isinstance(s, Loop)}

    def lasting(self, region, loop):
        """Say whether a region is the same at each turn of a loop."""
        return not {p.base for span in region for p in span} & self.inside(loop)

    def unread(self, found, k, z, where, begins, loop, asked):
        """Say until when nobody reads the zeros of `z`: "now", "later" if until the next turn, None if somebody does."""
        for s, touched in found[k + 1 :]:
            if id(s) in begins and covered(where, [begins[id(s)]]):
                return "now"
            if not all(disjoint(where, self.region(t)) for t in touched):
                return None
        if loop is None:
            return None if asked else "now"
        own = {s.index.name for s in z.loops}
        outside = {n for s in z.loops for n in names((s.start, s.stop))} | set(names(_index(z.statement))) - own
        if outside & self.inside(loop) or not self.lasting(where, loop):
            return None
        for s, touched in found[: k + 1]:
            if id(s) in begins and self.lasting(begins[id(s)], loop) and covered(where, [begins[id(s)]]):
                return "later"
            regions = [self.region(t) for t in touched]
            if not all(None not in r and self.lasting(r, loop) and disjoint(where, r) for r in regions):
                return None
        return None

    def behind(self, loop, late):
        """Return the statements that clear behind a loop what its last turn did not."""
        some = Ref(self.fresh("some"), BOOL)
        nests = [zeroed(self.array, _index(z.statement), z.loops, self.fresh) for z in late]
        return [Set(some, "<", (loop.start, loop.stop), None, loop.line), If(some, nests, [], loop.line)]


class Handed(NamedTuple):
    """What a nest sets to zero for the next turn to add to: that turn's array, the zeros, the variable that hands them on."""

    array: Ref
    zero: Store
    cell: object


def handed_on(nest, body, loop, before, roots):
    """Return what a nest in the body of a loop over time clears for the next turn, where arrays are exchanged; else None.

    The variable holds no array before the loop. Then it holds, at each turn, the array that the turn before has cleared;
    nobody else looks at the memory in between.

    Parameters
    ----------
    nest : Loop
        A statement of `body`.
    body : list
        The body of `loop`.
    loop : Loop
    before : list
        What stands before the loop in its block.
    roots : dict
    """
    zeros = [s for s in walk(nest.body) if isinstance(s, Store) and not s.add]
    if loop.parallel or len(zeros) != 1:
        return None
    at, cleared = body.index(nest), zeros[0].array
    last = {s.cell.name: s for s in body[at:] if isinstance(s, Put)}
    given = [s for s in last.values() if s.value == cleared]
    sums = [s for s in walk(nest.body) if isinstance(s, Store) and s.add]
    first = [s for s in body[:at] if isinstance(s, Set) and s.op == "get" and s.args[0] in [p.cell for p in given]
             and any(t.array == s.out for t in sums)]  # fmt: skip
    if len(given) != 1 or len(first) != 1:
        return None
    handed = Handed(first[0].out, zeros[0], given[0].cell)
    early = [s for s in walk(body[: body.index(first[0])]) if isinstance(s, Put) and s.cell == handed.cell and not _zeros(s.value, body)]
    home = roots.get(cleared.name, cleared.name)
    touched = any(_touches(s, home, roots) for s in walk([s for s in body if s is not nest]))
    read = any(isinstance(s, Set) and handed.array in s.args for s in walk(nest.body))
    if early or touched or read or not _same_places(handed, nest, loop, sums) or not _empty_before(handed.cell, before):
        return None
    return handed


def _same_places(handed, nest, loop, sums):
    """Say whether the places that are cleared are the same at each turn, and those that the sums stand for."""
    made = {s.out.name: s for s in walk(loop.body) if isinstance(s, Set)}
    loops = [s for s in walk([nest]) if isinstance(s, Loop)]
    indices = {s.index: s.index.name for s in loops}
    fixed = names([v for s in loops for v in (s.start, s.stop)]) + names([v for v in handed.zero.index if v not in indices])
    mine = {s.index for s in sums if s.array == handed.array}
    if {*made, loop.index.name} & set(fixed) or (len(mine) == 1 and handed.zero.index not in mine):
        return False
    return all(linear(v, made).base == indices[z] if z in indices else v == z
               for index in mine for v, z in zip(index, handed.zero.index, strict=True))  # fmt: skip


def _empty_before(cell, before):
    """Say whether a variable holds an array without elements behind statements."""
    made = {s.out.name: s for s in before if isinstance(s, Set) and s.op == "new"}
    for s in reversed(before):
        if any(isinstance(t, Put) and t.cell == cell for t in walk([s])):
            found = made.get(s.value.name) if isinstance(s, Put) else None
            return found is not None and all(n == Const(0, INT) for n in found.args)
    return False


def _zeros(v, body):
    return any(isinstance(s, Set) and s.out == v and s.op == "new" and s.extra[0] == "zeros" for s in walk(body))


def _touches(s, home, roots):
    """Say whether a statement may look at the elements of an array of some memory, or change them."""
    if isinstance(s, Put) or (isinstance(s, Set) and s.op in ("get", "size", "new")):
        return False
    return any(roots.get(n, n) == home for n in names((*reads(s), getattr(s, "out", None))))


def zeroed(array, index, loops, fresh):
    """Return loops like those given that set places of an array to zero."""
    new = {s.index.name: Ref(fresh(s.index.name), INT) for s in loops}
    at = tuple(new.get(v.name, v) if isinstance(v, Ref) else v for v in index)
    body: list = [Store(array, at, Const(0.0, Scalar(array.type.dtype)), False, loops[0].line)]
    for s in loops[::-1]:
        body = [Loop(new[s.index.name], s.start, s.stop, s.step, body, s.parallel, s.line)]
    return body[0]


def _index(s):
    return s.index if isinstance(s, Store) else s.args[1:]
