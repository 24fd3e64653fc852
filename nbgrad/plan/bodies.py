"""Elementwise calls, and the reductions that run with them, as one body over one shape."""

from typing import NamedTuple

from ..ops.cast import copy as COPY  # noqa: N812 - a row this file names itself
from .calls import MADE
from .mapping import Body, Literal, Reduced, compute_dtype
from .members import is_map, spread, walk
from .simplify import literal


class Rows(NamedTuple):
    """Elementwise calls fused over one shape: their body, what they read and write, and how that lies over the shape."""

    body: Body
    reads: tuple
    writes: tuple
    layouts: tuple


def rows_of(group, shape, elsewhere, slots) -> Rows:
    """Return a group of calls as rows over `shape`, without the results of reductions; others read the slots `elsewhere`."""
    reads, layouts, known, made, outs, reduced = [], [], {}, [], {}, []
    for c in group:
        args = []
        for r in c.reads:
            number, key = literal(r, slots) if is_map(c) else None, (r.slot, walk(r, c.over, shape))
            if number is None and key not in known:
                known[key] = -1 - len(reads)  # an input; numbers from 0 are calls
                reads.append(r)
                layouts.append(spread(r.layout, c.over, shape))
            args.append(known[key] if number is None else Literal(number))
        w = c.writes[0]
        if not is_map(c):
            reduced.append(Reduced(c.op, args[0], c.reads[0].layout.dtype, c.attrs["acc"], w.layout.dtype))
            continue
        key = (w.slot, walk(w, c.over, shape))
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
