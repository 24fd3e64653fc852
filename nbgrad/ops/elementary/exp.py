"""Exponential functions.

x is n log(2) + r with a whole number n and |r| <= log(2) / 2; exp(r) is a minimax polynomial (Remez exchange, first
coefficients exact), times 2 to the power of n. n is found by adding 1.5 * 2^23 (2^52), which leaves no room for a
fraction: the low bits of the sum are n. log(2) is a short part, whose product with n is exact, and the rest.
"""

from .bits import bits, fabs, fma, polynomial, real, scale, select

LOG2_E = 1.4426950408889634
ROUND_32, ROUND_32_BITS = 12582912.0, 0x4B400000
ROUND_64, ROUND_64_BITS = 6755399441055744.0, 0x4338000000000000
LN2_HIGH_32, LN2_LOW_32 = 0.693145751953125, 1.4286068203094173e-06
LN2_HIGH_64, LN2_LOW_64 = 0.6931471803691238, 1.9082149292705877e-10

EXP_TAIL_32 = (1.0, 0.4999999403953552, 0.16666516661643982, 0.04166810214519501, 0.008369173854589462,
          0.0013838254380971193)  # fmt: skip  # 2^-28.2
EXP2_32 = (1.0, 0.6931472420692444, 0.24022655189037323, 0.055502619594335556, 0.00961734913289547,
           0.0013423211639747024, 0.00015688345592934638)  # fmt: skip  # 2^-27.5
EXPM1_32 = (0.4999999701976776, 0.16666539013385773, 0.04166774824261665, 0.008367087692022324,
            0.00138378597330302)  # fmt: skip  # (exp(r) - 1 - r) / r^2, 2^-26.1 of exp(r) - 1
EXP_TAIL_64 = (1.0, 0.5000000000000011, 0.16666666666666435, 0.04166666666652579, 0.008333333333475834,
          0.0013888888944848668, 0.00019841269554892688, 2.4801491786373362e-05, 2.755753685924657e-06,
          2.763072587961521e-07, 2.5017448598390266e-08)  # fmt: skip  # 2^-57.9
EXP2_64 = (1.0, 0.6931471805599457, 0.240226506959101, 0.05550410866478786, 0.009618129107605613,
           0.0013333558153971526, 0.0001540353044390435, 1.525272693253787e-05, 1.321544125594159e-06,
           1.0180815214493455e-07, 7.0728537100670325e-09, 4.0556776706701423e-10)  # fmt: skip  # 2^-55.5
EXPM1_64 = (0.5000000000000006, 0.16666666666666588, 0.04166666666657169, 0.008333333333389006, 0.0013888888933345277,
            0.00019841269724010007, 2.48015030151281e-05, 2.755739917151941e-06, 2.762697548353868e-07,
            2.5057749416355688e-08)  # fmt: skip  # 2^-55.5


def exp_parts_float32(x):
    """Return (p, n) with exp(x) = p * 2^n, for |x| < 10^6."""
    t = fma(x, LOG2_E, ROUND_32)
    n = t - ROUND_32
    r = fma(n, -LN2_LOW_32, fma(n, -LN2_HIGH_32, x))
    return fma(r, polynomial(r, *EXP_TAIL_32), 1.0), bits(t) - ROUND_32_BITS


def exp_parts_float64(x):
    """Return (p, n) with exp(x) = p * 2^n, for |x| < 10^6."""
    t = fma(x, LOG2_E, ROUND_64)
    n = t - ROUND_64
    r = fma(n, -LN2_LOW_64, fma(n, -LN2_HIGH_64, x))
    return fma(r, polynomial(r, *EXP_TAIL_64), 1.0), bits(t) - ROUND_64_BITS


def exp_pair_float32(x):
    """Return (p, rest, n) with exp(x) = (p + rest) * 2^n, for |x| < 10^6: `rest` is what the rounding of p left."""
    t = fma(x, LOG2_E, ROUND_32)
    n = t - ROUND_32
    r = fma(n, -LN2_LOW_32, fma(n, -LN2_HIGH_32, x))
    q = polynomial(r, *EXP_TAIL_32)
    p = fma(r, q, 1.0)
    return p, fma(r, q, 1.0 - p), bits(t) - ROUND_32_BITS


def exp_pair_float64(x):
    """Return (p, rest, n) with exp(x) = (p + rest) * 2^n, for |x| < 10^6: `rest` is what the rounding of p left."""
    t = fma(x, LOG2_E, ROUND_64)
    n = t - ROUND_64
    r = fma(n, -LN2_LOW_64, fma(n, -LN2_HIGH_64, x))
    q = polynomial(r, *EXP_TAIL_64)
    p = fma(r, q, 1.0)
    return p, fma(r, q, 1.0 - p), bits(t) - ROUND_64_BITS


def exp_float32(x):
    """The result overflows from 88.73 on, and is below half of the least number from -103.98 on."""
    x = select(x > 89.0, 89.0, x)
    p, n = exp_parts_float32(select(x < -104.0, -104.0, x))
    return scale(p, n)


def exp_float64(x):
    """The result overflows from 709.79 on, and is below half of the least number from -745.14 on."""
    x = select(x > 710.0, 710.0, x)
    p, n = exp_parts_float64(select(x < -746.0, -746.0, x))
    return scale(p, n)


def exp2_float32(x):
    """2 to the power of n + r, |r| <= 1/2."""
    x = select(x > 129.0, 129.0, x)
    x = select(x < -151.0, -151.0, x)
    t = x + ROUND_32
    return scale(polynomial(x - (t - ROUND_32), *EXP2_32), bits(t) - ROUND_32_BITS)


def exp2_float64(x):
    """2 to the power of n + r, |r| <= 1/2."""
    x = select(x > 1025.0, 1025.0, x)
    x = select(x < -1076.0, -1076.0, x)
    t = x + ROUND_64
    return scale(polynomial(x - (t - ROUND_64), *EXP2_64), bits(t) - ROUND_64_BITS)


def reduced_float32(x):
    """Return (r, rest, n): x = n log(2) + r + rest, for |x| < 200."""
    t = fma(x, LOG2_E, ROUND_32)
    n = t - ROUND_32
    near = fma(n, -LN2_HIGH_32, x)
    r = fma(n, -LN2_LOW_32, near)
    return r, fma(n, -LN2_LOW_32, near - r), bits(t) - ROUND_32_BITS


def reduced_float64(x):
    """Return (r, rest, n): x = n log(2) + r + rest, for |x| < 2000."""
    t = fma(x, LOG2_E, ROUND_64)
    n = t - ROUND_64
    near = fma(n, -LN2_HIGH_64, x)
    r = fma(n, -LN2_LOW_64, near)
    return r, fma(n, -LN2_LOW_64, near - r), bits(t) - ROUND_64_BITS


def expm1_float32(x):
    """2^n (exp(r) - 1) + (2^n - 1), halved until the end so that 2^128 fits; r with what its rounding left."""
    x = select(x > 89.0, 89.0, x)
    clipped = select(x < -18.0, -18.0, x)
    r, rest, n = reduced_float32(clipped)
    e = r + fma(r * r, polynomial(r, *EXPM1_32), rest)
    half = real((n + 126) << 23)
    y = fma(half, e, half - 0.5)
    return select(fabs(x) < 1e-8, x, y + y)


def expm1_float64(x):
    """2^n (exp(r) - 1) + (2^n - 1), halved until the end so that 2^1024 fits; r with what its rounding left."""
    x = select(x > 710.0, 710.0, x)
    clipped = select(x < -38.0, -38.0, x)
    r, rest, n = reduced_float64(clipped)
    e = r + fma(r * r, polynomial(r, *EXPM1_64), rest)
    half = real((n + 1022) << 52)
    y = fma(half, e, half - 0.5)
    return select(fabs(x) < 1e-17, x, y + y)
