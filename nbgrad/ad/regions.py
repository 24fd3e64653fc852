"""Parts of arrays: along each axis from a first place to an end, each an integer by name plus a number."""

from typing import NamedTuple

from .statements import Const, Ref


class Place(NamedTuple):
    """What an index is: a value by name (None: 0) plus a number."""

    base: str | None
    shift: int


def linear(v, made):
    """Return an integer as a value plus a number."""
    if isinstance(v, Const):
        return Place(None, v.value)
    s = made.get(v.name)
    if s is not None and s.op in ("+", "-") and isinstance(s.args[1], Const) and isinstance(s.args[0], Ref):
        base, shift = linear(s.args[0], made)
        return Place(base, shift + (s.args[1].value if s.op == "+" else -s.args[1].value))
    return Place(v.name, 0)


def not_behind(a, b):
    """Say whether a place is surely not behind another."""
    return a.base == b.base and a.shift <= b.shift


def disjoint(one, two):
    """Say whether two regions surely have no place in common."""
    return any(a is not None and b is not None and (not_behind(a[1], b[0]) or not_behind(b[1], a[0])) for a, b in zip(one, two))


def beside(region, other):
    """Return what of a region surely lies before or behind another, along each axis."""
    out = []
    for axis, ((first, end), span) in enumerate(zip(region, other)):
        if span is not None and not_behind(span[0], end):
            out.append((*region[:axis], (first, span[0]), *region[axis + 1 :]))
        if span is not None and not_behind(first, span[1]):
            out.append((*region[:axis], (span[1], end), *region[axis + 1 :]))
    return out


def inside_of(one, two):
    """Say whether a region surely lies in another."""
    return all(a is not None and b is not None and not_behind(b[0], a[0]) and not_behind(a[1], b[1]) for a, b in zip(one, two))


def _without(region, axis):
    return (*region[:axis], *region[axis + 1 :])


def covered(region, by):
    """Say whether regions hold all of a region: one of them, or several in a row along one axis.

    Regions in a row, each beginning where one before it ends, hold what lies between the first begin and the last end, even
    if some of them are empty.
    """
    if any(inside_of(region, r) for r in by):
        return True
    for axis, (first, end) in enumerate(region):
        row = [r[axis] for r in by if None not in r and inside_of(_without(region, axis), _without(r, axis))]
        here = {s[1] for s in row if not_behind(s[0], first)}
        while more := {s[1] for s in row if any(not_behind(s[0], h) for h in here)} - here:
            here |= more
        if any(not_behind(end, h) for h in here):
            return True
    return False
