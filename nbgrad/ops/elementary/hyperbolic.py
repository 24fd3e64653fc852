"""Hyperbolic functions."""

from .bits import copysign, fabs, fma, polynomial, real, scale, select
from .exp import exp_parts_float32, exp_parts_float64, reduced_float32, reduced_float64

TANH_32 = (-0.33333316445350647, 0.13332544267177582, -0.0538475476205349, 0.02105071395635605,
           -0.0062428489327430725)  # fmt: skip  # (tanh(a) / a - 1) / a^2 in a^2, a < 0.55, 2^-29.7
TANH_64 = (-0.333333333333333, 0.1333333333332658, -0.0539682539637366, 0.02186948838515253, -0.008863232589622572,
           0.003592091907877272, -0.0014555420354491926, 0.0005884410639323557, -0.0002333726310193052,
           8.330331679756547e-05, -1.948638125954563e-05)  # fmt: skip  # 2^-60.6
SINH_32 = (0.1666654348373413, 0.008366542868316174)  # (sinh(r) / r - 1) / r^2 in r^2, 2^-26.2
COSH_32 = (0.5, 0.041666459292173386, 0.0013935428578406572)  # (cosh(r) - 1) / r^2 in r^2, 2^-33.2 of 1
SINH_64 = (0.16666666666666677, 0.008333333333321376, 0.00019841269886867135, 2.755724337655669e-06,
           2.5109354980900867e-08)  # fmt: skip  # 2^-61.7
COSH_64 = (0.5000000000000013, 0.04166666666651047, 0.001388888894835535, 2.4801488506903405e-05,
           2.763180983081318e-07)  # fmt: skip  # 2^-58.0


def tanh_float32(x):
    """(1 - e) / (1 + e) with e = exp(-2 |x|); below 0.55 an odd polynomial."""
    a = fabs(x)
    p, n = exp_parts_float32(-2.0 * select(a > 10.0, 10.0, a))
    e = scale(p, n)
    w = a * a
    return copysign(select(a < 0.55, fma(a * w, polynomial(w, *TANH_32), a), (1.0 - e) / (1.0 + e)), x)


def tanh_float64(x):
    """(1 - e) / (1 + e) with e = exp(-2 |x|); below 0.55 an odd polynomial."""
    a = fabs(x)
    p, n = exp_parts_float64(-2.0 * select(a > 20.0, 20.0, a))
    e = scale(p, n)
    w = a * a
    return copysign(select(a < 0.55, fma(a * w, polynomial(w, *TANH_64), a), (1.0 - e) / (1.0 + e)), x)


def quarters_float32(n):
    """Return (2^(n - 2), 2^(-n - 2)), the second not below 2^-126, for 0 <= n < 130."""
    return real((n + 125) << 23), real((125 - select(n > 124, 124, n)) << 23)


def quarters_float64(n):
    """Return (2^(n - 2), 2^(-n - 2)), the second not below 2^-1022, for 0 <= n < 1026."""
    return real((n + 1021) << 52), real((1021 - select(n > 1020, 1020, n)) << 52)


def sinh_float32(x):
    """sinh(n log(2)) cosh(r) + cosh(n log(2)) sinh(r), both halved so that neither overflows before the result."""
    a = fabs(x)
    r, rest, n = reduced_float32(select(a > 89.6, 89.6, a))
    up, down = quarters_float32(n)
    s, c, w = up - down, up + down, r * r
    odd = fma(r * w, polynomial(w, *SINH_32), rest)
    y = s + fma(c, r, fma(s, w * polynomial(w, *COSH_32), c * odd))
    return copysign(select(a < 1e-4, a, y + y), x)


def sinh_float64(x):
    """sinh(n log(2)) cosh(r) + cosh(n log(2)) sinh(r), both halved so that neither overflows before the result."""
    a = fabs(x)
    r, rest, n = reduced_float64(select(a > 710.6, 710.6, a))
    up, down = quarters_float64(n)
    s, c, w = up - down, up + down, r * r
    odd = fma(r * w, polynomial(w, *SINH_64), rest)
    y = s + fma(c, r, fma(s, w * polynomial(w, *COSH_64), c * odd))
    return copysign(select(a < 1e-9, a, y + y), x)


def cosh_float32(x):
    """cosh(n log(2)) cosh(r) + sinh(n log(2)) sinh(r), both halved so that neither overflows before the result."""
    a = fabs(x)
    r, rest, n = reduced_float32(select(a > 89.6, 89.6, a))
    up, down = quarters_float32(n)
    s, c, w = up - down, up + down, r * r
    odd = fma(r * w, polynomial(w, *SINH_32), rest)
    y = up + fma(s, r, fma(c, w * polynomial(w, *COSH_32), fma(s, odd, down)))
    return y + y


def cosh_float64(x):
    """cosh(n log(2)) cosh(r) + sinh(n log(2)) sinh(r), both halved so that neither overflows before the result."""
    a = fabs(x)
    r, rest, n = reduced_float64(select(a > 710.6, 710.6, a))
    up, down = quarters_float64(n)
    s, c, w = up - down, up + down, r * r
    odd = fma(r * w, polynomial(w, *SINH_64), rest)
    y = up + fma(s, r, fma(c, w * polynomial(w, *COSH_64), fma(s, odd, down)))
    return y + y
