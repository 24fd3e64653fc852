"""Comparisons, logic, bits, and the classes of floating-point numbers."""

import math

import numpy as np

from .table import ZERO, elementwise


@elementwise(df=ZERO, ref=np.equal, accepts="any", returns="bool")
def equal(x, y):
    """Whether x equals y; NaN equals nothing."""
    return x == y


@elementwise(df=ZERO, ref=np.not_equal, accepts="any", returns="bool")
def not_equal(x, y):
    """Whether x differs from y; NaN differs from everything."""
    return x != y


@elementwise(df=ZERO, ref=np.less, accepts="any", returns="bool")
def less(x, y):
    """Whether x is smaller than y."""
    return x < y


@elementwise(df=ZERO, ref=np.less_equal, accepts="any", returns="bool")
def less_equal(x, y):
    """Whether x is smaller than y or equal."""
    return x <= y


@elementwise(df=ZERO, ref=np.greater, accepts="any", returns="bool")
def greater(x, y):
    """Whether x is larger than y."""
    return x > y


@elementwise(df=ZERO, ref=np.greater_equal, accepts="any", returns="bool")
def greater_equal(x, y):
    """Whether x is larger than y or equal."""
    return x >= y


@elementwise(df=ZERO, ref=np.logical_and, accepts="any", returns="bool")
def logical_and(x, y):
    """Whether both are true (not zero; NaN is true)."""
    return x != 0 and y != 0


@elementwise(df=ZERO, ref=np.logical_or, accepts="any", returns="bool")
def logical_or(x, y):
    """Whether one of both is true (not zero; NaN is true)."""
    return x != 0 or y != 0


@elementwise(df=ZERO, ref=np.logical_xor, accepts="any", returns="bool")
def logical_xor(x, y):
    """Whether exactly one of both is true (not zero; NaN is true)."""
    return (x != 0) != (y != 0)


@elementwise(df=ZERO, ref=np.logical_not, accepts="any", returns="bool")
def logical_not(x):
    """Whether x is false (zero)."""
    return x == 0


@elementwise(df=ZERO, ref=np.bitwise_and, accepts="integer", domain=(-9, 9))
def bitwise_and(x, y):
    """Bits set in both; of booleans, whether both are true."""
    return x & y


@elementwise(df=ZERO, ref=np.bitwise_or, accepts="integer", domain=(-9, 9))
def bitwise_or(x, y):
    """Bits set in one of both; of booleans, whether one is true."""
    return x | y


@elementwise(df=ZERO, ref=np.bitwise_xor, accepts="integer", domain=(-9, 9))
def bitwise_xor(x, y):
    """Bits set in exactly one of both; of booleans, whether they differ."""
    return x ^ y


@elementwise(df=ZERO, ref=np.invert, accepts="integer", domain=(-9, 9))
def bitwise_not(x):
    """Every bit turned over; `invert` also takes booleans."""
    return ~x


def invert(x):
    """Turn over every bit, as `numpy.invert`; of booleans, logical not.

    Parameters
    ----------
    x : integer or boolean, any shape

    Returns
    -------
    Same shape and dtype as `x`.

    Examples
    --------
    >>> invert(5), invert(True)
    (-6, False)
    """
    dtype = x.dtype if hasattr(x, "dtype") else np.asarray(x).dtype
    return logical_not(x) if dtype == np.bool_ else bitwise_not(x)


@elementwise(df=ZERO, ref=np.left_shift, accepts="integer", domain={"x": (-9, 9), "y": (0, 7)})
def left_shift(x, y):
    """Shift the bits of x by y to the left; 0 when y is not within the word."""
    return x << y if y >= 0 and y < 64 else 0


@elementwise(df=ZERO, ref=np.right_shift, accepts="integer", domain={"x": (-999, 999), "y": (0, 7)})
def right_shift(x, y):
    """Shift the bits of x by y to the right, the sign kept; 0 or -1 when y is not within the word."""
    return x >> y if y >= 0 and y < 64 else (-1 if x < 0 else 0)


# The next five hold for integers too: x - x is NaN for infinities and NaN, 0 for all other numbers.


@elementwise(df=ZERO, ref=np.isnan, accepts="any", returns="bool")
def isnan(x):
    """Whether x is NaN."""
    return x != x


@elementwise(df=ZERO, ref=np.isinf, accepts="any", returns="bool")
def isinf(x):
    """Whether x is infinite, of either sign."""
    return x - x != 0 and x == x


@elementwise(df=ZERO, ref=np.isfinite, accepts="any", returns="bool")
def isfinite(x):
    """Whether x is neither infinite nor NaN."""
    return x - x == 0


@elementwise(df=ZERO, ref=np.isposinf, accepts="any", returns="bool")
def isposinf(x):
    """Whether x is plus infinity."""
    return x - x != 0 and x > 0


@elementwise(df=ZERO, ref=np.isneginf, accepts="any", returns="bool")
def isneginf(x):
    """Whether x is minus infinity."""
    return x - x != 0 and x < 0


@elementwise(df=ZERO, ref=np.signbit, returns="bool")
def signbit(x):
    """Whether the sign is set: negative numbers and -0.0."""
    return math.copysign(1.0, x) < 0.0


@elementwise(
    df=lambda x: (1.0 if isfinite(x) else 0.0, 1.0 if isnan(x) else 0.0, 1.0 if isposinf(x) else 0.0,
                  1.0 if isneginf(x) else 0.0),
    ref=lambda x, nan, posinf, neginf: np.where(
        np.isnan(x), nan, np.where(np.isposinf(x), posinf, np.where(np.isneginf(x), neginf, x))),
)
def replace_nonfinite(x, nan, posinf, neginf):
    """Put three numbers in place of NaN, plus infinity and minus infinity; `nan_to_num` gives them defaults."""
    return nan if x != x else (x if x - x == 0.0 else (posinf if x > 0.0 else neginf))


def nan_to_num(x, nan=0.0, posinf=None, neginf=None):
    """Replace NaN and infinities by finite numbers, as `numpy.nan_to_num`.

    Parameters
    ----------
    x : any shape and dtype
    nan : float
        Stands for NaN.
    posinf, neginf : float, optional
        Stand for the infinities; by default the largest and the most negative number of the dtype.

    Returns
    -------
    Same shape and dtype as `x`; integers come back as they are. The gradient is 0 where a number was replaced.

    Examples
    --------
    >>> nan_to_num(float("nan")), nan_to_num(float("-inf"), neginf=-9.0)
    (0.0, -9.0)
    """
    dtype = x.dtype if hasattr(x, "dtype") else np.asarray(x).dtype
    if dtype.kind != "f":
        return x
    largest = float(np.finfo(dtype).max)
    posinf = largest if posinf is None else posinf
    neginf = -largest if neginf is None else neginf
    return replace_nonfinite(x, nan, posinf, neginf)


bitwise_invert = invert
bitwise_left_shift = left_shift
bitwise_right_shift = right_shift
