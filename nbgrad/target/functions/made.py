"""Compiled functions that are made when their argument types are known: derivatives of the user's own functions."""

import functools
import threading

from ...ad.derive import Derivative
from ...base.errors import KernelError, problem
from . import files, texts
from .kinds import kind_of, wider

_lock = threading.RLock()


def is_compiled(f) -> bool:
    """Say whether a function is one of Numba's, whose derivative is a compiled function again."""
    return hasattr(f, "py_func") and hasattr(f, "targetoptions")


def compiled(f):
    """Return a plain function under Numba's `njit`."""
    from numba import njit

    return njit(f)


@functools.cache
def _unchanged():
    """Return a compiled function that returns its argument."""
    return compiled(lambda turns: turns)


def type_of_unchanged():
    """Return Numba's type of a function that returns its argument."""
    from numba import types

    return types.Dispatcher(_unchanged())  # which holds that function by a weak reference


def made(derivative: Derivative):
    """Return the compiled function of a derivative: Numba's dispatcher, callable from Python and from `@njit` code."""
    return _class()(derivative)


@functools.cache
def _class():
    from numba.core.registry import CPUDispatcher

    class Made(CPUDispatcher):
        """A dispatcher each of whose signatures has a text of its own."""

        def __init__(self, derivative):
            self.derivative, self.found = derivative, {}
            super().__init__(derivative.stub(), targetoptions={"nopython": True, **derivative.options()})

        def compile(self, sig):
            from numba.core import sigutils

            args, _ = sigutils.normalize_signature(sig)
            with _lock:
                existing = self.overloads.get(tuple(args))
                if existing is not None:
                    return existing.entry_point
                inner = self.text_for(args)
                inner.compile(args)
                result = inner.overloads[args]
                if _is_new(result):
                    for name, types in self.derivative.names(self.found[args][2]).items():
                        for made in [result] if name == self.derivative.name else inner.py_func.__globals__[name].overloads.values():
                            _checked(name, types, made)
                if args not in self.overloads:
                    self.add_overload(result)
                return result.entry_point

        def text_for(self, args):
            """Return the dispatcher of the text for argument types, made and loaded when it is first asked for."""
            if args not in self.found:
                d = self.derivative
                kinds = tuple(kind_of(t, f"{d.name}: {n}") for t, n in zip(args, d.parameters()))
                self.found[args] = (*files.loaded(*texts.text_for(d, kinds)), kinds)
            return self.found[args][0]

        @property
        def __nbgrad__(self):
            return self.derivative

    return Made


def _is_new(result):
    """Say whether Numba has just compiled something: what it read from disk was checked then."""
    return hasattr(result.type_annotation, "typemap")


def _checked(name, types, result):
    """Compare the types that `ad` found with Numba's: a value kept in too narrow a type would be wrong in silence."""
    wrong = wider(result.type_annotation.typemap, types) if _is_new(result) else ()
    if wrong:
        value, ours, theirs = wrong[0]
        raise problem(KernelError, f"{name}: {value} is {theirs} to Numba and {ours} here",
                      "please report this with the function; float64(...) around the value avoids it")


def source_path(dispatcher, args):
    """Return the path of the file of a signature."""
    dispatcher.text_for(args)
    return dispatcher.found[args][1]
