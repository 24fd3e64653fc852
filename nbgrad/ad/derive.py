"""What can be asked of a function: its gradient, its directional derivative; each again a function that can be asked."""

import functools
import types

from .fence import source_of
from .lower import lower
from .reverse import prepared, reverse
from .statements import Cell, Put, Ref, Set, walk

KEEP_OPTIONS = ("fastmath", "boundscheck", "parallel")


class Derivative:
    """A derivative of a function: `statements` writes it for given argument types.

    Parameters
    ----------
    kind : str
        "grad" or "value_and_grad".
    fn : function
        Of Numba, or plain; or one that a `Derivative` made.
    argnums : int or tuple of int
    """

    def __init__(self, kind, fn, argnums=0):
        self.kind, self.fn, self.argnums = kind, fn, argnums
        self.inner = getattr(fn, "__nbgrad__", None)
        self.wrt = (argnums,) if isinstance(argnums, int) else tuple(argnums)
        self.plain = self.inner.plain if self.inner else source_of(fn).fn
        self.name = f"{kind}_{self.inner.name if self.inner else self.plain.__name__}"
        self.cached = {}

    def stub(self):
        """Return a function of the same parameters, for its signature alone."""
        f = self.plain
        made = types.FunctionType(f.__code__, f.__globals__, self.name, f.__defaults__, f.__closure__)
        made.__doc__ = f"{self.kind} of {f.__name__}."
        made.__qualname__ = self.name
        return made

    def parameters(self):
        return self.plain.__code__.co_varnames[: self.plain.__code__.co_argcount]

    def options(self):
        """Return Numba's options of the function that are those of its derivative too."""
        given = getattr(self.fn, "targetoptions", {})
        return {k: v for k, v in given.items() if k in KEEP_OPTIONS and v}

    def option_text(self):
        """Return the options of the text; division by zero gives inf, as in NumPy: a check would stop vectorising."""
        shown = [f"{k}={v!r}" for k, v in self.options().items()]
        return ", ".join([*shown, 'error_model="numpy"', "cache=True"])

    def statements(self, kinds):
        """Return the `Function` for argument types."""
        if kinds not in self.cached:
            f = self.inner.statements(kinds) if self.inner else prepared(lower(self.fn, kinds))
            self.cached[kinds] = reverse(f, self.wrt, self.kind == "value_and_grad")._replace(name=self.name)
        return self.cached[kinds]

    def title(self, kinds):
        return f"{self.kind} of {self.plain.__name__} ({self.plain.__code__.co_filename.rpartition('/')[2]})."

    def names(self, kinds):
        """Return the types of all values by name."""
        out = {}
        for s in walk(self.statements(kinds).body):
            if isinstance(s, Set) and isinstance(s.out, Ref):
                out[s.out.name] = s.out.type
            elif isinstance(s, Put) and isinstance(s.cell, Cell):
                out[s.cell.name] = s.cell.type
        return out


__all__ = ["Derivative", "functools"]
