"""Neighbours into one loop: elementwise calls over the same places become one kernel with several outputs.

A value that only its own kernel reads is never stored. Which calls belong together is found in `grouping`.
"""

from .absorb import product_work
from .bodies import rows_of
from .calls import Stop, Work
from .cutting import CPU
from .finishing import CONVOLUTIONS, finished_work
from .folding import plan_folding
from .grouping import groups_of
from .mapping import After, Literal, plan_body
from .members import Member, folded, is_loop, is_map, is_reduction, shape_of


def fuse(calls, slots, results, products=True, cut=CPU) -> list:
    """Return works in an order that keeps every read behind the write it needs.

    `products`: whether elementwise calls behind products of matrices and convolutions are done with them; `cut`: how the
    target cuts what is folded.
    """
    calls, kept = list(map(Member.of, calls)), {r.slot for r in results}
    return [work for group in groups_of(calls, slots, kept, products) for work in _works(group, calls, slots, kept, cut)]


def _works(group, calls, slots, kept, cut) -> list:
    """Return the work of a group of calls; two where other calls follow reductions whose results are made of parts."""
    elsewhere = group.stored | kept
    first, after = [calls[i] for i in sorted({*group.members, *group.made})], [calls[i] for i in group.behind]
    if not after:
        return [_work(first, slots, elsewhere, cut)]
    results = {c.writes[0].slot for c in first if is_reduction(c)}
    work = _work(first, slots, elsewhere | results, cut)
    rows = rows_of(after, shape_of(after), elsewhere, slots)
    if work.plan.scratch:
        return [work, Work(_planned(after, rows, cut), rows.reads, rows.writes, *_told(after))]
    return [_followed(work, after, rows, elsewhere, slots, cut)]


def _told(group) -> tuple:
    """Return what a work says of the calls that it does."""
    return tuple(c.op for c in group), tuple(c.place for c in group), tuple(group)


def _followed(work, tail, rows, elsewhere, slots, cut) -> Work:
    """Return a work with more calls behind its reductions: `tail`, fused to `rows`; others read the slots `elsewhere`."""
    group = list(work.calls)
    own, reduced = rows_of(group, shape_of(group), elsewhere, slots), [c.writes[0] for c in group if is_reduction(c)]
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
    plan = _planned(group, own._replace(body=own.body._replace(after=after)), cut)
    return Work(plan, (*own.reads, *arrays), (*own.writes, *kept, *rows.writes), *_told([*group, *tail]))


def _planned(group, rows, cut):
    """Return the plan of elementwise calls and of the reductions that run with them, fused to `rows`."""
    layouts = rows.layouts[: len(rows.reads)], rows.layouts[len(rows.reads) :]
    shape, reduced = shape_of(group), [c for c in group if not is_map(c)]
    return plan_folding(rows.body, shape, folded(reduced[0], shape), *layouts, cut) if reduced else plan_body(rows.body, *layouts)


def _work(group, slots, elsewhere, cut):
    """Return the work of calls in order; others read the slots `elsewhere`."""
    if isinstance(group[0], Stop):
        return group[0]
    if is_loop(group):
        rows = rows_of(group, shape_of(group), elsewhere, slots)
        writes = (*rows.writes, *[c.writes[0] for c in group if not is_map(c)])
        return Work(_planned(group, rows, cut), rows.reads, writes, *_told(group))
    first = next(c for c in group if not is_map(c))
    if first.op.name in CONVOLUTIONS and len(group) > 1:
        rest = [c for c in group if c is not first]
        rows = rows_of(rest, first.writes[0].layout.shape, elsewhere, slots)
        return finished_work(first, rest, rows, slots, elsewhere)
    return product_work(group, slots)._replace(calls=tuple(group))
