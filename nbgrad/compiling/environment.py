"""What a function of Python reads beside its arguments: globals, what it closes over, attributes of those objects.

A record of a compiled function holds as long as all of it is what it was.
"""

import ast
import collections
import copy
import functools
import gc
import inspect
import sys
import textwrap
import types

import numpy as np

from ..base.errors import PACKAGE
from ..tensor import Tensor

PLAIN = (bool, int, float, complex, str, bytes, type(None), np.dtype)
CLOSED = (types.BuiltinFunctionType, np.ndarray, np.generic, Tensor, *PLAIN)  # not looked into
ROUTINES = (types.FunctionType, staticmethod, classmethod, property)
LOOSE = (set, collections.deque, bytearray)  # looked into by Python at every call
UNASKED = {"__init__", "__new__", "__del__", "__repr__", "__str__", "__init_subclass__", "__post_init__"}  # no operators
MOST = 2000  # objects that are looked into


class Environment:
    """The names that a function reads, directly or through functions and objects of its user, and what they stand for.

    `others` are objects that it is given beside arrays: modules, configurations.

    Attributes
    ----------
    spaces : list of (dict, list or object with slots, tuple of names, label)
        Where the names are looked up; all entries of a dict or a list where there are no names.
    arrays : list of ndarray
        Arrays of NumPy among what they stand for.
    """

    def __init__(self, f, *others):
        self.of, self.spaces, self.cells, self.codes, self._known, self.arrays = (f, *others), [], [], set(), set(), []
        self.names, waiting = set(), [f, _inner(f), *others]
        later = []
        while waiting and len(self._known) < MOST:
            waiting = [v for thing in waiting for v in self._look(thing, later)]
            if not waiting:  # names found meanwhile may be attributes of objects that were looked at before
                waiting, later = self._again(later), []
        self.values = self._values()
        self.own = len(self.spaces)

    @classmethod
    def like(cls, before, f, *others) -> "Environment":
        """Return what a function reads, found before where all of that is as it was; `before` may be None."""
        given = (f, *others)
        if before is None or len(before.of) != len(given) or any(a is not b for a, b in zip(before.of, given)) or not before.fits():
            return cls(f, *others)
        found = copy.copy(before)
        found.spaces, found.values = before.spaces[: before.own], [*before.values[: before.own], before.values[-1]]
        return found

    def _look(self, thing, later):
        """Note what an object reads; return what is to be looked at next."""
        if type(thing) is np.ndarray and id(thing) not in self._known:
            self._known.add(id(thing))
            self.arrays.append(thing)
        if isinstance(thing, CLOSED) or id(thing) in self._known or getattr(thing, "followed", False) is True:
            return []
        self._known.add(id(thing))
        if isinstance(thing, types.FunctionType):
            return self._function(thing)
        if isinstance(thing, types.MethodType):
            return self._method(thing.__self__, thing.__func__)
        if isinstance(thing, functools.partial):
            return [thing.func, *thing.args, *thing.keywords.values()]
        if isinstance(thing, (types.ModuleType, type)) and not _is_users(thing):
            return []
        if isinstance(thing, (dict, list, *LOOSE)):
            self.spaces.append((thing, None, type(thing).__name__))
            return list(thing.values() if isinstance(thing, dict) else thing)
        if isinstance(thing, tuple):
            return list(thing)
        if hasattr(thing, "__wrapped__") and not isinstance(thing, type):
            return [thing.__wrapped__]
        if hasattr(thing, "__dict__") or _slots(type(thing)):
            later.append(thing)
            return self._attributes(thing)
        return []

    def _function(self, f):
        codes = [f.__code__]
        for code in codes:
            codes += [c for c in code.co_consts if isinstance(c, types.CodeType)]
        self.names.update(n for c in codes for n in (*c.co_names, *[k for k in c.co_consts if type(k) is str and k.isidentifier()]))
        cells = [c for c in f.__closure__ or () if _filled(c)]
        self.cells += [(c, n) for c, n in zip(f.__closure__ or (), f.__code__.co_freevars) if _filled(c)]
        found = [c.cell_contents for c in cells] + list(f.__defaults__ or ())
        if f.__kwdefaults__:
            found.append(f.__kwdefaults__)
        if vars(f):
            self.spaces.append((vars(f), tuple(n for n in vars(f) if n in self.names), f.__name__))
            found += [v for n, v in vars(f).items() if n in self.names]
        if not f.__code__.co_filename.startswith(PACKAGE):
            names = tuple(sorted({n for c in codes for n in c.co_names if n in f.__globals__}))
            self.spaces.append((f.__globals__, names, "global"))
            found += [f.__globals__[n] for n in names]
        return found

    def _method(self, owner, f):
        """Note what a method reads of its owner, where the texts of the methods tell: no more than those attributes."""
        read = _read_of_self(type(owner), f)
        if read is None or id(owner) in self._known or isinstance(owner, CLOSED) or not hasattr(owner, "__dict__"):
            return [f, owner]
        names, methods = read
        self._known.add(id(owner))
        self.spaces.append((vars(owner), tuple(sorted(names)), type(owner).__name__))
        values = [vars(owner)[n] for n in names if n in vars(owner)]
        return [*methods, *values, *[c for c in type(owner).__mro__[:-1] if _is_users(c)]]

    def _attributes(self, thing):
        """Note the attributes of an object, class or module that are read by name somewhere, and the methods."""
        own, kinds = _space(thing), () if isinstance(thing, (type, types.ModuleType)) else type(thing).__mro__[:-1]
        names = self._read(thing, own)
        self.spaces.append((own, names, getattr(thing, "__name__", type(thing).__name__)))
        return [*_values_of(own, names), *[c for c in kinds if _is_users(c)], *self._methods(thing)]

    def _read(self, thing, own) -> tuple:
        """Return the names of attributes that are read: those it has, and those of its class that it may get."""
        if not isinstance(own, dict):
            return tuple(n for n in _slots(type(thing)) if n in self.names)
        names = dict.fromkeys(n for n in own if n in self.names)
        if not isinstance(thing, (type, types.ModuleType)):
            for cls in type(thing).__mro__[:-1]:
                names |= dict.fromkeys(n for n, v in vars(cls).items() if n in self.names and not isinstance(v, ROUTINES))
        return tuple(names)

    def _methods(self, thing) -> list:
        """Return the functions of its class that may be called: by name, or by an operator."""
        found = []
        for cls in type(thing).__mro__[:-1]:
            users = _is_users(cls)
            for n, v in vars(cls).items():
                operator = n == "__call__" or (users and n[:2] == "__" and n not in UNASKED)
                if isinstance(v, ROUTINES) and (operator or n in self.names):
                    found.append(getattr(v, "fget", None) or getattr(v, "__func__", v))
        return [m for m in found if isinstance(m, types.FunctionType)]

    def _again(self, later):
        found = []
        for thing in later:
            own = _space(thing)
            before = next((names for space, names, _ in self.spaces if space is own), ())
            if set(self._read(thing, own)) - set(before) or any(id(m) not in self._known for m in self._methods(thing)):
                self.spaces = [s for s in self.spaces if s[0] is not own]
                self._known.discard(id(thing))
                found.append(thing)
        return found

    def _values(self):
        found = [tuple(_of(space, names)) for space, names, _ in self.spaces]
        return [*found, tuple([c.cell_contents for c, _ in self.cells])]

    def fits(self) -> bool:
        """Say whether everything is what it was."""
        return self.changed() is None

    def also(self, spaces):
        """Take in further (space, names, label), as they are now."""
        self.spaces += spaces
        self.values = self._values()

    def watch(self, checks):
        """Add to `checks` what says without a doubt that nothing has changed."""
        for space, names, _ in self.spaces:
            if isinstance(space, LOOSE):
                checks.never()
            elif names is None:
                checks.items(space)
            else:
                for name in names:
                    if not isinstance(space, dict):
                        checks.slot(space, name, getattr(space, name))
                    elif name in space:
                        checks.item(space, name, space[name])
                    else:
                        checks.absent(space, name)
        for cell, _ in self.cells:
            checks.cell(cell, cell.cell_contents)

    def changed(self) -> str | None:
        """Return what is no longer what it was, in words, or None."""
        for (space, names, label), values in zip(self.spaces, self.values):
            found = _of(space, names)
            if len(found) != len(values):
                each = 2 if isinstance(space, dict) else 1
                return f"a {label} that had {len(values) // each} entries has {len(found) // each}"
            for name, now, before in zip(names or _labels(space), found, values):
                if now is not before and not _equal(now, before):
                    return f"{label} {name!r} was {_shown(before)} and is {_shown(now)}"
        for (cell, name), before in zip(self.cells, self.values[-1]):
            if cell.cell_contents is not before and not _equal(cell.cell_contents, before):
                return f"the variable {name!r} was {_shown(before)} and is {_shown(cell.cell_contents)}"
        return None


def _read_of_self(cls, f):
    """Return (attributes of `self` that a method reads, it and the methods it calls); None where a text does not tell."""
    names, methods = set(), [f]
    for method in methods:
        try:
            tree = ast.parse(textwrap.dedent(inspect.getsource(method))).body[0]
        except (OSError, TypeError, SyntaxError, IndexError):
            return None
        if not isinstance(tree, ast.FunctionDef) or not tree.args.args:
            return None
        own = tree.args.args[0].arg
        reads = [n for n in ast.walk(tree) if isinstance(n, ast.Attribute) and isinstance(n.value, ast.Name) and n.value.id == own]
        uses = sum(isinstance(n, ast.Name) and n.id in (own, "super", "vars", "getattr", "setattr") for n in ast.walk(tree))
        if uses != len(reads):
            return None
        for name in {n.attr for n in reads} - names:
            found = getattr(cls, name, None)
            found = getattr(found, "fget", found)
            if isinstance(found, types.FunctionType) and found not in methods:
                methods.append(found)
            elif found is not None and not isinstance(found, PLAIN):
                return None
            names.add(name)
    return names, methods


def _of(space, names):
    """Return what is looked up in a space: the entries of these names, None where there is none; or keys and values."""
    if names is not None:
        return _values_of(space, names, None)
    return [*space.keys(), *space.values()] if isinstance(space, dict) else list(space)


def _values_of(space, names, *default):
    """Return the entries of a dict, or attributes of an object, of these names: those there are, unless there is a default."""
    held = space if isinstance(space, dict) else {n: getattr(space, n) for n in names if hasattr(space, n)}
    return [held.get(n, *default) for n in names if default or n in held]


def _labels(space):
    return [*space.keys(), *space.keys()] if isinstance(space, dict) else range(len(space))


def _space(thing):
    """Return the dict of the attributes of an object, class or module; the object itself where it has slots."""
    if isinstance(thing, type):
        return gc.get_referents(vars(thing))[0]  # the dict behind the view that Python shows
    return vars(thing) if hasattr(thing, "__dict__") else thing


def _slots(cls) -> tuple:
    """Return the names of the slots of a class of the user's."""
    found = [vars(c).get("__slots__", ()) for c in cls.__mro__ if _is_users(c)]
    return tuple(n for names in found for n in ((names,) if isinstance(names, str) else names))


def _is_users(thing) -> bool:
    """Say whether a class or module is the user's: of no library that is installed, nor of Python."""
    name = thing.__module__ if isinstance(thing, type) else thing.__name__
    root = name.partition(".")[0]
    file = getattr(sys.modules.get(name) if isinstance(thing, type) else thing, "__file__", None) or ""
    return root == "__main__" or not (root in sys.stdlib_module_names or file.startswith(PACKAGE) or "-packages" in file)


def _equal(now, before):
    return type(now) is type(before) and isinstance(now, PLAIN) and now == before


def _filled(cell):
    try:
        cell.cell_contents  # noqa: B018 - an empty cell raises
    except ValueError:
        return False
    return True


def _shown(value):
    return repr(value) if isinstance(value, PLAIN) else f"of type {type(value).__name__}"


def _inner(f):
    """Return the function below decorators that keep it, such as functools.wraps."""
    return inspect.unwrap(f) if isinstance(f, types.FunctionType) else f
