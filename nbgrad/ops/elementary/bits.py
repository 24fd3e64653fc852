"""The words that elementary functions are written in, in plain Python, and look-up of a function by name and dtype.

Functions here are straight lines of arithmetic in one dtype, `<name>_float32` and `<name>_float64`: assignments and one
return; no `if`, no loop, no memory. A target replaces the words below by instructions; the definitions say what they
mean, on NumPy scalars. A literal takes the dtype of what it meets. `/`, `+`, `*` round once each and are never joined
behind your back: where a product and a sum shall round once, the text says `fma`.
"""

import functools
import importlib
import pkgutil
import sys
from fractions import Fraction

import numpy as np


@functools.cache
def _families():
    """Return the modules of this folder; they are needed only when a kernel is written."""
    package = __name__.rpartition(".")[0]
    path = importlib.import_module(package).__path__
    return tuple(importlib.import_module(f"{package}.{m.name}") for m in pkgutil.iter_modules(path) if m.name != "bits")


@functools.cache
def find(name: str, dtype: str):
    """Return the elementary function `<name>_<dtype>`, or None.

    Parameters
    ----------
    name : str
        As in `math`, or the name of a row of the op table.
    dtype : str
        "float32" or "float64"; for others there are none.

    Examples
    --------
    >>> find("exp", "float32").__name__, find("exp", "int64")
    ('exp_float32', None)
    """
    if dtype not in ("float32", "float64"):
        return None
    wanted = f"{name}_{dtype}"
    for module in _families():
        function = vars(module).get(wanted)
        if function is not None and function.__module__ == module.__name__:
            return function
    return None


@functools.cache
def find_common(name: str, dtype: str):
    """Return (function, low, high) of the function that does the same between two bounds, and faster; None without one.

    A module states the bounds of its functions `<name>_common_<dtype>` in a dict `COMMON`.

    Examples
    --------
    >>> find_common("sin", "float32")[1:], find_common("atan", "float32")
    ((-100000.0, 100000.0), None)
    """
    function = find(name, dtype)
    if function is None:
        return None
    module = sys.modules[function.__module__]
    bounds = getattr(module, "COMMON", {}).get(function.__name__)
    return bounds and (vars(module)[f"{name}_common_{dtype}"], *bounds)


def select(condition, a, b):
    """Return `a` where the condition holds, else `b`; both are computed."""
    if not hasattr(a, "dtype") and not hasattr(b, "dtype"):
        return a if condition else b  # literals, which have no dtype yet
    return np.where(condition, a, b)[()]


def bits(x):
    """Return the bits of a float as a signed integer of the same width."""
    x = np.asarray(x)
    return x.view(f"int{8 * x.itemsize}")[()]


def real(i):
    """Return the float that has these bits: the reverse of `bits`."""
    i = np.asarray(i)
    return i.view(f"float{8 * i.itemsize}")[()]


def to_int(x):
    """Return a whole float as an integer of the same width; anything may come of one that does not fit, or NaN."""
    x = np.asarray(x)
    with np.errstate(invalid="ignore"):
        return x.astype(f"int{8 * x.itemsize}")[()]


def to_float(i):
    """Return an integer, rounded, as a float of the same width."""
    i = np.asarray(i)
    return i.astype(f"float{8 * i.itemsize}")[()]


def wide(x):
    """Return a float32 as a float64."""
    return np.float64(x)


def narrow(x):
    """Return a float64, rounded, as a float32."""
    with np.errstate(over="ignore", under="ignore"):
        return np.float32(x)


def shift_right(i, count):
    """Return the bits of `i` moved right, zeros coming in; `>>` brings in copies of the sign."""
    i = np.asarray(i)
    return (i.view(f"uint{8 * i.itemsize}") >> count).view(i.dtype)[()]


def choose(i, *values):
    """Return number i of a few float64 constants; each place is compared with i."""
    return np.asarray(values)[i][()]


def scale(x, n):
    """Return x times 2 to the power of the integer n, rounded once; n from -250 to 250 (-2000 to 2000 in float64)."""
    with np.errstate(over="ignore", under="ignore"):
        return np.ldexp(np.asarray(x, f"float{8 * np.asarray(n).itemsize}")[()], n)


def fma(a, b, c):
    """Return a * b + c rounded once."""
    dtype = np.result_type(a, b, c)
    a, b, c = map(dtype.type, (a, b, c))
    with np.errstate(all="ignore"):
        plain = a * b + c
        if not np.isfinite(plain) and not all(map(np.isfinite, (a, b, c))):
            return plain
    exact = Fraction(float(a)) * Fraction(float(b)) + Fraction(float(c))
    return plain if exact == 0 else rounded(exact, dtype.type)


def rounded(exact, dtype):
    """Return the number of a float dtype that is nearest to a fraction other than 0; halves go to the even one."""
    info = np.finfo(dtype)
    size, below = abs(exact), 1
    exponent = size.numerator.bit_length() - size.denominator.bit_length()  # of size, or one above it
    exponent -= size < Fraction(2) ** exponent
    below = Fraction(2) ** (max(exponent, int(info.minexp)) - int(info.nmant))
    whole = round(size / below)  # Python rounds halves of fractions to even
    with np.errstate(over="ignore"):
        value = dtype(np.inf) if whole * below > Fraction(float(info.max)) else dtype(float(whole * below))
    return -value if exact < 0 else value


def polynomial(x, *coefficients):
    """Return c0 + c1 x + c2 x^2 + ... by Horner's rule, each step rounded once."""
    total = coefficients[-1]
    for c in coefficients[-2::-1]:
        total = fma(total, x, c)
    return total


def round_even(x):
    """Return the nearest whole number as a float, halves to the even neighbour."""
    return np.rint(x)


def floor(x):
    """Return the nearest whole number below, as a float."""
    return np.floor(x)


def fabs(x):
    """Return the size of x."""
    return np.fabs(x)


def copysign(x, y):
    """Return the size of x with the sign of y."""
    return np.copysign(x, y)


def sqrt(x):
    """Return the square root, rounded once."""
    with np.errstate(invalid="ignore"):
        return np.sqrt(x)
