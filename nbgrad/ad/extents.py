"""Extents of the arrays that a function returns, without what is in them."""

from .copying import leaves, size_of, taken
from .expressions import Tup
from .rules import Builder
from .statements import Array, Do, Function, Set, blocks, reads, walk
from .tidy import CHECKS, dead, names

SEEING = ("load", "array", "call", "copy")  # to name an array, or a part of it, is not to look at what it holds


def extents(f: Function) -> Function:
    """Return the function of the same arguments that gives a tuple of extents for each number and array that `f` returns.

    What it does not need for them is not computed; checks are left to `f`. The statements of `f` are taken over.
    """
    _unchecked(f.body)
    builder = Builder(taken(f))
    results = Tup([Tup(_extents(f, v, builder) if isinstance(v.type, Array) else []) for v in leaves(f.results)])
    return f._replace(body=dead([*f.body, *builder.block], (results,), f.roots, (), SEEING), results=results)


def _extents(f, v, builder) -> list:
    return list(f.extents[v.name] if v.name in f.extents else size_of(builder, v)[0])


def _unchecked(body):
    body[:] = [s for s in body if not (isinstance(s, Do) and s.op in CHECKS)]
    for s in body:
        for b in blocks(s):
            _unchecked(b)


def looks(f: Function) -> set:
    """Return the names of the parameters whose values a function reads, not only how long their axes are."""
    found = set(names((f.results,)))
    for s in walk(f.body):
        if isinstance(s, Do) and s.op in CHECKS:
            continue
        seen = isinstance(s, Set) and s.op in SEEING
        found.update(n for v in reads(s) for n in names((v,)) if seen or not isinstance(v.type, Array))
    return {f.roots.get(n, n) for n in found} & {p.name for p in f.params}
