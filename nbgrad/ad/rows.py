"""Rows of arrays: an element of a row is an element of the array, and a row that is only read so need not be made."""

import re

from .statements import Set, Store, walk

ROW = re.compile(r"\{0\}\[\{\d+\}(, \{\d+\})*\]")  # a view at integers along the first axes


def unrolled(body):
    """Read and write the elements of rows where they lie in their array, in place.

    Numba counts the names of an array; a row that is made at each turn of a loop costs more than what is read of it.
    """
    known: dict = {}
    for s in walk(body):
        if isinstance(s, Set) and s.op == "view" and ROW.fullmatch(s.extra):
            base, index = known.get(s.args[0].name, (s.args[0], ()))
            known[s.out.name] = (base, (*index, *s.args[1:]))
        elif isinstance(s, Set) and s.op == "load" and s.args[0].name in known:
            base, index = known[s.args[0].name]
            s.args = (base, *index, *s.args[1:])
        elif isinstance(s, Set) and s.op == "size" and s.args[0].name in known:
            base, index = known[s.args[0].name]
            s.args, s.extra = (base,), s.extra + len(index)
        elif isinstance(s, Store) and s.array.name in known:
            base, index = known[s.array.name]
            s.array, s.index = base, (*index, *s.index)
