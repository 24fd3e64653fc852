"""The logistic function and its kin.

All are written in e = exp(-|x|), which does not overflow; where the result is that small, its power of 2 is put in last,
so that numbers below the least normal one are right too.
"""

from .bits import bits, fabs, fma, polynomial, scale, select
from .exp import (
    LN2_HIGH_32,
    LN2_LOW_32,
    LOG2_E,
    ROUND_32,
    ROUND_32_BITS,
    exp_pair_float32,
    exp_pair_float64,
    exp_parts_float32,
    exp_parts_float64,
)
from .log import log1p_unit_float32, log1p_unit_float64

INFINITY = float("inf")
EXP_REST_32 = (0.4999999403953552, 0.1666652113199234, 0.04166828840970993, 0.00836870726197958,
               0.0013818965526297688)  # fmt: skip  # (exp(r) - 1 - r) / r^2, 2^-28.2 of exp(r)


def small_exp_float32(x):
    """Return exp(-|x|)."""
    a = fabs(x)
    p, n = exp_parts_float32(-select(a > 104.0, 104.0, a))
    return scale(p, n)


def small_exp_float64(x):
    """Return exp(-|x|)."""
    a = fabs(x)
    p, n = exp_parts_float64(-select(a > 746.0, 746.0, a))
    return scale(p, n)


def quotient_float32(top, left, e):
    """Return (top + left) / (1 + e) for 0 <= e <= 1, the roundings on the way made up for."""
    bottom = 1.0 + e
    inverse = 1.0 / bottom
    y = top * inverse
    return fma(fma(-y, bottom, top) + (left - y * (e - (bottom - 1.0))), inverse, y)


def quotient_float64(top, left, e):
    """Return (top + left) / (1 + e) for 0 <= e <= 1, the roundings on the way made up for."""
    bottom = 1.0 + e
    inverse = 1.0 / bottom
    y = top * inverse
    return fma(fma(-y, bottom, top) + (left - y * (e - (bottom - 1.0))), inverse, y)


def sigmoid_float32(x):
    """(1 + s) 2^n / (1 + e) for negative x, with e = 2^n (1 + s), else 1 / (1 + e): s is small, and so is its error."""
    a = fabs(x)
    a = select(a > 104.0, 104.0, a)
    t = fma(a, -LOG2_E, ROUND_32)
    n = t - ROUND_32
    r = fma(n, -LN2_LOW_32, fma(n, -LN2_HIGH_32, -a))
    s = fma(r * r, polynomial(r, *EXP_REST_32), r)
    power = scale(1.0, bits(t) - ROUND_32_BITS)
    base = 1.0 + power
    bottom = fma(s, power, base)
    left = fma(s, power, base - bottom)  # by the rounding; of it, half or all is in the quotient
    y = select(x < 0.0, power, 1.0) / bottom
    return fma(y, fma(left, -0.6, select(x < 0.0, s, 0.0)), y)


def sigmoid_float64(x):
    """1 / (1 + e), or e / (1 + e) for negative x."""
    a = fabs(x)
    p, rest, n = exp_pair_float64(-select(a > 746.0, 746.0, a))
    down = x < 0.0
    y = quotient_float64(select(down, p, 1.0), select(down, rest, 0.0), scale(p, n))
    return scale(y, select(down, n, 0))


def softplus_float32(x):
    """max(x, 0) + log(1 + e)."""
    return select(x > 0.0, x, 0.0) + log1p_unit_float32(small_exp_float32(x))


def softplus_float64(x):
    """max(x, 0) + log(1 + e)."""
    return select(x > 0.0, x, 0.0) + log1p_unit_float64(small_exp_float64(x))


def log_sigmoid_float32(x):
    """min(x, 0) - log(1 + e)."""
    return select(x < 0.0, x, -0.0) - log1p_unit_float32(small_exp_float32(x))


def log_sigmoid_float64(x):
    """min(x, 0) - log(1 + e)."""
    return select(x < 0.0, x, -0.0) - log1p_unit_float64(small_exp_float64(x))


def logaddexp_float32(x, y):
    """max(x, y) + log(1 + exp(-|x - y|))."""
    gap = select(x == y, 0.0, x - y)
    return select(x > y, x, y) + log1p_unit_float32(small_exp_float32(gap))


def logaddexp_float64(x, y):
    """max(x, y) + log(1 + exp(-|x - y|))."""
    gap = select(x == y, 0.0, x - y)
    return select(x > y, x, y) + log1p_unit_float64(small_exp_float64(gap))


def silu_float32(x):
    """x / (1 + e), or x e / (1 + e) for negative x; -0 at -infinity."""
    x = select(x < -112.0, -112.0, x)
    a = fabs(x)
    p, rest, n = exp_pair_float32(-select(a > 112.0, 112.0, a))
    down = x < 0.0
    factor = select(down, p, 1.0)
    top = x * factor
    y = quotient_float32(top, fma(x, factor, -top) + select(down, x * rest, 0.0), scale(p, n))
    return select((x == 0.0) | (x == INFINITY), x, scale(y, select(down, n, 0)))


def silu_float64(x):
    """x / (1 + e), or x e / (1 + e) for negative x; -0 at -infinity."""
    x = select(x < -756.0, -756.0, x)
    a = fabs(x)
    p, rest, n = exp_pair_float64(-select(a > 756.0, 756.0, a))
    down = x < 0.0
    factor = select(down, p, 1.0)
    top = x * factor
    y = quotient_float64(top, fma(x, factor, -top) + select(down, x * rest, 0.0), scale(p, n))
    return select((x == 0.0) | (x == INFINITY), x, scale(y, select(down, n, 0)))


def mish_float32(x):
    """x (1 + 2 e) / (1 + 2 e + 2 e^2), or x e (2 + e) / (2 + 2 e + e^2), the roundings on the way made up for."""
    x = select(x < -112.0, -112.0, x)
    a = fabs(x)
    p, rest, n = exp_pair_float32(-select(a > 112.0, 112.0, a))
    e = scale(p, n)
    down = x < 0.0
    double = e + e
    more = select(down, 2.0 + double, 1.0 + double)
    more_left = double - (more - select(down, 2.0, 1.0))
    factor = select(down, fma(p, e, p + p), more)
    factor_left = select(down, fma(p, e, p + p - factor) + rest * (2.0 + double), more_left)
    large = select(down, e, double)
    bottom = fma(large, e, more)
    bottom_left = fma(large, e, more - bottom) + more_left
    top = x * factor
    left = fma(x, factor, -top) + x * factor_left
    inverse = 1.0 / bottom
    y = top * inverse
    y = fma(fma(-y, bottom, top) + (left - y * bottom_left), inverse, y)
    return select((x == 0.0) | (x == INFINITY), x, scale(y, select(down, n, 0)))


def mish_float64(x):
    """x (1 + 2 e) / (1 + 2 e + 2 e^2), or x e (2 + e) / (2 + 2 e + e^2), the roundings on the way made up for."""
    x = select(x < -756.0, -756.0, x)
    a = fabs(x)
    p, rest, n = exp_pair_float64(-select(a > 756.0, 756.0, a))
    e = scale(p, n)
    down = x < 0.0
    double = e + e
    more = select(down, 2.0 + double, 1.0 + double)
    more_left = double - (more - select(down, 2.0, 1.0))
    factor = select(down, fma(p, e, p + p), more)
    factor_left = select(down, fma(p, e, p + p - factor) + rest * (2.0 + double), more_left)
    large = select(down, e, double)
    bottom = fma(large, e, more)
    bottom_left = fma(large, e, more - bottom) + more_left
    top = x * factor
    left = fma(x, factor, -top) + x * factor_left
    inverse = 1.0 / bottom
    y = top * inverse
    y = fma(fma(-y, bottom, top) + (left - y * bottom_left), inverse, y)
    return select((x == 0.0) | (x == INFINITY), x, scale(y, select(down, n, 0)))
