"""Neighbours into one loop: elementwise calls over the same places become one kernel with several outputs.

A value that only its own kernel reads is never stored. A call joins a group when nothing that must run between them is
left outside, and when every place they share is read and written at the same turn of the loop. Reductions join those that
make or read what they fold; nobody in the group reads their results, which are there only when all turns are done.
"""

import functools
from math import prod

from ..base.shapes import contiguous_strides
from ..ops.cast import copy as COPY  # noqa: N812 - a row this file names itself
from .absorb import absorb, product_work
from .calls import MADE, Call, Ref, Stop, Work
from .finishing import CONVOLUTIONS, OPERANDS, Rows, can_finish, finished_work
from .folding import MOST as REDUCED
from .folding import plan_folding, reduces, wordless, worthwhile
from .mapping import After, Body, Literal, Reduced, broadcast_strides, compute_dtype, plan_body
from .order import Order
from .pieces import apart
from .plan import Layout
from .recomputing import Recomputing
from .simplify import literal

MOST = 24  # inputs of a fused kernel
LONGEST = 160  # calls of a fused kernel
BEHIND = 6  # calls behind the reductions of a kernel
SMALL = 1 << 13  # numbers of a reduction alone that others follow: larger ones are faster in a loop of their own


class Member(Call):
    """A call, and what is asked of it again and again while groups are found.

    Attributes
    ----------
    is_map, is_reduction : bool
        Whether it is an elementwise row, a reduction that runs in one pass with such rows.
    over : tuple
        The shape that it runs over; `size`, the number of turns; `lengths`, the shape without axes of length 1.
    flat : bool
        Whether every operand lies in one piece of the size of the result, or is one number.
    slots_read : set of int
    """

    @classmethod
    def of(cls, call):
        """Return a call as a member; a stop as it is."""
        if isinstance(call, Stop):
            return call
        self, first = cls(*call), call.writes[0].layout
        self.is_map, self.is_reduction = call.plan is None and first.size > 0, reduces(call)
        self.over = (call.reads[0].layout if self.is_reduction else first).shape
        self.size, self.lengths = prod(self.over), tuple([n for n in self.over if n != 1])
        pieces = [r.layout.size == 1 or (r.whole and r.layout.size == self.size) for r in (*call.reads, *call.writes)]
        self.flat = all(pieces) and not (self.is_reduction and first.size > 1)
        self.slots_read, self._touched = {r.slot for r in call.reads}, {}
        return self

    def touched(self, shape) -> list:
        """Return (slot, how it is walked over `shape`, whether it is written) of each operand; what is folded is written later."""
        found = self._touched.get(shape)
        if found is None:
            written = () if self.is_reduction else self.writes
            found = [(r.slot, _walk(r, self.over, shape), False) for r in self.reads]
            found += [(w.slot, _walk(w, self.over, shape), True) for w in written]
            self._touched[shape] = found
        return found


def fuse(calls, slots, results) -> list:
    """Return works in an order that keeps every read behind the write it needs."""
    order = Order(calls)
    absorb(calls, order, slots, results)
    calls = list(map(Member.of, calls))
    for number, call in enumerate(calls):
        if _is_map(call):
            _join(number, calls, order)
    kept = {r.slot for r in results}
    for number, call in enumerate(calls):
        if isinstance(call, Call) and call.op.name in CONVOLUTIONS and can_finish(call):
            _finish(number, calls, order, slots, kept)
    for number, call in enumerate(calls):  # last, so that they keep no elementwise call from its neighbours
        if _is_reduction(call):
            _join(number, calls, order)
    behind: set = set()
    for number, call in enumerate(calls):
        if _is_reduction(call) and behind.isdisjoint(order.members(number)):
            behind |= _follow(number, calls, order, slots)
    is_loop = lambda members: _is_loop([calls[i] for i in members if i not in behind])
    again = Recomputing(calls, order, slots, kept, is_loop, _fit)
    return [work for members in order.sorted() for work in _works(members, behind, calls, again, slots, kept)]


def _is_map(call) -> bool:
    return isinstance(call, Member) and call.is_map


def _is_reduction(call) -> bool:
    return isinstance(call, Member) and call.is_reduction


def _is_loop(group) -> bool:
    """Say whether calls are elementwise rows, and reductions that run in one pass with them."""
    if not group or isinstance(group[0], Stop):  # a stop is always alone
        return False
    return any([c.is_map for c in group]) and all([c.is_map or c.is_reduction for c in group])


def _join(number, calls, order):
    """Let a call join the groups of those that made what it reads, or that read what it reads or made it."""
    refused = set()
    for other in order.near(number):
        members, own = order.members(other), order.members(number)
        if own is members or members[0] in refused or len(members) + len(own) > LONGEST:
            continue
        first, second = [calls[i] for i in members], [calls[i] for i in own]
        if _is_loop([*first, *second]) and _fit(first, second) and order.may_merge(other, number):
            order.merge(other, number)
            refused.clear()
        else:
            refused.add(members[0])


def _fit(first, second) -> bool:
    """Say whether calls can run in one loop: over the same places, and what both touch at the same turn."""
    calls = [*first, *second]
    shape = _shape(calls)
    return shape is not None and _together(calls, shape)


def _together(calls, shape) -> bool:
    """Say whether calls can run in one loop over `shape`."""
    touched, written = {}, set()
    for call in calls:
        for slot, walk, writes in call.touched(shape):
            touched.setdefault(slot, []).append((walk, writes))
            if writes:
                written.add(slot)
    for walks in [touched[slot] for slot in written]:
        if any([walk != walks[0][0] for walk, _ in walks]) and not _parts(walks):
            return False
    if len(touched) - len(written) > MOST or not _ordered(calls):
        return False
    if not any([c.is_reduction for c in calls]):
        return True
    return _reduced_alike(calls, shape, {w for walks in touched.values() for w, _ in walks})


def _reduced_alike(calls, shape, walks) -> bool:
    """Say whether the reductions among calls over `shape` fold the same axes, and nobody else touches their results."""
    found = list(filter(_is_reduction, calls))
    if not found:
        return True
    slots = [r.slot for c in calls for r in (*c.reads, *c.writes)]
    if len(found) > REDUCED or any(slots.count(c.writes[0].slot) > 1 for c in found):
        return False
    if not all(_is_reduction(c) or wordless(c.op) for c in calls):
        return False
    axes, lengths = {_folded(c, shape) for c in found}, tuple([n for n in shape if n != 1])
    return len(axes) == 1 and worthwhile(lengths, axes.pop(), tuple([w.layout.strides for w in walks]))


def _folded(call, shape) -> tuple:
    """Return which axes of `shape`, those of length 1 left out, a reduction folds."""
    if call.lengths != tuple([n for n in shape if n != 1]):  # all of a flat one
        return tuple(range(sum(n != 1 for n in shape)))
    long = [a for a, n in enumerate(call.over) if n != 1]
    return tuple([i for i, a in enumerate(long) if a in call.attrs["axis"]])


def _finish(number, calls, order, slots, kept):
    """Let a convolution take a group of elementwise calls that read its result."""
    call = calls[number]
    out, own = call.writes[0], {r.slot for r in call.reads}
    readers = order.readers.get(out.slot, ())
    if order.writers[out.slot][0] != number or any(other < number for other in readers):
        return
    for other in readers:
        group = [calls[i] for i in order.members(other)]
        if not all(map(_is_map, group)) or own & {c.writes[0].slot for c in group} or not order.may_merge(number, other):
            continue
        alike = all(c.flat or c.lengths == call.lengths for c in group)
        if alike and _together([Member.of(call._replace(reads=())), *group], out.layout.shape):
            elsewhere = order.read_elsewhere(order.members(other)) | kept
            if len(_rows(group, out.layout.shape, elsewhere, slots).layouts) <= OPERANDS:
                order.merge(number, other)
                return


def _follow(number, calls, order, slots) -> set:
    """Let a kernel with reductions take elementwise calls that read their results; return the numbers of these calls."""
    group = [calls[i] for i in order.members(number)]
    results = {c.writes[0].slot: c.writes[0] for c in group if _is_reduction(c)}
    if not (_is_loop(group) or _is_small(group)) or any("float" not in w.layout.dtype for w in results.values()):
        return set()
    read, written = {r.slot for c in group for r in c.reads}, {c.writes[0].slot for c in group} - results.keys()
    behind: set = set()
    for other in [i for slot in results for i in order.readers.get(slot, ())]:
        following = set(order.members(other)) - behind
        if number in following or len(behind) + len(following) > BEHIND or not order.may_merge(number, other):
            continue
        if all(_follows(calls[i], results, read, written, slots) for i in following):
            order.merge(number, other)
            behind |= following
    return behind


def _is_small(group) -> bool:
    """Say whether a reduction alone costs little more than its launch, so that the loop of rows does for it."""
    shape = group[0].over
    return len(group) == 1 and group[0].size <= SMALL and _reduced_alike(group, shape, {_walk(group[0].reads[0], shape, shape)})


def _follows(call, results, read, written, slots) -> bool:
    """Say whether a call can be done to the results of reductions, one by one, in a kernel that reads and writes these slots."""
    if not _is_map(call) or not wordless(call.op):
        return False
    w, size = call.writes[0], next(iter(results.values())).layout.size
    whole = [r for r in (*call.reads, w) if r.layout.size == size or r.slot in results]
    return (
        slots[w.slot].kind == MADE and w.slot not in read and w.slot not in written
        and all(r.whole and r.layout.size == size for r in whole)
        and all(r.offset == results[r.slot].offset for r in whole if r.slot in results)
        and all("float" in r.layout.dtype and (r in whole or r.layout.size == 1) for r in (*call.reads, w))
        and written.isdisjoint([r.slot for r in call.reads if literal(r, slots) is None])
    )  # fmt: skip


def _ordered(calls) -> bool:
    """Say whether each value that is written over what was read is made of it: the reading then comes first for sure.

    Kernels tell LLVM that what is read and what is written do not overlap, so that nothing else keeps their order.
    """
    read, again = set(), False
    for call in calls:
        read |= call.slots_read
        again = again or call.writes[0].slot in read
    if not again:
        return True
    made, read = {}, set()  # slot -> slots that its value is made of
    for call in calls:
        own = set()
        for r in call.reads:
            if r.slot not in made:
                read.add(r.slot)
            own |= made.get(r.slot, {r.slot})
        slot = call.writes[0].slot
        if slot in read and slot not in own:
            return False
        made[slot] = own
    return True


def _parts(walks) -> bool:
    """Say whether what is touched of a slot is parts without a place in common, which are only written."""
    parts = list({walk for walk, _ in walks})
    lengths = [r for r, writes in walks if writes]
    return len(lengths) == len(walks) and all(apart(a, b) for i, a in enumerate(parts) for b in parts[:i])


def _shape(calls):
    """Return the shape that all calls can run over, or None: that of those with operands in more than one piece."""
    lengths = {c.lengths for c in calls if not c.flat} or {calls[0].lengths}
    if len(lengths) > 1 or any([c.size != calls[0].size for c in calls]):
        return None
    like = lengths.pop()
    return max([c.over for c in calls if c.lengths == like], key=len)


@functools.lru_cache(8192)
def _walk(r, own, shape):
    """Return how an operand of a call over the shape `own` is walked over `shape`: along the axes that are longer than 1."""
    layout = spread(r.layout, own, shape)
    axes = [(n, s) for n, s in zip(shape, layout.strides) if n != 1]
    return Ref(0, Layout(tuple([n for n, _ in axes]), tuple([s for _, s in axes]), layout.dtype), r.offset)


@functools.lru_cache(8192)
def spread(layout, own, shape) -> Layout:
    """Return an operand of a call over the shape `own` as one over all of `shape`: the same axes, or a flat one cut anew."""
    axes = [(n, s) for n, s in zip(own, broadcast_strides(layout, own)) if n != 1]
    if [n for n, _ in axes] != [n for n in shape if n != 1]:
        axes = list(zip(shape, (0,) * len(shape) if layout.size == 1 else contiguous_strides(shape)))
        axes = [axis for axis in axes if axis[0] != 1]
    strides = iter([s for _, s in axes])
    return Layout(tuple(shape), tuple([next(strides) if n != 1 else 0 for n in shape]), layout.dtype)


def _works(members, behind, calls, again, slots, kept) -> list:
    """Return the work of a group of calls; two where other calls follow reductions whose results are made of parts."""
    elsewhere = again.stored(members) | kept
    first, after = [i for i in members if i not in behind], [calls[i] for i in members if i in behind]
    if not after:
        return [_work(members, calls, again, slots, elsewhere)]
    results = {calls[i].writes[0].slot for i in first if _is_reduction(calls[i])}
    work = _work(first, calls, again, slots, elsewhere | results)
    rows = _rows(after, _shape(after), elsewhere, slots)
    if work.plan.scratch:
        return [work, Work(_planned(after, rows), rows.reads, rows.writes, *_told(after))]
    return [_followed(work, after, rows, elsewhere, slots)]


def _told(group) -> tuple:
    """Return what a work says of the calls that it does."""
    return tuple(c.op for c in group), tuple(c.place for c in group), tuple(group)


def _followed(work, tail, rows, elsewhere, slots) -> Work:
    """Return a work with more calls behind its reductions: `tail`, fused to `rows`; others read the slots `elsewhere`."""
    group = list(work.calls)
    own, reduced = _rows(group, _shape(group), elsewhere, slots), [c.writes[0] for c in group if _is_reduction(c)]
    results = [w.slot for w in reduced]
    arrays, inputs = [r for r in rows.reads if r.slot not in results], len(rows.reads)
    count = len(results) + len(arrays)
    given = [results.index(r.slot) if r.slot in results else len(results) + arrays.index(r) for r in rows.reads]
    place = lambda v: v if isinstance(v, Literal) else given[v] if v < inputs else v - inputs + count
    made = tuple((op, tuple(map(place, args)), dtype, out) for op, args, dtype, out in rows.body.calls)
    body, operands = rows.body._replace(calls=made, outs=tuple(map(place, rows.body.outs))), (*arrays, *rows.writes)
    stored, dtypes = tuple(s in elsewhere for s in results), tuple(r.layout.dtype for r in operands)
    after = After(body, stored, dtypes, tuple(i < len(arrays) and r.layout.size == 1 for i, r in enumerate(operands)))
    kept = [w for w, keep in zip(reduced, stored) if keep]
    plan = _planned(group, own._replace(body=own.body._replace(after=after)))
    return Work(plan, (*own.reads, *arrays), (*own.writes, *kept, *rows.writes), *_told([*group, *tail]))


def _planned(group, rows):
    """Return the plan of elementwise calls and of the reductions that run with them, fused to `rows`."""
    layouts = rows.layouts[: len(rows.reads)], rows.layouts[len(rows.reads) :]
    shape, reduced = _shape(group), [c for c in group if not _is_map(c)]
    return plan_folding(rows.body, shape, _folded(reduced[0], shape), *layouts) if reduced else plan_body(rows.body, *layouts)


def _work(members, calls, again, slots, elsewhere):
    """Return the work of a group of calls, and of those that it makes again; others read the slots `elsewhere`."""
    if isinstance(calls[members[0]], Stop):
        return calls[members[0]]
    group = [calls[i] for i in sorted({*members, *again.made(members)})]
    first = next((c for c in group if not _is_map(c)), None)
    if first is not None and first.op.name in CONVOLUTIONS and len(group) > 1:
        rest = [c for c in group if c is not first]
        rows = _rows(rest, first.writes[0].layout.shape, elsewhere, slots)
        return finished_work(first, rest, rows, slots, elsewhere)
    if not _is_loop(group):
        return product_work(group, slots)._replace(calls=tuple(group))
    rows = _rows(group, _shape(group), elsewhere, slots)
    writes = (*rows.writes, *[c.writes[0] for c in group if not _is_map(c)])
    return Work(_planned(group, rows), rows.reads, writes, *_told(group))


def _rows(group, shape, elsewhere, slots) -> Rows:
    """Return a group of calls as rows over `shape`, without the results of reductions; others read the slots `elsewhere`."""
    reads, layouts, known, made, outs, reduced = [], [], {}, [], {}, []
    for c in group:
        args = []
        for r in c.reads:
            number, key = literal(r, slots) if _is_map(c) else None, (r.slot, _walk(r, c.over, shape))
            if number is None and key not in known:
                known[key] = -1 - len(reads)  # an input; numbers from 0 are calls
                reads.append(r)
                layouts.append(spread(r.layout, c.over, shape))
            args.append(known[key] if number is None else Literal(number))
        w = c.writes[0]
        if not _is_map(c):
            reduced.append(Reduced(c.op, args[0], c.reads[0].layout.dtype, c.attrs["acc"], w.layout.dtype))
            continue
        key = (w.slot, _walk(w, c.over, shape))
        known[key] = len(made)
        made.append((c.op, args, compute_dtype(c.op, tuple([r.layout.dtype for r in c.reads])), w.layout.dtype))
        if slots[w.slot].kind != MADE or w.slot in elsewhere:
            outs[key] = w, spread(w.layout, c.over, shape)
    if not made:  # a reduction alone
        made, reduced = [(COPY, [-1], layouts[0].dtype, layouts[0].dtype)], [reduced[0]._replace(value=0)]
    place = lambda v: v if isinstance(v, Literal) else -1 - v if v < 0 else len(reads) + v
    made = tuple((op, tuple(map(place, args)), dtype, out) for op, args, dtype, out in made)
    writes, found = tuple([w for w, _ in outs.values()]), tuple(place(known[key]) for key in outs)
    slots_read = {r.slot for r in reads}
    reduced = tuple([r._replace(value=place(r.value)) for r in reduced])
    body = Body(made, found, any(w.slot in slots_read for w in writes), reduced)
    return Rows(body, tuple(reads), writes, (*layouts, *[layout for _, layout in outs.values()]))
