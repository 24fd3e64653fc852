"""Rows of windows copied in vector registers: into a frame of zeros, turned, added up, and put where they belong."""

from .window_ir import SIDE, WORD, ir

# Bytes ahead that are asked for while rows are copied: processors look ahead on their own only up to the end of a page,
# which is about what a plane takes. 3 x 3 windows over 16 x 32 planes of 32 x 32 that are not in the second-level cache
# take 1.5 ms instead of 1.85.
AHEAD = 4096


def frame(w):
    """Write `frame`: out[to + i * pitch + j] = x[start + i * row + j * step] for first <= j < last, and 0 for the other
    j < n, for i < lines.

    Up to one vector past n of the last line is overwritten with zeros. Nothing else of x is read, though the cache is
    asked for what lies further on.
    """
    with w.function("frame", "out", "to", "pitch", "x", "start", "row", "step", "first", "last", "n", "lines") as b:
        with b.if_else(b.icmp_signed("==", w.step, WORD(1))) as (single, other):
            with single:
                _framed(w, 1)
            with other, b.if_else(b.icmp_signed("==", w.step, WORD(2))) as (double, any_step):
                with double:
                    _framed(w, 2)
                with any_step, w.loop(WORD(0), w.lines) as i:
                    to, start = b.add(w.to, b.mul(i, w.pitch)), b.add(w.start, b.mul(i, w.row))
                    with w.loop(WORD(0), w.n) as j:
                        b.store(ir.Constant(w.element, 0.0 if w.real else 0), w.at(w.out, to, j))
                    with w.loop(w.first, w.last) as j:
                        b.store(b.load(w.at(w.x, start, b.mul(j, w.step))), w.at(w.out, to, j))


def _framed(w, step):
    """Vector by vector, from the last to the first, all lines: what one writes past its line is written over later."""
    b, lanes = w.builder, w.lanes * step
    with w.loop(WORD(0), w.n, w.lanes) as back:
        j = b.sub(b.mul(b.sdiv(b.sub(w.n, WORD(1)), WORD(w.lanes)), WORD(w.lanes)), back)
        before = b.not_(w.below(b.sub(w.first, j), lanes, step))
        mask = b.and_(before, w.below(b.sub(w.last, j), lanes, step))
        with w.loop(WORD(0), w.lines) as i:
            place = w.at(w.x, w.start, b.mul(i, w.row), b.mul(j, WORD(step)))
            w.prefetch(b.gep(place, [WORD(AHEAD // w.bytes)]))
            value = w.load(place, mask, lanes)
            if step > 1:
                value = b.shuffle_vector(value, w.zeros(lanes), w.small(range(0, lanes, step)))
            w.store(value, w.at(w.out, w.to, b.mul(i, w.pitch), j))


def put(w):
    """Write `put`: out[to + i * pitch + j * to_step] = x[start + i * row + j * step], or increased by it where `add` is
    not 0, for i < lines and j < n."""
    with w.function("put", "out", "to", "pitch", "to_step", "x", "start", "row", "step", "n", "add", "lines") as b:
        plain = b.and_(b.icmp_signed("==", w.step, WORD(1)), b.icmp_signed("==", w.to_step, WORD(1)))
        fresh = b.icmp_signed("==", w.add, WORD(0))
        place = lambda i, j: w.at(w.out, w.to, b.mul(i, w.pitch), b.mul(j, w.to_step))
        source = lambda i, j: w.at(w.x, w.start, b.mul(i, w.row), b.mul(j, w.step))
        with b.if_else(plain) as (vectors, numbers):
            with vectors, w.loop(WORD(0), w.n, w.lanes) as j:
                mask = w.below(b.sub(w.n, j))
                with b.if_else(fresh) as (sets, adds):
                    with sets, w.loop(WORD(0), w.lines) as i:
                        w.store(w.load(source(i, j), mask), place(i, j), mask)
                    with adds, w.loop(WORD(0), w.lines) as i:
                        w.store(w.sum(w.load(place(i, j), mask), w.load(source(i, j), mask)), place(i, j), mask)
            with numbers, w.loop(WORD(0), w.lines) as i, w.loop(WORD(0), w.n) as j:
                value, to = b.load(source(i, j)), place(i, j)
                with b.if_else(fresh) as (sets, adds):
                    with sets:
                        b.store(value, to)
                    with adds:
                        b.store(w.sum(b.load(to), value), to)


def zero(w):
    """Write `zero`: out[to + j] = 0 for j < n."""
    with w.function("zero", "out", "to", "n") as b, w.loop(WORD(0), w.n, w.lanes) as j:
        w.store(w.zeros(w.lanes), w.at(w.out, w.to, j), w.below(b.sub(w.n, j)))


def clear(w):
    """Write `clear`: out[to + p * pitch + i * row + j] = 0 for p < planes, i < lines, and j < first or last <= j < row."""
    nothing = ir.Constant(w.element, 0.0 if w.real else 0)
    with w.function("clear", "out", "to", "row", "first", "last", "lines", "pitch", "planes") as b:
        for start, stop in ((WORD(0), w.first), (w.last, w.row)):
            with w.loop(start, stop) as j, w.loop(WORD(0), w.planes) as p, w.loop(WORD(0), w.lines) as i:
                b.store(nothing, w.at(w.out, w.to, b.mul(p, w.pitch), b.mul(i, w.row), j))


def add_parts(w):
    """Write `add_parts`: out[to + j] = the sum over i < count, in order, of x[start + i * part + j], for j < n."""
    with w.function("add_parts", "out", "to", "x", "start", "part", "count", "n") as b:
        total = w.variables(1)[0]
        with w.loop(WORD(0), w.n, w.lanes) as j:
            mask = w.below(b.sub(w.n, j))
            b.store(w.load(w.at(w.x, w.start, j), mask), total)
            with w.loop(WORD(1), w.count) as i:
                b.store(w.sum(b.load(total), w.load(w.at(w.x, w.start, b.mul(i, w.part), j), mask)), total)
            w.store(b.load(total), w.at(w.out, w.to, j), mask)


def turn(w):
    """Write `turn`: out[to + p * pitch + i] = x[start + i * row + p] for i < rows and p < n."""
    side = min(SIDE, w.lanes)
    with w.function("turn", "out", "to", "pitch", "x", "start", "row", "rows", "n") as b:
        with w.loop(WORD(0), w.rows, side) as i, w.loop(WORD(0), w.n, side) as p:
            rows, columns = b.sub(w.rows, i), b.sub(w.n, p)
            whole = b.and_(b.icmp_signed(">=", rows, WORD(side)), b.icmp_signed(">=", columns, WORD(side)))
            place = lambda q: w.at(w.out, w.to, b.mul(b.add(p, WORD(q)), w.pitch), i)
            with b.if_else(whole) as (full, cut):
                with full:
                    for q, value in enumerate(_turned(w, side, i, p, None, None)):
                        w.store(value, place(q))
                with cut:
                    mask = w.below(rows, side)
                    for q, value in enumerate(_turned(w, side, i, p, rows, w.below(columns, side))):
                        with b.if_then(b.icmp_signed("<", WORD(q), columns)):
                            w.store(value, place(q), mask)


def _turned(w, side, i, p, rows, mask):
    """Return the columns of a square: as many perfect shuffles of its rows as halvings of their number."""
    b, half = w.builder, side // 2
    lines = []
    for r in range(side):
        line = WORD(r) if rows is None else w.least(WORD(r), b.sub(rows, WORD(1)))
        lines.append(w.load(w.at(w.x, w.start, b.mul(b.add(i, line), w.row), p), mask, side))
    low = w.small([k // 2 + side * (k % 2) for k in range(side)])
    high = w.small([half + k // 2 + side * (k % 2) for k in range(side)])
    for _ in range(side.bit_length() - 1):
        pairs = [(lines[r], lines[r + half]) for r in range(half)]
        lines = [b.shuffle_vector(*pair, order) for pair in pairs for order in (low, high)]
    return lines
