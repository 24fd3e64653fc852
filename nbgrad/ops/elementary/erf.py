"""The error function, what it lacks to 1, and the Gaussian error linear unit.

For a = |x|, exp(a^2) erfc(a) (a + k) is smooth in q = (a - k) / (a + k), which takes all a to an interval: one minimax
polynomial gives erfc to the end of the range. The rounding errors of a^2 and of 1 / (a + k) go into the exponent.
"""

from .bits import bits, copysign, fabs, fma, narrow, polynomial, scale, select, wide
from .exp import (
    EXPM1_32,
    EXPM1_64,
    LN2_HIGH_32,
    LN2_HIGH_64,
    LN2_LOW_32,
    LN2_LOW_64,
    LOG2_E,
    ROUND_32,
    ROUND_32_BITS,
    ROUND_64,
    ROUND_64_BITS,
    exp_float32,
)  # fmt: skip

SQRT_HALF = 0.7071067811865476
ERF_32 = (0.12837916612625122, -0.37612590193748474, 0.11282864958047867, -0.026807287707924843,
          0.0050577037036418915, -0.0006348518654704094)  # fmt: skip  # erf(a) / a - 1 in a^2, a < 0.85, 2^-27.1
ERF_64 = (0.1283791670955126, -0.37612638903184176, 0.11283791670978857, -0.026866170650282073, 0.005223977681890912,
          -0.0008548330535112016, 0.00012055462931169722, -1.4928483067108577e-05, 1.649482564030466e-06,
          -1.6472001333949856e-07, 1.3349114973897571e-08)  # fmt: skip  # a < 0.75, 2^-56.3
ERFCX_32 = (-0.9950915575027466, 1.0944737195968628, -0.8951310515403748, 0.5590642690658569, -0.2610930800437927,
            0.08727353066205978, -0.0195224080234766, 0.002597526181489229,
            -0.0001545079139759764)  # fmt: skip  # -exp(a^2) erfc(a), 0.85 < a < 3.95; 2^-26.9 of erf(a)
ERFC_FIRST_32, ERFC_REST_32 = 1.0740069150924683, -7.3918613452406134e-09  # k = 3, 2^-27.1
ERFC_32 = (-0.8833944797515869, 0.5902283191680908, -0.31046631932258606, 0.11952811479568481, -0.026837971061468124,
           -0.0012202768120914698, 0.003079330315813422, -0.0004940656945109367, -0.0003315538342576474)  # fmt: skip
ERFC_FIRST_64, ERFC_REST_64 = 1.095995661000491, 5.864922067524762e-17  # k = 4, 2^-55.6
ERFC_64 = (-0.9765487290808821, 0.7732087022652369, -0.5408538313132263, 0.3308515878780319, -0.1740109372402485,
           0.07638151490884772, -0.02637005333517667, 0.0061120556607522575, -0.0002809589110765192,
           -0.00045505271640038054, 0.00017681305760455928, -3.6350385363700415e-06, -1.886166349865569e-05,
           4.694065072245453e-06, 1.425764326219589e-06, -8.456497728375807e-07, -7.74332365491246e-08,
           1.2372901986309245e-07, 2.111143983830694e-09, -1.5424181257887298e-08, -1.9019360558191908e-10,
           1.0869747478274691e-09)  # fmt: skip
# Phi(-a) = exp(-a^2 / 2) (1 + a top(a)) / bottom(a) for a < 14.5 to 2^-27.3; exp(r / 2) = 1 + r expm1(r).
GELU_TOP_32 = (0.875190105366618, 0.36538039280416473, 0.0808836601359544, 0.00817120811809246)
GELU_BOTTOM_32 = (2.0, 3.3461499007841904, 2.40059428259194, 0.9360502165694912,
                  0.20275842651465464, 0.020481936268222298)  # fmt: skip
GELU_EXPM1_32 = (0.5, 0.1249999850988388, 0.020833145827054977, 0.002604256384074688, 0.0002615366829559207,
                 2.162227247026749e-05)  # fmt: skip
GELU_FIRST_64, GELU_REST_64 = 0.769193049750063, -1.7681620822714186e-17  # k = 5, 2^-56.3
GELU_SECOND_64 = -0.6653825028900567
GELU_64 = (0.4953056159699772, -0.31353315667130094, 0.16502036617034674, -0.06911863870642088,
           0.020795066800604684, -0.002993376768854827, -0.0007978694053471584, 0.0005448990505585293,
           -5.93756908990547e-05, -4.976273860722013e-05, 1.66810955093043e-05, 3.980645402854152e-06,
           -2.769049861355476e-06, -3.360604830614828e-07, 4.3294728676635446e-07, 4.153701790064485e-08,
           -6.594384112885633e-08, -8.763623594459707e-09, 7.803971045208766e-09, 1.577438414630386e-09,
           -2.3673956507750964e-10)  # fmt: skip


def erf_float32(x):
    """a p(a^2) below 0.85, else 1 + exp(-a^2) q(a); 1 from 3.95 on.

    Whoever wants the derivative too takes the same exp(-x x), as its formula writes it, and computes it once.
    """
    a, h = fabs(x), -x * x
    far = fma(exp_float32(h), polynomial(select(a > 3.95, 3.95, a), *ERFCX_32), 1.0)
    return copysign(select(a < 0.85, fma(a, polynomial(-h, *ERF_32), a), far), x)


def erf_float64(x):
    """a p(a^2) below 0.75, else 1 - erfc(a); 1 from 5.93 on."""
    a = fabs(x)
    return copysign(select(a < 0.75, fma(a, polynomial(a * a, *ERF_64), a), 1.0 - erfc_float64(a)), x)


def decay_float32(h, low):
    """Return (e, n) with exp(-h - low) = (1 + e) 2^n, for 0 <= h < 200 and a small correction `low`."""
    t = fma(h, -LOG2_E, ROUND_32)
    n = t - ROUND_32
    near = fma(n, -LN2_HIGH_32, -h)
    rest = fma(n, -LN2_LOW_32, -low)
    r = near + rest
    return r + fma(r * r, polynomial(r, *EXPM1_32), rest - (r - near)), bits(t) - ROUND_32_BITS


def decay_float64(h, low):
    """Return (e, n) with exp(-h - low) = (1 + e) 2^n, for 0 <= h < 1000 and a small correction `low`."""
    t = fma(h, -LOG2_E, ROUND_64)
    n = t - ROUND_64
    near = fma(n, -LN2_HIGH_64, -h)
    rest = fma(n, -LN2_LOW_64, -low)
    r = near + rest
    return r + fma(r * r, polynomial(r, *EXPM1_64), rest - (r - near)), bits(t) - ROUND_64_BITS


def inverse_float32(a, k):
    """Return (t, rest, q): 1 / (a + k) = t (1 + rest) and q = (a - k) / (a + k), for a >= 0 and a small integer k."""
    d = a + k
    t = 1.0 / d
    rest = fma(-d, t, 1.0) - (a - (d - k)) * t
    double = a + a
    return t, rest, fma(double * t, rest, fma(double, t, -1.0))


def inverse_float64(a, k):
    """Return (t, rest, q): 1 / (a + k) = t (1 + rest) and q = (a - k) / (a + k), for a >= 0 and a small integer k."""
    d = a + k
    t = 1.0 / d
    rest = fma(-d, t, 1.0) - (a - (d - k)) * t
    double = a + a
    q = fma(double, t, -1.0)
    back = -1.0 - q
    return t, rest, q + fma(double * t, rest, fma(double, t, back) + ((-1.0 - back) - q))


def product_float32(t, q, p, first, small, e):
    """Return t (first + small + q p) (1 + e) with what the first roundings left."""
    total = fma(q, p, first)
    v = t * total
    rest = fma(t, fma(q, p, first - total) + small, fma(t, total, -v))
    return v + fma(v, e, fma(rest, e, rest))


def product_float64(t, q, p, first, small, e):
    """Return t (first + small + q p) (1 + e) with what the first roundings left."""
    total = fma(q, p, first)
    v = t * total
    rest = fma(t, fma(q, p, first - total) + small, fma(t, total, -v))
    return v + fma(v, e, fma(rest, e, rest))


def erfc_float32(x):
    """1 - erf(x) for a = |x| < 0.6, else exp(-a^2) p(q) / (a + 3), taken from 2 for negative x; 0 from 10.06 on."""
    a = fabs(x)
    near = fma(x, polynomial(a * a, *ERF_32), x)
    a = select(a > 10.5, 10.5, a)
    t, rest, q = inverse_float32(a, 3.0)
    h = a * a
    e, n = decay_float32(h, fma(a, a, -h) - rest)
    y = scale(product_float32(t, q, polynomial(q, *ERFC_32), ERFC_FIRST_32, ERFC_REST_32, e), n)
    return select(a < 0.6, 1.0 - near, select(x < 0.0, 2.0 - y, y))


def erfc_float64(x):
    """1 - erf(x) for a = |x| < 0.6, else exp(-a^2) p(q) / (a + 4), taken from 2 for negative x; 0 from 27.23 on."""
    a = fabs(x)
    near = fma(x, polynomial(a * a, *ERF_64), x)
    a = select(a > 27.5, 27.5, a)
    t, rest, q = inverse_float64(a, 4.0)
    h = a * a
    e, n = decay_float64(h, fma(a, a, -h) - rest)
    y = scale(product_float64(t, q, polynomial(q, *ERFC_64), ERFC_FIRST_64, ERFC_REST_64, e), n)
    return select(a < 0.6, 1.0 - near, select(x < 0.0, 2.0 - y, y))


def gelu_erf_float32(x):
    """max(x, 0) - a Phi(-a) for a = |x|, where a Phi(-a) is exp(-a^2 / 2) (a + a^2 p(a)) / q(a); -0 at -infinity.

    Far from 0 every term of p and q counts, and so would its rounding: they are taken in float64.
    """
    a = fabs(x)
    a = select(a > 15.0, 15.0, a)
    t = fma(a * a, -0.5 * LOG2_E, ROUND_32)
    n = t - ROUND_32
    r = fma(n, -2.0 * LN2_LOW_32, fma(-a, a, n * (-2.0 * LN2_HIGH_32)))  # twice the rest; a^2 is not rounded
    b, growth = wide(a), wide(r * polynomial(r, *GELU_EXPM1_32))
    top = fma(b * b, polynomial(b, *GELU_TOP_32), b)
    v = narrow(fma(top, growth, top) / polynomial(b, *GELU_BOTTOM_32))
    return select(x < 0.0, -0.0, x) - scale(v, bits(t) - ROUND_32_BITS)


def gelu_erf_float64(x):
    """x / 2 (1 + erf(x / sqrt(2))) for a = |x| < 0.75, else max(x, 0) - a Phi(-a), where Phi(-a) is exp(-a^2 / 2) p(q) / (a + 5);
    -0 at -infinity."""
    a = fabs(x)
    half, z = 0.5 * x, x * SQRT_HALF
    near = half * (1.0 + fma(z, polynomial(z * z, *ERF_64), z))
    a = select(a > 39.0, 39.0, a)
    t, rest, q = inverse_float64(a, 5.0)
    s = a * 0.5
    h = s * a
    e, n = decay_float64(h, fma(s, a, -h) - rest)
    tail = polynomial(q, *GELU_64)
    p = fma(q, tail, GELU_SECOND_64)
    left = fma(q, fma(q, tail, GELU_SECOND_64 - p), GELU_REST_64)
    y = product_float64(t, q, p, GELU_FIRST_64, left, e)
    down = x < 0.0
    y = scale(y, select(down, 0, n))  # Phi(-a), without 2^n for negative x: it may be below all numbers
    return select(a < 0.75, near, scale(fma(-a, y, select(down, -0.0, x)), select(down, n, 0)))
