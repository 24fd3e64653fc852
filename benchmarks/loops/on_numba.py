"""Numba alone: the plain function, and its adjoint by hand."""

from numba import jit

from . import workload


def gradient(name, wrt, given, known):
    """Return the call of the adjoint written by hand."""
    f, given = workload(name).by_hand, (*given, *known.values())
    return lambda: f(*given)


def primal(name, wrt, given, known):
    """Return the call of the plain function."""
    f, given = workload(name).primal, (*given, *known.values())
    return lambda: f(*given)


def kept(name, wrt, given, known):
    """Return the call of the plain function, whose machine code Numba keeps on disk."""
    plain, given = workload(name).primal, (*given, *known.values())
    f = jit(cache=True, **plain.targetoptions)(plain.py_func)
    return lambda: f(*given)


def jacobian(**given):
    """Return the call of the Jacobian written by hand."""
    return gradient("bundle", None, given.values(), {})
