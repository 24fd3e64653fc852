"""Jacobians: all directions, or all rows, in one function; a matrix first, then its blocks.

The matrix has a row for each number that the function returns and a column for each number of the arguments, in order.
With colours given, directions of one colour are summed up: the compressed matrix that sparse Jacobians are read from.
"""

from typing import NamedTuple

from .copying import copy_of, leaves, size_of, taken, written
from .expressions import Tup
from .forward import Several, tidied
from .orders import ordered
from .pullback import Pullback
from .rules import Builder
from .statements import BOOL, INT, Array, Const, Do, Function, Group, If, Loop, Put, Ref, Scalar, Set, Store, walk
from .tidy import dead

ZERO, ONE = Const(0, INT), Const(1, INT)
LANES = 4  # directions at once
LONG = 120  # statements of a function from which on directions are taken one by one
FEW = 4  # numbers for which forward mode is taken whatever the function returns


class Part(NamedTuple):
    """A number or an array among the arguments or the results, and where it stands in the matrix."""

    type: object
    extents: tuple
    offset: object

    def place(self, b, index):
        """Write the row or the column of an element."""
        flat = ZERO
        for i, n in zip(index, self.extents):
            flat = whole(b, "+", whole(b, "*", flat, n), i)
        return whole(b, "+", self.offset, flat)


def whole(b, op, x, y):
    """Return x op y of integers; nothing is written for what is known."""
    if isinstance(x, Const) and isinstance(y, Const):
        return Const(x.value + y.value if op == "+" else x.value * y.value, INT)
    for one, other in ((x, y), (y, x)):
        if isinstance(one, Const) and one.value == (0 if op == "+" else 1):
            return other
        if isinstance(one, Const) and one.value == 0 and op == "*":
            return ZERO
    return b.emit(op, (x, y), INT, None, "n")


def parts_of(b, values):
    """Write where the numbers of some values stand; return the parts, and how many numbers they are."""
    parts, total = [], ZERO
    for v in values:
        extents, count = size_of(b, v)
        parts.append(Part(v.type, extents, total))
        total = whole(b, "+", total, count)
    return parts, total


def opened(b, v):
    """Return the numbers and arrays of a parameter, in its structure."""
    if not isinstance(v.type, Group):
        return v
    return Tup([opened(b, b.emit("part", (v,), t, i, v.name)) for i, t in enumerate(v.type.items)], v.type.cls)


def sheltered(f: Function) -> Function:
    """Return a function that writes into copies of its arguments: it can be run again, and its caller sees nothing of it."""
    b, changed, params, body = Builder(taken(f)), written(f), [], []
    b.block = body
    for p in f.params:
        params.append(_shelter(b, p, changed))
    for s in f.body:
        if isinstance(s, Set) and s.op == "part" and s.out.name in changed:
            place = len(body)
            given = _shelter(b, s.out, changed)
            body.insert(place, Set(given, s.op, s.args, s.extra, s.line))
        else:
            body.append(s)
    return f._replace(params=tuple(params), body=body)


def _shelter(b, v, changed):
    """Write the copy of an array that is written into, under its name; return the name of what is given for it."""
    if not isinstance(v.type, Array) or v.name not in changed:
        return v
    given = Ref(b.fresh(v.name), v.type)
    sizes, _ = size_of(b, given)
    b.block.append(Set(v, "new", sizes, ("empty", v.type.dtype)))
    b.over(sizes, lambda *i: b.block.append(Store(v, i, b.emit("load", (given, *i), Scalar(v.type.dtype)))))
    return given


class Matrix:
    """Writes the statements that fill the matrix of a function.

    Parameters
    ----------
    f : Function
        Of `prepared`, with statements of its own.
    wrt : tuple of int
    colours : type, optional
        Of the array of colours, where the matrix is compressed; their number is the parameter after it.
    """

    def __init__(self, f, wrt, colours=None, writer=None):
        self.f = f = sheltered(f)
        self.wrt = [f.params[i] for i in wrt]
        self.width = 1 if writer is not None else self.lanes()
        self.writer = b = writer(f) if writer is not None else Several(f, self.width)
        b.block = self.body = []
        self.colours = None if colours is None else Ref(b.fresh("colours"), colours)
        self.count = None if colours is None else Ref(b.fresh("count"), INT)
        self.arguments = [opened(b, p) for p in self.wrt]
        self.floats = [x for a in self.arguments for x in leaves(a) if x.type.real]
        self.inputs, self.columns = parts_of(b, self.floats)
        self.outputs, self.rows = self.sizes()
        found = {p.type.dtype for p in [*self.inputs, *self.outputs] if p.type.real}
        self.dtype = "float32" if found == {"float32"} else "float64"
        self.matrix = None

    def lanes(self):
        """Return how many directions are taken at once: few where the function is long, for each adds to what is compiled."""
        if not any(isinstance(t, Array) for p in self.wrt for t in _types(p.type)):
            count = sum(t.real for p in self.wrt for t in _types(p.type))
            return count if 0 < count <= LANES else LANES
        return LANES if sum(1 for _ in walk(self.f.body)) <= LONG else 1

    def sizes(self):
        """Write how many numbers the function returns: what is left of it when nothing else is asked."""
        b = self.writer
        g = copy_of(self.f, b.fresh)
        outer, b.block = b.block, g.body
        parts, rows = parts_of(b, leaves(g.results))
        b.block = outer
        b.roots.update(g.roots)
        dead(g.body, ([*(n for p in parts for n in (*p.extents, p.offset)), rows],), g.roots)
        b.block += g.body
        return parts, rows

    def function(self, results, further=()):
        params = (*self.f.params, *([] if self.colours is None else [self.colours, self.count]), *further)
        g = Function(self.f.name, params, self.body, results, self.writer.roots, self.f.where)
        return tidied(g, [p.name for p in params])

    def begin(self, rows, columns):
        """Write the creation of the matrix."""
        b = self.writer
        self.matrix = b.emit("new", (rows, columns), Array(self.dtype, 2), ("zeros", self.dtype), "matrix")
        b.roots[self.matrix.name] = self.matrix.name

    def fits(self, array, count):
        """Write a check that there is a number for each of the arguments, or of the results."""
        b = self.writer
        b.block.append(Do("same", (b.emit("size", (array,), INT, 0, "n"), count)))

    def hit(self, b, part, index, now, kind):
        """Write one where an element belongs to the direction `now`, else zero."""
        place = part.place(b, index)
        if self.colours is not None:
            place = b.emit("load", (self.colours, place), INT, None, "colour")
        return b.emit("select", (b.emit("==", (place, now), BOOL), Const(1.0, kind), Const(0.0, kind)), kind, None, "unit")

    def keep(self, b, part, value, row, column):
        """Write a value into the row or the column (None: where it belongs) of the matrix."""
        kind = Scalar(self.dtype)

        def one(*i):
            place = part.place(b, i)
            v = b.emit("load", (value, *i), Scalar(value.type.dtype)) if i else value
            index = (row, place) if row is not None else (column, place) if self.colours is not None else (place, column)
            b.block.append(Store(self.matrix, index, b.cast(v, kind), False))

        b.over(part.extents, one)

    # forward: a column for each direction

    def by_columns(self):
        """Write the loop over the directions, a few of them at each turn."""
        b, now, width = self.writer, Ref(self.writer.fresh("column"), INT), self.width
        turns = self.count or self.columns
        arrays = [self.directions() for _ in range(width)]
        outer, b.block = b.block, []
        places = [whole(b, "+", now, Const(k, INT)) for k in range(width)]
        for k, place in enumerate(places):
            b.take(k)
            self.begin_push(iter([self.unit(b, p, arrays[k].get(v.name), place) for p, v in zip(self.inputs, self.floats)]))
        b.statements(self.f.body)
        full = isinstance(turns, Const) and turns.value % width == 0
        for k, place in enumerate(places):
            b.take(k)
            self.column(place, None if k == 0 or full else b.emit("<", (place, turns), BOOL))
        body, b.block = b.block, outer
        b.block.append(Loop(now, ZERO, turns, Const(width, INT), body))

    def directions(self):
        """Write arrays for the tangents of the arguments."""
        b, arrays = self.writer, {}
        for part, v in zip(self.inputs, self.floats):
            if isinstance(part.type, Array):
                kind = Array(part.type.dtype, part.type.ndim)
                arrays[v.name] = b.emit("new", part.extents, kind, ("empty", kind.dtype), f"t_{v.name}")
                b.roots[arrays[v.name].name] = arrays[v.name].name
        return arrays

    def column(self, place, test):
        """Write the tangents of the results into a column, where `test` holds."""
        b = self.writer
        outer, b.block = b.block, []
        for part, v in zip(self.outputs, leaves(self.f.results)):
            if v.type.real and isinstance(v, Ref) and b.is_active(v):
                self.keep(b, part, b.tangent(v), None, place)
        made, b.block = b.block, outer
        b.block += made if test is None else [If(test, made, [])]

    def begin_push(self, seeds):
        """Take the tangents of the numbers and arrays of the arguments, in order."""
        self.writer.begin({p.name: _filled(a, seeds, lambda: None) for p, a in zip(self.wrt, self.arguments)})

    def unit(self, b, part, array, now):
        """Write the tangent of an argument in one direction."""
        kind = Scalar(part.type.dtype)
        if array is None:
            return self.hit(b, part, (), now, kind)
        b.over(part.extents, lambda *i: b.block.append(Store(array, i, self.hit(b, part, i, now, kind))))
        return array

    # reverse: a row for each number of the result

    def by_rows(self):
        """Write the function, and the loop over the rows on the way back."""
        b = self.writer
        g = copy_of(self.f, b.fresh)
        for s in walk(g.body):
            if isinstance(s, Loop):
                s.parallel = False  # rows are many, and short
        made = Rows(self, g)
        made.taken.update(b.taken)
        made.run((), self.wrt)
        b.roots.update(made.roots)
        b.taken.update(made.taken)
        body = made.once(())
        ordered(body, None, b.roots, b.fresh)
        b.block += body

    # the blocks

    def blocks(self, single):
        """Write the blocks of the matrix in the structure of the result, each in the structure of the arguments."""
        pairs = len(self.inputs) * len(self.outputs)

        def row(part):
            places = iter(self.inputs)
            out = [_filled(a, (self.block(part, p, pairs == 1) for p in places), self.none) for a in self.arguments]
            return out[0] if single else Tup(out)

        rows = (row(part) for part in self.outputs)
        return _filled(self.f.results, rows)

    def none(self):
        return Const(0.0, Scalar("float64"))

    def block(self, row, column, alone):
        b, kind = self.writer, Scalar(self.dtype)
        extents = (*row.extents, *column.extents)
        if not extents:
            return b.emit("load", (self.matrix, row.offset, column.offset), kind)
        if alone:
            text = ", ".join(f"{{{k + 1}}}" for k in range(len(extents)))
            out = b.emit("view", (self.matrix, *extents), Array(self.dtype, len(extents)), f"{{0}}.reshape(({text},))", "block")
            b.roots[out.name] = self.matrix.name
            return out
        out = b.emit("new", extents, Array(self.dtype, len(extents)), ("empty", self.dtype), "block")
        b.roots[out.name] = out.name
        split = len(row.extents)
        b.over(extents, lambda *i: b.block.append(Store(
            out, i, b.emit("load", (self.matrix, row.place(b, i[:split]), column.place(b, i[split:])), kind))))  # fmt: skip
        return out


def _filled(structure, values, other=None):
    """Return the next values in a structure; `other()` where its number is no float."""
    if structure is None:
        return None
    if hasattr(structure, "cls"):
        return Tup([_filled(i, values, other) for i in structure.items], structure.cls)
    return next(values) if other is None or structure.type.real else other()


class Rows(Pullback):
    """Reverse mode that goes the way back once for each row of a matrix."""

    def __init__(self, matrix, f):
        super().__init__(f, [p.name for p in matrix.wrt])
        self.matrix = matrix

    def seed(self, seeds):
        self.row = Ref(self.fresh("row"), INT)
        for part, v in zip(self.matrix.outputs, leaves(self.f.results)):
            if isinstance(v, Ref) and self.is_active(v):
                self.unit(part, v)

    def unit(self, part, v):
        """Begin with one in the number of the result that the row stands for."""
        hit = lambda *i: self.matrix.hit(self, part, i, self.row, Scalar(v.type.dtype))
        if not isinstance(v.type, Array):
            self.seeded(v, hit())
            return
        shadow = self.shadow(v)
        self.over(part.extents, lambda *i: self.block.append(Store(shadow, i, hit(*i), True)))

    def gathered(self, wrt):
        found = [x for p in wrt for x in leaves(self.total(p)) if x.type.real]
        floats = [t for p in wrt for t in _types(p.type)]
        found = [x for x, t in zip(found, floats, strict=True) if t.real]
        for part, v in zip(self.matrix.inputs, found):
            self.matrix.keep(self, part, v, self.row, None)
        return []

    def around(self, back):
        outer, self.block = self.block, []
        held = [(c, self.emit("get", (c,), INT, None, "held")) for k, c in self.counter.items() if k not in self.inside_deferred]
        first, self.block = self.block, outer
        again = [Put(c, v) for c, v in held]
        return [*first, Loop(self.row, ZERO, self.matrix.count or self.matrix.rows, ONE, [*again, *back])]


def _types(kind):
    return [t for i in kind.items for t in _types(i)] if isinstance(kind, Group) else [kind]


def jacobian(f: Function, wrt, single, mode="auto") -> Function:
    """Return the function that gives the Jacobian: for each result and each argument an array of both shapes.

    Arrays that the function writes into are copied first, and the caller's stay as they are.

    Parameters
    ----------
    f : Function
        Of `prepared`, with statements of its own.
    wrt : tuple of int
    single : bool
        Whether there is a block of the only argument, not a tuple of one.
    mode : {"auto", "forward", "reverse"}
        Forward mode costs a run for each number of the arguments, reverse mode one for each number of the result.
    """
    m = Matrix(f, wrt)
    m.begin(m.rows, m.columns)
    known = [n.value if isinstance(n, Const) else None for n in (m.columns, m.rows)]
    if mode == "auto" and known[0] is not None and (known[0] <= FEW or known[1] is None or known[0] <= known[1]):
        mode = "forward"
    elif mode == "auto" and known[1] is not None:
        mode = "reverse"
    if mode != "auto":
        m.by_columns() if mode == "forward" else m.by_rows()
        return m.function(m.blocks(single))
    b = m.writer
    outer, ways = b.block, []
    short = b.emit("<=", (m.columns, m.rows), BOOL)
    for way in (m.by_columns, m.by_rows):
        b.block = []
        way()
        ways.append(b.block)
    b.block = outer
    b.block.append(If(short, *ways))
    return m.function(m.blocks(single))


__all__ = ["Matrix", "jacobian"]
