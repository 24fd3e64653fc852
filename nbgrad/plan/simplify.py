"""What need not be computed: calls nobody reads, the same call twice, copies, products with 1 and the like.

Only what leaves every result as it is, NaN, infinities and signed zeros included: x + 0.0 stays, for -0.0 + 0.0 is 0.0.
The one exception: a gradient of zero may change its sign.
"""

import math

import numpy as np

from ..ad.scalar import vjp_op
from ..ops.table import table
from .calls import CONSTANT, MADE, Ref, Slot, Stop
from .plan import Layout

NEUTRAL = {("mul", 0): 1.0, ("mul", 1): 1.0, ("div", 1): 1.0, ("sub", 1): 0.0, ("pow", 1): 1.0}  # (row, argument) -> number

GUARDED = (vjp_op(table["mul"], 0), vjp_op(table["mul"], 1))  # 0 where the gradient is 0, whatever it is multiplied with


def needed(calls, slots, results) -> list:
    """Return the calls whose results somebody reads: the results, memory of others, stops."""
    live, out = {r.slot for r in results}, []
    for call in reversed(calls):
        if isinstance(call, Stop) or any([w.slot in live or slots[w.slot].kind != MADE for w in call.writes]):
            out.append(call)
            live.update([r.slot for r in call.reads])
    return out[::-1]


def simplify(calls, slots, results):
    """Return (calls, slots) of the same results, with less to compute."""
    found = _Simplifier(calls, list(slots), results)
    for number, call in enumerate(calls):
        found.take(number, call)
    return needed(found.calls, found.slots, results), found.slots


def forwarded(calls, slots, results) -> list:
    """Make a value where it is asked for at once, when a result is a copy of it."""
    kept, last, count = {r.slot for r in results}, {}, {}
    for number, call in enumerate(calls):
        for w in call.writes:
            last[w.slot], count[w.slot] = number, count.get(w.slot, 0) + 1
    moved, dropped = {}, set()
    for number, call in enumerate(calls):
        if isinstance(call, Stop) or call.plan is not None or call.op.name != "copy":
            continue
        (r,), (w,) = call.reads, call.writes
        whole = r.layout == w.layout and w.whole and not r.offset and not w.offset and slots[r.slot].size == slots[w.slot].size
        own = slots[r.slot].kind == slots[w.slot].kind == MADE and w.slot in kept and r.slot not in kept and r.slot not in moved
        if whole and own and count[w.slot] == 1 and last.get(r.slot, number) < number:
            moved[r.slot] = w.slot
            dropped.add(number)
    place = lambda refs: tuple([r._replace(slot=moved[r.slot]) if r.slot in moved else r for r in refs])
    return [c._replace(reads=place(c.reads), writes=place(c.writes)) for i, c in enumerate(calls) if i not in dropped]


class _Simplifier:
    """The calls kept so far, and what stands for the values of those that were dropped."""

    def __init__(self, calls, slots, results):
        self.slots, self.calls, self.same, self.known = slots, [], {}, {}
        self.fixed = {r.slot for r in results}
        self.writes, self.last, self.version, self.placed = {}, {}, {}, set()
        for number, call in enumerate(calls):
            if isinstance(call, Stop) or call.plan is not None:
                self.placed.update(r.slot for r in call.reads)  # read as they lie: the plans of these calls say how
            for w in call.writes:
                self.writes[w.slot] = self.writes.get(w.slot, 0) + 1
                self.last[w.slot] = number

    def take(self, number, call):
        """Keep a call, or note what its value is the same as."""
        call = self._unguarded(call._replace(reads=tuple(map(self.renamed, call.reads))))
        if not isinstance(call, Stop):
            if self._replaceable(call):
                ref = self._trivial(call) or self._again(number, call)
                if ref is not None and self.last.get(ref.slot, -1) <= number:
                    self.same[call.writes[0].slot] = ref
                    return
            call = self._cheaper(call)
            for w in call.writes:
                self.version[w.slot] = self.version.get(w.slot, 0) + 1
        self.calls.append(call)

    def renamed(self, r) -> Ref:
        """Return the ref that stands for a ref to a value that was dropped."""
        found = self.same.get(r.slot)
        if found is None:
            return r
        if found.layout.size == 1:
            return Ref(found.slot, Layout(r.layout.shape, (0,) * r.layout.ndim, r.layout.dtype), found.offset)
        return Ref(found.slot, r.layout, r.offset + found.offset)

    def _replaceable(self, call) -> bool:
        """Say whether the value of a call may be taken from elsewhere: one, whole, made here once, not asked for."""
        w = call.writes[0]
        return (
            len(call.writes) == 1 and self.slots[w.slot].kind == MADE and self.writes[w.slot] == 1 and w.slot not in self.fixed
            and w.whole and w.layout.size * np.dtype(w.layout.dtype).itemsize == self.slots[w.slot].size
        )  # fmt: skip

    def _trivial(self, call):
        """Return the ref that a call copies, or None."""
        if call.plan is not None:
            return None
        op, w = call.op, call.writes[0]
        if op.name in ("copy", "astype") and self._equal(call.reads[0], w):
            return call.reads[0]
        for i, r in enumerate(call.reads[:2]):
            neutral = NEUTRAL.get((op.name, i))
            if neutral is not None and self.number(r) == neutral and self._equal(call.reads[1 - i], w):
                return call.reads[1 - i]
        return self._folded(call) if w.layout.size == 1 or w.slot not in self.placed else None

    def _equal(self, r, w) -> bool:
        """Say whether what is read at `r` can stand for what is written to `w`."""
        return r.layout.dtype == w.layout.dtype and r.layout.size == w.layout.size and (r.whole or r.layout.size == 1)

    def number(self, r):
        """Return the number at a ref that never changes, None when there is none."""
        return literal(r, self.slots)

    def _folded(self, call):
        """Return a ref to a number that can be computed now."""
        numbers = [self.number(r) for r in call.reads]
        if None in numbers or not numbers:
            return None
        typed = [np.asarray(n, r.layout.dtype) for n, r in zip(numbers, call.reads)]
        with np.errstate(all="ignore"):
            value = call.op.ref(*typed) if call.op._ref is not None else None
        if value is None:
            return None
        dtype = call.writes[0].layout.dtype
        self.slots.append(Slot(CONSTANT, np.dtype(dtype).itemsize, np.array(value, dtype)))
        return Ref(len(self.slots) - 1, Layout((), (), dtype))

    def _again(self, number, call):
        """Return the value of an equal call before; None, and this one known, when there was none."""
        try:
            attrs = tuple(sorted(call.attrs.items()))
            key = (call.op, attrs, call.writes[0].layout, tuple((r, self.version.get(r.slot, 0)) for r in call.reads))
            found = self.known.get(key)
        except TypeError:  # attributes that cannot be compared
            return None
        if found is None:
            if self.writes[call.writes[0].slot] == 1:
                self.known[key] = call.writes[0]
            return None
        return found

    def _unguarded(self, call):
        """Return a product for one with a guard that nothing can meet: of a gradient that is not 0, or with a finite number."""
        if isinstance(call, Stop) or call.op not in GUARDED:
            return call
        g, partial = map(self.number, call.reads)
        sure = g or (partial is not None and math.isfinite(partial))
        return call._replace(op=table["mul"]) if sure else call

    def _cheaper(self, call):
        """Return a call of the same value that costs less: a square as a product."""
        if call.plan is None and call.op.name == "pow" and self.number(call.reads[1]) == 2.0 and call.reads[0].layout.dtype[0] == "f":
            return call._replace(op=table["mul"], reads=(call.reads[0],) * 2)
        return call


def literal(r: Ref, slots):
    """Return the number at a ref that never changes, None when there is none."""
    slot = slots[r.slot]
    if slot.array is None or slot.remote or not slot.constant or not r.layout.size:
        return None
    if r.layout.size != 1 and any(r.layout.strides[i] for i, n in enumerate(r.layout.shape) if n > 1):
        return None
    flat = slot.array.reshape(-1) if slot.array.flags.c_contiguous else np.ascontiguousarray(slot.array).reshape(-1)
    return flat[r.offset // slot.array.itemsize].item()
