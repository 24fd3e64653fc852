"""Plain functions over ops, differentiable to any order: softmax and its kin, spread, norms, similarity."""

import math
import numbers

from ..base.arguments import switch
from ..base.errors import ArgumentError, problem
from ..base.shapes import normalize_axes, normalize_axis
from . import reduce, rows
from .arithmetic import abs as absolute
from .arithmetic import maximum, sqrt, where
from .gather import take
from .table import lift
from .transcendental import exp, log


def float_tensor(x):
    """Return `x` lifted, integers and bools as float64 (NumPy's rule for float functions)."""
    x = lift(x)
    return x if x.dtype.kind == "f" else x.astype("float64")


def softmax(x, axis=-1):
    """Exponentials that sum to one along `axis`, as `scipy.special.softmax`.

    Parameters
    ----------
    x : array of float (..., n)
        Integers are computed in float64.
    axis : int or tuple of int, optional
        None means over all elements.

    Returns
    -------
    Tensor
        Same shape and dtype as `x`.

    Examples
    --------
    >>> softmax([0.0, 0.0]).numpy()
    array([0.5, 0.5])
    """
    return rows.along(rows.softmax, lift(x), axis)


def softmin(x, axis=-1):
    """Softmax of `-x`: most weight on the smallest value.

    >>> softmin([0.0, 0.0]).numpy()
    array([0.5, 0.5])
    """
    return softmax(-float_tensor(x), axis)


def log_softmax(x, axis=-1):
    """Logarithm of `softmax(x, axis)` without under- or overflow, as `scipy.special.log_softmax`.

    >>> float(log_softmax([1000.0, 1000.0])[0])
    -0.6931471805599453
    """
    return rows.along(rows.log_softmax, lift(x), axis)


def logsumexp(x, axis=None, keepdims=False):
    """Logarithm of the sum of exponentials, as `scipy.special.logsumexp`.

    Infinities are kept: a row of -inf gives -inf (with gradient zero), a row that holds +inf gives +inf, whose gradient goes to
    the infinite elements. An empty sum gives -inf.

    Parameters
    ----------
    x : array of float
        Integers are computed in float64.
    axis : int or tuple of int, optional
        Axes to sum over; all of them when left out.
    keepdims : bool
        Keep the summed axes with length 1.

    Examples
    --------
    >>> float(logsumexp([1000.0, 1000.0]))
    1000.6931471805599
    """
    x = float_tensor(x)
    axes, keepdims = normalize_axes(axis, x.ndim), switch(keepdims, "keepdims")
    if not x.size:
        return log(reduce.sum(exp(x), axes, keepdims))
    return rows.folded(rows.logsumexp, x, axes, keepdims)


def drop(x, axes):
    """Return `x` without `axes`, each of length 1."""
    return x.reshape(tuple(n for i, n in enumerate(x.shape) if i not in axes))


def var(x, axis=None, ddof=0, keepdims=False):
    """Variance over the given axes, as `numpy.var`, by two passes (no cancellation).

    Parameters
    ----------
    x : array of float
        Integers are computed in float64.
    axis : int or tuple of int, optional
        All axes when left out.
    ddof : int or float
        The sum of squares is divided by `n - ddof`; 1 gives the unbiased estimate. NaN or inf where `n <= ddof`.
    keepdims : bool
        Keep the reduced axes with length 1.

    Examples
    --------
    >>> float(var([1.0, 3.0]))
    1.0
    """
    x = float_tensor(x)
    axes, keepdims = normalize_axes(axis, x.ndim), switch(keepdims, "keepdims")
    if not isinstance(ddof, numbers.Real):
        raise problem(ArgumentError, f"var or std: ddof is {ddof!r}, not a number", "ddof=1; x.astype(...) for a dtype")
    n = math.prod(x.shape[a] for a in axes)
    d = x - reduce.mean(x, axes, True)
    square = d * d
    return reduce.sum(square, axes, keepdims) / float(max(n - ddof, 0)) if ddof else reduce.mean(square, axes, keepdims)


def std(x, axis=None, ddof=0, keepdims=False):
    """Standard deviation, as `numpy.std`; arguments as `var`. The gradient of equal values is 0.

    >>> float(std([1.0, 3.0]))
    1.0
    """
    return root(var(x, axis, ddof, keepdims), 0.5)


def root(total, power):
    """Return `total ** power` of non-negative values, with gradient 0 instead of NaN where `total` is 0."""
    zero = total == 0.0
    safe = where(zero, 1.0, total)
    return where(zero, 0.0, sqrt(safe) if power == 0.5 else safe**power)


def norm(x, ord=None, axis=None, keepdims=False):
    """Norm of vectors or matrices, as `numpy.linalg.norm`; its gradient at the zero vector is 0.

    Parameters
    ----------
    x : array of float
        Integers are computed in float64.
    ord : None, 1, 2, inf, -inf, 0, another number, or "fro"
        Vectors: sum of `|x|**ord` to the power `1/ord`; 0 counts. Matrices: "fro" (also None), 1 and -1 (largest and
        smallest column sum), inf and -inf (row sums).
    axis : int, or tuple of two ints, optional
        One axis: vectors. Two: matrices (rows, columns). Left out: all elements when `ord` is None, else `x` must have
        one or two axes.
    keepdims : bool
        Keep the reduced axes with length 1.

    Raises
    ------
    ArgumentError
        For norms by singular values (2, -2 and "nuc" of a matrix), and unknown `ord`.

    Examples
    --------
    >>> float(norm([3.0, 4.0]))
    5.0
    """
    x = float_tensor(x)
    whole = axis is None and ord is None
    axes, keepdims = normalize_axes(axis, x.ndim), switch(keepdims, "keepdims")
    if whole or (len(axes) == 2 and ord in (None, "fro")):
        return root(reduce.sum(x * x, axes, keepdims), 0.5)
    if len(axes) == 2:
        return matrix_norm(x, ord, axes, keepdims)
    if len(axes) != 1 or isinstance(ord, str):
        raise problem(
            ArgumentError,
            f"norm(x, ord={ord!r}, axis={axis!r}): x is {x.shape}; this is no vector or matrix norm",
            "axis=-1 for vectors, axis=(-2, -1) for matrices",
        )
    return vector_norm(x, ord, axes, keepdims)


def vector_norm(x, ord, axes, keepdims):
    """Return the `ord` norm along one axis."""
    if ord is None or ord == 2:
        return root(reduce.sum(x * x, axes, keepdims), 0.5)
    if ord == 0:
        return reduce.sum((x != 0.0).astype(x.dtype), axes, keepdims)
    a = absolute(x)
    if ord in (math.inf, -math.inf):
        return (reduce.max if ord > 0 else reduce.min)(a, axes, keepdims)
    if ord == 1:
        return reduce.sum(a, axes, keepdims)
    # At 0 the partial of a power below 1 is infinite: such entries take part as constants.
    zero = a == 0.0
    powers = where(zero, 0.0 if ord > 0 else math.inf, where(zero, 1.0, a) ** ord)
    return root(reduce.sum(powers, axes, keepdims), 1.0 / ord)


def matrix_norm(x, ord, axes, keepdims):
    """Return the largest or smallest absolute row or column sum."""
    if ord not in (1, -1, math.inf, -math.inf):
        raise problem(
            ArgumentError,
            f"norm(x, ord={ord!r}, axis={axes}): matrix norms are 'fro', 1, -1, inf, -inf",
            "axis=-1 for the norm of each row vector",
        )
    summed, chosen = axes if abs(ord) == 1 else axes[::-1]
    sums = reduce.sum(absolute(x), (summed,), True)
    out = (reduce.max if ord > 0 else reduce.min)(sums, (chosen,), True)
    return out if keepdims else drop(out, axes)


def cosine_similarity(a, b, axis=-1, eps=1e-8):
    """Cosine of the angle between vectors along `axis`, in [-1, 1].

    Parameters
    ----------
    a, b : arrays of float that broadcast
        Vectors along `axis`.
    axis : int
        Axis of the vectors; it is summed away.
    eps : float
        Smallest length a vector is divided by, so that a zero vector gives 0.

    Examples
    --------
    >>> float(cosine_similarity([1.0, 0.0], [2.0, 0.0]))
    1.0
    """
    a, b = float_tensor(a), float_tensor(b)
    product = a * b
    axis = normalize_axis(axis, product.ndim) - product.ndim
    lengths = maximum(norm(a, 2, axis), eps) * maximum(norm(b, 2, axis), eps)
    return reduce.sum(product, axis) / lengths


def embedding(weight, indices):
    """Rows of `weight` chosen by integers: (n, d), (...) -> (..., d); `numpy.take` along axis 0.

    Raises
    ------
    IndexRangeError
        For an index outside of 0..n-1 or -n..-1.

    Examples
    --------
    >>> embedding([[1.0], [2.0]], [1, 1, 0]).numpy().ravel()
    array([2., 2., 1.])
    """
    return take(weight, indices, axis=0)
