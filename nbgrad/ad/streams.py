"""Innermost loops in the form that vectorises: places counted up from a first one, sums held in registers.

Done to what is written into a file, not to what is differentiated again.
"""

from .copying import copy_of, taken
from .rules import Builder
from .statements import BOOL, INT, Add, Cell, Const, Do, If, Loop, Put, Ref, Scalar, Set, Store, While, blocks, walk
from .tapes import together, unbranched
from .tidy import names

UNSIGNED = Scalar("uint64")


def streamed(f):
    """Return a function with its innermost loops in the form that vectorises; the function given stays as it is."""
    f = copy_of(f)
    unbranched(f.body)
    together(f.body)
    writer = Streams(f.roots, Builder(taken(f)).fresh)
    writer.sure = nonnegative(f.body)
    writer.tapes = {s.out.name for s in walk(f.body) if isinstance(s, Set) and s.op == "tape"}
    writer.block(f.body)
    return f


def nonnegative(body):
    """Return the names of values that are 0 or more: extents, counts, indices that begin there, and their sums.

    So is what a variable or a tape holds when all that is put there is, as long as what it held before is.
    """
    tapes = {s.out.name for s in walk(body) if isinstance(s, Set) and s.op == "tape"}
    put: dict = {}
    for s in walk(body):
        if isinstance(s, Put | Add) or (isinstance(s, Store) and s.array.name in tapes):
            put.setdefault((s.array if isinstance(s, Store) else s.cell).name, []).append(s.value)
    while True:
        sure = _following(body, put)
        wrong = [n for n, values in put.items() if not all(_known(v, sure) for v in values)]
        if not wrong:
            return sure
        for n in wrong:
            del put[n]


def _known(v, sure):
    return v.value >= 0 if isinstance(v, Const) else v.name in sure


def _following(body, put):
    """Return the names of values that are 0 or more when what the variables and the tapes of `put` hold is."""
    sure: set = set()
    size = -1
    while size != len(sure):
        size = len(sure)
        for s in walk(body):
            if isinstance(s, Loop) and _known(s.start, sure) and isinstance(s.step, Const) and s.step.value > 0:
                sure.add(s.index.name)
            elif not isinstance(s, Set) or s.out.type != INT:
                continue
            elif s.op in ("size", "turns") or (s.op in ("get", "load") and s.args[0].name in put):
                sure.add(s.out.name)
            elif s.op in ("+", "*", "//") and all(_known(a, sure) for a in s.args):
                sure.add(s.out.name)
    return sure


class Streams:
    """Rewrites the innermost loops of a function in place."""

    def __init__(self, roots, fresh):
        self.roots, self.fresh, self.sure, self.tapes = roots, fresh, set(), set()
        self.threads = False  # inside of a loop that threads share: what may raise there would keep it from being shared

    def block(self, body):
        out = []
        for s in body:
            outside = self.threads
            self.threads = outside or (isinstance(s, Loop) and s.parallel)
            for b in blocks(s):
                self.block(b)
            self.threads = outside
            if isinstance(s, Loop) and not any(isinstance(t, Loop | While) for t in walk(s.body)):
                out += self.loop(s)
            else:
                out.append(s)
        body[:] = out

    def loop(self, s):
        """Return an innermost loop with what goes before and after it."""
        before, after = self.registers(s)
        for b in [s.body, *[b for t in walk(s.body) for b in blocks(t)]]:
            b[:] = [Do("plus", (t.cell, t.value), None, t.line) if isinstance(t, Add) and t.cell.name.startswith("g_") and t.cell.type.real
                    else t for t in b]  # fmt: skip
        return [*before, *self.counted(s), *after]

    def registers(self, s):
        """Let sums into one place of an array add up in a variable; (what goes before the loop, what goes after it)."""
        if not isinstance(s.step, Const):
            return [], []
        inside = {t.out.name for t in walk(s.body) if isinstance(t, Set)} | {s.index.name}
        home = lambda a: self.roots.get(a.name, a.name)
        read = {
            home(v)
            for t in walk(s.body)
            if isinstance(t, Set) and t.op not in ("size", "get")
            for v in (t.args if t.op == "call" else t.args[:1])
            if isinstance(v, Ref)
        }
        stores = [t for t in walk(s.body) if isinstance(t, Store)]
        before, after = [], []
        for t in list(s.body):
            if not isinstance(t, Store) or not t.add or any(n in inside for n in names((t.array, *t.index))):
                continue
            if home(t.array) in read or sum(home(t.array) == home(o.array) for o in stores) > 1:
                continue
            kind = Scalar(t.array.type.dtype)
            cell = Cell(self.fresh(f"g_{t.array.name.removeprefix('g_')}_sum"), kind)
            before.append(Put(cell, Const(0.0, kind), t.line))
            s.body[s.body.index(t)] = Add(cell, t.value, t.line)
            total = Ref(self.fresh("total"), kind)
            after += [Set(total, "get", (cell,), None, t.line), Store(t.array, t.index, total, True, t.line)]
        if after:
            some = Ref(self.fresh("some"), BOOL)
            after = [Set(some, "<" if s.step.value > 0 else ">", (s.start, s.stop), None, s.line), If(some, after, [], s.line)]
        return before, after

    def counted(self, s):
        """Return a loop whose places that move with it are counted up from a first place, which is not negative."""
        if s.backward or s.parallel or not (isinstance(s.step, Const) and s.step.value == 1):
            return [s]
        made = {t.out.name: t for t in s.body if isinstance(t, Set)}
        moving: dict = {}
        on_tapes = set()  # places on tapes are counted from 0
        for t in s.body:
            index = t.args[1:] if isinstance(t, Set) and t.op == "load" else t.index if isinstance(t, Store) else ()
            array = t.args[0] if isinstance(t, Set) and index else t.array if isinstance(t, Store) else None
            for v in index:
                if array.name in self.tapes and isinstance(v, Ref):
                    on_tapes.add(v)
                if isinstance(v, Ref) and v not in moving and self.moves(v, s, made) and not self.plain(v, s, made):
                    moving[v] = None
        if not moving:
            return [s]
        before, turn = [], Ref(self.fresh("k"), INT)
        head = [Set(s.index, "+", (s.start, turn), None, s.line)]
        for v in moving:
            first = self.at_start(v, s, made, before)
            if v not in on_tapes and not (first.value >= 0 if isinstance(first, Const) else first.name in self.sure):
                if self.threads:
                    return [s]
                before.append(Do("front", (first, s.start, s.stop), None, s.line))
            place, moved = Ref(self.fresh("place"), INT), Ref(self.fresh("at"), UNSIGNED)
            head += [Set(place, "+", (first, turn), None, s.line), Set(moved, "unsigned", (place,), None, s.line)]
            moving[v] = moved
        for t in s.body:
            if isinstance(t, Set) and t.op == "load":
                t.args = (t.args[0], *(moving.get(v, v) for v in t.args[1:]))
            elif isinstance(t, Store):
                t.index = tuple(moving.get(v, v) for v in t.index)
        count = Ref(self.fresh("n"), INT)
        before.append(Set(count, "-", (s.stop, s.start), None, s.line))
        return [*before, Loop(turn, Const(0, INT), count, Const(1, INT), [*head, *s.body], False, s.line)]

    def moves(self, v, s, made):
        """Say whether an index is the index of the loop plus something that stays."""
        if v == s.index:
            return True
        t = made.get(v.name) if isinstance(v, Ref) else None
        if t is None or t.op not in ("+", "-"):
            return False
        a, b = t.args
        inside = lambda x: isinstance(x, Ref) and (x == s.index or x.name in made)
        if t.op == "+" and inside(b):
            a, b = b, a
        return inside(a) and not inside(b) and self.moves(a, s, made)

    def plain(self, v, s, made):
        """Say whether an index is known to be 0 or more, or known not to be: then it stays as it is."""
        shift, v = 0, v
        while v != s.index:
            t = made[v.name]
            a, b = t.args if not isinstance(t.args[0], Const) else t.args[::-1]
            if not isinstance(b, Const) or not isinstance(a, Ref):
                return False
            shift += b.value if t.op == "+" else -b.value
            v = a
        return isinstance(s.start, Const) or (shift < 0)

    def at_start(self, v, s, made, before):
        """Write what an index is at the first turn."""
        if v == s.index:
            return s.start
        t = made[v.name]
        args = [self.at_start(a, s, made, before) if isinstance(a, Ref) and (a == s.index or a.name in made) else a for a in t.args]
        if t.op == "-" and args[0] == args[1]:
            return Const(0, INT)
        if t.op == "+" and Const(0, INT) in args:
            return args[1 - args.index(Const(0, INT))]
        out = Ref(self.fresh("first"), INT)
        before.append(Set(out, t.op, tuple(args), None, s.line))
        return out


__all__ = ["streamed"]
