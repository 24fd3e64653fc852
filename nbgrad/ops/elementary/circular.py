"""Circular functions of arguments of any size.

An argument is brought to n pi/2 + r + low with |r| <= pi/4 and low, the digits that r has no room for. Between the
bounds in `COMMON` three products with pieces of pi/2 suffice (Cody and Waite 1980). Beyond, x is multiplied by the
digits of 2/pi that matter at its exponent (Payne and Hanek 1983). Polynomials are minimax (Remez).
"""

from .bits import bits, choose, fabs, fma, narrow, polynomial, real, round_even, select, to_int, wide

COMMON = {  # between these bounds the functions called `..._common_...` give the same, and faster
    "sin_float32": (-1e5, 1e5), "cos_float32": (-1e5, 1e5), "tan_float32": (-1e5, 1e5),
    "sin_float64": (-1e8, 1e8), "cos_float64": (-1e8, 1e8), "tan_float64": (-1e8, 1e8),
}  # fmt: skip
_SIN_32 = (-0.16666655242443085, 0.008332191035151482, -0.00019518600311130285)
_COS_32 = (0.04166664555668831, -0.00138873013202101, 2.443066841806285e-05)
_SIN_64 = (-0.16666666666666632, 0.008333333333322413, -0.00019841269829807954, 2.7557313691947815e-06,
           -2.5050758116991184e-08, 1.5896795609584485e-10)  # fmt: skip
_COS_64 = (0.0416666666666666, -0.0013888888888874125, 2.480158728948263e-05, -2.755731435243976e-07,
           2.0875723285276813e-09, -1.1359648321936381e-11)  # fmt: skip
_DIGITS = 1216  # binary digits of 2/pi after the point
_TWO_OVER_PI = int(
    "a2f9836e4e441529fc2757d1f534ddc0db6295993c439041fe5163abdebbc561b7246e3a424d"
    "d2e006492eea09d1921cfe1deb1cb129a73ee88235f52ebb4484e99c7026b45f7e413991d639"
    "835339f49c845f8bbdf9283b1ff897ffde05980fef2f118b5a0a6d1f6d367ecf27cb09b74f46"
    "3f669e5fea2d7527bac7ebe5f17b3d0739f78a5292ea6bfb5fb11f8d5d0856033046fc7b6bab",
    16,
)


def _turns(step, count):
    """Return 2/pi 2^(step k) modulo 4 for k = 0, ..., count - 1: four tuples, that of the floats nearest to them, that
    of the floats nearest to what is left, and so on.
    """
    one, rows = 1 << _DIGITS, []
    for k in range(count):
        rest, row = (_TWO_OVER_PI << step * k) % (4 * one), []
        for _ in range(4):
            row.append(rest / one)
            above, below = row[-1].as_integer_ratio()
            rest -= above * (one // below)
        rows.append(row)
    return tuple(zip(*rows))


_TURNS_32, _TURNS_32_LOW, *_ = _turns(16, 7)
_TURNS_64, _TURNS_64_B, _TURNS_64_C, _TURNS_64_D = _turns(32, 31)


def sine_float32(r, low):
    """Sine of r + low, as a number and the digits below it."""
    z = r * r
    tail = fma(z * r, polynomial(z, *_SIN_32), low)
    s = r + tail
    return s, (r - s) + tail


def cosine_float32(r, low):
    """Cosine of r + low, as a number and the digits below it."""
    z = r * r
    half = 0.5 * z
    w = 1.0 - half
    tail = ((1.0 - w) - half) + fma(z * z, polynomial(z, *_COS_32), -r * low)
    c = w + tail
    return c, (w - c) + tail


def reduce_common_float32(x):
    """Return n, r and low of x between the bounds."""
    n = round_even(x * 0.6366197723675814)
    a = fma(-n, 1.5707963705062866, x)
    p = n * -4.371138828673793e-08
    r = a - p
    low = ((a - r) - p) - fma(n, -4.371138828673793e-08, -p)
    return to_int(n), r, fma(-n, -1.7151245100058819e-15, low)


def reduce_far_float32(x):
    """Return n, r and low of any x; 24 digits of x need two floats of 2/pi."""
    e = (bits(x) >> 23) & 255
    k = select(e < 150, 0, (e - 150) >> 4)
    y = wide(x) * wide(real((127 - 16 * k) << 23))
    high, rest = choose(k, *_TURNS_32), choose(k, *_TURNS_32_LOW)
    p = y * high
    n = round_even(p)
    turns = (p - n) + fma(y, rest, fma(y, high, -p))
    angle = turns * 1.5707963267948966
    r = narrow(angle)
    return to_int(narrow(n - 4.0 * round_even(0.25 * n))), r, narrow(angle - wide(r))


def reduce_float32(x):
    """Return n, r and low of any x."""
    n, r, low = reduce_common_float32(x)
    n_far, r_far, low_far = reduce_far_float32(x)
    common = fabs(x) <= 1e5
    return select(common, n, n_far), select(common, r, r_far), select(common, low, low_far)


def turned_float32(n, r, low):
    """Sine of n pi/2 + r + low."""
    s, _ = sine_float32(r, low)
    c, _ = cosine_float32(r, low)
    y = select((n & 1) == 0, s, c)
    return real(bits(y) ^ ((n & 2) << 30))


def tangent_float32(n, r, low):
    """Tangent of n pi/2 + r + low, as a number and the digits below it."""
    s, s_low = sine_float32(r, low)
    c, c_low = cosine_float32(r, low)
    odd = (n & 1) == 1
    top, top_low = select(odd, -c, s), select(odd, -c_low, s_low)
    under, under_low = select(odd, s, c), select(odd, s_low, c_low)
    return quotient_float32(top, top_low, under, under_low)


def quotient_float32(top, top_low, under, under_low):
    """Return the quotient of two pairs of a number and the digits below it, as such a pair."""
    inverse = 1.0 / under
    y = top * inverse
    return y, (fma(-y, under, top) + fma(-y, under_low, top_low)) * inverse


def sin_common_float32(x):
    return select(x == 0.0, x, turned_float32(*reduce_common_float32(x)))


def sin_float32(x):
    return select(x == 0.0, x, turned_float32(*reduce_float32(x)))


def cos_common_float32(x):
    n, r, low = reduce_common_float32(x)
    return turned_float32(n + 1, r, low)


def cos_float32(x):
    n, r, low = reduce_float32(x)
    return turned_float32(n + 1, r, low)


def tan_common_float32(x):
    y, rest = tangent_float32(*reduce_common_float32(x))
    return select(x == 0.0, x, y + rest)


def tan_float32(x):
    y, rest = tangent_float32(*reduce_float32(x))
    return select(x == 0.0, x, y + rest)


def half_turns_float32(x):
    """Return n, r and low of pi x; x itself is reduced, which is exact."""
    n = round_even(2.0 * x)
    part = fma(-0.5, n, x)
    r = part * 3.1415927410125732
    return to_int(n - 4.0 * round_even(0.25 * n)), r, fma(part, 3.1415927410125732, -r) + part * -8.742277657347586e-08


def sinc_float32(x):
    """sin(pi x) / (pi x); 0 at whole numbers other than 0."""
    a = fabs(x)
    s = turned_float32(*half_turns_float32(a))
    y = a * 3.1415927410125732
    q, rest = quotient_float32(s, 0.0, y, fma(a, 3.1415927410125732, -y) + a * -8.742277657347586e-08)
    return select(a < 0.0001220703125, 1.0, select(a > 16777216.0, a - a, q + rest))


def sine_float64(r, low):
    """Sine of r + low, as a number and the digits below it."""
    z = r * r
    tail = fma(z * r, polynomial(z, *_SIN_64), low)
    s = r + tail
    return s, (r - s) + tail


def cosine_float64(r, low):
    """Cosine of r + low, as a number and the digits below it."""
    z = r * r
    half = 0.5 * z
    w = 1.0 - half
    tail = ((1.0 - w) - half) + fma(z * z, polynomial(z, *_COS_64), -r * low)
    c = w + tail
    return c, (w - c) + tail


def reduce_common_float64(x):
    """Return n, r and low of x between the bounds."""
    n = round_even(x * 0.6366197723675814)
    a = fma(-n, 1.5707963267948966, x)
    p = n * 6.123233995736766e-17
    r = a - p
    low = ((a - r) - p) - fma(n, 6.123233995736766e-17, -p)
    return to_int(n), r, fma(-n, -1.4973849048591698e-33, low)


def modulo4_float64(x):
    """Return x less the multiple of 4 nearest to it; exact."""
    return x - 4.0 * round_even(0.25 * x)


def two_sum_float64(a, b):
    """Return the rounded sum and what rounding took from it (Knuth)."""
    s = a + b
    t = s - a
    return s, (a - (s - t)) + (b - t)


def reduce_far_float64(x):
    """Return n, r and low of x beyond 1, of any size; products are exact pairs, multiples of 4 fall away."""
    e = (bits(x) >> 52) & 2047
    k = select(e < 1075, 0, (e - 1075) >> 5)
    y = x * real((1023 - 32 * k) << 52)
    first, second, third = choose(k, *_TURNS_64), choose(k, *_TURNS_64_B), choose(k, *_TURNS_64_C)
    p, q, t = y * first, y * second, y * third
    a, b = two_sum_float64(modulo4_float64(p), modulo4_float64(fma(y, first, -p)))
    a, c = two_sum_float64(a, modulo4_float64(q))
    b, rest = two_sum_float64(b, c)
    c, d = two_sum_float64(fma(y, second, -q), t)
    b, e = two_sum_float64(b, c)
    n = round_even(a)
    a, c = two_sum_float64(a - n, b)
    rest = (c + e) + ((rest + d) + fma(y, choose(k, *_TURNS_64_D), fma(y, third, -t)))
    high = a * 1.5707963267948966
    low = fma(a, 1.5707963267948966, -high) + fma(a, 6.123233995736766e-17, rest * 1.5707963267948966)
    r = high + low
    return to_int(n), r, (high - r) + low


def reduce_float64(x):
    """Return n, r and low of any x."""
    n, r, low = reduce_common_float64(x)
    n_far, r_far, low_far = reduce_far_float64(x)
    common = fabs(x) <= 1e8
    return select(common, n, n_far), select(common, r, r_far), select(common, low, low_far)


def turned_float64(n, r, low):
    """Sine of n pi/2 + r + low."""
    s, _ = sine_float64(r, low)
    c, _ = cosine_float64(r, low)
    y = select((n & 1) == 0, s, c)
    return real(bits(y) ^ ((n & 2) << 62))


def tangent_float64(n, r, low):
    """Tangent of n pi/2 + r + low, as a number and the digits below it."""
    s, s_low = sine_float64(r, low)
    c, c_low = cosine_float64(r, low)
    odd = (n & 1) == 1
    top, top_low = select(odd, -c, s), select(odd, -c_low, s_low)
    under, under_low = select(odd, s, c), select(odd, s_low, c_low)
    return quotient_float64(top, top_low, under, under_low)


def quotient_float64(top, top_low, under, under_low):
    """Return the quotient of two pairs of a number and the digits below it, as such a pair."""
    inverse = 1.0 / under
    y = top * inverse
    return y, (fma(-y, under, top) + fma(-y, under_low, top_low)) * inverse


def sin_common_float64(x):
    return select(x == 0.0, x, turned_float64(*reduce_common_float64(x)))


def sin_float64(x):
    return select(x == 0.0, x, turned_float64(*reduce_float64(x)))


def cos_common_float64(x):
    n, r, low = reduce_common_float64(x)
    return turned_float64(n + 1, r, low)


def cos_float64(x):
    n, r, low = reduce_float64(x)
    return turned_float64(n + 1, r, low)


def tan_common_float64(x):
    y, rest = tangent_float64(*reduce_common_float64(x))
    return select(x == 0.0, x, y + rest)


def tan_float64(x):
    y, rest = tangent_float64(*reduce_float64(x))
    return select(x == 0.0, x, y + rest)


def half_turns_float64(x):
    """Return n, r and low of pi x; x itself is reduced, which is exact."""
    n = round_even(2.0 * x)
    part = fma(-0.5, n, x)
    r = part * 3.141592653589793
    return to_int(n - 4.0 * round_even(0.25 * n)), r, fma(part, 3.141592653589793, -r) + part * 1.2246467991473532e-16


def sinc_float64(x):
    """sin(pi x) / (pi x); 0 at whole numbers other than 0."""
    a = fabs(x)
    s = turned_float64(*half_turns_float64(a))
    y = a * 3.141592653589793
    q, rest = quotient_float64(s, 0.0, y, fma(a, 3.141592653589793, -y) + a * 1.2246467991473532e-16)
    return select(a < 3.725290298461914e-09, 1.0, select(a > 9007199254740992.0, a - a, q + rest))
