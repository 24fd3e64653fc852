"""Special functions that need a loop: helpers of the formulas in `transcendental.py`."""

import importlib
import math

from .table import scalar


def scipy_special(name):
    """Return a function of `scipy.special`, imported when a reference first asks for it: that takes a while."""
    return getattr(importlib.import_module("scipy.special"), name)


@scalar
def digamma_of(x):
    """Return the logarithmic derivative of the gamma function, as `scipy.special.digamma`.

    Between 1 and 2 a rational approximation about the positive root (Boost, digamma.hpp), from 10 on the asymptotic
    series (Abramowitz and Stegun 6.3.18), elsewhere the recurrence to one of both; negative numbers by reflection.
    """
    if x == 0.0:
        return math.copysign(math.inf, -x)
    total = 0.0
    if x < 0.0:
        above = -x % 1.0  # exact; pi x itself would lose the digits of the fraction
        if above == 0.0:
            return math.nan
        total = math.pi / math.tan(math.pi * above)
        x = 1.0 - x
    if x < 1.0:
        total -= 1.0 / x
        x += 1.0
    if x < 10.0:
        while x > 2.0:
            x -= 1.0
            total += 1.0 / x
        t = x - 1.0
        from_root = x - 1569415565.0 / 1073741824.0 - 381566830.0 / 1073741824.0 / 1073741824.0 - 0.9016312093258695e-19
        p = -0.28919126444774784 + t * (-0.045251321448739056 + t * -0.0020713321167745952)
        p = 0.25479851061131551 + t * (-0.32555031186804491 + t * (-0.65031853770896507 + t * p))
        q = 0.054151797245674225 + t * (0.0021284987017821144 + t * -0.55789841321675513e-6)
        q = 1.0 + t * (2.0767117023730469 + t * (1.4606242909763515 + t * (0.43593529692665969 + t * q)))
        return total + from_root * 0.99558162689208984 + from_root * (p / q)
    w = 1.0 / (x * x)
    series = 1.0 / 132.0 - w * (691.0 / 32760.0 - w / 12.0)
    series = w * (1.0 / 12.0 - w * (1.0 / 120.0 - w * (1.0 / 252.0 - w * (1.0 / 240.0 - w * series))))
    return total + math.log(x) - 0.5 / x - series


@scalar
def scaled_zeta(n, x):
    """Return n! times the Hurwitz zeta function of n + 1 at x > 0, by Euler and Maclaurin's formula."""
    factorial = 1.0
    for k in range(1, int(n) + 1):
        factorial *= k
    total = 0.0
    while x < 10.0 + n:
        total += factorial / x ** (n + 1.0)
        x += 1.0
    w = 1.0 / (x * x)
    head = factorial * x**-n  # the terms below are head/n, head/(2x) and head times Bernoulli numbers
    rise = 0.5 * (n + 1.0) * w
    series = rise / 6.0
    rise *= (n + 2.0) * (n + 3.0) / 12.0 * w
    series -= rise / 30.0
    rise *= (n + 4.0) * (n + 5.0) / 30.0 * w
    series += rise / 42.0
    rise *= (n + 6.0) * (n + 7.0) / 56.0 * w
    series -= rise / 30.0
    rise *= (n + 8.0) * (n + 9.0) / 90.0 * w
    series += rise * 5.0 / 66.0
    rise *= (n + 10.0) * (n + 11.0) / 132.0 * w
    series -= rise * 691.0 / 2730.0
    rise *= (n + 12.0) * (n + 13.0) / 182.0 * w
    series += rise * 7.0 / 6.0
    return total + head / n + head * 0.5 / x + head * series


@scalar
def polygamma_of(n, x):
    """Return the derivative of order n (a whole number) of the digamma function.

    For negative x the sum over k >= 0 of 1 / (x + k)^(n + 1) is the sum over all integers, which depends only on the
    fractional part of x, less the terms of k < 0: three zeta functions of positive arguments.
    """
    if n == 0.0:
        return digamma_of(x)
    sign = 1.0 if int(n) % 2 == 1 else -1.0  # (-1)^(n + 1)
    if x > 0.0:
        return 0.0 if x == math.inf else sign * scaled_zeta(n, x)
    if x == 0.0:
        return math.inf if sign > 0.0 else math.copysign(math.inf, -x)
    above = -x % 1.0
    if above == 0.0:
        return math.inf if sign > 0.0 else math.nan
    if above != above:
        return math.nan
    return sign * scaled_zeta(n, 1.0 - above) + scaled_zeta(n, above) - scaled_zeta(n, 1.0 - x)


@scalar
def sinc_slope_of(n, x):
    """Return the derivative of order n (a whole number) of sin(pi x) / (pi x).

    With y = pi x it is pi^n times the integral f_n over t from 0 to 1 of t^n cos(y t + n pi / 2): a power series for
    small y, else the recurrence y f_n + n f_(n-1) = sin(y + n pi / 2), which is stable for y above n / 2.
    """
    order = int(n)
    y = math.pi * x
    scale = math.pi**n
    if math.fabs(y) < 0.5 * (n + 1.0):
        term = 1.0
        total = 0.0
        for m in range(2 * order + 24):
            phase = (m + order) % 4
            if phase == 0:
                total += term / (m + order + 1.0)
            elif phase == 2:
                total -= term / (m + order + 1.0)
            term *= y / (m + 1.0)
        return scale * total
    s = math.sin(y)
    c = math.cos(y)
    f = s / y
    for k in range(1, order + 1):
        s, c = c, -s
        f = (s - k * f) / y
    return scale * f
