"""Elementwise rows behind a convolution, done to each block of its result while that is in cache."""

import numpy as np

from .calls import MADE, Work
from .plan import Kernel, planners

CONVOLUTIONS = ("conv_output", "conv_biased", "conv_input_grad")
OPERANDS = 12  # arrays that the rows may read and write, as in target/cpu/window_words.py


def can_finish(call) -> bool:
    """Say whether the kernel of a convolution can do elementwise rows to its result: when one step writes all of it."""
    products = [s for s in call.plan.steps if s.kernel.loop == "conv_product"]
    return call.op.name in CONVOLUTIONS and len(products) == 1 and not call.plan.zero and call.writes[0].whole


def finished_work(call, group, rows, slots, elsewhere) -> Work:
    """Return the work of a convolution and the elementwise calls `group` behind it, fused to `rows`."""
    out, body = call.writes[0], rows.body
    writes, place = rows.writes, _sums(out, rows, slots, elsewhere)
    if place is None:
        place, writes = len(writes), (*writes, out)
    else:
        body = body._replace(shared=True)
    reads = (*call.reads, *[r for r in rows.reads if r.slot != out.slot])
    first, later = len(reads), iter(range(len(call.reads), len(reads)))
    operands = [first + place if r.slot == out.slot else next(later) for r in rows.reads]
    operands += range(first, first + len(rows.writes))
    fn, _ = planners[call.op.name]
    plan = fn(tuple([r.layout for r in call.reads]), call.attrs, out.layout, rows._replace(body=body))
    where = lambda i: i if i < len(call.reads) else first + place if i == len(call.reads) else i - len(call.reads) - 1 + first + len(writes)
    steps = [s._replace(pointers=tuple(map(where, s.pointers))) for s in plan.steps]
    padded = (*operands, *[operands[-1]] * (OPERANDS - len(operands)))
    steps[-1] = steps[-1]._replace(pointers=(*padded, *steps[-1].pointers))
    calls = (call, *group)
    return Work(plan._replace(steps=tuple(steps)), reads, writes, tuple([c.op for c in calls]), tuple([c.place for c in calls]), calls)


def _sums(out, rows, slots, elsewhere):
    """Return which array that the rows write also takes the sums, which nobody else needs; None when none can.

    It is made of them, so that they are read before it is written, and what else the rows read lies elsewhere.
    """
    numbers = [i for i, r in enumerate(rows.reads) if r.slot == out.slot]
    read = {r.slot for r in rows.reads if r.slot != out.slot}
    for i, (w, value) in enumerate(zip(rows.writes, rows.body.outs)):
        made_of_it = set(numbers) & set(rows.body.made_of(value, len(rows.reads)))
        like = w.whole and w.layout.size == out.layout.size and w.layout.dtype == out.layout.dtype
        if w.slot == out.slot or (made_of_it and like and w.slot not in read):
            if w.slot == out.slot or (slots[out.slot].kind == MADE and out.slot not in elsewhere):
                return i
    return None


def finish_words(rows, blocks, paces, sizes, strides) -> list:
    """Return the words of `finish` (see target/cpu/window_words.py).

    Parameters
    ----------
    rows : Rows
    blocks : sequence of int
        How many blocks of positions there are along d, h, w.
    paces : sequence of int
        How many places of the result a position stands for, along d, h, w.
    sizes : sequence of int
        Channels of the result, places along d, h, w.
    strides : list of tuple
        Per operand, of the axes image, channel, d, h, w.
    """
    # Axes that lie one behind the other in all operands are walked as one; so are those of length 1.
    cut, joined, length, inner = [1, *blocks], 0, sizes[3], [s[4] for s in strides]
    for axis in (2, 1, 0):
        steps = [s[1 + axis] for s in strides]
        if length == 1:
            inner = steps
        elif sizes[axis] > 1 and (max(cut[axis + 1 :]) > 1 or any(s != length * i for s, i in zip(steps, inner))):
            break
        length, joined = length * sizes[axis], joined + 1
    classes = "".join("1" if i == 1 else "0" if i == 0 else "s" for i in inner)
    dtypes = tuple([x.dtype for x in rows.layouts])
    kernel = Kernel("map", dtypes, rows.body, (classes, True))
    words = [kernel, len(strides), joined, *paces, *sizes[1:]]
    for dtype, own, i in zip(dtypes, strides, inner):
        words += [np.dtype(dtype).itemsize, *own, i]
    return words
