"""Exponential functions."""

from .bits import fma, polynomial, real, round_even, select, to_int

_LOG2_E = 1.4426950408889634
_LN2_HIGH, _LN2_LOW = 0.693145751953125, 1.42860682030941723212e-6  # 16 bits of log(2), and the rest


def exp_float32(x):
    """x = n log(2) + r with |r| <= log(2) / 2; a polynomial of r, times 2 to the power of n."""
    n = round_even(x * _LOG2_E)
    r = fma(n, -_LN2_LOW, fma(n, -_LN2_HIGH, x))
    p = polynomial(r, 1.0, 1.0, 0.5, 0.16666667, 0.041666667, 0.008333334, 0.0013888889)
    i = to_int(n)
    half = i >> 1
    y = p * real((half + 127) << 23) * real((i - half + 127) << 23)
    y = select(x > 89.0, real(2139095040), y)
    return select(x < -104.0, 0.0, y)
