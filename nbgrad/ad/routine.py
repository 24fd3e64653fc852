"""Functions that stay functions in a derivative, because they call themselves."""

from .statements import BOOL, Group, Scalar


class Recursive(Exception):  # noqa: N818 - no error: lowering begins again
    """A function calls itself: its calls must stay calls."""

    def __init__(self, fn):
        self.fn = fn


class Routine:
    """A function of numbers and arrays that are only read, or one that is derived from it.

    Attributes
    ----------
    name : str
    kind : str
        "call": the function itself. "pull": of (arguments, gradient of the result, gradients of arrays, which it adds to), it
        gives the gradients of numbers. "dual": of (arguments, tangents), it gives (result, its tangent).
    active : tuple of int
        Positions of the arguments that have gradients or tangents.
    writes : tuple of int
        Positions of the arguments that it writes into.
    result : Scalar or Group
    statements : Function
        Of the function itself.
    """

    def __init__(self, name, kinds):
        self.name, self.kind, self.active, self.writes, self.kinds = name, "call", (), (), kinds
        self.result, self.statements, self.source, self.made = BOOL, None, self, {}

    def derived(self, kind, active) -> "Routine":
        """Return the routine that is derived from this one in some of its arguments."""
        key = (kind, active)
        if key not in self.made:
            reals = [i for i, k in enumerate(self.kinds) if k.real]
            name = f"{kind}_{self.name}" + ("" if list(active) == reals else "_of" + "".join(f"_{i}" for i in active))
            out = self.made[key] = Routine(name, self.kinds)
            out.kind, out.active, out.source = kind, active, self
            numbers = tuple(self.kinds[i] for i in active if isinstance(self.kinds[i], Scalar))
            if kind == "pull":
                arrays = len(active) - len(numbers)
                out.writes = tuple(range(len(self.kinds) + 1, len(self.kinds) + 1 + arrays))
                out.result = Group(numbers or (self.result,))
            else:
                out.result = Group((self.result, self.result))
        return self.made[key]


def written_by_call(s):
    """Return the arrays that a call writes into."""
    return [s.args[i] for i in s.extra.writes]


