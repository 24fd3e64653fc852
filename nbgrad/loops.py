"""Derivatives of ordinary Numba functions: compiled functions of the same arguments."""

import inspect

from .ad.derive import Derivative
from .base.errors import ArgumentError, problem
from .target.functions.made import is_compiled, made, source_path


def derivative(kind, f, argnums=0):
    """Return the compiled derivative of a compiled function."""
    return made(Derivative(kind, f, argnums))


def kernel(f):
    """Compile a plain function of numbers and arrays with Numba, so that it has derivatives.

    The same as `numba.njit`; derivatives of it are compiled functions too.

    >>> @kernel
    ... def cube(x):
    ...     return x * x * x
    >>> cube(2.0)
    8.0
    """
    from numba import njit

    return njit(f)


def source(f, *args) -> str:
    """Return the text of a derivative that nbgrad wrote, as readable Python.

    Parameters
    ----------
    f : compiled function
        Of `grad`, `value_and_grad`... of an `@njit` function.
    args
        Arguments (or Numba types): each set of types has a text of its own. None are needed once it was called.
    """
    if not hasattr(f, "derivative"):
        raise problem(ArgumentError, "source: not a derivative of an @njit function", "source(nbgrad.grad(f), x)")
    if args:
        types = tuple(f.typeof_pyval(a) for a in args)
    elif f.found:
        types = next(iter(f.found))
    else:
        raise problem(ArgumentError, f"source: {f.__name__} has a text for each set of argument types", "source(f, x), or a call before")
    return source_path(f, types).read_text(encoding="utf-8")


__all__ = ["derivative", "inspect", "is_compiled", "kernel", "source"]
