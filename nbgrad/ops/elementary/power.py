"""Powers: 2^(y log2(x)), with log2 to more digits than the result has, since y multiplies its error.

With s = f / (2 + f), log(1 + f) = 2 s + 2/3 s^3 + ... (a series of inverse hyperbolic tangent).
"""

from .bits import bits, copysign, fabs, floor, fma, narrow, polynomial, real, scale, select, to_float, wide
from .exp import EXP2_64, ROUND_64, ROUND_64_BITS
from .log import LOG2_E_HIGH_64, LOG2_E_LOW_64, log_parts_float64, split_float64

INFINITY, NAN = float("inf"), float("nan")
THIRDS, THIRDS_LOW = 0.6666666666666666, 3.700743415417188e-17
LOG2_IN_S = (2.885390081777425, 0.9617966948248887, 0.5770777557061835, 0.4122261651757836, 0.31928528463555106,
             0.29082869313954346)  # fmt: skip  # log2((1 + s) / (1 - s)) / s in s^2, 2^-42.4
LOG_IN_S = (0.39999999999999725, 0.2857142857157752, 0.22222222191189409, 0.18181821532791848, 0.15384406251189908,
            0.13341157156860198, 0.11592151283666433, 0.12572794412987331)  # fmt: skip  # the rest / s^5, 2^-68.0
EXP2_SHORT = (0.9999999999616748, 0.6931471807284446, 0.24022651198180806, 0.05550410353469451, 0.00961802725107132,
              0.0013333922544281121, 0.00015469291890369698, 1.5201926265335428e-05)  # fmt: skip  # 2^-34.5


def signs_float32(x, y, r):
    """Return r = |x|^y with the sign and the special values of x^y as in C."""
    odd = fma(floor(y * 0.5), -2.0, y) == 1.0
    r = select(odd, copysign(r, x), r)
    r = select((x < 0.0) & (x > -INFINITY) & (floor(y) != y), NAN, r)
    r = select((x != x) | (y != y), NAN, r)
    return select((y == 0.0) | (x == 1.0), 1.0, r)


def signs_float64(x, y, r):
    """Return r = |x|^y with the sign and the special values of x^y as in C."""
    odd = fma(floor(y * 0.5), -2.0, y) == 1.0
    r = select(odd, copysign(r, x), r)
    r = select((x < 0.0) & (x > -INFINITY) & (floor(y) != y), NAN, r)
    r = select((x != x) | (y != y), NAN, r)
    return select((y == 0.0) | (x == 1.0), 1.0, r)


def wide_pow_float64(x, y):
    """Return |x|^y of float32 numbers as a float64, to 34 bits."""
    a = fabs(x)
    k, f = split_float64(a)
    s = f / (2.0 + f)
    exponent = fma(s, polynomial(s * s, *LOG2_IN_S), to_float(k))
    exponent = select(a == 0.0, -INFINITY, select(a < INFINITY, exponent, INFINITY))
    z = select(exponent == 0.0, 0.0, y * exponent)
    z = select(z > 200.0, 200.0, z)
    z = select(z < -200.0, -200.0, z)
    t = z + ROUND_64
    return polynomial(z - (t - ROUND_64), *EXP2_SHORT) * real((bits(t) - (ROUND_64_BITS - 1023)) << 52)


def pow_float32(x, y):
    """By way of float64, whose exponents are wide enough for every step."""
    return signs_float32(x, y, narrow(wide_pow_float64(wide(x), wide(y))))


def log2_pair_float64(x):
    """Return (high, low) with log2 of a positive finite number to about 66 bits."""
    k, f = log_parts_float64(x)
    d = 2.0 + f
    t = 1.0 / d
    s = f * t
    s_low = (fma(-s, d, f) - s * (f - (d - 2.0))) * t
    w = s * s
    w_low = fma(s, s, -w) + 2.0 * s * s_low
    u = w * polynomial(w, *LOG_IN_S)
    factor = THIRDS + u  # T = s w factor is all of the logarithm but 2 s
    factor_low = (THIRDS - factor) + u + THIRDS_LOW
    b = s * w
    b_low = fma(s, w, -b) + fma(s, w_low, s_low * w)
    c = b * factor
    c_low = fma(b, factor, -c) + fma(b, factor_low, b_low * factor)
    h = 2.0 * s + c
    h_low = (2.0 * s - h) + c + fma(2.0, s_low, c_low)
    g = h * LOG2_E_HIGH_64
    g_low = fma(h, LOG2_E_HIGH_64, -g) + fma(h, LOG2_E_LOW_64, h_low * LOG2_E_HIGH_64)
    high = k + g
    return high, (k - high) + g + g_low


def pow_float64(x, y):
    """2^(y log2(x)), the product in two parts."""
    a = fabs(x)
    high, low = log2_pair_float64(a)
    high = select(a == 0.0, -INFINITY, select(a < INFINITY, high, INFINITY))
    z = select(high == 0.0, 0.0, y * high)
    z_low = fma(y, high, -z) + y * low
    inside = (fabs(z) < 1100.0) & (fabs(y) < 1e200)  # else y * low may be 0 * inf
    z = select(z > 1025.0, 1025.0, z)
    z = select(z < -1080.0, -1080.0, z)
    t = z + ROUND_64
    r = (z - (t - ROUND_64)) + select(inside, z_low, 0.0)
    return signs_float64(x, y, scale(polynomial(r, *EXP2_64), bits(t) - ROUND_64_BITS))
