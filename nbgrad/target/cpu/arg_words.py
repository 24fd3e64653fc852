"""The words with which kernels find where an extreme stands: in a run, and in columns row by row.

The text of this file is copied into kernels that reduce, behind `fold_words.py`; it imports nothing of nbgrad.
"""

from llvmlite import ir
from numba import types

from .fold_lanes import GROUP, LANES, SMALL, WORD, Lanes, Number, below, declared, element_type, select, spread
from .fold_words import Cell, instruction, repeat

TOGETHER = 4  # rows of columns that are looked at together


def find_word(dtype, strided):
    """Return the word `find(p, o, step, count, value)`: which of `count` numbers is the first that equals `value`.

    Where `value` is a NaN, the first NaN; otherwise there must be none among the numbers.
    """

    def build(b, p, o, step, count, value):
        at, hits, pick = Cell(b, WORD(0)), Cell(b, WORD(0)), step if strided else None
        if dtype == types.boolean:
            value = b.icmp_unsigned("!=", value, value.type(0))
        elif isinstance(dtype, types.Integer) and dtype.bitwidth < 64:
            value = b.trunc(value, element_type(dtype))  # words take whole numbers of 64 bits
        value = Number(b, spread(b, value), dtype)
        zero = lambda: b.icmp_signed("==", hits.get(), WORD(0))
        with repeat(b, lambda: b.and_(zero(), b.icmp_signed("<", at.get(), count))):
            for g in range(0, LANES, GROUP):
                mask, k = below(b, b.sub(count, at.get()), g), b.add(at.get(), WORD(g))
                x = Lanes(b, p, dtype).load(b.add(o, b.mul(k, step) if strided else k), pick, mask)
                found = b.and_(((x == value) | (x != x)).value, mask)
                hits.move(b.shl(b.zext(b.bitcast(found, ir.IntType(GROUP)), WORD), WORD(g)))
            at.move(WORD(LANES))
        first = declared(b, "llvm.cttz.i64", WORD, [WORD, ir.IntType(1)])
        return b.add(b.sub(at.get(), WORD(LANES)), b.call(first, [hits.get(), ir.IntType(1)(0)]))

    return instruction(types.int64, build)


def places_word(dtype, strided, largest):
    """Return the word that finds the extreme of each of `count` columns and in which of `rows` rows it stands first.

    `fold_places(p, o, apart, step, lane, place, count, rows)`: extremes in `lane`, rows in `place`.
    """

    def build(b, p, o, apart, step, lane, place, count, rows):
        source, lanes, places = Lanes(b, p, dtype), Lanes(b, lane, dtype), Lanes(b, place, types.int32)
        at, row, pick = Cell(b, o), Cell(b, WORD(0)), apart if strided else None
        number = lambda k: Number(b, spread(b, b.trunc(b.add(row.get(), WORD(k)), SMALL)), types.int32)

        def strip(j, height, fresh):
            mask = below(b, b.sub(count, j))
            if not fresh:
                best, where = lanes.load(j), places.load(j)
            for k in range(height):
                start = b.add(at.get(), b.mul(step, WORD(k)))
                x = source.load(b.add(start, b.mul(j, apart) if strided else j), pick, mask)
                if fresh:
                    best, where = x, number(0)
                    continue
                hit = ~(x <= best if largest else x >= best) & (best == best)
                best, where = select(hit, x, best, dtype), select(hit, number(k), where, types.int32)
            lanes.store(best, j)
            places.store(where, j)

        def fold(height, fresh=False):
            j = Cell(b, WORD(0))
            with repeat(b, lambda: b.icmp_signed("<", j.get(), count)):
                strip(j.get(), height, fresh)
                j.move(WORD(GROUP))
            at.move(b.mul(step, WORD(height)))
            row.move(WORD(height))

        fold(1, True)
        for height in (TOGETHER, 1):
            with repeat(b, lambda h=height: b.icmp_signed("<=", b.add(row.get(), WORD(h)), rows)):
                fold(height)

    return instruction(types.void, build)
