"""Variables that loops change in a known way: sums, and counters that grow by the same step at each turn."""

from .statements import INT, Add, Const, Loop, Put, Ref, Set, blocks, reads, walk
from .tidy import names


def inducted(body, fresh):
    """Write counters as what they are at each turn of their loop, innermost loops first, in place.

    A counter that is computed from the index of its loop need not be kept, and does not tie a turn to the one before.
    """
    out = []
    for s in body:
        for b in blocks(s):
            inducted(b, fresh)
        if isinstance(s, Loop) and isinstance(s.step, Const) and s.step.value == 1 and not s.backward:
            first, last = [], []
            for put in [t for t in s.body if isinstance(t, Put) and t.cell.type == INT]:
                _counter(s, put, fresh, first, last)
            out += [*first, s, *last]
        else:
            out.append(s)
    body[:] = out


def _counter(loop, put, fresh, first, last):
    """Replace a variable to which each turn of a loop adds the same, if it is one."""
    cell, body = put.cell, loop.body
    writes = [t for t in walk(body) if isinstance(t, Put | Add) and t.cell.name == cell.name]
    defined = {t.out.name: t for t in body if isinstance(t, Set)}
    total = defined.get(put.value.name) if isinstance(put.value, Ref) else None
    if len(writes) != 1 or total is None or total.op != "+":
        return
    got, step = total.args if isinstance(total.args[0], Ref) else total.args[::-1]
    source = defined.get(got.name) if isinstance(got, Ref) else None
    if source is None or source.op != "get" or source.args[0].name != cell.name or not isinstance(step, Const):
        return
    place = body.index(put)
    if any(isinstance(t, Set) and t.op == "get" and t.args[0].name == cell.name for x in body[place:] for t in walk([x])):
        return
    base = Ref(fresh(f"{cell.name}base"), INT)
    first.append(Set(base, "get", (cell,), None, loop.line))
    turn = Ref(fresh("turn"), INT)
    grown = Ref(fresh("grown"), INT)
    for b in [body, *[b for t in walk(body) for b in blocks(t)]]:
        for t in b:
            if isinstance(t, Set) and t.op == "get" and t.args[0].name == cell.name:
                t.op, t.args = "+", (base, grown if step.value != 1 else turn)
    body.remove(put)
    head = [Set(turn, "-", (loop.index, loop.start), None, loop.line)]
    if step.value != 1:
        head.append(Set(grown, "*", (turn, step), None, loop.line))
    body[:0] = head
    count, end, whole = (Ref(fresh(n), INT) for n in ("n", "end", "d"))
    last += [Set(count, "turns", (loop.start, loop.stop, loop.step), None, loop.line), Set(whole, "*", (count, step), None, loop.line),
             Set(end, "+", (base, whole), None, loop.line), Put(cell, end, loop.line)]  # fmt: skip


def accumulated(body):
    """Write `x = x + v` as `x += v`, in place: a sum reads nothing of what it was."""
    for b in [body, *[b for s in walk(body) for b in blocks(s)]]:
        uses: dict = {}
        for s in b:
            for n in _mentioned(s):
                uses[n] = uses.get(n, 0) + 1
        for i, s in enumerate(b):
            if isinstance(s, Put) and isinstance(s.value, Ref):
                b[i] = _sum(s, b[:i], uses) or s


def _mentioned(s):
    for t in walk([s]):
        yield from names(reads(t))


def _sum(s, before, uses):
    """Return the `Add` that a `Put` at the end of `before` amounts to, or None."""
    made = {t.out.name: (k, t) for k, t in enumerate(before) if isinstance(t, Set)}
    _, total = made.get(s.value.name, (0, None))
    if total is None or total.op != "+" or uses.get(s.value.name) != 1 or total.out.type != s.cell.type:
        return None
    for a, other in (total.args, total.args[::-1]):
        j, got = made.get(a.name, (0, None)) if isinstance(a, Ref) else (0, None)
        if got is not None and got.op == "get" and got.args[0].name == s.cell.name and uses.get(a.name) == 1:
            between = before[j:]
            if not any(isinstance(t, Put | Add) and t.cell.name == s.cell.name for x in between for t in walk([x])):
                return Add(s.cell, other, s.line)
    return None
