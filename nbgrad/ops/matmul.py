"""Products of matrices and everything that NumPy builds on them: dot, inner, outer, kron, tensordot."""

from math import prod

import numpy as np

from ..base.errors import ShapeError, problem
from ..base.shapes import broadcast_shapes, normalize_axes
from .movement import expand_dims, permute, ravel, reshape, swapaxes
from .reduce import sum as sum_
from .table import lift, primitive


@primitive(
    ref=np.matmul, accepts="number", linear=("a", "b"),
    vjp={"a": lambda g, b: matmul_row(g, swapaxes(b, -1, -2)), "b": lambda g, a, b_shape: _gradient_b(g, a, b_shape)},
)  # fmt: skip
def matmul(a, b):
    """Matrix product of (..., m, k) and (..., k, n); batches broadcast."""
    if a.ndim < 2 or b.ndim < 2:
        raise problem(
            ShapeError, f"matmul(a, b): a is {a.shape} and b is {b.shape}; the row takes matrices", "nbgrad.matmul"
        )
    (m, k), (k_b, n) = a.shape[-2:], b.shape[-2:]
    if k != k_b:
        raise _unfit(a, b, f"k is {k} and {k_b}")
    if a.ndim == b.ndim == 2:
        return m, n
    try:
        return *broadcast_shapes(a.shape[:-2], b.shape[:-2]), m, n
    except ShapeError:
        raise _unfit(a, b, f"the batches {a.shape[:-2]} and {b.shape[:-2]} do not broadcast") from None


matmul_row = matmul  # the strict row; the public function below takes its name


def _unfit(a, b, reason):
    """Return the error for shapes that do not fit, with the transpose that would."""
    fix = None
    if a.ndim > 1 and b.ndim > 1:
        if a.shape[-1] == b.shape[-1]:
            fix = "a @ b.T" if b.ndim == 2 else "a @ b.mT"
        elif a.shape[-2] == b.shape[-2]:
            fix = "a.T @ b" if a.ndim == 2 else "a.mT @ b"
        elif a.shape[-2] == b.shape[-1]:
            fix = "b @ a"
    elif a.ndim == 1 and b.ndim > 1 and a.shape[0] == b.shape[-1]:
        fix = "b @ a"
    what = f"matmul(a, b): a is {a.shape} and b is {b.shape}; shapes must fit (m,k),(k,n)->(m,n), but {reason}"
    return problem(ShapeError, what, fix)


def _gradient_b(g, a, b_shape):
    """Gradient of the right factor; one matrix used by a whole batch gets its sum as one long product."""
    if len(b_shape) == 2 and a.ndim > 2:
        a, g = reshape(a, (-1, a.shape[-1])), reshape(g, (-1, g.shape[-1]))
    return matmul_row(swapaxes(a, -1, -2), g)


def matmul(a, b):
    """Matrix product, as `numpy.matmul`.

    Parameters
    ----------
    a : array (..., m, k) or (k,)
    b : array (..., k, n) or (k,)
        Batch axes broadcast. A vector is a row on the left and a column on the right; its axis is not in the result.

    Returns
    -------
    Tensor (..., m, n)
        In the common dtype; bools are counted as int64.

    Raises
    ------
    ShapeError
        When the inner lengths differ, a batch does not broadcast, or an argument is a scalar.

    Examples
    --------
    >>> matmul([[1.0, 2.0], [3.0, 4.0]], [1.0, 1.0])
    tensor([3., 7.])
    """
    a, b = lift(a), lift(b)
    if a.ndim > 1 and b.ndim > 1:
        return matmul_row(a, b)
    if not a.ndim or not b.ndim:
        raise problem(ShapeError, f"matmul(a, b): a is {a.shape} and b is {b.shape}; a scalar has no rows", "a * b")
    if a.shape[-1] != b.shape[-min(2, b.ndim)]:
        raise _unfit(a, b, f"k is {a.shape[-1]} and {b.shape[-min(2, b.ndim)]}")
    out = matmul_row(a if a.ndim > 1 else expand_dims(a, 0), b if b.ndim > 1 else expand_dims(b, 1))
    shape = out.shape[:-2] + (out.shape[-2:-1] if a.ndim > 1 else ()) + (out.shape[-1:] if b.ndim > 1 else ())
    return reshape(out, shape)


def _gradient_weight(g, x):
    """Gradient of the weight of `linear`: the sum over the batch as one long product."""
    g, x = reshape(g, (-1, g.shape[-1])), reshape(x, (-1, x.shape[-1]))
    return matmul_row(swapaxes(g, 0, 1), x)


@primitive(
    accepts="number",
    vjp={
        "x": lambda g, weight: matmul_row(g, weight) if g.ndim > 1 else matmul(g, weight),
        "weight": lambda g, x: _gradient_weight(g, x),
        "bias": lambda g: sum_(g, axis=tuple(range(g.ndim - 1))),
    },
)
def linear(x, weight, bias):
    """x @ weight.T + bias: (..., n_in), (n_out, n_in), (n_out,) -> (..., n_out)."""
    fits = x.ndim >= 1 and weight.ndim == 2 and bias.ndim == 1
    if not fits or (x.shape[-1], bias.shape[0]) != (weight.shape[1], weight.shape[0]):
        raise problem(
            ShapeError,
            f"linear(x, weight, bias): x is {x.shape}, weight is {weight.shape} and bias is {bias.shape}; "
            "shapes must fit (..., n_in), (n_out, n_in), (n_out,)",
            "weight.T" if weight.ndim == 2 and x.ndim and weight.shape[0] == x.shape[-1] else None,
        )
    return *x.shape[:-1], weight.shape[0]


linear_row = linear  # the strict row; the public function below takes its name


def linear(x, weight, bias=None):
    """Affine map of the last axis: `x @ weight.T + bias`, the bias added while the product is in cache.

    Parameters
    ----------
    x : array (..., n_in)
    weight : array (n_out, n_in)
    bias : array (n_out,), optional

    Returns
    -------
    Tensor (..., n_out)
        In the common dtype.

    Raises
    ------
    ShapeError
        When the shapes do not fit.

    Examples
    --------
    >>> linear([[1.0, 2.0]], [[3.0, 4.0]], [0.5])
    tensor([[11.5]])
    """
    x, weight = lift(x), lift(weight)
    if bias is None:
        return matmul(x, swapaxes(weight, -1, -2))
    return linear_row(x, weight, lift(bias))


def dot(a, b):
    """Sum over the last axis of `a` and the last but one of `b`, as `numpy.dot`; a scalar multiplies.

    >>> float(dot([1.0, 2.0], [3.0, 4.0]))
    11.0
    """
    a, b = lift(a), lift(b)
    if not a.ndim or not b.ndim:
        return a * b
    if a.ndim <= 2 and b.ndim <= 2:
        return matmul(a, b)
    return tensordot(a, b, ((a.ndim - 1,), (max(b.ndim - 2, 0),)))


def vdot(a, b):
    """Sum of products of all elements, as `numpy.vdot`.

    >>> float(vdot([[1.0], [2.0]], [[3.0], [4.0]]))
    11.0
    """
    return matmul(ravel(lift(a)), ravel(lift(b)))


def inner(a, b):
    """Sum over the last axes, as `numpy.inner`: (..., k), (..., k) -> a's other axes, then b's.

    >>> inner([[1.0, 2.0]], [[3.0, 4.0], [5.0, 6.0]])
    tensor([[11., 17.]])
    """
    a, b = lift(a), lift(b)
    if not a.ndim or not b.ndim:
        return a * b
    return tensordot(a, b, ((a.ndim - 1,), (b.ndim - 1,)))


def outer(a, b):
    """Products of all pairs of elements, as `numpy.outer`: sizes m and n give (m, n).

    >>> outer([1.0, 2.0], [1.0, 10.0])
    tensor([[ 1., 10.],
            [ 2., 20.]])
    """
    return expand_dims(ravel(lift(a)), 1) * expand_dims(ravel(lift(b)), 0)


def kron(a, b):
    """Kronecker product, as `numpy.kron`: every element of `a` times the whole of `b`.

    >>> kron([1.0, 2.0], [1.0, 10.0])
    tensor([ 1., 10.,  2., 20.])
    """
    a, b = lift(a), lift(b)
    ndim = max(a.ndim, b.ndim)
    a, b = reshape(a, (1,) * (ndim - a.ndim) + a.shape), reshape(b, (1,) * (ndim - b.ndim) + b.shape)
    wide = reshape(a, tuple(n for pair in zip(a.shape, (1,) * ndim) for n in pair))
    tall = reshape(b, tuple(n for pair in zip((1,) * ndim, b.shape) for n in pair))
    return reshape(wide * tall, tuple(n * m for n, m in zip(a.shape, b.shape)))


def tensordot(a, b, axes=2):
    """Sum of products over pairs of axes, as `numpy.tensordot`.

    Parameters
    ----------
    a, b : arrays
    axes : int, or pair of int or of sequences of int
        An int: the last `axes` axes of `a` with the first of `b`. A pair: axes of `a`, and the axes of `b` they meet.

    Returns
    -------
    Tensor
        Axes of `a` that are left, then those of `b`.

    Examples
    --------
    >>> tensordot([[1.0, 2.0]], [[1.0], [10.0]], axes=1)
    tensor([[21.]])
    """
    a, b = lift(a), lift(b)
    if isinstance(axes, int):
        of_a, of_b = tuple(range(a.ndim - axes, a.ndim)), tuple(range(axes))
    else:
        of_a, of_b = axes
    of_a, of_b = normalize_axes(of_a, a.ndim), normalize_axes(of_b, b.ndim)
    if [a.shape[i] for i in of_a] != [b.shape[i] for i in of_b]:
        raise problem(
            ShapeError,
            f"tensordot(a, b, axes={axes}): a is {a.shape} and b is {b.shape}; "
            f"lengths {[a.shape[i] for i in of_a]} meet {[b.shape[i] for i in of_b]}",
            "axes of equal lengths",
        )
    left = [i for i in range(a.ndim) if i not in of_a]
    right = [i for i in range(b.ndim) if i not in of_b]
    outer_a, outer_b = tuple(a.shape[i] for i in left), tuple(b.shape[i] for i in right)
    k = prod(a.shape[i] for i in of_a)
    rows = reshape(permute(a, axes=(*left, *of_a)), (prod(outer_a), k))
    columns = reshape(permute(b, axes=(*of_b, *right)), (k, prod(outer_b)))
    return reshape(matmul_row(rows, columns), outer_a + outer_b)
