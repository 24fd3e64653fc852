"""Blocks of sums of products: the micro-kernels of convolution and of its gradient in the weight.

They are like the micro-kernel of `micro.py`, but one factor is read through a table of offsets: so no window is ever
written out.
"""

from .window_ir import BLOCKS, DOTS, LONGEST, ROWS, WORD, ir


def positions(w):
    """Write `positions`: weights, packed in panels of `rows`, times positions at the offsets of a table.

    For r < height and j < n it sets c[c0 + r * c_row + j] to the sum over p < k of
    a[a0 + p * rows + r] * b[b0 + table[p] + j] and of the start: a[start + r], or what c holds where `add` is not 0.
    All `rows` of a panel are read.
    """
    params = ("a", "a0", "start", "b", "b0", "table", "k", "c", "c0", "c_row", "height", "n", "add", "rows")
    with w.function("positions", *params):
        for rows, _ in _choices(w, ((rows,) for rows in ROWS), w.rows):
            Positions(w, rows).walk(min(LONGEST, max(1, w.sums // rows)))


def cells(w):
    """Write `cells`: rows and steps of the left factor at the offsets of tables, times even rows of the right one.

    For r < height and j < n it sets c[c0 + r * c_row + j], or increases it where `add` is not 0, by the sum over p < k of
    a[a0 + row_table[r] + table[p]] * b[p * b_step + j]. The table names a row for every r < rows.
    """
    params = ("a", "a0", "row_table", "table", "k", "b", "b_step", "c", "c0", "c_row", "height", "n", "add", "rows")
    with w.function("cells", *params):
        for rows, vectors in _choices(w, BLOCKS, w.rows):
            Cells(w, rows).walk(min(vectors, max(1, w.sums // rows)))


def _choices(w, blocks, *sizes):
    """Yield each of `blocks` where the code for it goes: it runs where no size is larger than the block's."""
    b, done = w.builder, w.builder.append_basic_block("all_done")
    for block in blocks:
        fits, other = b.append_basic_block("fits"), b.append_basic_block("more")
        test = ir.IntType(1)(1)
        for size, most in zip(sizes, block):
            test = b.and_(test, b.icmp_signed("<=", size, WORD(most)))
        b.cbranch(test, fits, other)
        b.position_at_end(fits)
        yield block if len(block) > 1 else (*block, None)
        b.branch(done)
        b.position_at_end(other)
    b.branch(done)
    b.position_at_end(done)


class Block:
    """Instructions of a block of so many rows."""

    def __init__(self, writer, rows):
        self.w, self.rows = writer, rows

    def walk(self, vectors):
        """Walk over the columns: whole blocks, then narrower ones, then what fills no vector."""
        w, b = self.w, self.w.builder
        whole = b.sub(w.n, b.srem(w.n, WORD(vectors * w.lanes)))
        with w.loop(WORD(0), whole, vectors * w.lanes) as j:
            self.columns(j, [None] * vectors)
        at = whole
        while vectors > 1:
            vectors = (vectors + 1) // 2
            fits = b.icmp_signed(">=", b.sub(w.n, at), WORD(vectors * w.lanes))
            with b.if_then(fits):
                self.columns(at, [None] * vectors)
            at = b.select(fits, b.add(at, WORD(vectors * w.lanes)), at)
        rest = b.sub(w.n, at)
        with b.if_then(b.icmp_signed(">", rest, WORD(0))):
            self.columns(at, [w.below(rest)])

    def columns(self, j, masks):
        """Sum over k with one accumulator per row and vector, then store them."""
        w, b = self.w, self.w.builder
        sums = [w.variables(len(masks)) for _ in range(self.rows)]
        # Rows past the height have the place of the last one, which is written after them.
        rows = [w.least(WORD(r), b.sub(w.height, WORD(1))) for r in range(self.rows)]
        places = [[w.at(w.c, w.c0, b.mul(r, w.c_row), j, WORD(v * w.lanes)) for v in range(len(masks))] for r in rows]
        with b.if_else(b.icmp_signed("!=", w.add, WORD(0))) as (onto, fresh):
            with onto:
                for place, own in zip(places, sums):
                    for p, s, mask in zip(place, own, masks):
                        b.store(w.load(p, mask), s)
            with fresh:
                for r, own in enumerate(sums):
                    first = self.first(r)
                    for s in own:
                        b.store(first, s)
        with w.loop(WORD(0), w.k) as p:
            self.step(p, j, masks, sums)
        for place, own in reversed([*zip(places, sums)]):
            for p, s, mask in zip(place, own, masks):
                w.store(b.load(s), p, mask)

    def step(self, p, j, masks, sums):
        """Add the products of one step; of both factors, the one that needs fewer registers is held in them."""
        w, b, many = self.w, self.w.builder, len(masks)
        right, left = self.right(p, j), self.left(p)
        y = lambda v: w.load(b.gep(right, [WORD(v * w.lanes)]), masks[v])
        x = lambda r: w.spread(b.load(left(r)))
        add = lambda x, y, s: b.store(w.multiply_add(x, y, b.load(s)), s)
        if many <= self.rows:
            held = [y(v) for v in range(many)]
            for r in range(self.rows):
                own = x(r)
                for v in range(many):
                    add(own, held[v], sums[r][v])
        else:
            held = [x(r) for r in range(self.rows)]
            for v in range(many):
                own = y(v)
                for r in range(self.rows):
                    add(held[r], own, sums[r][v])


class Positions(Block):
    """Instructions of a block of `positions`."""

    def first(self, r):
        w = self.w
        return w.spread(w.builder.load(w.at(w.a, w.start, WORD(r))))

    def right(self, p, j):
        w = self.w
        return w.at(w.b, w.b0, w.word(w.table, p), j)

    def left(self, p):
        w = self.w
        start = w.at(w.a, w.a0, w.builder.mul(p, WORD(self.rows)))
        return lambda r: w.builder.gep(start, [WORD(r)])


class Cells(Block):
    """Instructions of a block of `cells`."""

    def __init__(self, writer, rows):
        super().__init__(writer, rows)
        self.starts = [writer.at(writer.a, writer.a0, writer.word(writer.row_table, WORD(r))) for r in range(rows)]

    def first(self, r):
        return self.w.zeros(self.w.lanes)

    def right(self, p, j):
        return self.w.at(self.w.b, self.w.builder.mul(p, self.w.b_step), j)

    def left(self, p):
        step = self.w.word(self.w.table, p)
        return lambda r: self.w.builder.gep(self.starts[r], [step])


def dots(w):
    """Write `dots`: sums of products over lines that are contiguous in both factors, joined across the lanes.

    For r < height and q < count it sets c[c0 + r * c_row + q], or increases it where `add` is not 0, by the sum over
    h < lines and j < n of a[a0 + r * a_row + h * a_line + j] * b[b0 + table[q] + h * b_line + j].
    """
    params = ("a", "a0", "a_row", "a_line", "b", "b0", "table", "b_line", "lines", "n", "c", "c0", "c_row")
    with w.function("dots", *params, "height", "count", "add"):
        for rows, cells in _choices(w, DOTS, w.height, w.count):
            Dots(w).sums(rows, cells)


class Dots:
    """Instructions of a block of `dots`."""

    def __init__(self, writer):
        self.w = writer

    def sums(self, rows, cells):
        w, b = self.w, self.w.builder
        # What is past the last row or cell is a copy of it.
        row = [w.least(WORD(r), b.sub(w.height, WORD(1))) for r in range(rows)]
        cell = [w.least(WORD(q), b.sub(w.count, WORD(1))) for q in range(cells)]
        totals = w.variables(rows * cells, w.zeros(w.lanes))
        left = [w.at(w.a, w.a0, b.mul(r, w.a_row)) for r in row]
        right = [w.at(w.b, w.b0, w.word(w.table, q)) for q in cell]
        rest = b.srem(w.n, WORD(w.lanes))
        whole, mask = b.sub(w.n, rest), w.below(rest)
        with w.loop(WORD(0), w.lines) as line:
            in_a, in_b = b.mul(line, w.a_line), b.mul(line, w.b_line)
            with w.loop(WORD(0), whole, w.lanes) as j:
                self.products(left, b.add(in_a, j), right, b.add(in_b, j), None, totals)
            with b.if_then(b.icmp_signed(">", rest, WORD(0))):
                self.products(left, b.add(in_a, whole), right, b.add(in_b, whole), mask, totals)
        places = [w.at(w.c, w.c0, b.mul(r, w.c_row), q) for r in row for q in cell]
        joined = [self.joined(b.load(t)) for t in totals]
        zero = ir.Constant(w.element, 0.0 if w.real else 0)
        fresh = b.icmp_signed("==", w.add, WORD(0))
        before = [b.select(fresh, zero, b.load(place)) for place in places]
        for place, old, total in zip(places, before, joined):
            b.store(w.sum(old, total), place)

    def products(self, left, in_a, right, in_b, mask, totals):
        w, b = self.w, self.w.builder
        xs = [w.load(b.gep(p, [in_a]), mask) for p in left]
        for q, p in enumerate(right):
            y = w.load(b.gep(p, [in_b]), mask)
            for r, x in enumerate(xs):
                s = totals[r * len(right) + q]
                b.store(w.multiply_add(x, y, b.load(s)), s)

    def joined(self, value):
        """Add the lanes by halves."""
        w, half = self.w, self.w.lanes // 2
        while half:
            order = w.small([(i + half) % w.lanes for i in range(w.lanes)])
            value, half = w.sum(value, w.builder.shuffle_vector(value, value, order)), half // 2
        return w.builder.extract_element(value, ir.IntType(32)(0))
