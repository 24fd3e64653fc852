"""The order of turns in finished code: forwards where order does not matter, each place of an array written once."""

from .clearing import handed_on, spared, zeroed
from .independent import counts, definitions
from .statements import BOOL, INT, Add, Array, Const, If, Loop, Put, Ref, Set, Store, blocks, walk
from .stencils import begun, gathered
from .tidy import names


def ordered(body, results, roots, fresh):
    """Let loops run forwards where they may, and gather the sums of those that add to several places, in place.

    Sums that come first are written over what an array held, which is then not cleared before. `results` are those of the
    function, None where other statements follow.
    """
    mentions: dict = {}
    for s in walk(body):
        for n in (
            {s.cell.name} if isinstance(s, Put | Add) else {a.name for a in s.args[:1]} if isinstance(s, Set) and s.op == "get" else ()
        ):
            mentions[n] = mentions.get(n, 0) + 1
    known = definitions(body)
    _block(body, roots, fresh, mentions, known)
    anew = spared(body, results, roots, fresh, lambda s, name: gathered(s, roots, fresh, known, {name}) is not None)
    Turning(roots, fresh, known, anew).block(body)


class Turning:
    """Turns about the nests that add to one array at several places, outermost first."""

    def __init__(self, roots, fresh, known, anew):
        self.roots, self.fresh, self.known, self.anew = roots, fresh, known, anew

    def block(self, body, loop=None, before=()):
        """Turn about the nests of a block; return what is to follow the loop that it is the body of, `before` what precedes it."""
        out, behind = [], []
        for s in body:
            made, last = self.nest(s, body, loop, before) if isinstance(s, Loop) else (None, [])
            behind += last
            if made is not None:
                out += made
                continue
            after = []
            for b in blocks(s):
                after += self.block(b, s if isinstance(s, Loop) else None, list(out))
            out += [s, *after]
        body[:] = out
        return behind

    def nest(self, s, body, loop, before):
        """Return (the statements that a nest becomes, what is to follow the loop around it), (None, nothing) for no nest."""
        anew = self.anew.get(id(s), set())
        made = gathered(s, self.roots, self.fresh, self.known, anew)
        if made is not None:
            return made, []
        handed = handed_on(s, body, loop, before, self.roots) if loop is not None else None
        made = _apart(s, self.roots, self.fresh, self.known, anew, handed)
        if handed is not None and made is not None:
            return made, self.cleared(s, handed)
        if made is None:
            made = _apart(s, self.roots, self.fresh, self.known, anew) if handed is not None else None
            begun(s, anew)
        return made, []

    def cleared(self, s, handed):
        """Return the statements that clear what the last turn of a loop would have handed on."""
        array = Ref(self.fresh(handed.array.name), handed.array.type)
        self.roots[array.name] = self.roots.get(handed.array.name, handed.array.name)
        size, some = Ref(self.fresh("n"), INT), Ref(self.fresh("some"), BOOL)
        nest = zeroed(array, handed.zero.index, _loops(s), self.fresh)
        return [Set(array, "get", (handed.cell,), None, s.line), Set(size, "size", (array,), 0, s.line),
                Set(some, ">", (size, Const(0, INT)), None, s.line), If(some, [nest], [], s.line)]  # fmt: skip


def _loops(s):
    return [t for t in walk([s]) if isinstance(t, Loop)]


def _apart(loop, roots, fresh, known, anew=(), handed=None):
    """Turn a nest about for the case that arrays that variables exchange are different memory, which is asked when it runs.

    With `handed`, what the turn before would have cleared is written over, and nothing is cleared for the next turn.
    """
    arrays: dict = {}
    for s in walk(loop.body):
        for v in (s.array,) if isinstance(s, Store) else s.args[:1] if isinstance(s, Set) and s.op == "load" else ():
            arrays.setdefault(roots.get(v.name, v.name), {})[v.name] = v
    shared = [list(found.values()) for found in arrays.values() if len(found) > 1]
    inside = {s.out.name for s in walk(loop.body) if isinstance(s, Set)}
    if not shared or any(v.type.layout != "C" or v.name in inside for found in shared for v in found):
        return None
    own = {v.name: v.name for found in shared for v in found}
    new = {*anew, handed.array.name} if handed else anew
    made = gathered(loop, {**roots, **own}, fresh, known, new)
    if made is None:
        return None
    otherwise = [begun(loop, anew)]
    if handed:
        made = made[:-1]  # the zeros come last
        otherwise = [zeroed(handed.array, handed.zero.index, _loops(loop), fresh), *otherwise]
    written = {s.array.name for s in walk(made) if isinstance(s, Store) and s.add}
    other = {n: Ref(fresh(n), v.type) for found in shared for n, v in ((v.name, v) for v in found) if n not in written}
    for s in walk(made):
        if isinstance(s, Set) and s.op == "load" and s.args[0].name in other:
            s.args = (other[s.args[0].name], *s.args[1:])
    first, test = [], None
    for found in shared:
        for i, a in enumerate(found):
            if a.name in other:
                first.append(Set(other[a.name], "copy", (a,), None, loop.line))
                roots[other[a.name].name] = other[a.name].name
            for b in found[i + 1 :]:
                one = Ref(fresh("distinct"), BOOL)
                first.append(Set(one, "apart", (a, b), None, loop.line))
                both = one if test is None else Ref(fresh("distinct"), BOOL)
                if test is not None:
                    first.append(Set(both, "and", (test, one), None, loop.line))
                test = both
    return [*first, If(test, made, otherwise, loop.line)]


def unforked(f):
    """Return a function without its ways for arrays that lie apart, in place: in what is differentiated, memory has one name."""
    apart: set = set()
    for b in [f.body, *[b for s in walk(f.body) for b in blocks(s)]]:
        kept = []
        for s in b:
            if isinstance(s, Set) and (s.op == "apart" or (s.op == "and" and apart & set(names(s.args)))):
                apart.add(s.out.name)
            elif isinstance(s, If) and apart & set(names((s.test,))):
                kept += s.other
            elif not (isinstance(s, Set) and s.op == "copy" and isinstance(s.out.type, Array)):
                kept.append(s)
        b[:] = kept
    return f


def _block(body, roots, fresh, mentions, known):
    out = []
    for s in body:
        for b in blocks(s):
            _block(b, roots, fresh, mentions, known)
        if isinstance(s, Loop) and s.backward and commutes(s, roots, mentions, known):
            s.backward = False
        out.append(s)
    body[:] = out


def commutes(loop, roots, mentions, known):
    """Say whether the turns of a loop may run in any order; `known` are the `definitions` of the function."""
    inside: dict = {}
    stores, loads = [], []
    for s in walk(loop.body):
        if isinstance(s, Set) and s.op in ("call", "array"):
            return False
        if isinstance(s, Put | Add) or (isinstance(s, Set) and s.op == "get"):
            n = s.cell.name if isinstance(s, Put | Add) else s.args[0].name
            inside.setdefault(n, []).append(s)
        elif isinstance(s, Store):
            stores.append(s)
        elif isinstance(s, Set) and s.op == "load":
            loads.append(s)
    for n, found in inside.items():
        only_sums = all(isinstance(s, Add) for s in found)
        only_read = all(isinstance(s, Set) for s in found)
        own = isinstance(found[0], Put) and found[0] in loop.body and mentions.get(n) == len(found)
        if not (only_sums or only_read or own):
            return False
    home = lambda a: roots.get(a.name, a.name)
    for s in stores:
        if not s.add and not (loop.index in s.index and counts(loop.index, *known)):  # -1 is the last place
            return False
        for t in loads:
            if home(t.args[0]) == home(s.array) and not (t.args[0] == s.array and t.args[1:] == s.index and loop.index in s.index):
                return False
        for t in stores:
            if home(t.array) == home(s.array) and not (s.add and t.add) and not (t.array == s.array and t.index == s.index):
                return False
    return True


