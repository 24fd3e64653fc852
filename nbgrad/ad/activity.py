"""Which values carry a derivative: those that depend on an active argument and that a result depends on."""

from ..base.errors import GradientError, problem
from ..ops.table import ZERO, Op
from .matrices import Rule
from .statements import Add, Do, Put, Ref, Set, Store, walk
from .tidy import names

FLAT = ("size", "turns", "int", "and", "or", "not", "~", "//", "<", "<=", ">", ">=", "==", "!=", "&", "|", "^", "<<", ">>",
        "new", "constant", "tape", "max", "apart")  # fmt: skip


def passes(s):
    """Say whether a derivative flows from the arguments of an operation to its result."""
    if not s.out.type.real or s.op in FLAT:
        return False
    if isinstance(s.extra, Rule):
        return not s.extra.flat
    return not (isinstance(s.extra, Op) and s.extra.df is ZERO)


def active(body, roots, inputs, outputs):
    """Return the names (of values, variables and memory) through which derivatives flow from inputs to outputs.

    Raises
    ------
    GradientError
        When what depends on an input is put into an array of integers.
    """
    home = lambda n: roots.get(n, n)
    varied, useful = {home(n) for n in inputs}, {home(n) for n in outputs}
    statements = list(walk(body))
    size = -1
    while size != len(varied):
        size = len(varied)
        for s in statements:
            if isinstance(s, Set):
                if passes(s) and any(home(n) in varied for n in names(s.args)):
                    varied.add(home(s.out.name))
            elif isinstance(s, Put | Add) and s.cell.type.real:
                if any(home(n) in varied for n in names((s.value,))):
                    varied.add(home(s.cell.name))
            elif isinstance(s, Store) and s.array.type.real and any(home(n) in varied for n in names((s.value,))):
                varied.add(home(s.array.name))
    for s in statements:
        if isinstance(s, Do) and s.op == "whole" and any(home(n) in varied for n in names(s.args)):
            raise problem(GradientError, "no derivative: a float that depends on an argument is put into an array of integers",
                          "an array of floats, or int(...) around the value", at=s.extra)  # fmt: skip
    size = -1
    while size != len(useful):
        size = len(useful)
        for s in reversed(statements):
            if isinstance(s, Set):
                if passes(s) and home(s.out.name) in useful:
                    useful.update(home(a) for a in names([a for a in s.args if not isinstance(a, Ref) or a.type.real]))
            elif isinstance(s, Put | Add):
                if home(s.cell.name) in useful:
                    useful.update(map(home, names((s.value,))))
            elif isinstance(s, Store) and home(s.array.name) in useful:
                useful.update(map(home, names((s.value,))))
    return varied & useful
