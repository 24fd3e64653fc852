"""What can be asked of a function: its gradient, its directional derivative; each again a function that can be asked."""

import operator
import os
import types

from ..base.errors import ArgumentError, DtypeError, problem
from .compressed import compressed
from .copying import copy_of, written
from .extents import extents
from .fence import source_of
from .forward import forward
from .jacobians import jacobian
from .lower import lower
from .orders import unforked
from .pattern import pattern, steered
from .pullback import adjoint, pullback
from .recursion import called
from .reverse import prepared, reverse
from .statements import Array, Cell, Do, Put, Ref, Set, walk

KEEP_OPTIONS = ("fastmath", "boundscheck", "parallel")
# Numba's other parallel rewrites take an array variable that is assigned twice for one of its shapes: memory is overrun.
PRANGE_ONLY = dict.fromkeys(("numpy", "reduction", "setitem", "inplace_binop", "stencil", "comprehension", "fusion"), False)


class Derivative:
    """A derivative of a function: `statements` writes it for given argument types.

    Parameters
    ----------
    kind : str
        A name in `KINDS`.
    fn : function
        Of Numba, or plain; or one that a `Derivative` made.
    argnums : int or tuple of int
    mode : str
        Of "jacobian".
    """

    def __init__(self, kind, fn, argnums=0, mode="auto"):
        self.kind, self.fn, self.argnums, self.mode = kind, fn, argnums, mode
        self.inner = getattr(fn, "__nbgrad__", None)
        self.plain = self.inner.plain if self.inner else by_position(source_of(fn)).fn
        code = self.plain.__code__
        self.base = self.inner.parameters() if self.inner else code.co_varnames[: code.co_argcount]
        self.wrt = checked_argnums(kind, argnums, len(self.base))
        self.single = not isinstance(argnums, tuple | list)
        self.changed = {}  # argument types -> the parameters that the function writes into
        self.steered = {}  # argument types -> whether floats decide what the function does
        self.name = f"{kind}_{self.inner.name if self.inner else self.plain.__name__}"
        self.cached = {}

    def stub(self):
        """Return a function of the parameters of the derivative, for its signature alone."""
        f, names = self.plain, self.parameters()
        if names == self.base:
            made = self.inner.stub() if self.inner else f
            made = types.FunctionType(made.__code__, f.__globals__, self.name, made.__defaults__, f.__closure__)
        else:
            optional = [n for n in names if self.kind == "pullback" and n not in self.base]
            scope = {}
            exec(f"def {self.name}({', '.join(f'{n}=None' if n in optional else n for n in names)}): pass", scope)
            made = scope[self.name]
        made.__doc__ = f"{self.kind} of {f.__name__}."
        made.__qualname__ = self.name
        return made

    def parameters(self):
        """Return the names of the parameters of the derivative."""
        return (*self.base, *KINDS[self.kind][1](self.base))

    def options(self):
        """Return Numba's options of the function that are those of its derivative too."""
        given = getattr(self.fn, "targetoptions", {})
        return {k: v for k, v in given.items() if k in KEEP_OPTIONS and v}

    def option_text(self, parallel):
        """Return the options of the text; division by zero gives inf, as in NumPy: a check would stop vectorising."""
        given = {"fastmath": {"contract"}, **self.options()}
        if given.pop("parallel", False) and parallel:
            given["parallel"] = {"prange": True, **PRANGE_ONLY}
        shown = [f"{k}={v!r}" for k, v in given.items()]
        return ", ".join([*shown, 'error_model="numpy"', "cache=True"])

    def statements(self, kinds):
        """Return the `Function` for argument types."""
        if kinds not in self.cached:
            own, further = kinds[: len(self.base)], kinds[len(self.base) :]
            f = self.inner.again(own) if self.inner else prepared(lower(self.fn, own))
            self.steered[own] = steered(f)
            self.changed[own] = {p.name for p in f.params} & written(f)
            made = KINDS[self.kind][0](self, f, further)._replace(name=self.name)
            self.cached[kinds] = made._replace(body=[*alone(f, made, self.changed[own]), *made.body])
        return self.cached[kinds]

    def again(self, kinds):
        """Return the statements of the derivative, to be changed."""
        return unforked(copy_of(self.statements(kinds)))

    def title(self, kinds):
        folder, file = os.path.split(self.plain.__code__.co_filename)
        return f"{self.kind} of {self.plain.__name__} ({'a notebook cell' if 'ipykernel_' in folder else file})."

    def names(self, kinds):
        """Return the types of all values by name, of each function that the derivative is made of."""
        own = self.statements(kinds)
        return {name: _types(f) for name, f in {**called(own), self.name: own}.items()}


def _types(f):
    """Return the types of the values of a function by name."""
    out = {}
    for s in walk(f.body):
        if isinstance(s, Set) and isinstance(s.out, Ref):
            out[s.out.name] = s.out.type
        elif isinstance(s, Put) and isinstance(s.cell, Cell):
            out[s.cell.name] = s.cell.type
    return out


def by_position(source):
    """Return the text of a function, whose parameters are checked to be given by position."""
    given = source.tree.args
    for p in (given.vararg, *given.kwonlyargs, given.kwarg):
        if p is not None:
            raise source.refuse(p, f"the parameter {p.arg} has no position", "parameters without * and **")
    return source


def alone(f, made, changed):
    """Return the checks that no argument of a derivative shares memory with one that is written to: it would be wrong."""
    arrays = [(p.name, given) for p, given in zip(f.params, made.params) if isinstance(p.type, Array)]
    pairs = [(one, other) for i, one in enumerate(arrays) for other in arrays[i + 1 :] if {one[0], other[0]} & changed]
    says = "{} and {} share memory, and one of them is written to: give one a copy"
    return [Do("alone", (one[1], other[1]), says.format(one[0], other[0])) for one, other in pairs]


def checked_argnums(kind, argnums, count):
    """Return the positions of the arguments to differentiate."""
    try:
        numbers = tuple(map(operator.index, argnums if isinstance(argnums, tuple | list) else (argnums,)))
    except TypeError:
        raise problem(ArgumentError, f"{kind}: argnums is {argnums!r}", "an int, or a tuple of ints") from None
    if any(not -count <= n < count for n in numbers) or len({n % count for n in numbers}) != len(numbers):
        raise problem(ArgumentError, f"{kind}: argnums is {argnums} and the function has {count} arguments",
                      "each argument once, by its position")  # fmt: skip
    return tuple(n % count for n in numbers)


def floats(f, d):
    """Return the function, whose arguments to differentiate are checked to be floats."""
    for i in d.wrt:
        p = f.params[i]
        if not getattr(p.type, "real", False):
            is_now = getattr(p.type, "dtype", "no number")
            raise problem(DtypeError, f"{d.name}: {p.name} is {is_now}, and derivatives are of float32 and float64",
                          "2.0 instead of 2, x.astype(float), or other argnums")  # fmt: skip
    return f


def fresh_names(base, wanted):
    """Return names of parameters that come after others."""
    longest = max(map(len, base), default=0)
    return tuple(next(n + "_" * k for k in range(longest + 1) if n + "_" * k not in base) for n in wanted)


KINDS = {  # how each is written from the statements of a function, and the parameters that it has beyond the function's
    "grad": (lambda d, f, kinds: reverse(floats(f, d), d.wrt, False, d.single), lambda base: ()),
    "value_and_grad": (lambda d, f, kinds: reverse(floats(f, d), d.wrt, True, d.single), lambda base: ()),
    "jvp": (lambda d, f, kinds: forward(f, kinds), lambda base: fresh_names(base, [f"t_{n}" for n in base])),
    "hvp": (lambda d, f, kinds: forward(unforked(copy_of(reverse(f, range(len(f.params)), False, len(f.params) == 1))), kinds, False),
            lambda base: fresh_names(base, [f"t_{n}" for n in base])),
    "pullback": (lambda d, f, kinds: pullback(f, kinds), lambda base: fresh_names(base, ["g", *(f"g_{n}" for n in base)])),
    "adjoint": (lambda d, f, kinds: adjoint(floats(f, d), d.wrt, kinds), lambda base: fresh_names(base, ["g"])),
    "extents": (lambda d, f, kinds: extents(f if d.inner else lower(d.fn, tuple(p.type for p in f.params))), lambda base: ()),
    "jacobian": (lambda d, f, kinds: jacobian(floats(f, d), d.wrt, d.single, d.mode), lambda base: ()),
    "pattern": (lambda d, f, kinds: pattern(floats(f, d), d.wrt, kinds[0]), lambda base: fresh_names(base, ["bits"])),
    **{way: (lambda d, f, kinds, way=way: compressed(floats(f, d), d.wrt, kinds, way),
             lambda base: fresh_names(base, ["colours", "count", "starts", "which"])) for way in ("wide", "columns", "rows")},
}

__all__ = ["KINDS", "Derivative"]
