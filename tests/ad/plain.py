"""Derivatives run as plain Python: the text that Numba would compile, with decorators that do nothing. And what to compare with."""

import cmath
import types

import numpy as np
from numba import typeof

from nbgrad.ad.lower import lower
from nbgrad.target.functions.files import classes, text_of
from nbgrad.target.functions.kinds import kind_of

IMPORT = "from numba import njit, prange\n"


def njit(*args, **options):
    """What `njit` is here: nothing."""
    return args[0] if args else lambda f: f


def text(g, *args):
    """Return the text of a derivative for arguments."""
    return _written(g.derivative, args)[0]


def _written(d, args):
    given = kinds(*args)
    f = d.statements(given)
    return text_of(f, d.title(given), d.option_text), classes(f.results)


def loaded(source, name, known=None):
    """Return a function of a text, not compiled."""
    assert IMPORT in source
    module = types.ModuleType("plain")
    vars(module).update(njit=njit, prange=range, **(known or {}))
    exec(compile(source.replace(IMPORT, ""), "<derivative>", "exec"), vars(module))
    return getattr(module, name)


def plain(g, *args):
    """Return what a derivative returns, run as plain Python on copies of the arguments."""
    source, known = _written(g.derivative, args)
    return loaded(source, g.derivative.name, known)(*copies(args))


def kinds(*args):
    """Return the types of arguments, as `ad` knows them."""
    return tuple(kind_of(typeof(a)) for a in args)


def lowered(f, *args):
    """Return the statements of a function of arguments."""
    return lower(f, kinds(*args))


def copies(args):
    """Return the arguments with arrays of their own, in the same layout."""
    return [a.copy(order="K") if isinstance(a, np.ndarray) else type(a)(*copies(a)) if hasattr(a, "_fields")
            else tuple(copies(a)) if isinstance(a, tuple) else a for a in args]  # fmt: skip


def differences(f, args, k, h=1e-6):
    """Return the central finite differences of a plain function in argument `k`: a number, an array, or tuples of them."""
    return _slopes(lambda v: f(*copies([*args[:k], v, *args[k + 1 :]])), args[k], h)


def _slopes(f, x, h):
    if isinstance(x, tuple):
        build = lambda i, v: type(x)(*[*x[:i], v, *x[i + 1 :]]) if hasattr(x, "_fields") else (*x[:i], v, *x[i + 1 :])
        return tuple(_slopes(lambda v, i=i: f(build(i, v)), item, h) for i, item in enumerate(x))
    if not isinstance(x, np.ndarray):
        if not isinstance(x, float | np.floating):
            return 0.0
        step = h * max(1.0, abs(float(x)))
        return (float(f(type(x)(x + step))) - float(f(type(x)(x - step)))) / (2 * step)
    out = np.zeros(x.shape)
    for i in np.ndindex(x.shape):
        step = h * max(1.0, abs(float(x[i])))
        up, down = x.copy(order="K"), x.copy(order="K")
        up[i] += step
        down[i] -= step
        out[i] = (float(f(up)) - float(f(down))) / (float(up[i]) - float(down[i]))
    return out


def complex_step(f, args, k, h=1e-30):
    """Return the derivative of smooth plain code in argument `k`, exact to rounding."""
    x = args[k]
    f = types.FunctionType(f.__code__, {**f.__globals__, "math": cmath}, f.__name__, f.__defaults__, f.__closure__)
    if not isinstance(x, np.ndarray):
        return f(*args[:k], complex(x, h), *args[k + 1 :]).imag / h
    out = np.zeros(x.shape)
    for i in np.ndindex(x.shape):
        moved = x.astype(complex)
        moved[i] += 1j * h
        out[i] = f(*copies([*args[:k], moved, *args[k + 1 :]])).imag / h
    return out


def close(found, expected, rtol=1e-6, atol=1e-8):
    """Say whether two nested results agree."""
    if isinstance(expected, tuple):
        return len(found) == len(expected) and all(close(a, b, rtol, atol) for a, b in zip(found, expected))
    return np.shape(found) == np.shape(expected) and np.allclose(found, expected, rtol=rtol, atol=atol, equal_nan=True)


__all__ = ["close", "complex_step", "copies", "differences", "kinds", "loaded", "lowered", "plain", "text"]
