"""Inverse circular functions."""

from .bits import bits, copysign, fabs, fma, polynomial, select, sqrt

_ATAN_32 = (-0.33333298563957214, 0.1999852955341339, -0.14264015853405, 0.10950880497694016, -0.08399302512407303,
            0.05788113921880722, -0.031096402555704117, 0.01086810976266861, -0.0017826154362410307)  # fmt: skip
_ATAN_64 = (
    -0.33333333333333326, 0.1999999999999813, -0.14285714285569445, 0.11111111105349072, -0.0909090895194976,
    0.07692305457765435, -0.0666664118612588, 0.05882137913510703, -0.05261772634688352, 0.04754931070584321,
    -0.04319891823477279, 0.03909672543144425, -0.03465062704906548, 0.029275202784855896, -0.022767860424120642,
    0.015672222543433534, -0.00916425804649304, 0.004357341404419699, -0.001599852102999691, 0.0004223002332249342,
    -7.094000955974736e-05, 5.675311672393254e-06,
)  # fmt: skip
_ASIN_32 = (0.16666752099990845, 0.074953094124794, 0.04546915367245674, 0.024184739217162132, 0.04215840622782707)
_ASIN_64 = (
    0.1666666666666676, 0.07499999999970797, 0.04464285717461432, 0.030381942707690648, 0.022372214989711793,
    0.017351611984763333, 0.013980820813850757, 0.011398910549309253, 0.010780260091427034, 0.003706386961567837,
    0.021707489325901025, -0.020999110352569073, 0.03262864769170895,
)  # fmt: skip


def atan_float32(x):
    """By the inverse where |x| > 1: atan(x) = pi/2 - atan(1/x)."""
    a = fabs(x)
    z = select(a > 1.0, 1.0 / a, a)
    y = arctangent_float32(z)
    return copysign(select(a > 1.0, (1.5707963705062866 - y) - 4.371138828673793e-08, y), x)


def arctangent_float32(z):
    """Inverse tangent of z from 0 to 1."""
    w = z * z
    return fma(w * z, polynomial(w, *_ATAN_32), z)


def atan_float64(x):
    """By the inverse where |x| > 1: atan(x) = pi/2 - atan(1/x)."""
    a = fabs(x)
    z = select(a > 1.0, 1.0 / a, a)
    y = arctangent_float64(z)
    return copysign(select(a > 1.0, (1.5707963267948966 - y) + 6.123233995736766e-17, y), x)


def arctangent_float64(z):
    """Inverse tangent of z from 0 to 1."""
    w = z * z
    return fma(w * z, polynomial(w, *_ATAN_64), z)


def atan2_float32(y, x):
    """Angle of the point (|x|, |y|) in the first octant, unfolded by symmetry."""
    a, b = fabs(x), fabs(y)
    small, large = select(a < b, a, b), select(a < b, b, a)
    z = select(small == 0.0, 0.0, select(small == large, 1.0, small / large))
    t = arctangent_float32(z)
    t = select(a < b, (1.5707963705062866 - t) - 4.371138828673793e-08, t)
    t = select(bits(x) < 0, (3.1415927410125732 - t) - 8.742277657347586e-08, t)
    return select((x != x) | (y != y), x + y, copysign(t, y))


def atan2_float64(y, x):
    """Angle of the point (|x|, |y|) in the first octant, unfolded by symmetry."""
    a, b = fabs(x), fabs(y)
    small, large = select(a < b, a, b), select(a < b, b, a)
    z = select(small == 0.0, 0.0, select(small == large, 1.0, small / large))
    t = arctangent_float64(z)
    t = select(a < b, (1.5707963267948966 - t) + 6.123233995736766e-17, t)
    t = select(bits(x) < 0, (3.141592653589793 - t) + 1.2246467991473532e-16, t)
    return select((x != x) | (y != y), x + y, copysign(t, y))


def asin_float32(x):
    """Beyond 1/2 by asin(a) = pi/2 - 2 asin(sqrt((1 - a) / 2))."""
    a = fabs(x)
    far = a > 0.5
    z = select(far, 0.5 * (1.0 - a), a * a)
    s = select(far, sqrt(z), a)
    rest = s * z * polynomial(z, *_ASIN_32)
    t = 1.5707963705062866 - 2.0 * s
    y = t - (fma(2.0, rest, 4.371138828673793e-08) - ((1.5707963705062866 - t) - 2.0 * s))
    return copysign(select(far, y, s + rest), x)


def acos_float32(x):
    """Beyond 1/2 by acos(a) = 2 asin(sqrt((1 - a) / 2)), and acos(-a) = pi - acos(a)."""
    a = fabs(x)
    far = a > 0.5
    z = select(far, 0.5 * (1.0 - a), a * a)
    s = select(far, sqrt(z), x)
    rest = s * z * polynomial(z, *_ASIN_32)
    middle = 1.5707963705062866 - (s + (rest + 4.371138828673793e-08))
    return select(far, select(x < 0.0, 2.0 * middle, 2.0 * (s + rest)), middle)


def asin_float64(x):
    """Beyond 1/2 by asin(a) = pi/2 - 2 asin(sqrt((1 - a) / 2))."""
    a = fabs(x)
    far = a > 0.5
    z = select(far, 0.5 * (1.0 - a), a * a)
    s = select(far, sqrt(z), a)
    rest = s * z * polynomial(z, *_ASIN_64)
    t = 1.5707963267948966 - 2.0 * s
    y = t - (fma(2.0, rest, -6.123233995736766e-17) - ((1.5707963267948966 - t) - 2.0 * s))
    return copysign(select(far, y, s + rest), x)


def acos_float64(x):
    """Beyond 1/2 by acos(a) = 2 asin(sqrt((1 - a) / 2)), and acos(-a) = pi - acos(a)."""
    a = fabs(x)
    far = a > 0.5
    z = select(far, 0.5 * (1.0 - a), a * a)
    s = select(far, sqrt(z), x)
    rest = s * z * polynomial(z, *_ASIN_64)
    middle = 1.5707963267948966 - (s + (rest - 6.123233995736766e-17))
    return select(far, select(x < 0.0, 2.0 * middle, 2.0 * (s + rest)), middle)
