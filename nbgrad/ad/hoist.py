"""What is the same at each turn of a loop is computed before it; its gradient then adds up in a register."""

from .independent import effects
from .statements import Const, Loop, Ref, Set, blocks, walk
from .tidy import names

FREE = ("load", "size", "view", "+", "-", "*", "/", "cast", "neg", "select", "and", "or", "not", "<", "<=", ">", ">=", "==", "!=")


def hoisted(f):
    """Move what does not change out of the loops of a function, innermost loops first, in place."""
    sizes: dict = {}
    for s in walk(f.body):
        if isinstance(s, Set) and s.op == "size":
            sizes.setdefault((s.args[0].name, s.extra), s.out)
        elif isinstance(s, Set) and s.op == "new":
            sizes.update({(s.out.name, k): a for k, a in enumerate(s.args)})
    Hoist(f.roots, sizes).block(f.body)


class Hoist:
    """One walk over a function: `bounds` are the ranges of the loops that are open."""

    def __init__(self, roots, sizes):
        self.roots, self.sizes, self.bounds = roots, sizes, {}

    def block(self, body):
        out = []
        for s in body:
            if isinstance(s, Loop):
                self.bounds[s.index.name] = s
            for b in blocks(s):
                self.block(b)
            if isinstance(s, Loop):
                out += self.free(s)
            out.append(s)
        body[:] = out

    def free(self, loop):
        """Take out of a loop what it computes alike at each turn, and return it."""
        inside = {t.out.name for t in walk(loop.body) if isinstance(t, Set)} | {t.index.name for t in walk([loop]) if isinstance(t, Loop)}
        _, written = effects(loop, self.roots)
        out = []
        for s in list(loop.body):
            if isinstance(s, Set) and s.op in FREE and not any(n in inside for n in names(s.args)) and self.safe(s, written):
                out.append(s)
                inside.discard(s.out.name)
                loop.body.remove(s)
        return out

    def safe(self, s, written):
        """Say whether a computation may run though the loop makes no turn."""
        if s.op != "load":
            return s.op != "view"
        array = s.args[0]
        if self.roots.get(array.name, array.name) in written:
            return False
        return all(self.in_bounds(array, axis, i) for axis, i in enumerate(s.args[1:]))

    def in_bounds(self, array, axis, index):
        loop = self.bounds.get(index.name) if isinstance(index, Ref) else None
        if loop is None or not (
            isinstance(loop.start, Const) and loop.start.value >= 0 and isinstance(loop.step, Const) and loop.step.value > 0
        ):
            return False
        return loop.stop == self.sizes.get((array.name, axis))
