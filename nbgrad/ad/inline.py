"""A function in place of its call: its statements under names of their own."""

from .copying import copy_of
from .expressions import Tup
from .statements import Function, Ref, Set
from .tidy import renamed, replace


def inlined(builder, f: Function, values):
    """Write a function of given values into the open block of a builder; return its results.

    Parameters
    ----------
    builder : object
        With `block`, `fresh`, `taken`, `roots` and `line`.
    f : Function
    values : sequence
        One operand for each parameter, a `Tup` for a tuple.
    """
    for p in f.params:
        builder.taken.setdefault(p.name, 1)  # no name of the copy may be that of a parameter
    f = copy_of(f, builder.fresh)
    given = {p.name: v for p, v in zip(f.params, values, strict=True)}
    body = _taken_apart(f.body, given)
    replace(body, given)
    _remember(builder, f.roots, given)
    for s in body:
        s.line = builder.line
    builder.block += body
    return renamed(f.results, given) if f.results is not None else None


def _remember(builder, roots, given):
    """Note whose memory the arrays share: what shares that of a parameter shares that of its value."""
    home = lambda n: builder.roots.get(n, n)
    tops: dict = {}
    for n, v in given.items():
        if isinstance(v, Ref) and n in roots:
            root, own = roots[n], home(v.name)
            other = tops.setdefault(root, own)
            if other != own:  # two arguments that may share memory
                builder.roots.update({m: other for m, r in builder.roots.items() if r == own} | {own: other})
    for n, root in roots.items():
        if n not in given:
            builder.roots[n] = home(tops.get(root, root))


def _taken_apart(body, given):
    """Take the parts of tuples that are known item by item from there; note them in `given`."""
    kept = []
    for s in body:
        if isinstance(s, Set) and s.op == "part" and isinstance(given.get(s.args[0].name), Tup):
            given[s.out.name] = given[s.args[0].name].items[s.extra]
        else:
            kept.append(s)
    return kept
