"""Extents of arrays that variables exchange: known before a loop where all arrays that a variable is given are as long."""

from .statements import Array, Const, Put, Ref, Set, walk
from .tidy import replace


def sized(body) -> dict:
    """Let what asks a variable's array for its extents read what was known before, in place; return {name: operand} of these.

    Parameters
    ----------
    body : list
        Of a whole function.
    """
    got = {s.out.name: s.args[0].name for s in walk(body) if isinstance(s, Set) and s.op == "get" and isinstance(s.out.type, Array)}
    asked = [s for s in walk(body) if isinstance(s, Set) and s.op == "size" and s.args[0].name in got]
    if not asked:
        return {}
    extents = _extents(body, got)
    known = {s.out.name: n for s in asked if (n := extents.get((got[s.args[0].name], s.extra))) is not None}
    return known if replace(body, known) else {}


def _extents(body, got):
    """Return (name of a variable, axis) -> the extent of every array that it is given, where that is one number."""
    given, own, early = [], {}, {s.out.name for s in body if isinstance(s, Set)}
    inner = {v.name for s in walk(body) for v in (getattr(s, "out", None), getattr(s, "index", None)) if isinstance(v, Ref)} - early
    for top in body:
        for s in walk([top]):
            if isinstance(s, Set) and s.op == "new":
                own |= {(s.out.name, k): n for k, n in enumerate(s.args) if isinstance(n, Const) or n.name not in inner}
            elif isinstance(s, Put) and isinstance(s.cell.type, Array):
                keys = [(s.value.name, k) for k in range(s.cell.type.ndim)]
                given += [((s.cell.name, k), (got[n], k) if n in got else own.get((n, k))) for n, k in keys]
        if isinstance(top, Set) and top.op == "size":
            own.setdefault((top.args[0].name, top.extra), top.out)
    known = lambda n: found.get(n) if type(n) is tuple else n
    found = {cell: n for cell, n in given if n is not None and type(n) is not tuple}  # whatever one array has; then less and less
    while wrong := {cell for cell, n in given if cell in found and (known(n) is None or known(n) != found[cell])}:
        for cell in wrong:
            del found[cell]
    return found
