"""What updates are made of: formulas of single numbers, each one pass over memory."""

import math

from ..function import op


@op
def descend(p, d, lr):
    """One step against the direction `d`."""
    return p - lr * d


@op
def penalized(g, p, decay):
    """The gradient with an L2 penalty on `p`."""
    return g + decay * p


@op
def decayed_sum(v, g, keep):
    """A sum that forgets: `keep` of the old one, and all of `g`."""
    return keep * v + g


@op
def running_mean(m, g, new):
    """A mean that forgets: the share `new` is of `g`."""
    return m + new * (g - m)


@op
def running_square(v, g, new):
    """A mean of squares that forgets: the share `new` is of the square of `g`."""
    return v + new * (g * g - v)


@op
def square_sum(s, g):
    """A sum of squares."""
    return s + g * g


@op
def over_root(d, v, eps):
    """`d` divided by the root of `v`."""
    return d / (math.sqrt(v) + eps)


@op
def over_deviation(d, v, mean, eps):
    """`d` divided by the root of the variance, from the means of the squares and of the values."""
    spread = v - mean * mean
    return d / (math.sqrt(spread if spread > 0.0 else 0.0) + eps)  # rounding can push a variance of 0 below it


@op
def descend_over_root(p, d, v, lr, eps):
    """One step against `d`, divided by the root of `v`."""
    return p - lr * d / (math.sqrt(v) + eps)
