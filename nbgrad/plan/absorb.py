"""Elementwise calls behind a product become its epilogue: done while the sums are in cache, their inputs never stored."""

from .calls import MADE, Call, Stop, Work
from .epilogue import COLUMN, MATRIX, SCALAR, Epilogue
from .mapping import Literal
from .multiplying import THIN, plan_product, product_call
from .plan import Layout, packed
from .simplify import literal

PRODUCTS = ("matmul", "linear")
MOST = 8  # extra arrays of an epilogue


def turned(calls, slots, results) -> list:
    """Compute products that are only read transposed that way round: (a b)' = b' a'."""
    readers, kept = {}, {r.slot for r in results}
    for number, call in enumerate(calls):
        for r in call.reads:
            readers.setdefault(r.slot, []).append((number, r))
    calls = list(calls)
    for number, call in enumerate(calls):
        if isinstance(call, Stop) or call.plan is None or call.op.name != "matmul":
            continue
        w, found = call.writes[0], readers.get(call.writes[0].slot, ())
        if w.layout.ndim != 2 or w.offset or w.slot in kept or slots[w.slot].kind != MADE or not found:
            continue
        (m, n), over = w.layout.shape, Layout(w.layout.shape[::-1], w.layout.strides[::-1], w.layout.dtype)
        if 1 in (m, n) or any(r.layout != over or r.offset for _, r in found):
            continue
        flat = packed((n, m), w.layout.dtype)
        reads = tuple([r._replace(layout=Layout(r.layout.shape[::-1], r.layout.strides[::-1], r.layout.dtype)) for r in call.reads[::-1]])
        p, copies = product_call("matmul", tuple([r.layout for r in reads]), flat)
        if copies:
            continue
        calls[number] = call._replace(reads=reads, writes=(w._replace(layout=flat),), plan=plan_product(p))
        for i, r in found:
            calls[i] = calls[i]._replace(reads=tuple([q._replace(layout=flat) if q == r else q for q in calls[i].reads]))
    return calls


def absorb(calls, order, slots, kept):
    """Merge chains of elementwise calls with the product whose result only they read; slots `kept` are asked for."""
    for number, call in enumerate(calls):
        if isinstance(call, Call) and call.plan is not None and call.op.name in PRODUCTS and call.plan.steps:
            _absorb(number, calls, order, slots, kept)


def _absorb(number, calls, order, slots, kept):
    chain, m, n = [number], *_matrix(calls[number])
    if min(m, n) <= THIN:
        return
    while True:
        w = calls[chain[-1]].writes[0]
        readers = order.readers.get(w.slot, ())
        if len(readers) != 1 or w.slot in kept or slots[w.slot].kind != MADE or order.writers[w.slot] != [chain[-1]]:
            return
        following = calls[readers[0]]
        if len(chain) == 1 and _adds_onto(following, w) and order.may_merge(number, readers[0]):
            order.merge(number, readers[0])
            return
        if not _takes(following, w, calls[number].writes[0].layout, slots) or len(order.members(readers[0])) > 1:
            return
        read = {r.slot for i in (*chain, readers[0]) for r in calls[i].reads}
        if following.writes[0].slot in read:  # sums are gathered where the result goes: what is read must lie elsewhere
            return
        extras = sum(len(calls[i].reads) for i in chain) + len(following.reads)
        if extras > MOST + len(chain) or not order.may_merge(number, readers[0]):
            return
        order.merge(number, readers[0])
        chain.append(readers[0])


def _matrix(call):
    """Return how many rows and columns the products of a call have together."""
    out = call.writes[0].layout
    n = out.shape[-1] if out.ndim else 1
    return out.size // max(1, n), n


def _adds_onto(call, w) -> bool:
    """Say whether a call adds the value at `w` to what it writes over."""
    if not isinstance(call, Call) or call.plan is not None or call.op.name != "add":
        return False
    target, both = call.writes[0], [r for r in call.reads if r.slot != w.slot]
    return both == [target] and target.whole and target.layout.size == w.layout.size and target.layout.dtype == w.layout.dtype


def _takes(call, w, out, slots) -> bool:
    """Say whether an elementwise call of the value at `w` can be done place by place of a product's result."""
    if not isinstance(call, Call) or call.plan is not None or len(call.writes) != 1:
        return False
    target = call.writes[0]
    same = [r for r in call.reads if r.slot == w.slot]
    return (
        target.layout.dtype == out.dtype and target.layout.size == out.size and target.whole
        and all(r.layout.dtype == out.dtype for r in call.reads)
        and all(r.whole and r.layout.size == out.size and r.offset == w.offset for r in same)
        and all(kind_of(r, out, slots) is not None for r in call.reads if r.slot != w.slot)
    )  # fmt: skip


def kind_of(r, out, slots):
    """Return how an extra array lies beside a product's result; None when an epilogue cannot read it."""
    if literal(r, slots) is not None or r.layout.size == 1:
        return SCALAR
    lengths = lambda shape: tuple(n for n in shape if n != 1)
    if r.whole and r.layout.size == out.size and lengths(r.layout.shape) == lengths(out.shape):
        return MATRIX
    columns = r.layout.shape and r.layout.shape[-1] == out.shape[-1] and r.layout.size == out.shape[-1]
    return COLUMN if columns and (r.layout.strides[-1] == 1 or out.shape[-1] == 1) else None


def product_work(group, slots) -> Work:
    """Return the work of a product and the elementwise calls behind it."""
    call, chain = group[0], group[1:]
    if not chain:
        return Work(call.plan, call.reads, call.writes, (call.op,), (call.place,))
    p, copies = product_call(call.op.name, tuple(r.layout for r in call.reads), call.writes[0].layout)
    if _adds_onto(chain[0], call.writes[0]):
        reads = (*call.reads, *chain[0].writes)
        plan = plan_product(p._replace(add=1))
        later = lambda i: i + 1 if i >= len(call.reads) else i  # what is added to is read, and then is the result
        steps = tuple(s._replace(pointers=tuple(map(later, s.pointers))) for s in plan.steps)
        return Work(plan._replace(steps=steps), reads, chain[0].writes, (call.op, chain[0].op), (call.place, chain[0].place))
    taken = list(range(2, len(call.reads)))  # what the product's own epilogue takes: a bias
    kinds, reads, known = list(p.epilogue.extras), list(call.reads), {}
    calls = list(p.epilogue.calls)
    out, values = call.writes[0].layout, {call.writes[0].slot: len(calls)}
    steps = []
    for c in chain:
        args = []
        for r in c.reads:
            if r.slot in values:
                args.append(("value", values[r.slot]))
                continue
            number = literal(r, slots)
            if number is not None:
                args.append(Literal(number))
                continue
            if r not in known:
                known[r] = len(reads)
                kinds.append(kind_of(r, out, slots))
                reads.append(r)
            args.append(("extra", known[r] - 2))
        steps.append((c.op, args))
        values[c.writes[0].slot] = len(calls) + len(steps)
    extras = len(kinds)
    place = lambda a: a if isinstance(a, Literal) else 1 + a[1] if a[0] == "extra" else (extras + a[1] if a[1] else 0)
    shifted = [(op, tuple(v if v <= len(taken) else v + extras - len(taken) for v in vs)) for op, vs in calls]
    calls = shifted + [(op, tuple(map(place, args))) for op, args in steps]
    layouts = (*p.extras, *[r.layout for r in reads[len(call.reads) :]])
    plan = plan_product(p._replace(epilogue=Epilogue(tuple(calls), tuple(kinds)), extras=layouts))
    assert not copies
    return Work(plan, tuple(reads), group[-1].writes, tuple(c.op for c in group), tuple(c.place for c in group))
