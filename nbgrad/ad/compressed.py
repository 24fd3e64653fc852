"""Sparse Jacobians: sums of columns, or of rows, and the numbers of the pattern taken out of them."""

from .copying import leaves
from .expressions import Tup
from .jacobians import Matrix, whole
from .statements import BOOL, INT, Array, Const, Function, If, Loop, Ref, Scalar, Store
from .streams import UNSIGNED, nonnegative
from .wide import WIDTH, Seed, Wide, fits, only_written

ZERO, ONE = Const(0, INT), Const(1, INT)


def compressed(f: Function, wrt, kinds, way) -> Function:
    """Return the function of (arguments, colours, number of colours, starts, which) that gives (numbers, rows).

    The numbers are those of a sparse matrix, row by row: row r has those from starts[r] to starts[r + 1]. `rows` is how
    many numbers the function returns; if the pattern has more or fewer, the numbers mean nothing.

    Parameters
    ----------
    f : Function
        Of `prepared`, with statements of its own.
    wrt : tuple of int
    kinds : tuple
        Types of the further arguments. `colours` is the array that holds a colour for each column, or for each row;
        `which` holds for each number of the matrix the colour of its column, or its column.
    way : {"wide", "columns", "rows"}
        Columns of one colour in one run, all colours in the innermost loops ("wide", where the function allows it) or
        one run after the other; or rows of one colour in one way back.
    """
    if way == "wide":
        made = Entries(Wide, f, wrt, kinds)
        if made.wide():
            return made.function()
    made = Entries(None, f, wrt, kinds)
    made.by_colours(way != "rows")
    return made.function()


class Entries:
    """Writes the statements that fill the numbers of a sparse matrix."""

    def __init__(self, writer, f, wrt, kinds):
        self.m = m = Matrix(f, wrt, kinds[0], writer)
        self.b = b = m.writer
        self.starts, self.which = Ref(b.fresh("starts"), kinds[2]), Ref(b.fresh("which"), kinds[3])
        self.data, self.sure = None, nonnegative(m.f.body)

    def function(self):
        return self.m.function(Tup([self.data, self.m.rows]), (self.starts, self.which))

    def begin(self, fill="empty"):
        """Write the memory for the numbers, and whether the rows are as many as in the pattern."""
        b, m = self.b, self.m
        count = b.emit("size", (self.which,), INT, 0, "n")
        self.data = b.emit("new", (count,), Array(m.dtype, 1), (fill, m.dtype), "data")
        b.roots[self.data.name] = self.data.name
        rows = b.emit("-", (b.emit("size", (self.starts,), INT, 0, "n"), ONE), INT, None, "n")
        return b.emit("==", (rows, m.rows), BOOL, None, "fit")

    def by_colours(self, forward):
        """Write the compressed matrix, a row for each colour: each run writes to memory in order. Then its numbers."""
        b, m = self.b, self.m
        m.fits(m.colours, m.columns if forward else m.rows)
        m.begin(m.count, m.rows if forward else m.columns)
        m.by_columns() if forward else m.by_rows()
        fit, body = self.begin(), []
        outer, b.block = b.block, body
        value = lambda row, which: b.emit("load", (m.matrix, which, row) if forward else (m.matrix, colour(row), which), Scalar(m.dtype))
        colour = lambda row: b.emit("load", (m.colours, row), INT)
        b.over((m.rows,), lambda row: self.row(row, lambda which: value(row, which)))
        b.block = outer
        b.block.append(If(fit, body, []))

    def row(self, row, value):
        """Write the loop over the numbers of a row."""
        b = self.b
        first, stop = (b.emit("int", (b.emit("load", (self.starts, i), Scalar(self.starts.type.dtype)),), INT, None, "at")
                       for i in (row, b.emit("+", (row, ONE), INT, None, "n")))  # fmt: skip
        q, outer = Ref(b.fresh("q"), INT), b.block
        b.block = []
        which = b.emit("unsigned", (b.emit("load", (self.which, q), Scalar(self.which.type.dtype)),), UNSIGNED, None, "at")
        b.block.append(Store(self.data, (q,), b.cast(value(which), Scalar(self.data.type.dtype))))
        made, b.block = b.block, outer
        b.block.append(Loop(q, first, stop, ONE, made))

    def wide(self):
        """Write the function with all colours in its innermost loops; return whether it is one for that."""
        b, m = self.b, self.m
        m.begin_push(iter([Seed(p.type, p) for p in m.inputs]))
        if not fits(m.f, b.is_active):
            return False
        m.fits(m.colours, m.columns)
        more = whole(b, "+", m.count, Const(WIDTH - 1, INT))
        lanes = whole(b, "*", b.emit("//", (more, Const(WIDTH, INT)), INT, None, "n"), Const(WIDTH, INT))
        alone, ends = only_written(m.f), list(zip(m.outputs, leaves(m.f.results)))
        handed = {v.name: self.handing(part) for part, v in ends if isinstance(v, Ref) and v.name in alone and b.is_active(v)}
        fit, body = self.begin("zeros" if any(alone[n].extra[0] != "empty" for n in handed) else "empty"), []
        outer, b.block = b.block, body
        b.open(lanes, self.colour, handed)
        b.statements(m.f.body)
        b.close()
        body[:0] = b.top
        for part, v in ends:
            if not (isinstance(v, Ref) and v.name in handed):
                self.rows_of(part, b.memory(v) if v.type.real and isinstance(v, Ref) and b.is_active(v) else None)
        b.block = outer
        b.block.append(If(fit, body, []))
        return True

    def rows_of(self, part, memory):
        """Write the rows of a result from the array of its tangents; zeros where there is none."""
        b, zero = self.b, Const(0.0, Scalar(self.m.dtype))
        load = lambda i, which: zero if memory is None else b.emit("load", (memory, *i, which), Scalar(memory.type.dtype))
        b.over(part.extents, lambda *i: self.row(part.place(b, i), lambda which: load(i, which)))

    def handing(self, part):
        """Return what writes the row of an element of a result from the array of its tangents."""
        b = self.b

        def hand(index, row):
            place = part.place(b, [self.counted(i, n) for i, n in zip(index, part.extents)])
            self.row(place, lambda which: b.emit("load", (row, which), Scalar(row.type.dtype)))

        return hand

    def colour(self, seed, index):
        """Write the colour of an element of an argument."""
        b, m = self.b, self.m
        place = seed.part.place(b, [self.counted(i, n) for i, n in zip(index, seed.part.extents)])
        return b.emit("load", (m.colours, place), INT, None, "colour")

    def counted(self, i, n):
        """Write an index that may count from the end as one from the beginning."""
        b, unsigned = self.b, i.type.dtype.startswith("uint")
        if unsigned or (i.value >= 0 if isinstance(i, Const) else i.name in self.sure):
            return b.cast(i, INT) if unsigned else i
        i = b.cast(i, INT) if isinstance(i, Ref) else i
        last = b.emit("+", (i, n), INT, None, "n")
        return last if isinstance(i, Const) else b.emit("select", (b.emit("<", (i, ZERO), BOOL), last, i), INT, None, "n")


__all__ = ["compressed"]
