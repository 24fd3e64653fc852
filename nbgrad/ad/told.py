"""All that the text of a derivative depends on, as a text: where the one is the same, so is the other.

What is told is what `lower` can read: the text of a function, what each name in it means, and so on through all functions
that are called. A name is followed along its attributes to what `lower` finds there. What may have attributes that are read
in a way not seen here, or may change, cannot be told; nothing is told then, and the derivative is written anew.
"""

import ast
import sys
import types
from typing import NamedTuple

import numpy as np

from ..base.errors import GradientError
from ..ops.table import Op, table
from .expressions import row_of
from .fence import source_of
from .ruled import rule_of

PLAIN = (bool, int, float, complex, str, bytes, type(None), type(Ellipsis))
ENDS = (bool, int, float, np.generic, np.ndarray, tuple)  # what is a value to `lower`: its attributes are not asked of Python
LIBRARIES = ("builtins", "math", "numba", "numpy", "scipy", "nbgrad")  # whose functions mean what their names say
NOTHING = object()


class Untold(Exception):  # noqa: N818 - no error: the derivative is written anew
    """Something has a meaning that cannot be told."""


class Told(NamedTuple):
    """What a derivative depends on, and the classes of namedtuples that were met, by name."""

    text: str
    classes: dict


def told(derivative, kinds) -> Told | None:
    """Return all that the text of a derivative for argument types depends on, nbgrad and its peers aside; None if that cannot be told."""
    teller = Teller()
    try:
        teller.derivative(derivative)
        teller.say(derivative.title(kinds))
        teller.value(kinds)
        teller.check_loose()
    except (Untold, GradientError, RecursionError):  # where there is an error, writing the derivative says which
        return None
    return Told("\n".join(teller.lines), teller.classes)


class Teller:
    """Tells what values mean; each object once."""

    def __init__(self):
        self.lines, self.numbers, self.held = [], {}, []
        self.classes, self.loose = {}, set()

    def say(self, *words):
        """Append plain values, as a line that no others give."""
        self.lines.append(repr(words))

    def derivative(self, d):
        """Tell of a derivative of a function."""
        self.say("derivative", d.kind, d.name, d.wrt, d.single, d.mode, _settled(d.options()))
        self.value(d.fn)

    def value(self, v):
        """Tell what a value of Python is."""
        if isinstance(v, PLAIN):
            plain = next(t for t in PLAIN if isinstance(v, t))
            self.say(plain.__name__, plain.__repr__(v))
        elif isinstance(v, tuple):
            self.say("tuple", len(v), hasattr(v, "_fields"))
            for part in (*v, type(v)) if hasattr(v, "_fields") else v:
                self.value(part)
        elif id(v) in self.numbers:
            self.say("again", self.numbers[id(v)])
        else:
            self.numbers[id(v)] = len(self.numbers)
            self.held.append(v)  # nothing else gets its id
            self.thing(v)

    def thing(self, v):
        """Tell what an object is that is met for the first time."""
        if not isinstance(v, Op) and row_of(v) is not None:
            self.row(row_of(v))
        if isinstance(v, np.generic | np.ndarray):
            self.numbers_of(np.asarray(v), isinstance(v, np.ndarray))
        elif isinstance(v, np.dtype):
            self.say("dtype", str(v))
        elif isinstance(v, Op):
            self.row(v)
        elif hasattr(v, "__nbgrad__"):
            self.derivative(v.__nbgrad__)
        elif hasattr(v, "py_func"):
            rule = rule_of(v)
            self.say("compiled", rule and rule.name)
            for f in (v.py_func, *((rule.forward, rule.backward) if rule else ())):
                self.value(f)
        elif getattr(v, "__nbgrad_checkpointed__", False) and type(v).__module__ == "nbgrad.loops":
            self.say("checkpointed")
        elif isinstance(v, type) and issubclass(v, tuple) and hasattr(v, "_fields"):
            self.named(v)
        elif _library_name(v) is not None:
            self.say("library", *_library_name(v))
        elif isinstance(v, types.FunctionType):
            self.function(v)
        else:
            raise Untold

    def numbers_of(self, v, is_array):
        """Tell an array or a number of NumPy, and with which other array it begins at the same place."""
        if v.dtype.hasobject:
            raise Untold
        place = self.numbers.setdefault(("at", v.ctypes.data), len(self.numbers)) if is_array else None
        self.say("numbers", is_array, v.dtype.descr, v.shape, v.flags.c_contiguous, v.flags.f_contiguous, v.tobytes(), place)

    def row(self, op):
        """Tell a row of the op table, which is nbgrad's own."""
        own = op.forward is not None and op.forward.__module__.partition(".")[0] == "nbgrad"
        if not own or table.get(op.name) is not op:
            raise Untold
        self.say("row", op.name)

    def named(self, cls):
        """Tell the class of a namedtuple."""
        self.say("namedtuple", cls.__module__, cls.__qualname__, cls._fields)
        if cls.__module__.partition(".")[0] != "nbgrad":
            if self.classes.setdefault(cls.__name__, cls) is not cls:
                raise Untold
            for name in sorted(cls._field_defaults):
                self.say(name)
                self.value(cls._field_defaults[name])

    def function(self, f):
        """Tell the text of a function and what the names in it mean."""
        source, code = source_of(f), f.__code__
        self.say("function", source.place(source.tree), source.text, code.co_varnames, sorted(source.changing.items()))
        self.say(f.__name__, f.__module__, bool(getattr(f, "__nbgrad_kernel__", False)))
        self.value(f.__defaults__)
        for path in sorted(self.paths(source.tree, code.co_varnames)):
            self.say(path)
            self.at(path, source)

    def paths(self, tree, own):
        """Return the names in a function that are not its own, with the attributes that are asked of them."""
        nodes, found = [n for s in tree.body for n in ast.walk(s)], set()
        inner = {id(n.value) for n in nodes if isinstance(n, ast.Attribute)}
        for n in nodes:
            if isinstance(n, ast.Name | ast.Attribute) and id(n) not in inner:
                attributes = []
                while isinstance(n, ast.Attribute):
                    attributes.insert(0, n.attr)
                    n = n.value
                if isinstance(n, ast.Name) and n.id not in own:
                    found.add((n.id, *attributes))
                else:
                    self.loose.update(attributes)
        return found

    def at(self, path, source):
        """Tell what a name with attributes means."""
        found = source.meaning(path[0], NOTHING)
        for n, attribute in enumerate(path[1:], 1):
            if isinstance(found, ENDS):
                self.loose.update(path[n:])
                break
            found = getattr(found, attribute, NOTHING)
        if found is NOTHING:
            self.say("nothing")
        else:
            self.value(found)

    def check_loose(self):
        """Refuse attributes that may be those of a function or a class of the user's that went through a variable."""
        for v in self.held:
            users = isinstance(v, types.FunctionType) or hasattr(v, "py_func") or hasattr(v, "_fields")
            if users and self.loose & (vars(v).keys() - {*getattr(v, "_fields", ())}):
                raise Untold


def _settled(value):
    """Return options in one order, whatever that of their sets is."""
    if isinstance(value, dict):
        return [(k, _settled(value[k])) for k in sorted(value)]
    if isinstance(value, set | frozenset | list | tuple):
        return sorted(map(_settled, value))
    if not isinstance(value, PLAIN):
        raise Untold
    return value


def _library_name(v):
    """Return (module, name) of a function or a class of a library, None for anything else."""
    name = getattr(v, "__qualname__", None) or getattr(v, "__name__", None)
    given = getattr(v, "__module__", None) or ("numpy" if isinstance(v, np.ufunc) else None)
    for module in (given, "numpy", "scipy.special"):
        if isinstance(module, str) and isinstance(name, str) and module.partition(".")[0] in LIBRARIES:
            found = sys.modules.get(module)
            for part in name.split("."):
                found = getattr(found, part, NOTHING)
            if found is v and not isinstance(v, types.ModuleType):
                return module, name
    return None
