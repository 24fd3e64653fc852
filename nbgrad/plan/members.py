"""Calls as fusion sees them: over what they run, and how each operand is walked there."""

import functools
from math import prod

from ..base.shapes import contiguous_strides
from .calls import Call, Ref, Stop
from .folding import reduces
from .mapping import broadcast_strides
from .plan import Layout


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
            found = [(r.slot, walk(r, self.over, shape), False) for r in self.reads]
            found += [(w.slot, walk(w, self.over, shape), True) for w in written]
            self._touched[shape] = found
        return found


def is_map(call) -> bool:
    return isinstance(call, Member) and call.is_map


def is_reduction(call) -> bool:
    return isinstance(call, Member) and call.is_reduction


def is_loop(group) -> bool:
    """Say whether calls are elementwise rows, and reductions that run in one pass with them."""
    if not group or isinstance(group[0], Stop):  # a stop is always alone
        return False
    return any([c.is_map for c in group]) and all([c.is_map or c.is_reduction for c in group])


def shape_of(calls):
    """Return the shape that all calls can run over, or None: that of those with operands in more than one piece."""
    lengths = {c.lengths for c in calls if not c.flat} or {calls[0].lengths}
    if len(lengths) > 1 or any([c.size != calls[0].size for c in calls]):
        return None
    like = lengths.pop()
    return max([c.over for c in calls if c.lengths == like], key=len)


def folded(call, shape) -> tuple:
    """Return which axes of `shape`, those of length 1 left out, a reduction folds."""
    if call.lengths != tuple([n for n in shape if n != 1]):  # all of a flat one
        return tuple(range(sum(n != 1 for n in shape)))
    long = [a for a, n in enumerate(call.over) if n != 1]
    return tuple([i for i, a in enumerate(long) if a in call.attrs["axis"]])


@functools.lru_cache(8192)
def walk(r, own, shape):
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
