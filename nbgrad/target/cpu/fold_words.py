"""The words with which kernels fold numbers: runs that are dealt out to lanes, and rows of columns.

The text of this file is copied into kernels that reduce, behind `fold_lanes.py`; it imports nothing of nbgrad.
"""

import inspect
from contextlib import contextmanager

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from .fold_lanes import (
    DEEP,
    GROUP,
    LANES,
    PASS,
    SMALL,
    STRIP,
    WORD,
    Lanes,
    Number,
    below,
    element_type,
    select,
)

AHEAD = 2048  # bytes from what is folded of a run to what is requested from memory; half of it for each row of columns


def instruction(result, build):
    """Make a word of what builds its instructions; whole numbers are taken as words of 64 bits."""

    def emit(context, builder, signature, values):
        done = build(builder, *values)
        return context.get_dummy_value() if done is None else done

    def make(*args):
        return result(*[types.int64 if isinstance(a, types.Integer) else a for a in args]), emit

    names, scope = ", ".join(list(inspect.signature(build).parameters)[1:]), {"make": make}
    exec(f"def act(typing, {names}):\n    return make({names})", scope)
    return intrinsic(scope["act"])


class Folding:
    """One reduction: dtypes of memory and accumulator, and its formulas as functions of `Number`.

    `take` folds a number into an accumulator, `merge` an accumulator; `quick` may stand for `take` where there is no
    NaN, which the sums of what was read tell: these lie `watch` accumulators further on. `start` is a number or None;
    `as_is` says that numbers are not cast.
    """

    def __init__(self, memory, acc, take, merge, quick=None, start=None, as_is=False, watch=0):
        self.memory, self.acc, self.take, self.merge, self.quick = memory, acc, take, merge, quick
        self.begin, self.as_is, self.watch = start, as_is and memory != types.boolean, watch

    def numbers(self, builder, pointer, index, step=None, mask=None):
        x = Lanes(builder, pointer, self.memory).load(index, step, mask)
        return x if self.as_is else x.cast(self.acc)

    def start(self, builder):
        kind = ir.VectorType(element_type(self.acc), GROUP)
        return Number(builder, ir.Constant(kind, None), self.acc).constant(self.begin or 0)

    def several(self, builder, xs, lane, at):
        """Fold numbers among themselves, and then into the accumulators from `at` on."""
        before = Lanes(builder, lane, self.acc).load(at)
        self.fresh(builder, xs, lane, at, lambda total: (self.quick or self.merge)(before, total))

    def fresh(self, builder, xs, lane, at, join=lambda total: total):
        """Fold numbers among themselves, and begin the accumulators from `at` on with them."""
        take, total = self.quick or self.take, xs[0]
        if self.begin is not None:
            total = take(self.start(builder), total)
        for x in xs[1:]:
            total = take(total, x)
        lanes = Lanes(builder, lane, self.acc)
        lanes.store(join(total), at)
        if self.quick:
            at = builder.add(at, WORD(self.watch))
            watched = lanes.load(at)
            for x in xs:
                watched = watched + x
            lanes.store(watched, at)

    def empty(self, builder, lane):
        """Begin the accumulators of a run."""
        for g in range(0, LANES, GROUP):
            Lanes(builder, lane, self.acc).store(self.start(builder), WORD(g))

    def add(self, builder, lane, other):
        """Fold other accumulators into those of a run."""
        lanes, others = Lanes(builder, lane, self.acc), Lanes(builder, other, self.acc)
        for g in range(0, LANES, GROUP):
            lanes.store(self.merge(lanes.load(WORD(g)), others.load(WORD(g))), WORD(g))

    def one(self, builder, pointer, index, step, mask, lane, at):
        """Fold the numbers of a mask, exactly."""
        lanes = Lanes(builder, lane, self.acc)
        before = lanes.load(at)
        after = self.take(before, self.numbers(builder, pointer, index, step, mask))
        lanes.store(select(Number(builder, mask, types.boolean), after, before, self.acc), at)

    def set(self, builder, pointer, index, step, mask, lane, at):
        """Begin accumulators with their first numbers."""
        Lanes(builder, lane, self.acc).store(self.numbers(builder, pointer, index, step, mask), at)

    def joined(self, builder, lane, live):
        """Return the accumulators of a run joined by halves, the first `live` of them, or all where it is None."""
        b, lanes = builder, Lanes(builder, lane, self.acc)
        parts = [lanes.load(WORD(g)) for g in range(0, LANES, GROUP)]
        width = LANES
        while width > 1:
            width //= 2
            if width >= GROUP:
                half = len(parts) // 2
                pairs, firsts = list(zip(parts[:half], parts[half:])), range(0, width, GROUP)
            else:
                pairs, firsts = [halves(parts[0], width)], [0]
            parts = []
            for (x, y), first in zip(pairs, firsts):
                total = self.merge(x, y)
                if live is not None:
                    total = select(Number(b, reached(b, live, total, first + width), types.boolean), total, x, self.acc)
                parts.append(total)
        value = b.extract_element(parts[0].value, SMALL(0))
        return b.zext(value, ir.IntType(8)) if self.acc == types.boolean else value


def halves(x, width):
    """Return the first and the second `width` elements of a vector."""
    b, nothing = x.builder, ir.Constant(x.value.type, ir.Undefined)
    take = lambda first: ir.Constant(ir.VectorType(SMALL, width), list(range(first, first + width)))
    return [Number(b, b.shuffle_vector(x.value, nothing, take(first)), x.dtype) for first in (0, width)]


def reached(builder, live, like, first):
    """Return which lanes from number `first` on are below `live`, as many as `like` has."""
    count = like.value.type.count
    numbers = ir.Constant(ir.VectorType(WORD, count), list(range(first, first + count)))
    limit = like.constant(0, types.int64)
    one = builder.insert_element(ir.Constant(limit.value.type, ir.Undefined), live, SMALL(0))
    order = ir.Constant(ir.VectorType(SMALL, count), [0] * count)
    return builder.icmp_signed("<", numbers, builder.shuffle_vector(one, one, order))


class Cell:
    """A whole number that changes as a kernel runs."""

    def __init__(self, builder, value):
        self.builder = builder
        with builder.goto_entry_block():
            self.place = builder.alloca(WORD)
        builder.store(value, self.place)

    def get(self):
        return self.builder.load(self.place)

    def move(self, by):
        self.builder.store(self.builder.add(self.get(), by), self.place)

    def reaches(self, least):
        return self.builder.icmp_signed(">=", self.get(), least)


@contextmanager
def repeat(builder, test):
    """Build a loop around what is built inside of the with; it runs as long as what `test` builds holds."""
    head, inside, done = [builder.append_basic_block(name) for name in ("repeat", "again", "repeated")]
    builder.branch(head)
    builder.position_at_end(head)
    builder.cbranch(test(), inside, done)
    builder.position_at_end(inside)
    yield
    builder.branch(head)
    builder.position_at_end(done)


def several(builder, left, least, fold, exact):
    """Return what tells whether `least` steps may be taken at once."""

    def test():
        enough = left.reaches(WORD(least))
        return builder.and_(enough, builder.icmp_signed("==", exact, WORD(0))) if fold.quick else enough

    return test


def run_word(fold, strided, rounds):
    """Return the word that folds a run; after `rounds` passes, where it is not 0, their sums are put aside.

    `fold_run(p, o, step, count, lane, fresh, exact)`: fresh where the lanes hold nothing yet.
    """
    groups = range(0, LANES, GROUP)

    def build(b, p, o, step, count, lane, fresh, exact):
        at, left = Cell(b, o), Cell(b, count)
        many, pick = several(b, left, PASS, fold, exact), step if strided else None
        place = lambda k: b.add(at.get(), b.mul(WORD(k), step) if strided else WORD(k))

        def advance(by):
            at.move(b.mul(WORD(by), step) if strided else WORD(by))
            left.move(WORD(-by))

        def whole(act, lane):
            if not strided:
                Lanes(b, p, fold.memory).request(at.get(), PASS, AHEAD)
            for g in groups:
                xs = [fold.numbers(b, p, place(g + k), pick) for k in range(0, PASS, LANES)]
                act(b, xs, lane, WORD(g))
            advance(PASS)

        def part(act):
            for g in groups:
                act(b, p, place(g), pick, below(b, left.get(), g), lane, WORD(g))
            advance(LANES)

        if fold.begin is None:
            with b.if_then(fresh), b.if_else(many()) as (long, short):
                with long:
                    whole(fold.fresh, lane)
                with short:
                    part(fold.set)
        if rounds:
            with b.goto_entry_block():
                sums = b.alloca(lane.type.pointee, LANES)
            with repeat(b, many):
                fold.empty(b, sums)
                stop = b.sub(left.get(), WORD(rounds * PASS - 1))
                with repeat(b, lambda: b.and_(many(), left.reaches(stop))):
                    whole(fold.several, sums)
                fold.add(b, lane, sums)
        else:
            with repeat(b, many):
                whole(fold.several, lane)
        with repeat(b, lambda: left.reaches(WORD(1))):
            part(fold.one)

    return instruction(types.void, build)


def columns_word(fold, strided):
    """Return the word that folds rows of columns, each into a lane of its own.

    `fold_columns(p, o, apart, step, lane, count, rows, fresh, exact)`: columns `apart`, rows `step` elements apart.
    """
    groups = range(0, STRIP, GROUP)

    def build(b, p, o, apart, step, lane, count, rows, fresh, exact):
        at, left = Cell(b, o), Cell(b, rows)
        many, pick = several(b, left, DEEP, fold, exact), apart if strided else None
        whole = b.and_(count, WORD(-STRIP))
        place = lambda o, j: b.add(o, b.mul(j, apart) if strided else j)

        def strip(act, j, part):
            starts = [b.add(at.get(), b.mul(step, WORD(k))) for k in range(DEEP)]
            if not strided and not part:
                for o in starts:
                    Lanes(b, p, fold.memory).request(b.add(o, j), STRIP, AHEAD // 2)
            for g in groups:
                to = b.add(j, WORD(g))
                mask = below(b, b.sub(count, j), g) if part else None
                act(b, [fold.numbers(b, p, place(o, to), pick, mask) for o in starts], lane, to)

        def together(act):
            j = Cell(b, WORD(0))
            with repeat(b, lambda: b.icmp_signed("<", j.get(), whole)):
                strip(act, j.get(), False)
                j.move(WORD(STRIP))
            with b.if_then(b.icmp_signed("<", whole, count)):
                strip(act, whole, True)
            at.move(b.mul(step, WORD(DEEP)))
            left.move(WORD(-DEEP))

        def alone(act):
            j = Cell(b, WORD(0))
            with repeat(b, lambda: b.icmp_signed("<", j.get(), count)):
                act(b, p, place(at.get(), j.get()), pick, below(b, b.sub(count, j.get())), lane, j.get())
                j.move(WORD(GROUP))
            at.move(step)
            left.move(WORD(-1))

        if fold.begin is None:
            with b.if_then(fresh), b.if_else(many()) as (long, short):
                with long:
                    together(fold.fresh)
                with short:
                    alone(fold.set)
        with repeat(b, many):
            together(fold.several)
        with repeat(b, lambda: left.reaches(WORD(1))):
            alone(fold.one)

    return instruction(types.void, build)


def behind_word(fold):
    """Return the word `behind(lane, count)`: where the accumulators lie behind the first `count` of them."""
    kind = types.CPointer(types.uint8 if fold.acc == types.boolean else fold.acc)
    return instruction(kind, lambda b, lane, count: b.gep(lane, [count]))


def lane_words(fold):
    """Return the words `empty(lane)` and `joined(lane, live)` for the lanes of a run."""
    kind = types.uint8 if fold.acc == types.boolean else fold.acc

    def joined(b, lane, live):
        if fold.begin is not None:
            return fold.joined(b, lane, None)
        with b.if_else(b.icmp_signed("==", live, WORD(LANES))) as (whole, part):
            with whole:
                every, here = fold.joined(b, lane, None), b.block
            with part:
                some, there = fold.joined(b, lane, live), b.block
        value = b.phi(every.type)
        value.add_incoming(every, here)
        value.add_incoming(some, there)
        return value

    return instruction(types.void, fold.empty), instruction(kind, joined)


def quotient(b, n, by):
    """How often `by` goes into `n`, neither of them negative."""
    return b.udiv(n, by)


def offset(b, args, row, axes, lengths, strides):
    """The offset of a row, counted along axes whose lengths and strides are words of the block."""
    rest, total, d = Cell(b, row), Cell(b, WORD(0)), Cell(b, b.sub(axes, WORD(1)))
    block = b.inttoptr(args, WORD.as_pointer())
    read = lambda first: b.load(b.gep(block, [b.add(first, d.get())]))
    with b.if_then(d.reaches(WORD(0))):
        with repeat(b, lambda: d.reaches(WORD(1))):
            extent = read(lengths)
            above = b.udiv(rest.get(), extent)
            total.move(b.mul(b.sub(rest.get(), b.mul(above, extent)), read(strides)))
            b.store(above, rest.place)
            d.move(WORD(-1))
        total.move(b.mul(rest.get(), read(strides)))
    return total.get()


quotient, offset = instruction(types.int64, quotient), instruction(types.int64, offset)


def watch_words(fold, width):
    """Return the words for the sums of what was read, `width` of them: forget, and whether there was a NaN."""
    groups = range(fold.watch, fold.watch + width, GROUP)

    def forget(b, lane):
        for g in groups:
            Lanes(b, lane, fold.acc).store(fold.start(b), WORD(g))

    def nans(b, lane):
        total = fold.start(b)
        for g in groups:
            total = total + Lanes(b, lane, fold.acc).load(WORD(g))
        return b.zext(b.icmp_unsigned("!=", b.bitcast((total != total).value, ir.IntType(GROUP)), ir.IntType(GROUP)(0)), WORD)

    return instruction(types.void, forget), instruction(types.int64, nans)


def merge_word(fold):
    """Return the word that joins two accumulators."""
    kind = types.uint8 if fold.acc == types.boolean else fold.acc

    @intrinsic
    def merge(typing, a, b):
        def emit(context, builder, signature, values):
            truth = fold.acc == types.boolean
            numbers = [Number(builder, v, kind) for v in values]
            total = fold.merge(*[x != 0 if truth else x for x in numbers])
            return builder.zext(total.value, ir.IntType(8)) if truth else total.value

        return kind(kind, kind), emit

    return merge
