"""Activation functions of neural networks, safe for arguments of any finite size."""

import math

import numpy as np

from ..base.errors import ArgumentError, problem
from .arithmetic import maximum, minimum
from .special import scipy_special
from .table import elementwise
from .transcendental import erfc, exp, expm1, sigmoid

_SELU_SCALE = 1.0507009873554805
_SELU_SLOPE = 1.7580993408473766  # the scale times alpha = 1.6732632423543772
_SQRT_HALF = 0.7071067811865476


@elementwise(df=lambda out: 1.0 if out > 0.0 else 0.0, ref=lambda x: np.maximum(x, 0), kinks=(0.0,), accepts="number")
def relu(x):
    """x where it is positive, else 0; its gradient at 0 is 0."""
    return x if x > 0 or x != x else 0


@elementwise(
    df=lambda x, slope: (1.0 if x > 0.0 else slope, 0.0 if x > 0.0 else x),
    ref=lambda x, slope: np.where(x > 0, x, slope * x), kinks=(0.0,),
)
def leaky_relu(x, slope=0.01):
    """x where it is positive, else slope times x; its gradient at 0 is the slope."""
    return x if x > 0.0 else slope * x


@elementwise(
    df=lambda x, alpha: (1.0 if x > 0.0 else alpha * exp(x), 0.0 if x > 0.0 else expm1(x)),
    ref=lambda x, alpha: np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0))), kinks=(0.0,),
)
def elu(x, alpha=1.0):
    """Exponential linear unit: x where it is positive, else alpha (exp(x) - 1) (Clevert et al. 2016)."""
    return x if x > 0.0 else alpha * math.expm1(x)


@elementwise(
    df=lambda x: _SELU_SCALE if x > 0.0 else _SELU_SLOPE * exp(x),
    ref=lambda x: 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(np.minimum(x, 0))),
    kinks=(0.0,),
)
def selu(x):
    """Self-normalising exponential linear unit (Klambauer et al. 2017)."""
    return _SELU_SCALE * x if x > 0.0 else _SELU_SLOPE * math.expm1(x)


@elementwise(
    df=lambda x: 0.5 * erfc(-_SQRT_HALF * x) + 0.3989422804014327 * x * exp(-0.5 * x * x),
    ref=lambda x: np.where(x == -np.inf, -0.0, x * scipy_special("ndtr")(x)), domain=(-4, 4),
)
def gelu_erf(x):
    """Gaussian error linear unit: x times the normal distribution function (Hendrycks and Gimpel 2016)."""
    return 0.5 * x * math.erfc(-_SQRT_HALF * x)


def _gelu_tanh_partial(x):
    s = sigmoid(1.5957691216057308 * (x + 0.044715 * x * x * x))
    slope = 1.5957691216057308 + 0.2140644488178808 * x * x
    # Beyond 25 the second term is 0 in every dtype, and x * x may be infinite there.
    return 1.0 if x > 25.0 else (0.0 if x < -25.0 else s + x * (s * (1.0 - s)) * slope)


@elementwise(
    df=_gelu_tanh_partial, domain=(-4, 4),
    ref=lambda x: 0.5 * x * (1.0 + np.tanh(np.sqrt(2.0 / np.pi) * (x + 0.044715 * x**3))),
)
def gelu_tanh(x):
    """Approximation of `gelu` by a hyperbolic tangent (Hendrycks and Gimpel 2016)."""
    return x * sigmoid(1.5957691216057308 * (x + 0.044715 * x * x * x))


def gelu(x, approximate="none"):
    """Gaussian error linear unit, as `torch.nn.functional.gelu` (Hendrycks and Gimpel 2016).

    Parameters
    ----------
    x : float, any shape
    approximate : "none" or "tanh"
        Exact, with the normal distribution function, or its approximation by a hyperbolic tangent.

    Returns
    -------
    Same shape and dtype as `x`.

    Raises
    ------
    ArgumentError
        For another word in `approximate`.

    Examples
    --------
    >>> gelu(0.0), gelu(-100.0, approximate="tanh")
    (0.0, -0.0)
    """
    if approximate not in ("none", "tanh"):
        what = f"gelu(x, approximate): {approximate!r} is not known"
        raise problem(ArgumentError, what, 'approximate="none" or "tanh"')
    return gelu_erf(x) if approximate == "none" else gelu_tanh(x)


def _silu_partial(x):
    s = sigmoid(x)
    return s * (1.0 + x * (1.0 - s))


@elementwise(
    df=_silu_partial, ref=lambda x: np.where(x == -np.inf, -0.0, x * scipy_special("expit")(x)), domain=(-4, 4)
)
def silu(x):
    """x times its sigmoid, also called swish (Elfwing et al. 2018)."""
    return x * sigmoid(x)


@elementwise(df=lambda x: sigmoid(x), ref=lambda x: np.logaddexp(x, 0.0), domain=(-4, 4))
def softplus(x):
    """log(1 + exp(x)) without overflow."""
    return maximum(x, 0.0) + math.log1p(math.exp(-math.fabs(x)))


@elementwise(df=lambda x: sigmoid(-x), ref="scipy.special.log_expit", domain=(-4, 4))
def log_sigmoid(x):
    """Logarithm of the sigmoid, without overflow."""
    return minimum(x, 0.0) - math.log1p(math.exp(-math.fabs(x)))


@elementwise(
    df=lambda x, lo, hi: (
        1.0 if x > lo and x < hi else 0.0,
        1.0 if x <= lo and lo <= hi else 0.0,
        1.0 if x >= hi or lo > hi else 0.0,
    ),
    ref=np.clip, domain={"x": (-3, 3), "lo": (-1.5, -0.5), "hi": (0.5, 1.5)}, kinks=(-1.0, 1.0),
)
def hardtanh(x, lo=-1.0, hi=1.0):
    """x brought between lo and hi; its gradient at lo and hi is 0."""
    return minimum(maximum(x, lo), hi)


@elementwise(
    df=lambda x: 0.16666666666666666 if x > -3.0 and x < 3.0 else 0.0,
    ref=lambda x: np.clip(x / 6 + 0.5, 0, 1), domain=(-5, 5), kinks=(-3.0, 3.0),
)
def hardsigmoid(x):
    """Straight line from 0 at -3 to 1 at 3, in place of a sigmoid; its gradient at -3 and 3 is 0."""
    return minimum(maximum(0.16666666666666666 * x + 0.5, 0.0), 1.0)


@elementwise(
    df=lambda x: 0.0 if x <= -3.0 else (1.0 if x >= 3.0 else 0.3333333333333333 * x + 0.5),
    ref=lambda x: x * np.clip(x / 6 + 0.5, 0, 1), domain=(-5, 5), kinks=(-3.0, 3.0),
)
def hardswish(x):
    """x times its hardsigmoid (Howard et al. 2019); its gradient is 0 at -3 and 1 at 3."""
    return x * hardsigmoid(x)


def _mish_partial(x):
    e = exp(x if x < 22.0 else 22.0)
    n = e * (e + 2.0)
    return 1.0 if x > 22.0 else n / (n + 2.0) + 4.0 * x * (e / (n + 2.0)) * ((e + 1.0) / (n + 2.0))


@elementwise(
    df=_mish_partial, ref=lambda x: np.where(x == -np.inf, -0.0, x * np.tanh(np.logaddexp(x, 0.0))), domain=(-4, 4)
)
def mish(x):
    """x times the hyperbolic tangent of its softplus (Misra 2020)."""
    e = math.exp(x if x < 22.0 else 22.0)  # from there on the factor below is 1 in every dtype
    n = e * (e + 2.0)
    return x * (n / (n + 2.0))
