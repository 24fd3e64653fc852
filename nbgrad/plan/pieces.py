"""Arrays put together of pieces: each piece is written straight to its place.

`place`, `concat` and `overwrite` become copies into parts of their result, which fuse with what makes the piece. A sum of
results of `place` whose pieces do not overlap, as the gradient of slices is one, becomes one array that all write to.
"""

import numpy as np

from ..base.shapes import contiguous_strides
from ..ops.cast import copy as COPY  # noqa: N812 - a row this file names itself
from .calls import CONSTANT, MADE, Call, Ref, Stop
from .plan import Layout


def opened(calls, slots):
    """Return (calls, slots) with copies in the place of calls that put arrays together."""
    out, slots = [], list(slots)
    for call in calls:
        parts = None if isinstance(call, Stop) or call.plan is None else _parts(call)
        if parts is None:
            out.append(call)
        else:
            out += [Call(COPY, {}, (r,), (w,), None, call.place) for r, w in parts]
    return _joined(out, slots), slots


def _parts(call):
    """Return (ref read, ref written) of each copy that a call is made of, or None."""
    name, w = call.op.name, call.writes[0]
    if not w.whole:
        return None
    if name == "place":
        return [(call.reads[0], _inside(w, call.reads[0], call.attrs["strides"], call.attrs["offset"]))]
    if name == "overwrite":
        x, v = call.reads
        return [(x, w), (v, _inside(w, v, call.attrs["strides"], call.attrs["offset"]))]
    if name == "concat":
        strides, parts, start = contiguous_strides(w.layout.shape), [], 0
        for r in call.reads:
            parts.append((r, _inside(w, r, strides, start * strides[call.attrs["axis"]])))
            start += r.layout.shape[call.attrs["axis"]]
        return [part for part in parts if part[0].layout.size]
    return None


def _inside(w, r, strides, offset) -> Ref:
    """Return the ref to a part of what is written at `w`: of the shape of `r`, by strides and an offset in elements."""
    layout = Layout(r.layout.shape, tuple(strides), w.layout.dtype)
    return Ref(w.slot, layout, w.offset + offset * np.dtype(w.layout.dtype).itemsize)


def _joined(calls, slots) -> list:
    """Let sums of arrays of zeros and pieces be one array; leave out zeros that are all written over."""
    writers, readers = {}, {}
    for number, call in enumerate(calls):
        for w in call.writes:
            writers.setdefault(w.slot, []).append(number)
        for r in call.reads:
            readers.setdefault(r.slot, []).append(number)
    calls, pieces = list(calls), {}
    for number, call in enumerate(calls):
        if isinstance(call, Stop) or call.plan is not None or call.op.name != "add":
            continue
        w, both = call.writes[0], []
        for r in call.reads:
            found = pieces.get(r.slot) or _pieces(r.slot, calls, slots, writers.get(r.slot, ()))
            whole = r.whole and r.layout.size == w.layout.size and not r.offset
            both.append(found if whole and readers.get(r.slot) == [number] else None)
        if None in both or both[0] is both[1] or slots[w.slot].kind != MADE or writers[w.slot] != [number] or not w.whole or w.offset:
            continue
        if any(not apart(calls[i].writes[0], calls[j].writes[0]) for i in both[0][1:] for j in both[1][1:]):
            continue
        first, second = both
        zero, spare = min(first[0], second[0]), max(first[0], second[0])
        calls[zero] = calls[zero]._replace(writes=(w,))
        calls[spare] = calls[number] = None
        for i in (*first[1:], *second[1:]):
            part = calls[i].writes[0]
            calls[i] = calls[i]._replace(writes=(Ref(w.slot, part.layout, part.offset),))
        pieces[w.slot] = [zero, *first[1:], *second[1:]]
        writers[w.slot] = pieces[w.slot]
    for slot, numbers in pieces.items():
        zero = calls[numbers[0]]
        covered = sum(calls[i].writes[0].layout.size for i in numbers[1:])
        if zero is not None and zero.writes[0].slot == slot and covered == zero.writes[0].layout.size:
            calls[numbers[0]] = None
    return [c for c in calls if c is not None]


def _pieces(slot, calls, slots, writers):
    """Return the numbers of the calls that make a slot of zeros and pieces: zeros first; None when it is made otherwise."""
    if slots[slot].kind != MADE or len(writers) < 2 or any(calls[i] is None or calls[i].op is not COPY for i in writers):
        return None
    zero = calls[writers[0]]
    source = slots[zero.reads[0].slot]
    if zero.reads[0].layout.size != 1 or source.kind != CONSTANT or source.remote:
        return None
    if source.array.reshape(-1)[0] != 0 or not zero.writes[0].whole:
        return None
    return list(writers)


def apart(a, b) -> bool:
    """Say whether two parts of a slot have no element in common; False when that is not easily seen."""
    size, axes, starts = np.dtype(a.layout.dtype).itemsize, {}, []
    if np.dtype(b.layout.dtype).itemsize != size:
        return False
    for which, r in enumerate((a, b)):
        steps = [(n - 1, s) for n, s in zip(r.layout.shape, r.layout.strides)]
        starts.append(r.offset // size + sum(n * s for n, s in steps if s < 0))  # an axis that goes back, from its other end
        for n, s in steps:
            if n * s:
                axes.setdefault(abs(s), [1, 1])[which] += n
    shift = starts[1] - starts[0]
    reach = lambda which: sum(s * (n[which] - 1) for s, n in axes.items())
    if shift > reach(0) or -shift > reach(1):
        return True
    return not _reaches(shift, sorted(((s, *n) for s, n in axes.items()), reverse=True))


def _reaches(shift, axes) -> bool:
    """Say whether steps along the axes (stride, lengths in a and in b) lead from an element of b to one of a."""
    if not axes:
        return shift == 0
    stride, n, m = axes[0]
    rest = sum(s * max(i - 1, j - 1) for s, i, j in axes[1:])
    low, high = -(-(shift - rest) // stride), (shift + rest) // stride
    if high - low > 64:
        return True
    return any(_reaches(shift - k * stride, axes[1:]) for k in range(max(low, 1 - m), min(high, n - 1) + 1))
