"""Arrays that the way back reads as they were: those that are gone or written over by then are kept element by element.

Behind an operation on whole arrays a loop is put that reads what must be kept. Its loads are values like any other: `keeping`
finds them again, on tapes or in memory, and on the way back the loop fills the array anew.
"""

from .statements import INT, Array, Const, Do, Loop, Put, Ref, Scalar, Set, Store, While, blocks, walk
from .text import _flat as flat


class Holding:
    """Puts the loops that keep arrays into a function whose statements are all known.

    Attributes
    ----------
    held : dict
        (id of an operation, name of an array) -> the array of the way back that has its elements.
    extents : dict
        Name of the result of an operation -> its extents.
    """

    def __init__(self, body, roots, fresh, is_active):
        self.roots, self.fresh, self.is_active, self.held, self.extents = roots, fresh, is_active, {}, {}
        self.outer, self.defined, self.order, self.writes = {}, {}, {}, {}
        self.survey(body, None)
        self.block(body)

    def survey(self, body, outer):
        """Note the outermost loop around each statement."""
        for s in body:
            self.order[id(s)] = len(self.order)
            self.outer[id(s)] = outer
            if isinstance(s, Set):
                self.defined[s.out.name] = s
            if isinstance(s, Store | Put):
                name = (s.array if isinstance(s, Store) else s.cell).name
                self.writes.setdefault(self.roots.get(name, name), []).append(s)
            for b in blocks(s):
                self.survey(b, outer or (s if isinstance(s, Loop | While) else None))

    def lasts(self, v, s):
        """Say whether an array has the same elements on the way back."""
        if not self.available(v):
            return False
        outer = self.outer[id(s)]
        return not any(self.order[id(w)] > self.order[id(s)] or (outer is not None and self.outer[id(w)] is outer)
                       for w in self.writes.get(self.roots.get(v.name, v.name), ()))  # fmt: skip

    def available(self, v):
        """Say whether an array can be had on the way back by its name, or as a view of one."""
        made = self.defined.get(v.name)
        if made is None or self.outer[id(made)] is None:
            return True
        return made.op == "view" and self.available(made.args[0])

    def block(self, body):
        for s in list(body):
            for b in blocks(s):
                self.block(b)
            if isinstance(s, Do) and s.op == "ruled":
                arrays = [v for v in flat(s.args[1:2]) if isinstance(v, Ref) and isinstance(v.type, Array)]
                made = [t for v in {v.name: v for v in arrays}.values() for t in self.kept(s, v)]
                at = next(i for i, t in enumerate(body) if t is s)
                body[at + 1 : at + 1] = made
            elif isinstance(s, Set) and s.op in ("array", "get", "ruled", "call") and self.is_active(s.out):
                made = self.measured(s.out, s) if isinstance(s.out.type, Array) else []
                for v in self.read(s) if s.op in ("array", "call") else ():
                    made += self.kept(s, v)
                at = next(i for i, t in enumerate(body) if t is s)
                body[at + 1 : at + 1] = made

    def read(self, s):
        """Return the arrays that the rules of an operation, or the gradient of a call, read."""
        if s.op == "call":
            return {v.name: v for v in s.args if isinstance(v.type, Array)}.values()
        rule, found = s.extra, {}
        known = dict(zip(rule.params, s.args)) | {"out": s.out}
        for p, v in zip(rule.params, s.args):
            if self.is_active(v) and p in rule.vjp:
                found |= {known[n].name: known[n] for n in rule.reads(p) if isinstance(known[n].type, Array)}
        return found.values()

    def measured(self, v, s):
        """Return the statements that note the extents of an array."""
        if v.name in self.extents:
            return []
        self.extents[v.name] = tuple(Ref(self.fresh(f"n_{v.name}"), INT) for _ in range(v.type.ndim))
        return [Set(n, "size", (v,), axis, s.line) for axis, n in enumerate(self.extents[v.name])]

    def kept(self, s, v):
        """Return the statements that keep an array, none where it lasts."""
        if self.lasts(v, s):
            return []
        kind = Array(v.type.dtype, v.type.ndim, "C")
        held = Ref(self.fresh(f"{v.name}_then"), kind)
        self.held[id(s), v.name] = held
        self.roots[held.name] = held.name
        measured = self.measured(v, s)
        sizes = self.extents[v.name]
        index = [Ref(self.fresh("ijklmn"[k]), INT) for k in range(kind.ndim)]
        value = Ref(self.fresh("t"), Scalar(kind.dtype))
        body = [Set(value, "load", (v, *index), None, s.line), Do("hold", (held, *index, value), None, s.line)]
        for i, n in zip(index[::-1], sizes[::-1]):
            body = [Loop(i, Const(0, INT), n, Const(1, INT), body, False, s.line)]
        return [*measured, *body, Do("held", (held, *sizes), None, s.line)]


def unheld(body):
    """Drop what says to the way back that an array is kept."""
    for b in [body, *[b for s in walk(body) for b in blocks(s)]]:
        b[:] = [s for s in b if not (isinstance(s, Do) and s.op in ("hold", "held"))]
    return body
