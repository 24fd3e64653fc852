"""Tapes of branches, taken before the branch: what the way back reads of them is given back after it, not at the branch's end.

A tape that is given back too early may be taken by another thread, or by a call of the function inside of itself.
"""

from .statements import INT, Const, Do, If, Set, blocks

FIRST = 256  # numbers that a tape of a branch has room for when it is taken; it grows in the branch


def unbranched(body):
    """Move the tapes of branches in front of them, in place."""
    out = []
    for s in body:
        if isinstance(s, If):
            out += [t for b in blocks(s) for t in _taken_out(b)]
        else:
            for b in blocks(s):
                unbranched(b)
        out.append(s)
    body[:] = out


def together(body):
    """Let tapes that grow to the same size ask in one go whether there is room, in place: a branch at each turn, not several."""
    out: list = []
    for s in body:
        for b in blocks(s):
            together(b)
        last = out[-1] if out else None
        if isinstance(s, Do) and isinstance(last, Do) and s.op == last.op == "grow" and s.args[1] == last.args[1]:
            last.args = (*last.args, s.args[0])
        else:
            out.append(s)
    body[:] = out


def _taken_out(branch):
    """Let the tapes of a branch grow there, in place; return what makes them."""
    found = []
    for i, s in enumerate(branch):
        if isinstance(s, Set) and s.op == "tape":
            found.append(Set(s.out, "tape", (Const(FIRST, INT),), s.extra, s.line))
            branch[i] = Do("grow", (s.out, *s.args), None, s.line)
        elif isinstance(s, If):
            found += [t for b in blocks(s) for t in _taken_out(b)]
        else:
            for b in blocks(s):
                unbranched(b)
    return found
