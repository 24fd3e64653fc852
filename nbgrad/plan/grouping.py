"""Which calls become one kernel.

A call joins a group when nothing that must run between them is left outside, and when every place they share is read and
written at the same turn of the loop. Reductions join those that make or read what they fold; nobody in the group reads
their results, which are there only when all turns are done, but a few calls that follow them, one result at a time.
"""

from typing import NamedTuple

from .absorb import absorb
from .alike import pattern_of
from .bodies import rows_of
from .calls import MADE, Call
from .finishing import CONVOLUTIONS, OPERANDS, can_finish
from .folding import MOST as REDUCED
from .folding import wordless, worthwhile
from .members import Member, folded, is_loop, is_map, is_reduction, shape_of, walk
from .order import Order
from .pieces import apart
from .recomputing import Recomputing
from .simplify import literal

MOST = 24  # inputs of a fused kernel
LONGEST = 160  # calls of a fused kernel
BEHIND = 6  # calls behind the reductions of a kernel
SMALL = 1 << 13  # numbers of a reduction alone that others follow: larger ones are faster in a loop of their own
KEPT = 64  # patterns of records whose groups are remembered


class Group(NamedTuple):
    """Calls of one kernel, by number.

    members : in order; behind : those that follow its reductions; made : calls of other groups that it makes again;
    stored : slots that others read from memory.
    """

    members: tuple
    behind: tuple
    made: tuple
    stored: frozenset


_known: dict = {}  # pattern of a record -> its groups


def groups_of(calls, slots, kept, products=True) -> list:
    """Return the groups of calls in an order that keeps every read behind the write it needs.

    Records of one pattern (a step at another batch size) have the same groups, which are found once.

    Parameters
    ----------
    calls : list of Member, or of Stop
    slots : sequence of Slot
    kept : set of int
        Slots that are asked for.
    products : bool
        Whether elementwise calls join products of matrices and convolutions.
    """
    pattern = pattern_of(calls, slots, kept)
    pattern = None if pattern is None else (pattern, products)
    found = _known.get(pattern) if pattern is not None else None
    if found is None:
        found = _found(calls, slots, kept, products)
        if pattern is not None:
            if len(_known) >= KEPT:
                del _known[next(iter(_known))]
            _known[pattern] = found
    return found


def _found(calls, slots, kept, products) -> list:
    order = Order(calls)
    if products:
        absorb(calls, order, slots, kept)
    for number, call in enumerate(calls):
        if is_map(call):
            _join(number, calls, order)
    for number, call in enumerate(calls):
        if products and isinstance(call, Call) and call.op.name in CONVOLUTIONS and can_finish(call):
            _finish(number, calls, order, slots, kept)
    for number, call in enumerate(calls):  # last, so that they keep no elementwise call from its neighbours
        if is_reduction(call):
            _join(number, calls, order)
    behind: set = set()
    for number, call in enumerate(calls):
        if is_reduction(call) and behind.isdisjoint(order.members(number)):
            behind |= _follow(number, calls, order, slots)
    loop = lambda members: is_loop([calls[i] for i in members if i not in behind])
    again = Recomputing(calls, order, slots, kept, loop, fit)
    groups = []
    for members in order.sorted():
        first, after = [i for i in members if i not in behind], [i for i in members if i in behind]
        groups.append(Group(tuple(first), tuple(after), tuple(again.made(members)), frozenset(again.stored(members))))
    return groups


def _join(number, calls, order):
    """Let a call join the groups of those that made what it reads, or that read what it reads or made it."""
    refused = set()
    for other in order.near(number):
        members, own = order.members(other), order.members(number)
        if own is members or members[0] in refused or len(members) + len(own) > LONGEST:
            continue
        first, second = [calls[i] for i in members], [calls[i] for i in own]
        if is_loop([*first, *second]) and fit(first, second) and order.may_merge(other, number):
            order.merge(other, number)
            refused.clear()
        else:
            refused.add(members[0])


def fit(first, second) -> bool:
    """Say whether calls can run in one loop: over the same places, and what both touch at the same turn."""
    calls = [*first, *second]
    shape = shape_of(calls)
    return shape is not None and _together(calls, shape)


def _together(calls, shape) -> bool:
    """Say whether calls can run in one loop over `shape`."""
    touched, written = {}, set()
    for call in calls:
        for slot, walked, writes in call.touched(shape):
            touched.setdefault(slot, []).append((walked, writes))
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
    found = list(filter(is_reduction, calls))
    if not found:
        return True
    slots = [r.slot for c in calls for r in (*c.reads, *c.writes)]
    if len(found) > REDUCED or any(slots.count(c.writes[0].slot) > 1 for c in found):
        return False
    if not all(is_reduction(c) or wordless(c.op) for c in calls):
        return False
    axes, lengths = {folded(c, shape) for c in found}, tuple([n for n in shape if n != 1])
    return len(axes) == 1 and worthwhile(lengths, axes.pop(), tuple([w.layout.strides for w in walks]))


def _finish(number, calls, order, slots, kept):
    """Let a convolution take a group of elementwise calls that read its result."""
    call = calls[number]
    out, own = call.writes[0], {r.slot for r in call.reads}
    readers = order.readers.get(out.slot, ())
    if order.writers[out.slot][0] != number or any(other < number for other in readers):
        return
    for other in readers:
        group = [calls[i] for i in order.members(other)]
        if not all(map(is_map, group)) or own & {c.writes[0].slot for c in group} or not order.may_merge(number, other):
            continue
        alike = all(c.flat or c.lengths == call.lengths for c in group)
        if alike and _together([Member.of(call._replace(reads=())), *group], out.layout.shape):
            elsewhere = order.read_elsewhere(order.members(other)) | kept
            if len(rows_of(group, out.layout.shape, elsewhere, slots).layouts) <= OPERANDS:
                order.merge(number, other)
                return


def _follow(number, calls, order, slots) -> set:
    """Let a kernel with reductions take elementwise calls that read their results; return the numbers of these calls."""
    group = [calls[i] for i in order.members(number)]
    results = {c.writes[0].slot: c.writes[0] for c in group if is_reduction(c)}
    if not (is_loop(group) or _is_small(group)) or any("float" not in w.layout.dtype for w in results.values()):
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
    return len(group) == 1 and group[0].size <= SMALL and _reduced_alike(group, shape, {walk(group[0].reads[0], shape, shape)})


def _follows(call, results, read, written, slots) -> bool:
    """Say whether a call can be done to the results of reductions, one by one, in a kernel that reads and writes these slots."""
    if not is_map(call) or not wordless(call.op):
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
