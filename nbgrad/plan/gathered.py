"""Products of one matrix with several vectors are one product: the matrix, which is most of the work to read, is read once."""

import numpy as np

from ..ops.cast import copy as COPY  # noqa: N812 - a row this file names itself
from .calls import MADE, Call, Ref, Slot, Stop
from .multiplying import THIN, plan_product, product_call
from .plan import Layout, packed


def gathered(calls, slots, results):
    """Return (calls, slots) in which products of one matrix with up to THIN vectors are taken together."""
    found, writers = {}, {}
    for number, call in enumerate(calls):
        if _is_vector_product(call, slots):
            found.setdefault((call.reads[0], call.op), []).append(number)
        for w in call.writes:
            writers.setdefault(w.slot, []).append(number)
    calls, slots, kept = [[c] for c in calls], list(slots), {r.slot for r in results}
    moved = {}
    for (matrix, op), numbers in found.items():
        first = numbers[0]
        group = [n for n in numbers if _may_move(calls[n][0], writers, kept) and _is_there(calls[n][0].reads, first, writers)][:THIN]
        if len(group) < 2:
            continue
        together, out = _together(op, matrix, [calls[n][0] for n in group], slots)
        for j, n in enumerate(group):
            w = calls[n][0].writes[0]
            moved[w.slot] = out, j * w.layout.size * np.dtype(w.layout.dtype).itemsize
            calls[n] = []
        calls[first] = [*calls[first], *together]
    renamed = lambda r: r if r.slot not in moved else Ref(moved[r.slot][0], r.layout, r.offset + moved[r.slot][1])
    return [c._replace(reads=tuple(map(renamed, c.reads))) for some in calls for c in some], slots


def _is_vector_product(call, slots) -> bool:
    """Say whether a call is a matrix whose rows lie in one piece, times a vector."""
    if isinstance(call, Stop) or call.plan is None or call.op.name != "matmul" or not call.plan.steps:
        return False
    a, b = (r.layout for r in call.reads)
    return a.ndim == b.ndim == 2 and b.shape[1] == 1 and a.strides[1] == 1 and a.shape[0] > THIN and slots[call.writes[0].slot].kind == MADE


def _may_move(call, writers, kept) -> bool:
    w = call.writes[0]
    return w.slot not in kept and len(writers[w.slot]) == 1 and w.whole and not w.offset


def _is_there(reads, number, writers) -> bool:
    """Say whether what is read is made before call `number`, and not written later."""
    return all(i < number for r in reads for i in writers.get(r.slot, ()))


def _together(op, matrix, group, slots):
    """Return the calls that compute the products of a group, one row of the result each, and the slot of the result."""
    (m, k), dtype = matrix.layout.shape, matrix.layout.dtype
    size, rows, out = np.dtype(dtype).itemsize, len(slots), len(slots) + 1
    slots += [Slot(MADE, len(group) * k * size), Slot(MADE, len(group) * m * size)]
    vectors = [c.reads[1] for c in group]
    flat = lambda r: Ref(r.slot, Layout((k,), (r.layout.strides[0],), dtype), r.offset)
    row = lambda j: Ref(rows, packed((k,), dtype), j * k * size)
    copies = [Call(COPY, {}, (flat(r),), (row(j),), None, c.place) for j, (r, c) in enumerate(zip(vectors, group))]
    turned = Layout((k, m), matrix.layout.strides[::-1], dtype)
    reads = (Ref(rows, packed((len(group), k), dtype)), Ref(matrix.slot, turned, matrix.offset))
    made = packed((len(group), m), dtype)
    p, _ = product_call("matmul", tuple(r.layout for r in reads), made)
    return [*copies, Call(op, group[0].attrs, reads, (Ref(out, made),), plan_product(p), group[0].place)], out
