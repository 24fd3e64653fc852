"""Arithmetic: sums, products, powers, roots, rounding, choice; NumPy's spellings are aliases at the end."""

import math

import numpy as np

from ..base.errors import ArgumentError, problem
from .compare import isfinite
from .table import ZERO, elementwise, lift


def check_exponents(x, y):
    """Refuse integers to negative integer powers, as NumPy does: the results are no integers."""
    if y.dtype.kind != "i" or not y.size:
        return
    if getattr(y, "_recorded", False):
        nothing = np.empty(0, x.dtype)
        y._stop_if((y < 0).any(), lambda values: check_exponents(nothing, values))
    elif y.min() < 0:
        raise problem(ArgumentError, f"pow(x, y): integers ({x.dtype}) to the negative integer power {y.min()}",
                      'x.astype("float64") ** y')


@elementwise(df=lambda: (1.0, 1.0), ref=np.add, accepts="number")
def add(x, y):
    """Sum of two numbers."""
    return x + y


@elementwise(df=lambda: (1.0, -1.0), ref=np.subtract, accepts="number")
def sub(x, y):
    """Difference of two numbers."""
    return x - y


@elementwise(df=lambda x, y: (y, x), ref=np.multiply, accepts="number")
def mul(x, y):
    """Product of two numbers."""
    return x * y


@elementwise(df=lambda y, out: (1.0 / y, -out * (1.0 / y)), ref=np.divide, domain={"x": (-3, 3), "y": (0.5, 3)})
def div(x, y):
    """Quotient of two numbers; integers are divided as float64."""
    return x / y


@elementwise(
    df=lambda x, y, out: (
        0.0 if y == 0.0 else y * x ** (y - 1.0),
        0.0 if out == 0.0 or (x == 0.0 and y >= 0.0) else out * math.log(x),
    ),
    ref=np.power, accepts="number", domain={"x": (0.3, 3), "y": (-2, 3)},
    check=check_exponents,
)
def pow(x, y):
    """Power with base x and exponent y; 1 where y is 0; the gradient of the exponent is 0 where the base is 0."""
    return x**y


@elementwise(df=ZERO, ref=np.floor_divide, accepts="number", domain={"x": (-9, 9), "y": (0.5, 3)})
def floor_divide(x, y):
    """Quotient rounded down; an integer divided by 0 gives 0."""
    return x // y


@elementwise(
    df=lambda x, y: (1.0, -(x // y)), ref=np.remainder, accepts="number", domain={"x": (4.3, 4.8), "y": (1.3, 1.4)}
)
def remainder(x, y):
    """What is left of the quotient rounded down, with the sign of y; of an integer and 0, 0."""
    return x % y


@elementwise(df=lambda x, y: (1.0, -trunc(x / y)), ref=np.fmod, domain={"x": (4.3, 4.8), "y": (1.3, 1.4)})
def fmod(x, y):
    """What is left of the quotient rounded towards 0, with the sign of x."""
    return math.copysign(math.fabs(x) % math.fabs(y), x)


@elementwise(df=lambda: -1.0, ref=np.negative, accepts="number")
def neg(x):
    """Number of the opposite sign."""
    return -x


@elementwise(df=lambda: 1.0, ref=np.positive, accepts="number")
def positive(x):
    """The number itself, copied."""
    return x


@elementwise(df=lambda x: sign(x), ref=np.absolute, kinks=(0.0,), accepts="number")
def abs(x):
    """Absolute value; its gradient at 0 is 0."""
    return x if x > 0 else 0 - x


@elementwise(df=lambda x: sign(x), ref=np.fabs, kinks=(0.0,))
def fabs(x):
    """Absolute value as a float; its gradient at 0 is 0."""
    return math.fabs(x)


@elementwise(df=ZERO, ref=np.sign, kinks=(0.0,), accepts="number")
def sign(x):
    """-1, 0 or 1 by the sign of x; NaN of NaN."""
    return 1 if x > 0 else (-1 if x < 0 else (0 if x == 0 else x))


@elementwise(df=lambda x: 2.0 * x, ref=np.square, accepts="number")
def square(x):
    """x times x."""
    return x * x


@elementwise(df=lambda out: 0.5 / out, ref=np.sqrt, domain=(0.2, 4))
def sqrt(x):
    """Square root."""
    return math.sqrt(x)


@elementwise(df=lambda x, out: -0.5 * out / x, ref=lambda x: 1.0 / np.sqrt(x), domain=(0.2, 4))
def rsqrt(x):
    """One over the square root."""
    return 1.0 / math.sqrt(x)


@elementwise(df=lambda out: 1.0 / (3.0 * out * out), ref=np.cbrt, domain=(0.2, 4), kinks=(0.0,))
def cbrt(x):
    """Cube root, also of negative numbers."""
    a = 1.0 if x == 0.0 else math.fabs(x)
    t = math.exp(math.log(a) / 3.0)
    t = t - (t - a / (t * t)) / 3.0  # Newton's step doubles the digits that exp(log) left
    return math.copysign(t, x) if isfinite(a) and x != 0.0 else x


@elementwise(df=lambda out: -out * out, ref=np.reciprocal, domain=(0.3, 3))
def reciprocal(x):
    """One over x; integers are divided as floats."""
    return 1.0 / x


@elementwise(
    df=lambda x, y, out: (0.0 if out == 0.0 else x / out, 0.0 if out == 0.0 else y / out),
    ref=np.hypot, domain=(0.3, 3),
)
def hypot(x, y):
    """Length of the vector (x, y), without overflow on the way; its gradient at the origin is 0."""
    return math.hypot(x, y)


@elementwise(
    df=lambda x, y: (
        0.5 if x == y else (1.0 if x > y or x != x else 0.0),
        0.5 if x == y else (0.0 if x > y or x != x else 1.0),
    ),
    ref=np.maximum, accepts="any",
)
def maximum(x, y):
    """The larger of two numbers; NaN wins; ties share the gradient half and half."""
    return x if x > y or x != x else y


@elementwise(
    df=lambda x, y: (
        0.5 if x == y else (1.0 if x < y or x != x else 0.0),
        0.5 if x == y else (0.0 if x < y or x != x else 1.0),
    ),
    ref=np.minimum, accepts="any",
)
def minimum(x, y):
    """The smaller of two numbers; NaN wins; ties share the gradient half and half."""
    return x if x < y or x != x else y


@elementwise(
    df=lambda x, y: (
        0.5 if x == y else (1.0 if x > y or y != y else 0.0),
        0.5 if x == y else (0.0 if x > y or y != y else 1.0),
    ),
    ref=np.fmax, accepts="any",
)
def fmax(x, y):
    """The larger of two numbers; NaN loses; ties share the gradient half and half."""
    return x if x >= y or y != y else y


@elementwise(
    df=lambda x, y: (
        0.5 if x == y else (1.0 if x < y or y != y else 0.0),
        0.5 if x == y else (0.0 if x < y or y != y else 1.0),
    ),
    ref=np.fmin, accepts="any",
)
def fmin(x, y):
    """The smaller of two numbers; NaN loses; ties share the gradient half and half."""
    return x if x <= y or y != y else y


@elementwise(
    df=lambda x, lo, hi: (
        1.0 if lo <= x and x <= hi else 0.0,
        1.0 if x < lo and lo <= hi else 0.0,
        1.0 if x > hi or lo > hi else 0.0,
    ),
    ref=np.clip, accepts="any", domain={"x": (-3, 3), "lo": (-2, -1), "hi": (1, 2)},
)
def clamp(x, lo, hi):
    """x brought between lo and hi (hi wins); the gradient of x is 1 from lo to hi, both included, else 0."""
    return minimum(maximum(x, lo), hi)


def clip(x, lo=None, hi=None):
    """Bring numbers between two bounds, as `numpy.clip`.

    Parameters
    ----------
    x : any shape and dtype
    lo, hi : optional
        Bounds that broadcast with `x`; None leaves that side open. Where `lo > hi`, the result is `hi`.

    Returns
    -------
    The broadcast shape, the promoted dtype. The gradient of `x` is 1 from `lo` to `hi`, both included.

    Examples
    --------
    >>> clip(2.5, 0.0, 1.0)
    1.0
    """
    if lo is None or hi is None:
        x = lift(x)
        least, largest = _limits(x.dtype)
        lo, hi = least if lo is None else lo, largest if hi is None else hi
    return clamp(x, lo, hi)


def _limits(dtype):
    if dtype.kind in "iu":
        return int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)
    return (False, True) if dtype.kind == "b" else (-math.inf, math.inf)


@elementwise(
    df=lambda condition: (ZERO, 1.0 if condition else 0.0, 0.0 if condition else 1.0),
    ref=np.where, accepts=("bool", "any", "any"),
)
def where(condition, a, b):
    """a where the condition holds, else b."""
    return a if condition else b


@elementwise(df=lambda x, y: (math.copysign(1.0, x) * math.copysign(1.0, y), ZERO), ref=np.copysign, kinks=(0.0,))
def copysign(x, y):
    """Size of x with the sign of y, -0.0 counted as negative."""
    return math.copysign(x, y)


@elementwise(df=ZERO, ref=np.floor)
def floor(x):
    """Nearest whole number below, as a float."""
    return math.floor(x)


@elementwise(df=ZERO, ref=np.ceil)
def ceil(x):
    """Nearest whole number above, as a float."""
    return math.ceil(x)


@elementwise(df=ZERO, ref=np.trunc)
def trunc(x):
    """Nearest whole number towards 0, as a float."""
    return math.trunc(x)


@elementwise(df=ZERO, ref=np.rint)
def rint(x):
    """Nearest whole number, as a float; halves go to the even neighbour."""
    below = math.floor(x)
    part = x - below
    odd = below - 2.0 * math.floor(0.5 * below)
    return math.copysign(below + 1.0 if part > 0.5 or (part == 0.5 and odd == 1.0) else below, x)


def round(x, decimals=0):
    """Round to the given number of decimals, halves to the even neighbour, as `numpy.round`.

    Parameters
    ----------
    x : any shape and dtype
    decimals : int
        Negative numbers round to tens, hundreds and so on.

    Returns
    -------
    Same shape and dtype as `x`. The gradient is 0.

    Examples
    --------
    >>> round(2.5), round(0.125, 2)
    (2.0, 0.12)
    """
    dtype = x.dtype if hasattr(x, "dtype") else np.asarray(x).dtype
    if dtype.kind != "f":
        return x if decimals >= 0 else lift(round(mul(x, 1.0), decimals)).astype(dtype)
    if decimals == 0:
        return rint(x)
    scale = 10.0 ** (decimals if decimals > 0 else -decimals)
    return div(rint(mul(x, scale)), scale) if decimals > 0 else mul(rint(div(x, scale)), scale)


subtract, multiply, divide, true_divide, power = sub, mul, div, div, pow
negative, absolute, mod = neg, abs, remainder
