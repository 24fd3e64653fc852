"""Cube root and hypotenuse."""

from .bits import bits, copysign, fabs, fma, real, select, sqrt, to_float, to_int


def cbrt_float32(x):
    """Cube root: one over it by dividing the bits by 3 and a step of Householder, then a step on the root itself."""
    a = fabs(x)
    low = a < 8.673617379884035e-19
    a = select(low, a * 1.152921504606847e18, a)  # 2^60: squares of the root stay clear of subnormals
    r = real(1419967116 - to_int(to_float(bits(a)) * 0.3333333333333333))
    h = fma(-(a * r), r * r, 1.0)
    r = fma(r * h, fma(h, fma(h, 0.1728395061728395, 0.2222222222222222), 0.3333333333333333), r)
    q = r * r
    c = a * q
    s = c * c
    miss = fma(-s, c, a) - fma(c, c, -s) * c
    c = fma(miss, 0.3333333333333333 * q, c)
    c = select(low, c * 9.5367431640625e-07, c)
    return select((a == 0.0) | (bits(a) >= 0x7F800000), x, copysign(c, x))


def cbrt_float64(x):
    """Cube root: one over it by dividing the bits by 3 and two steps of Householder, then a step on the root itself."""
    a = fabs(x)
    low = a < 2.778448436856347e-163
    a = select(low, a * 3.599131035634557e162, a)  # 2^540: squares of the root stay clear of subnormals
    r = real(6142909891733356544 - to_int(to_float(bits(a)) * 0.3333333333333333))
    h = fma(-(a * r), r * r, 1.0)
    r = fma(r * h, fma(h, fma(h, 0.1728395061728395, 0.2222222222222222), 0.3333333333333333), r)
    h = fma(-(a * r), r * r, 1.0)
    r = fma(r * h, fma(h, fma(h, 0.1728395061728395, 0.2222222222222222), 0.3333333333333333), r)
    q = r * r
    c = a * q
    s = c * c
    miss = fma(-s, c, a) - fma(c, c, -s) * c
    c = fma(miss, 0.3333333333333333 * q, c)
    c = select(low, c * 6.525304467998525e-55, c)
    return select((a == 0.0) | (bits(a) >= 0x7FF0000000000000), x, copysign(c, x))


def hypot_float32(x, y):
    """Square root of the sum of squares, scaled by a power of 2 where they would leave the range."""
    a, b = fabs(x), fabs(y)
    top = select(a < b, b, a)
    large, small = top > 4.611686018427388e18, top < 8.881784197001252e-16
    scale = select(large, 8.470329472543003e-22, select(small, 1.2676506002282294e30, 1.0))
    back = select(large, 1.1805916207174113e21, select(small, 7.888609052210118e-31, 1.0))
    u, v = a * scale, b * scale
    r = sqrt(fma(u, u, v * v)) * back
    infinity = real(0x7F800000)
    return select((a == infinity) | (b == infinity), infinity, r)


def hypot_float64(x, y):
    """Square root of the sum of squares, scaled by a power of 2 where they would leave the range."""
    a, b = fabs(x), fabs(y)
    top = select(a < b, b, a)
    large, small = top > 3.273390607896142e150, top < 3.8725919148493183e-121
    scale = select(large, 2.409919865102884e-181, select(small, 5.260135901548374e210, 1.0))
    back = select(large, 4.149515568880993e180, select(small, 1.90109156629516e-211, 1.0))
    u, v = a * scale, b * scale
    r = sqrt(fma(u, u, v * v)) * back
    infinity = real(0x7FF0000000000000)
    return select((a == infinity) | (b == infinity), infinity, r)
