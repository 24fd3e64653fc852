"""Functions of one expression, with source text, made where a test asks for them."""

import linecache

import numpy as np
from numba import njit

from tests.ad.plain import close, copies, differences, plain

COUNT = [0]


def function(text, name, known=None):
    """Return the compiled function `name` of a text."""
    COUNT[0] += 1
    file = f"<made {COUNT[0]}>"
    linecache.cache[file] = (len(text), None, text.splitlines(True), file)
    scope = {"np": np, "njit": njit, **(known or {})}
    exec(compile(text, file, "exec"), scope)
    return njit(scope[name])


def of(expression, *names):
    """Return the function of some arguments that is a weighted sum of the elements of an expression of them."""
    text = f"def f({', '.join(names)}):\n    r = {expression}\n    return np.sum(r * r + 3.0 * r)\n"
    return function(text, "f")


def number(expression, *names):
    """Return the function of some arguments that is an expression."""
    return function(f"def f({', '.join(names)}):\n    return {expression}\n", "f")


def agrees(transform, f, args, wrt, rtol=1e-6, atol=1e-8, h=1e-6):
    """Check the value and the gradient of a function, run as plain Python, against the function and its differences."""
    wrt = tuple(wrt)
    value, found = plain(transform(f, wrt), *args)
    expected = f.py_func(*copies(args))
    assert close(value, expected, rtol, atol), (value, expected)
    for k, g in zip(wrt, found):
        slopes = differences(f.py_func, args, k, h)
        assert close(g, slopes, rtol, atol), (k, g, slopes)
