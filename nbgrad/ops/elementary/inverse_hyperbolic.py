"""Inverse hyperbolic functions: logarithms, in float64 also for float32, where they are seldom wanted fast."""

from .bits import copysign, fabs, fma, narrow, select, sqrt, wide
from .log import LN2, log1p_float64

NAN = float("nan")


def asinh_float32(x):
    """By way of float64."""
    return narrow(asinh_float64(wide(x)))


def asinh_float64(x):
    """log(1 + u) with u = a + a^2 / (1 + sqrt(1 + a^2)); log(a) + log(2) for large a."""
    a = fabs(x)
    large = a > 1e20
    w = a * a
    u = select(large, a, a + w / (1.0 + sqrt(fma(a, a, 1.0))))
    return copysign(log1p_float64(u) + select(large, LN2, 0.0), x)


def acosh_float32(x):
    """By way of float64."""
    return narrow(acosh_float64(wide(x)))


def acosh_float64(x):
    """log(1 + u) with u = t + sqrt(t (t + 2)) and t = x - 1, which is exact; log(x) + log(2) for large x."""
    large = x > 1e20
    t = x - 1.0
    u = select(large, x, t + sqrt(fma(t, t, t + t)))
    return select(x < 1.0, NAN, log1p_float64(u) + select(large, LN2, 0.0))


def atanh_float32(x):
    """By way of float64."""
    return narrow(atanh_float64(wide(x)))


def atanh_float64(x):
    """log(1 + 2 a / (1 - a)) / 2."""
    a = fabs(x)
    y = 0.5 * log1p_float64((a + a) / (1.0 - a))
    return copysign(select(a > 1.0, NAN, select(a < 1e-9, a, y)), x)
