"""Statements that nothing needs are dropped; what is computed twice is computed once."""

from .routine import written_by_call
from .statements import Add, Array, Cell, Const, Do, If, Loop, Put, Ref, Scalar, Set, Store, While, blocks, reads, walk
from .text import _flat as flat

SEEING = ("load", "get", "view", "array", "call", "copy")  # operations by which somebody may see what an array holds
CHECKS = ("alone", "check", "same", "raise", "whole")


def names(values):
    """Return the names of the values and variables in operands, nested or not."""
    return [v.name for v in flat(values) if isinstance(v, Ref | Cell)]


def dead(body, results, roots, outside=(), seeing=SEEING):
    """Drop statements whose effect nobody sees, also loops that may never end; `outside` are arrays that the caller sees."""
    while True:
        alive, seen = living(body, results, roots, outside, seeing)
        before = sum(1 for _ in walk(body))
        _sweep(body, alive, seen, roots)
        if before == sum(1 for _ in walk(body)):
            return body


def living(body, results, roots, outside=(), seeing=SEEING):
    """Return the values, variables and memory that something reads before the end."""
    alive = set(names(results))
    seen = set(outside) | {roots.get(n, n) for n in alive}
    grown = -1
    while grown != len(alive) + len(seen):
        grown = len(alive) + len(seen)
        _mark(body, alive, seen, roots, seeing)
    return alive, seen


def _lives(s, alive, seen, roots):
    if isinstance(s, Set):
        return s.out.name in alive or (s.op == "call" and any(roots.get(v.name, v.name) in seen for v in written_by_call(s)))
    if isinstance(s, Put | Add):
        return s.cell.name in alive
    if isinstance(s, Store):
        return roots.get(s.array.name, s.array.name) in seen
    if isinstance(s, Do):
        return s.op in CHECKS or any(n in alive for n in names(s.args[:1]))
    return any(_lives(t, alive, seen, roots) for b in blocks(s) for t in b)


def _mark(body, alive, seen, roots, seeing):
    for s in reversed(body):
        for b in reversed(blocks(s)):
            _mark(b, alive, seen, roots, seeing)
        if _lives(s, alive, seen, roots):
            found = names(reads(s))
            alive.update(found)
            if isinstance(s, Set) and s.op in seeing:
                seen.update(roots.get(n, n) for n in found)
            if isinstance(s, Do) and s.op == "ruled":
                seen.update(roots.get(n, n) for n in found)
            if "get" in seeing and isinstance(s, Put | Set) and isinstance(getattr(s, "cell", s.__class__ is Set and s.out).type, Array):
                seen.update(roots.get(n, n) for n in found)


def _sweep(body, alive, seen, roots):
    kept = []
    for s in body:
        for b in blocks(s):
            _sweep(b, alive, seen, roots)
        if _lives(s, alive, seen, roots):
            kept.append(s)
    body[:] = kept


def renamed(v, known):
    """Return an operand with the values that the dict `known` names replaced."""
    if isinstance(v, Ref):
        return known.get(v.name, v)
    if isinstance(v, Const | Cell) or v is None:
        return v
    if hasattr(v, "cls"):
        return type(v)([renamed(i, known) for i in v.items], v.cls)
    return tuple(renamed(i, known) for i in v) if isinstance(v, tuple) else v


def replace(body, known):
    """Replace values by others in every statement of a block, in place."""
    if not known:
        return body
    for s in walk(body):
        if isinstance(s, Set | Do):
            s.args = tuple(renamed(a, known) for a in s.args)
        elif isinstance(s, Put | Add):
            s.value = renamed(s.value, known)
        elif isinstance(s, Store):
            s.array, s.value = renamed(s.array, known), renamed(s.value, known)
            s.index = tuple(renamed(a, known) for a in s.index)
        elif isinstance(s, Loop):
            s.start, s.stop, s.step = (renamed(a, known) for a in (s.start, s.stop, s.step))
        elif isinstance(s, While | If):
            s.test = renamed(s.test, known)
    return body


def changed(body, results, roots):
    """Return the names of arrays whose memory is written to or given away: two of them are two, though made alike."""
    homes = {roots.get(n, n) for n in names((results,))}
    for s in walk(body):
        if isinstance(s, Store | Put):
            homes.update(roots.get(n, n) for n in names((s.array if isinstance(s, Store) else s.cell,)))
    return {s.out.name for s in walk(body) if isinstance(s, Set) and s.op == "array" and roots.get(s.out.name, s.out.name) in homes}


class Shared:
    """Common values: what was computed before, in a block that encloses this one, is not computed again."""

    def __init__(self, roots):
        self.roots, self.versions = roots, {}

    def run(self, body, results):
        """Return the results, in the names that are left."""
        self.known: dict = {}
        self.changed = changed(body, results, self.roots)
        self.block(body, {}, {})
        return renamed(results, self.known) if results is not None else None

    def bump(self, body):
        """What a block writes may have changed."""
        for s in walk(body):
            if isinstance(s, Store):
                self.touch(self.roots.get(s.array.name, s.array.name))
            elif isinstance(s, Put | Add):
                self.touch(s.cell.name)
            elif isinstance(s, Set) and s.op == "call":
                for n in names(written_by_call(s)):
                    self.touch(self.roots.get(n, n))

    def touch(self, name):
        self.versions[name] = self.versions.get(name, 0) + 1

    def key(self, s, kind=None):
        extra = s.extra if isinstance(s.extra, str | int | tuple | type(None)) else id(s.extra)
        if s.op in ("new", "constant", "call", "part", "copy", "tape", "ruled") or (s.op == "get" and isinstance(s.out.type, Array)):
            return None
        version = None
        if s.op == "array" and isinstance(s.out.type, Array) and s.out.name in self.changed:
            return None
        if s.op in ("load", "get", "array"):
            version = tuple(self.versions.get(self.roots.get(n, n), 0) for n in names(s.args))
        return (s.op, s.args, kind or s.out.type, extra, version)

    def block(self, body, seen, cells):
        """`seen` maps a computation to its value, `cells` a variable to what was last put into it.

        A variable that holds an array is read anew after each change and in each block: gradients follow such reads.
        """
        kept, held = [], set()
        for s in body:
            self.rename(s)
            if isinstance(s, Set):
                if s.op == "get" and s.args[0].name in (held if isinstance(s.out.type, Array) else cells):
                    self.known[s.out.name] = cells[s.args[0].name]
                    continue
                key = self.key(s)
                if key is not None and key in seen:
                    self.known[s.out.name] = seen[key]
                    continue
                if key is not None:
                    seen[key] = s.out
                if s.op == "call":
                    self.bump([s])
                if s.op == "get":
                    cells[s.args[0].name] = s.out
                    held.add(s.args[0].name)
            elif isinstance(s, Put):
                if cells.get(s.cell.name) == s.value:
                    continue  # it holds that already
                self.touch(s.cell.name)
                cells[s.cell.name] = s.value
                held.discard(s.cell.name)
            elif isinstance(s, Add | Store):
                self.bump([s])
                cells.pop(getattr(getattr(s, "cell", None), "name", None), None)
                if isinstance(s, Store) and not s.add and s.value.type == Scalar(s.array.type.dtype):  # read back, it is the same
                    seen[self.key(Set(None, "load", (s.array, *s.index)), s.value.type)] = s.value
            elif blocks(s):
                self.inside(s, seen, cells)
                held.clear()
            kept.append(s)
        body[:] = kept

    def inside(self, s, seen, cells):
        if isinstance(s, Loop | While):
            self.bump(s.body if isinstance(s, Loop) else [*s.head, *s.body])
        written = {t.cell.name for b in blocks(s) for t in walk(b) if isinstance(t, Put | Add)}
        if isinstance(s, If):
            for b in blocks(s):
                self.block(b, dict(seen), dict(cells))
        elif isinstance(s, Loop):
            self.block(s.body, dict(seen), {c: v for c, v in cells.items() if c not in written})
        else:
            inner, held = dict(seen), {c: v for c, v in cells.items() if c not in written}
            self.block(s.head, inner, held)
            s.test = renamed(s.test, self.known)
            self.block(s.body, inner, held)
        for c in written:
            cells.pop(c, None)
        self.bump([t for b in blocks(s) for t in b])

    def rename(self, s):
        if isinstance(s, While):
            return
        if isinstance(s, If):
            s.test = renamed(s.test, self.known)
        elif isinstance(s, Loop):
            s.start, s.stop, s.step = (renamed(a, self.known) for a in (s.start, s.stop, s.step))
        else:
            replace([s], self.known)
