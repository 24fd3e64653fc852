"""What is written into memory that nobody reads afterwards is not written.

A way back computes again what the way forward computed, also for those who read it only on the way forward.
"""

from .statements import Array, If, Loop, Put, Set, Store, While, blocks, reads, walk
from .tidy import names


def unread(body, results, roots, outside=()):
    """Drop stores into arrays of the function that nothing behind them reads, in place; return the statements.

    Parameters
    ----------
    body : list of statements
        Of a function.
    results : operands
    roots : dict
        Array name -> the name of the array whose memory it shares.
    outside : sequence of str
        Arrays that the caller sees.
    """
    home = lambda n: roots.get(n, n)
    own = {home(s.out.name) for s in walk(body) if isinstance(s, Set) and s.op == "new"}
    own -= {home(n) for n in [*names((results,)), *outside]} | _given_away(body, home)
    for s in reversed(body):
        inside = {home(n) for t in walk([s]) for n in _looked_at(t)}
        for b in blocks(s):
            _sweep(b, own - inside, home)
        own -= inside
    return body


def _given_away(body, home):
    """Return the memory that is known by more than its own name and its views: in variables, by calls."""
    out = set()
    for s in walk(body):
        plain = isinstance(s, Store | Loop | While | If) or (isinstance(s, Set) and s.op in ("load", "size", "view", "new"))
        if not plain:
            out.update(home(n) for n in names(reads(s)))
        if isinstance(s, Put) and isinstance(s.cell.type, Array):
            out.add(home(s.cell.name))
        elif isinstance(s, Set) and s.op not in ("new", "view") and isinstance(s.out.type, Array):
            out.add(home(s.out.name))
    return out


def _looked_at(s):
    """Return the arrays whose numbers a statement reads."""
    return names(s.args[:1]) if isinstance(s, Set) and s.op == "load" else ()


def _sweep(body, nobody, home):
    for s in body:
        for b in blocks(s):
            _sweep(b, nobody, home)
    body[:] = [s for s in body if not (isinstance(s, Store) and home(s.array.name) in nobody)]


__all__ = ["unread"]
