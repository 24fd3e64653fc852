"""Which results depend on which arguments: forward mode on sets, 64 at a time as the bits of an integer."""

from .copying import leaves
from .forward import Forward
from .jacobians import Matrix
from .statements import INT, Add, Array, Cell, Const, Do, Function, If, Loop, Put, Ref, Scalar, Set, Store, While, walk
from .tidy import names

BITS = Scalar("uint64")


def pattern(f: Function, wrt, bits) -> Function:
    """Return the function of (arguments, one integer for each number of them) that gives one integer for each result.

    A bit is set in a result where it is set in an argument from which a derivative may flow to it on the way that the
    function takes; values are not looked at, so the sets are never too small for that way.

    Parameters
    ----------
    f : Function
        Of `prepared`, with statements of its own.
    wrt : tuple of int
    bits : Array
        Type of the array of integers.
    """
    m = Matrix(f, wrt, writer=Sets)
    b = m.writer
    given = Ref(b.fresh("bits"), bits)
    out = b.emit("new", (m.rows,), Array("uint64", 1), ("zeros", "uint64"), "found")
    b.roots[out.name], seeds = out.name, []
    for part, v in zip(m.inputs, m.floats):
        at = lambda *i, part=part: b.emit("load", (given, part.place(b, i)), BITS)
        if isinstance(part.type, Array):
            seeds.append(b.emit("new", part.extents, Array("uint64", part.type.ndim), ("empty", "uint64"), f"t_{v.name}"))
            b.over(part.extents, lambda *i, t=seeds[-1], at=at: b.block.append(Store(t, i, at(*i))))
        else:
            seeds.append(at())
    m.push(iter(seeds))
    for part, v in zip(m.outputs, leaves(m.f.results)):
        if isinstance(v, Ref) and v.type.real and b.is_active(v):
            t = b.tangent(v)
            one = lambda *i, part=part, t=t: b.block.append(Store(out, (part.place(b, i),), b.emit("load", (t, *i), BITS) if i else t))
            b.over(part.extents, one)
    return m.function(out, (given,))


class Sets(Forward):
    """Writes statements with the sets of arguments that each value depends on, in place of tangents."""

    def kind(self, kind):
        return BITS

    def tangent(self, v):
        found = super().tangent(v)
        return Const(0, BITS) if isinstance(found, Const) else found

    def union(self, a, b):
        if isinstance(a, Const) and a.value == 0:
            return b
        return a if a == b or (isinstance(b, Const) and b.value == 0) else self.emit("|", (a, b), BITS)

    def linear(self, s):
        if isinstance(s.out.type, Array):
            return super().linear(s)
        total = Const(0, BITS)
        for a in s.args:
            if self.is_active(a):
                total = self.union(total, self.tangent(a))
        return total

    def of_select(self, s):
        return self.union(self.tangent(s.args[1]), self.tangent(s.args[2]))

    def of_array(self, s):
        """Return the sets of an operation on whole arrays: all elements have what any element has, but for products."""
        if s.extra.name in ("dot12", "dot21", "dot22"):
            return self.of_product(s)
        total = Cell(self.fresh(f"t_{s.out.name}"), BITS)
        self.block.append(Put(total, Const(0, BITS), s.line))
        for v in s.args:
            if self.is_active(v):
                sizes = [self.emit("size", (v,), INT, k, "n") for k in range(v.type.ndim)]
                load = lambda i, v=v: self.emit("load", (self.tangent(v), *i), BITS)
                self.over(sizes, lambda *i, load=load: self.block.append(
                    Put(total, self.union(self.emit("get", (total,), BITS), load(i)), s.line)))  # fmt: skip
        found = self.emit("get", (total,), BITS)
        if not isinstance(s.out.type, Array):
            return found
        sizes = [self.emit("size", (s.out,), INT, k, "n") for k in range(s.out.type.ndim)]
        out = self.new_tangent(s.out, sizes, ("empty", "uint64"))
        self.over(sizes, lambda *i: self.block.append(Store(out, i, found)))
        return out

    def of_product(self, s):
        """Every element has what its row and its column have."""
        a, b = s.args
        out = self.new_tangent(s.out, [self.emit("size", (s.out,), INT, k, "n") for k in range(s.out.type.ndim)], ("zeros", "uint64"))
        inner = self.emit("size", (b,), INT, 0, "n")
        sizes = [self.emit("size", (out,), INT, k, "n") for k in range(out.type.ndim)]
        rows = a.type.ndim - 1

        def one(*index):
            i, k = index[:-1], index[-1]
            total = self.emit("load", (out, *i), BITS)
            for v, where in ((a, (*i[:rows], k)), (b, (k, *i[rows:]))):
                if self.is_active(v):
                    total = self.union(total, self.emit("load", (self.tangent(v), *where), BITS))
            self.block.append(Store(out, i, total))

        self.over([*sizes, inner], one)
        return out

    def do_Add(self, s):
        if self.is_active(s.cell) and self.is_active(s.value):
            twin = self.twin(s.cell)
            before = self.emit("get", (twin,), BITS)
            self.block.append(Put(twin, self.union(before, self.tangent(s.value)), s.line))
        self.block.append(s)

    def do_Store(self, s):
        if s.add and self.is_active(s.array) and self.is_active(s.value):
            array = self.tangent(s.array)
            before = self.emit("load", (array, *s.index), BITS)
            self.block.append(Store(array, s.index, self.union(before, self.tangent(s.value)), False, s.line))
            self.block.append(s)
        else:
            super().do_Store(s)

    def do_Loop(self, s):
        """Write a loop in order: turns that run side by side would lose bits of a sum."""
        self.block.append(Loop(s.index, s.start, s.stop, s.step, self.inside(s.body), False, s.line, s.backward))


def steered(f: Function) -> bool:
    """Say whether floats decide what a function does: branches, numbers of turns, indices, sizes.

    Where they do not, its pattern depends on the shapes and on the integers of its arguments alone.
    """
    home = lambda n: f.roots.get(n, n)
    floats, size = {p.name for p in f.params if getattr(p.type, "real", False)}, -1
    tainted = lambda values: any(home(n) in floats for n in names(values))
    statements = list(walk(f.body))
    while size != len(floats):
        size = len(floats)
        for s in statements:
            if isinstance(s, Set) and s.op not in ("size", "new", "tape") and tainted(s.args):
                if s.op != "part" or s.out.type.real:
                    floats.add(home(s.out.name))
            elif isinstance(s, Put | Add) and tainted((s.value,)):
                floats.add(home(s.cell.name))
            elif isinstance(s, Store) and tainted((s.value,)):
                floats.add(home(s.array.name))
    for s in statements:
        if tainted(_steering(s)):
            return True
    return False


def _steering(s):
    """Return the operands of a statement that decide what is done, not what is computed."""
    if isinstance(s, If | While):
        return (s.test,)
    if isinstance(s, Loop):
        return (s.start, s.stop, s.step)
    if isinstance(s, Store):
        return s.index
    if isinstance(s, Do) or (isinstance(s, Set) and s.op in ("load", "view")):
        return s.args[1:]
    return s.args if isinstance(s, Set) and s.op in ("new", "tape") else ()


__all__ = ["pattern", "steered"]
