"""What a function of Python reads beside its arguments: globals, what it closes over, attributes of those objects.

A record of a compiled function holds as long as all of it is what it was.
"""

import functools
import inspect
import types

import numpy as np

from .base.errors import PACKAGE
from .tensor import Tensor

PLAIN = (bool, int, float, complex, str, bytes, type(None), np.dtype)
CLOSED = (types.ModuleType, type, types.BuiltinFunctionType, np.ndarray, np.generic, Tensor, *PLAIN)  # not looked into
MOST = 2000  # objects that are looked into


class Environment:
    """The names that a function reads, directly or through functions and objects of its user, and what they stand for.

    Attributes
    ----------
    spaces : list of (dict or list, tuple of names, label)
        Where the names are looked up.
    """

    def __init__(self, f):
        self.spaces, self.cells, self.codes, self._known = [], [], set(), set()
        self.names, waiting = set(), [_inner(f)]
        later = []
        while waiting and len(self._known) < MOST:
            waiting = [v for thing in waiting for v in self._look(thing, later)]
            if not waiting:  # names found meanwhile may be attributes of objects that were looked at before
                waiting, later = self._again(later), []
        self.values = self._values()

    def _look(self, thing, later):
        """Note what an object reads; return what is to be looked at next."""
        if isinstance(thing, CLOSED) or id(thing) in self._known or getattr(thing, "followed", False) is True:
            return []
        self._known.add(id(thing))
        if isinstance(thing, types.FunctionType):
            return self._function(thing)
        if isinstance(thing, types.MethodType):
            return [thing.__func__, thing.__self__]
        if isinstance(thing, functools.partial):
            return [thing.func, *thing.args, *thing.keywords.values()]
        if isinstance(thing, (dict, list)):
            self.spaces.append((thing, None, type(thing).__name__))
            return list(thing.values() if isinstance(thing, dict) else thing)
        if isinstance(thing, tuple):
            return list(thing)
        if hasattr(thing, "__dict__"):
            later.append(thing)
            return self._attributes(thing)
        return []

    def _function(self, f):
        codes = [f.__code__]
        for code in codes:
            codes += [c for c in code.co_consts if isinstance(c, types.CodeType)]
        self.names.update(n for c in codes for n in c.co_names)
        cells = [c for c in f.__closure__ or () if _filled(c)]
        self.cells += [(c, n) for c, n in zip(f.__closure__ or (), f.__code__.co_freevars) if _filled(c)]
        found = [c.cell_contents for c in cells] + [v for v in (f.__defaults__ or ())]
        if not f.__code__.co_filename.startswith(PACKAGE):
            names = tuple(sorted({n for c in codes for n in c.co_names if n in f.__globals__}))
            self.spaces.append((f.__globals__, names, "global"))
            found += [f.__globals__[n] for n in names]
        return found

    def _attributes(self, thing):
        """Note the attributes of an object that are read by name somewhere, and the methods."""
        own = vars(thing)
        names = tuple(n for n in own if n in self.names)
        self.spaces.append((own, names, type(thing).__name__))
        found = [own[n] for n in names]
        for cls in type(thing).__mro__[:-1]:
            found += [m for n, m in vars(cls).items() if isinstance(m, types.FunctionType) and (n in self.names or n == "__call__")]
        return found

    def _again(self, later):
        found = []
        for thing in later:
            before = next((names for space, names, _ in self.spaces if space is vars(thing)), ())
            if any(n in self.names and n not in before for n in vars(thing)) or self._new_methods(thing):
                self.spaces = [s for s in self.spaces if s[0] is not vars(thing)]
                self._known.discard(id(thing))
                found.append(thing)
        return found

    def _new_methods(self, thing):
        methods = [m for cls in type(thing).__mro__[:-1] for n, m in vars(cls).items() if n in self.names]
        return any(isinstance(m, types.FunctionType) and id(m) not in self._known for m in methods)

    def _values(self):
        found = [tuple(_of(space, names)) for space, names, _ in self.spaces]
        return [*found, tuple([c.cell_contents for c, _ in self.cells])]

    def fits(self) -> bool:
        """Say whether everything is what it was."""
        for (space, names, _), values in zip(self.spaces, self.values):
            for now, before in zip(_of(space, names), values):
                if now is not before and not _equal(now, before):
                    return False
            if names is None and len(space) != len(values):
                return False
        for (cell, _), before in zip(self.cells, self.values[-1]):
            now = cell.cell_contents
            if now is not before and not _equal(now, before):
                return False
        return True

    def also(self, spaces):
        """Take in further (space, names, label), as they are now."""
        self.spaces += spaces
        self.values = self._values()

    def watch(self, checks):
        """Add to `checks` what says without a doubt that nothing has changed."""
        for space, names, _ in self.spaces:
            if names is None:
                checks.items(space)
            else:
                for name in names:
                    if name in space:
                        checks.item(space, name, space[name])
        for cell, _ in self.cells:
            checks.cell(cell, cell.cell_contents)

    def changed(self) -> str | None:
        """Return what is no longer what it was, in words, or None."""
        for (space, names, label), values in zip(self.spaces, self.values):
            if names is None and len(space) != len(values):
                return f"a {label} that had {len(values)} entries has {len(space)}"
            for name, now, before in zip(names or range(len(values)), _of(space, names), values):
                if now is not before and not _equal(now, before):
                    return f"{label} {name!r} was {_shown(before)} and is {_shown(now)}"
        for (cell, name), before in zip(self.cells, self.values[-1]):
            if cell.cell_contents is not before and not _equal(cell.cell_contents, before):
                return f"the variable {name!r} was {_shown(before)} and is {_shown(cell.cell_contents)}"
        return None


def _of(space, names):
    if names is not None:
        return map(space.get, names)
    return space.values() if isinstance(space, dict) else space


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
