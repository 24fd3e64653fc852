"""Exponentials, logarithms, circular and hyperbolic functions, and the special functions of probability."""

import math

import numpy as np

from .arithmetic import hypot, maximum, sqrt
from .compare import isinf
from .special import digamma_of, polygamma_of, scipy_special, sinc_slope_of
from .table import ZERO, elementwise


@elementwise(df=lambda out: out, ref=np.exp)
def exp(x):
    """Exponential function."""
    return math.exp(x)


@elementwise(df=lambda out: 0.6931471805599453 * out, ref=np.exp2)
def exp2(x):
    """Two to the power of x."""
    return 2.0**x


@elementwise(df=lambda x: exp(x), ref=np.expm1)
def expm1(x):
    """exp(x) - 1, exact for small x."""
    return math.expm1(x)


@elementwise(df=lambda x: 1.0 / x, ref=np.log, domain=(0.2, 4))
def log(x):
    """Natural logarithm."""
    return math.log(x)


@elementwise(df=lambda x: 1.4426950408889634 / x, ref=np.log2, domain=(0.2, 4))
def log2(x):
    """Logarithm to base 2."""
    return math.log2(x)


@elementwise(df=lambda x: 0.4342944819032518 / x, ref=np.log10, domain=(0.2, 4))
def log10(x):
    """Logarithm to base 10."""
    return math.log10(x)


@elementwise(df=lambda x: 1.0 / (1.0 + x), ref=np.log1p, domain=(-0.8, 4))
def log1p(x):
    """log(1 + x), exact for small x."""
    return math.log1p(x)


@elementwise(df=lambda out: out * (1.0 - out), ref="scipy.special.expit", domain=(-4, 4))
def sigmoid(x):
    """Logistic function 1 / (1 + exp(-x))."""
    e = math.exp(-math.fabs(x))
    return (1.0 if x >= 0.0 else e) / (1.0 + e)


@elementwise(
    df=lambda x, y: (
        0.5 if x == y and isinf(x) else sigmoid(x - y),
        0.5 if x == y and isinf(x) else sigmoid(y - x),
    ),
    ref=np.logaddexp,
)
def logaddexp(x, y):
    """log(exp(x) + exp(y)) without overflow."""
    gap = 0.0 if x == y else math.fabs(x - y)  # inf - inf would be NaN
    return maximum(x, y) + math.log1p(math.exp(-gap))


@elementwise(df=lambda x: cos(x), ref=np.sin)
def sin(x):
    """Sine."""
    return math.sin(x)


@elementwise(df=lambda x: -sin(x), ref=np.cos)
def cos(x):
    """Cosine."""
    return math.cos(x)


@elementwise(df=lambda out: 1.0 + out * out, ref=np.tan, domain=(-1.2, 1.2))
def tan(x):
    """Tangent."""
    return math.tan(x)


@elementwise(df=lambda x: 1.0 / sqrt((1.0 - x) * (1.0 + x)), ref=np.arcsin, domain=(-0.9, 0.9))
def asin(x):
    """Inverse sine, from -pi/2 to pi/2."""
    return math.asin(x)


@elementwise(df=lambda x: -1.0 / sqrt((1.0 - x) * (1.0 + x)), ref=np.arccos, domain=(-0.9, 0.9))
def acos(x):
    """Inverse cosine, from 0 to pi."""
    return math.acos(x)


@elementwise(df=lambda x: 1.0 / (1.0 + x * x), ref=np.arctan)
def atan(x):
    """Inverse tangent, from -pi/2 to pi/2."""
    return math.atan(x)


def _atan2_partials(y, x):
    r = hypot(y, x)
    r = 1.0 if r == 0.0 else r
    return x / r / r, -y / r / r


@elementwise(df=_atan2_partials, ref=np.arctan2, domain=(0.3, 3))
def atan2(y, x):
    """Angle of the point (x, y), from -pi to pi; its gradient at the origin is 0."""
    return math.atan2(y, x)


@elementwise(df=lambda x: cosh(x), ref=np.sinh)
def sinh(x):
    """Hyperbolic sine."""
    return math.sinh(x)


@elementwise(df=lambda x: sinh(x), ref=np.cosh)
def cosh(x):
    """Hyperbolic cosine."""
    return math.cosh(x)


@elementwise(df=lambda out: 1.0 - out * out, ref=np.tanh, domain=(-4, 4))
def tanh(x):
    """Hyperbolic tangent."""
    return math.tanh(x)


@elementwise(df=lambda x: 1.0 / hypot(1.0, x), ref=np.arcsinh)
def asinh(x):
    """Inverse hyperbolic sine."""
    return math.asinh(x)


@elementwise(df=lambda x: 1.0 / (sqrt(x - 1.0) * sqrt(x + 1.0)), ref=np.arccosh, domain=(1.2, 4))
def acosh(x):
    """Inverse hyperbolic cosine, of numbers from 1 on."""
    return math.acosh(x)


@elementwise(df=lambda x: 1.0 / ((1.0 - x) * (1.0 + x)), ref=np.arctanh, domain=(-0.9, 0.9))
def atanh(x):
    """Inverse hyperbolic tangent, of numbers from -1 to 1."""
    return math.atanh(x)


@elementwise(df=lambda: 0.017453292519943295, ref=np.deg2rad)
def deg2rad(x):
    """Degrees to radians."""
    return 0.017453292519943295 * x


@elementwise(df=lambda: 57.29577951308232, ref=np.rad2deg)
def rad2deg(x):
    """Radians to degrees."""
    return 57.29577951308232 * x


@elementwise(df=lambda x: sinc_slope(1.0, x), ref=np.sinc)
def sinc(x):
    """sin(pi x) / (pi x), 1 at 0."""
    y = math.pi * x
    return 1.0 if x == 0.0 else math.sin(y) / y


@elementwise(
    df=lambda n, x: (ZERO, sinc_slope(n + 1.0, x)),
    ref=lambda n, x: -np.pi**2 * _sinc_curvature(np.pi * x), domain={"n": (2, 2), "x": (0.5, 3)},
)
def sinc_slope(n, x):
    """Derivative of `sinc` of order n, a whole number."""
    return sinc_slope_of(n, x)


def _sinc_curvature(y):
    return np.sin(y) / y + 2.0 * (np.cos(y) - np.sin(y) / y) / y**2


@elementwise(df=lambda x: 1.1283791670955126 * exp(-x * x), ref="scipy.special.erf")
def erf(x):
    """Error function."""
    return math.erf(x)


@elementwise(df=lambda x: -1.1283791670955126 * exp(-x * x), ref="scipy.special.erfc")
def erfc(x):
    """1 - erf(x), exact where it is small."""
    return math.erfc(x)


@elementwise(df=lambda out: 0.886226925452758 * exp(out * out), ref="scipy.special.erfinv", domain=(-0.95, 0.95))
def erfinv(x):
    """Inverse of the error function, of numbers from -1 to 1 (Wichura 1988, algorithm AS 241)."""
    a = math.fabs(x)
    w = 0.180625 - 0.25 * a * a
    p = (((2.5090809287301226727e3 * w + 3.3430575583588128105e4) * w + 6.7265770927008700853e4) * w
         + 4.5921953931549871457e4) * w
    p = (((p + 1.3731693765509461125e4) * w + 1.9715909503065514427e3) * w + 1.3314166789178437745e2) * w
    q = (((5.2264952788528545610e3 * w + 2.8729085735721942674e4) * w + 3.9307895800092710610e4) * w
         + 2.1213794301586595867e4) * w
    q = (((q + 5.3941960214247511077e3) * w + 6.8718700749205790830e2) * w + 4.2313330701600911252e1) * w
    middle = 0.5 * a * (p + 3.3871328727963666080e0) / (q + 1.0)
    tail = math.sqrt(-math.log(0.5 * (1.0 - a))) if a < 1.0 else 5.0
    w = tail - 1.6
    p = (((7.74545014278341407640e-4 * w + 2.27238449892691845833e-2) * w + 2.41780725177450611770e-1) * w
         + 1.27045825245236838258e0) * w
    p = (((p + 3.64784832476320460504e0) * w + 5.76949722146069140550e0) * w + 4.63033784615654529590e0) * w
    q = (((1.05075007164441684324e-9 * w + 5.47593808499534494600e-4) * w + 1.51986665636164571966e-2) * w
         + 1.48103976427480074590e-1) * w
    q = (((q + 6.89767334985100004550e-1) * w + 1.67638483018380384940e0) * w + 2.05319162663775882187e0) * w
    near = (p + 1.42343711074968357734e0) / (q + 1.0)
    w = tail - 5.0
    p = (((2.01033439929228813265e-7 * w + 2.71155556874348757815e-5) * w + 1.24266094738807843860e-3) * w
         + 2.65321895265761230930e-2) * w
    p = (((p + 2.96560571828504891230e-1) * w + 1.78482653991729133580e0) * w + 5.46378491116411436990e0) * w
    q = (((2.04426310338993978564e-15 * w + 1.42151175831644588870e-7) * w + 1.84631831751005468180e-5) * w
         + 7.86869131145613259100e-4) * w
    q = (((q + 1.48753612908506148525e-2) * w + 1.36929880922735805310e-1) * w + 5.99832206555887937690e-1) * w
    far = (p + 6.65790464350110377720e0) / (q + 1.0)
    y = 0.7071067811865476 * (middle if a <= 0.85 else (near if tail <= 5.0 else far))
    miss = math.erf(y) - a if a <= 0.5 else (1.0 - a) - math.erfc(y)  # Newton's step takes the last digits
    y = y - 0.886226925452758 * math.exp(y * y) * miss
    return math.copysign(y if a < 1.0 else math.inf, x) if a <= 1.0 else math.nan


@elementwise(df=lambda x: digamma(x), ref="scipy.special.gammaln", domain=(0.3, 5))
def lgamma(x):
    """Logarithm of the absolute value of the gamma function."""
    return math.lgamma(x)


@elementwise(df=lambda x: trigamma(x), ref="scipy.special.digamma", domain=(0.3, 5))
def digamma(x):
    """Derivative of the logarithm of the gamma function."""
    return digamma_of(x)


@elementwise(
    df=lambda x: polygamma(2.0, x), domain=(0.3, 5),
    ref=lambda x: np.where(x == -np.inf, np.nan, scipy_special("polygamma")(1, x)),
)
def trigamma(x):
    """Derivative of `digamma`."""
    return polygamma_of(1.0, x)


@elementwise(
    df=lambda n, x: (ZERO, polygamma(n + 1.0, x)),
    ref=lambda n, x: scipy_special("polygamma")(np.asarray(n, int), x), domain={"n": (2, 2), "x": (0.5, 5)},
)
def polygamma(n, x):
    """Derivative of order n, a whole number, of `digamma`."""
    return polygamma_of(n, x)


@elementwise(
    df=lambda x, y: (0.0 if x == 0.0 and y <= 0.0 else log(y), 0.0 if x == 0.0 else x / y),
    ref="scipy.special.xlogy", domain=(0.3, 3),
)
def xlogy(x, y):
    """x log(y), 0 where x is 0; its gradient is 0 where both are 0."""
    return 0.0 if x == 0.0 and y == y else x * math.log(y)


arcsin, arccos, arctan, arctan2 = asin, acos, atan, atan2
arcsinh, arccosh, arctanh = asinh, acosh, atanh
radians, degrees, expit = deg2rad, rad2deg, sigmoid
