"""Neighbours into one loop: elementwise calls over the same places become one kernel with several outputs.

A value that only its own kernel reads is never stored. A call joins a group when nothing that must run between them is
left outside, and when every place they share is read and written at the same turn of the loop.
"""

import functools

from ..base.shapes import contiguous_strides
from .absorb import absorb, product_work
from .calls import MADE, Call, Ref, Stop, Work
from .finishing import CONVOLUTIONS, OPERANDS, Rows, can_finish, finished_work
from .mapping import Body, Literal, broadcast_strides, compute_dtype, plan_body
from .order import Order
from .pieces import apart
from .plan import Layout
from .simplify import literal

MOST = 24  # inputs of a fused kernel
LONGEST = 160  # calls of a fused kernel


def fuse(calls, slots, results) -> list:
    """Return works in an order that keeps every read behind the write it needs."""
    order = Order(calls)
    absorb(calls, order, slots, results)
    for number, call in enumerate(calls):
        if _is_map(call):
            _join(number, calls, order)
    kept = {r.slot for r in results}
    for number, call in enumerate(calls):
        if isinstance(call, Call) and call.op.name in CONVOLUTIONS and can_finish(call):
            _finish(number, calls, order, slots, kept)
    return [_work(members, calls, order, slots, kept) for members in order.sorted()]


def _is_map(call) -> bool:
    return isinstance(call, Call) and call.plan is None and call.writes[0].layout.size > 0


def _join(number, calls, order):
    """Let an elementwise call join the groups of those that made what it reads, or that read what it reads."""
    if not _is_map(calls[order.members(number)[0]]):
        return
    for other in order.near(number):
        members, own = order.members(other), order.members(number)
        if own is members or not _is_map(calls[members[0]]) or len(members) + len(own) > LONGEST:
            continue
        if _fit([calls[i] for i in members], [calls[i] for i in own]) and order.may_merge(other, number):
            order.merge(other, number)


def _fit(first, second) -> bool:
    """Say whether calls can run in one loop: over the same places, and what both touch at the same turn."""
    shape = _shape(first, second)
    return shape is not None and _together([*first, *second], shape)


def _together(calls, shape) -> bool:
    """Say whether calls can run in one loop over `shape`."""
    touched = {}
    for call in calls:
        for r, writes in (*[(r, False) for r in call.reads], *[(w, True) for w in call.writes]):
            touched.setdefault(r.slot, []).append((_walk(r, _over(call), shape), writes))
    for walks in touched.values():
        if any(writes for _, writes in walks) and len({w for w, _ in walks}) > 1 and not _parts(walks):
            return False
    if not _ordered(calls):
        return False
    inputs = [slot for slot, walks in touched.items() if not any(writes for _, writes in walks)]
    return len(inputs) <= MOST


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
        alike = all(_is_flat(c) or _lengths(c) == _lengths(call) for c in group)
        if alike and _together([call._replace(reads=()), *group], out.layout.shape):
            elsewhere = order.read_elsewhere(order.members(other)) | kept
            if len(_rows(group, out.layout.shape, elsewhere, slots).layouts) <= OPERANDS:
                order.merge(number, other)
                return


def _lengths(call) -> list:
    return [n for n in _over(call) if n != 1]


def _ordered(calls) -> bool:
    """Say whether each value that is written over what was read is made of it: the reading then comes first for sure.

    Kernels tell LLVM that what is read and what is written do not overlap, so that nothing else keeps their order.
    """
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


def _shape(first, second):
    """Return the shape that both lists of calls can run over, or None."""
    a, b = first[0].writes[0].layout.shape, second[0].writes[0].layout.shape
    if tuple(n for n in a if n != 1) == tuple(n for n in b if n != 1):
        return a if len(a) >= len(b) else b
    if first[0].writes[0].layout.size != second[0].writes[0].layout.size:
        return None
    if all(map(_is_flat, second)):
        return a
    return b if all(map(_is_flat, first)) else None


def _is_flat(call) -> bool:
    """Say whether every operand lies in one piece of the size of the result, or is one number."""
    size = call.writes[0].layout.size
    return all(r.layout.size == 1 or (r.whole and r.layout.size == size) for r in (*call.reads, *call.writes))


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


def _work(members, calls, order, slots, kept):
    """Return the work of a group of calls."""
    call = calls[members[0]]
    if isinstance(call, Stop):
        return call
    group, elsewhere = [calls[i] for i in members], order.read_elsewhere(members) | kept
    first = next((c for c in group if not _is_map(c)), None)
    if first is not None and first.op.name in CONVOLUTIONS and len(group) > 1:
        rest = [c for c in group if c is not first]
        rows = _rows(rest, first.writes[0].layout.shape, elsewhere, slots)
        return finished_work(first, rest, rows, slots, elsewhere)
    if first is not None:
        return product_work(group, slots)._replace(calls=tuple(group))
    shape = group[0].writes[0].layout.shape
    for c in group[1:]:
        shape = _shape([c], [group[0]]) if not _is_flat(c) or len(c.writes[0].layout.shape) > len(shape) else shape
    rows = _rows(group, shape, elsewhere, slots)
    plan = plan_body(rows.body, rows.layouts[: len(rows.reads)], rows.layouts[len(rows.reads) :])
    return Work(plan, rows.reads, rows.writes, tuple(c.op for c in group), tuple(c.place for c in group), tuple(group))


def _rows(group, shape, elsewhere, slots) -> Rows:
    """Return a group of elementwise calls as rows over `shape`; `elsewhere` are the slots that others read."""
    reads, layouts, known, made, outs = [], [], {}, [], {}
    for c in group:
        args = []
        for r in c.reads:
            number, key = literal(r, slots), (r.slot, _walk(r, _over(c), shape))
            if number is None and key not in known:
                known[key] = -1 - len(reads)  # an input; numbers from 0 are calls
                reads.append(r)
                layouts.append(spread(r.layout, _over(c), shape))
            args.append(known[key] if number is None else Literal(number))
        w = c.writes[0]
        key = (w.slot, _walk(w, _over(c), shape))
        known[key] = len(made)
        made.append((c.op, args, compute_dtype(c.op, tuple([r.layout.dtype for r in c.reads])), w.layout.dtype))
        if slots[w.slot].kind != MADE or w.slot in elsewhere:
            outs[key] = w, spread(w.layout, _over(c), shape)
    place = lambda v: v if isinstance(v, Literal) else -1 - v if v < 0 else len(reads) + v
    made = tuple((op, tuple(map(place, args)), dtype, out) for op, args, dtype, out in made)
    writes, found = tuple([w for w, _ in outs.values()]), tuple(place(known[key]) for key in outs)
    slots_read = {r.slot for r in reads}
    body = Body(made, found, any(w.slot in slots_read for w in writes))
    return Rows(body, tuple(reads), writes, (*layouts, *[layout for _, layout in outs.values()]))


def _over(call) -> tuple:
    """Return the shape that a call runs over."""
    return call.writes[0].layout.shape
