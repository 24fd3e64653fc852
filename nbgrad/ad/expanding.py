"""Work arrays that each turn of a loop fills anew, given a place for each turn: what the way back reads is still there."""

from .independent import Cover
from .statements import Array, Const, Loop, Put, Ref, Set, Store, reads, walk
from .tidy import names


def expanded(outer, before, f, roots, fresh):
    """Give work arrays of the loops directly inside of `outer` an axis more, in place.

    Parameters
    ----------
    outer : Loop
        A loop whose turns are independent: the memory is used again at each of its turns.
    before : list
        The block that holds it, where larger arrays are made.
    f : Function
    roots : dict
    fresh : callable

    Returns
    -------
    dict
        Name of each larger array -> (the loop, the array that it stands for).
    """
    made = {s.out.name: s for s in before if isinstance(s, Set) and s.op == "new"}
    found: dict = {}
    for loop in [s for s in outer.body if isinstance(s, Loop)]:
        if not _counted(loop, outer):
            continue
        for root in sorted({s.array.name for s in walk(loop.body) if isinstance(s, Store)}):
            if root in made and _turns_own(root, loop, f, roots, made[root]):
                larger = _enlarged(root, loop, outer, before, made[root], roots, fresh)
                found[larger.name] = (loop, made[root].out)
    return found


def _counted(loop, outer):
    """Say whether the turns of a loop are counted from 0 to a number known before `outer`."""
    inside = {s.out.name for s in walk(outer.body) if isinstance(s, Set)} | {outer.index.name}
    return (isinstance(loop.start, Const) and loop.start.value == 0 and isinstance(loop.step, Const) and loop.step.value == 1
            and not loop.backward and not loop.checkpointed and not any(n in inside for n in names((loop.stop,))))  # fmt: skip


class _Turns:
    """What `Cover` asks of a loop."""

    def __init__(self, roots, extents):
        self.roots, self.extents, self.made = roots, extents, {}

    def root(self, n):
        return self.roots.get(n, n)


def _turns_own(root, loop, f, roots, made):
    """Say whether only one loop uses an array, element by element, and each of its turns fills it before it reads it."""
    inside = {id(s) for s in walk(loop.body)}
    if roots.get(root, root) != root or root in {roots.get(n, n) for n in names((f.results,))}:
        return False
    for s in walk(f.body):
        mentioned = any(roots.get(n, n) == root for n in names(reads(s)))
        if id(s) in inside:
            whole = isinstance(s, Set) and s.op not in ("load", "size") and mentioned
            if whole or (isinstance(s, Put) and isinstance(s.cell.type, Array)):
                return False
        elif mentioned and not (isinstance(s, Set) and s.op == "size"):
            return False
    return made.extra[0] == "empty" and Cover(root, _Turns(roots, {root: made.args})).holds(loop.body)


def _enlarged(root, loop, outer, before, made, roots, fresh):
    """Write the larger array before `outer`, and use it in the loop."""
    kind = Array(made.out.type.dtype, made.out.type.ndim + 1)
    larger = Ref(fresh(root), kind)
    before.insert(before.index(outer), Set(larger, "new", (loop.stop, *made.args), made.extra, made.line))
    roots[larger.name] = larger.name
    for s in walk(loop.body):
        if isinstance(s, Store) and s.array.name == root:
            s.array, s.index = larger, (loop.index, *s.index)
        elif isinstance(s, Set) and s.op == "load" and s.args[0].name == root:
            s.args = (larger, loop.index, *s.args[1:])
    return larger
