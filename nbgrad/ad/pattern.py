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
    m.fits(given, m.columns)
    out = b.emit("new", (m.rows,), Array("uint64", 1), ("zeros", "uint64"), "found")
    b.roots[out.name], seeds = out.name, []
    for part, v in zip(m.inputs, m.floats):
        at = lambda *i, part=part: b.emit("load", (given, part.place(b, i)), BITS)
        if isinstance(part.type, Array):
            seeds.append(b.emit("new", part.extents, Array("uint64", part.type.ndim), ("empty", "uint64"), f"t_{v.name}"))
            b.over(part.extents, lambda *i, t=seeds[-1], at=at: b.block.append(Store(t, i, at(*i))))
        else:
            seeds.append(at())
    m.begin_push(iter(seeds))
    b.statements(m.f.body)
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
        """Return the sets of an operation on whole arrays: everything depends on everything, except in copies and products."""
        if s.extra.name == "copy":
            return self.spread(s, lambda *i: self.emit("load", (self.tangent(s.args[0]), *i), BITS))
        if s.extra.name.startswith("dot"):
            return self.product(s)
        total = self.gathered([(self.tangent(v), None) for v in s.args if self.is_active(v)])
        return self.spread(s, lambda *i: total)

    def of_ruled(self, s):
        """All that a function with a rule of its own gives depends on all that it is given."""
        given = [v for v in s.args if self.is_active(v)]
        total = self.gathered([(self.tangent(v), None) for v in given if isinstance(v.type, Array)])
        for v in given:
            total = total if isinstance(v.type, Array) else self.union(total, self.tangent(v))
        return self.spread(s, lambda *i: total)

    def product(self, s):
        """Every element of a product has what its row and its column have."""
        a, b = s.args
        rows = a.type.ndim - 1

        def one(*i):
            lines = [(a, (*i[:rows], None)), (b, (None, *i[rows:]))]
            return self.gathered([(self.tangent(v), where) for v, where in lines if self.is_active(v)])

        return self.spread(s, one)

    def gathered(self, lines):
        """Write the union of what arrays hold: all of it, or with an index the line along the axis where that is None."""
        cell = Cell(self.fresh("union"), BITS)
        self.block.append(Put(cell, Const(0, BITS)))
        for array, where in lines:
            free = [k for k in range(array.type.ndim) if where is None or where[k] is None]
            sizes = [self.emit("size", (array,), INT, k, "n") for k in free]

            def one(*i, array=array, where=where, free=free):
                at = [*(where or [None] * array.type.ndim)]
                for k, index in zip(free, i):
                    at[k] = index
                before = self.emit("get", (cell,), BITS)
                self.block.append(Put(cell, self.union(before, self.emit("load", (array, *at), BITS))))

            self.over(sizes, one)
        return self.emit("get", (cell,), BITS)

    def spread(self, s, at):
        """Write the sets of a result: `at(*index)` is that of an element."""
        if not isinstance(s.out.type, Array):
            return at()
        sizes = [self.emit("size", (s.out,), INT, k, "n") for k in range(s.out.type.ndim)]
        out = self.new_tangent(s.out, sizes, ("empty", "uint64"))
        self.over(sizes, lambda *i: self.block.append(Store(out, i, at(*i))))
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
