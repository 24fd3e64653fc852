"""The order of turns in finished code: forwards where order does not matter, each place of an array written once."""

from .independent import counts, definitions
from .statements import Add, Loop, Put, Set, Store, blocks, walk
from .stencils import gathered


def ordered(body, roots, fresh):
    """Let loops run forwards where they may, and gather the sums of those that add to several places, in place."""
    mentions: dict = {}
    for s in walk(body):
        for n in {s.cell.name} if isinstance(s, Put | Add) else {a.name for a in s.args[:1]} if isinstance(s, Set) and s.op == "get" else ():
            mentions[n] = mentions.get(n, 0) + 1
    known = definitions(body)
    _block(body, roots, fresh, mentions, known)
    _turned(body, roots, fresh, known)


def _turned(body, roots, fresh, known):
    """Turn about the nests that add to one array at several places, outermost first."""
    out = []
    for s in body:
        made = gathered(s, roots, fresh, known) if isinstance(s, Loop) else None
        if made is None:
            for b in blocks(s):
                _turned(b, roots, fresh, known)
        out += [s] if made is None else made
    body[:] = out


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


