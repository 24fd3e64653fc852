"""New tensors, with NumPy's names and defaults."""

import numpy as np

from .base.arguments import integer, lengths
from .base.dtypes import check_dtype
from .base.errors import ArgumentError, DtypeError, GradientError, problem
from .eager import as_tensor
from .ops.cast import copy
from .ops.movement import broadcast_to
from .tensor import Tensor, has_history


def _refuse_history(name, *values):
    """Raise GradientError for a bound that a gradient flows to: the values would not carry it on."""
    if any(map(has_history, values)):
        raise problem(
            GradientError,
            f"{name}: a bound has history, which would be lost",
            "start + (stop - start) * nbgrad.linspace(0, 1, n)",
        )


def zeros(shape, dtype="float64", requires_grad=False):
    """Return zeros, as `numpy.zeros`.

    >>> zeros(2)
    tensor([0., 0.])
    """
    return Tensor(np.zeros(lengths(shape), check_dtype(dtype)), None, requires_grad)


def ones(shape, dtype="float64", requires_grad=False):
    """Return ones, as `numpy.ones`.

    >>> ones((2, 1)).tolist()
    [[1.0], [1.0]]
    """
    return Tensor(np.ones(lengths(shape), check_dtype(dtype)), None, requires_grad)


def full(shape, value, dtype=None, requires_grad=False):
    """Return an array filled with a number, as `numpy.full`; a gradient flows to a tensor `value`.

    >>> full(2, 7)
    tensor([7, 7])
    """
    out = copy(broadcast_to(asarray(value, dtype), lengths(shape)))
    if requires_grad and not out.requires_grad:
        out.requires_grad = True
    return out


def empty(shape, dtype="float64", requires_grad=False):
    """Return memory that is not set, as `numpy.empty`.

    >>> empty((2, 3), "float32").shape
    (2, 3)
    """
    return Tensor(np.empty(lengths(shape), check_dtype(dtype)), None, requires_grad)


def zeros_like(x, dtype=None):
    """Return zeros of the shape and dtype of `x`.

    >>> zeros_like([1, 2])
    tensor([0, 0])
    """
    x = as_tensor(x)
    return zeros(x.shape, dtype or x.dtype)


def ones_like(x, dtype=None):
    """Return ones of the shape and dtype of `x`.

    >>> ones_like([2.5, 3.5])
    tensor([1., 1.])
    """
    x = as_tensor(x)
    return ones(x.shape, dtype or x.dtype)


def full_like(x, value, dtype=None):
    """Return an array of the shape and dtype of `x` filled with a number.

    >>> full_like([1.0, 2.0], 7)
    tensor([7., 7.])
    """
    x = as_tensor(x)
    return full(x.shape, value, dtype or x.dtype)


def empty_like(x, dtype=None):
    """Return memory that is not set, of the shape and dtype of `x`.

    >>> empty_like([1, 2]).shape
    (2,)
    """
    x = as_tensor(x)
    return empty(x.shape, dtype or x.dtype)


def arange(start, stop=None, step=1, dtype=None):
    """Return evenly spaced values, as `numpy.arange`.

    >>> arange(3)
    tensor([0, 1, 2])
    """
    _refuse_history("arange", start, stop, step)
    start, stop = (0, start) if stop is None else (start, stop)
    dtype = None if dtype is None else check_dtype(dtype)
    try:
        return Tensor(np.arange(start, stop, step, dtype))
    except (TypeError, ValueError, ArithmeticError) as error:
        raise problem(
            ArgumentError,
            f"arange(start={start!r}, stop={stop!r}, step={step!r}): {error}",
            "numbers, a step that is not 0",
        ) from None


def linspace(start, stop, num=50, endpoint=True, dtype="float64"):
    """Return `num` values from `start` to `stop`, as `numpy.linspace`.

    >>> linspace(0, 1, 3)
    tensor([0. , 0.5, 1. ])
    """
    _refuse_history("linspace", start, stop)
    return Tensor(np.linspace(start, stop, integer(num, "num", 0), endpoint=endpoint, dtype=check_dtype(dtype)))


def eye(n, m=None, k=0, dtype="float64"):
    """Return a matrix with ones on a diagonal, as `numpy.eye`.

    >>> eye(2, 3, k=1).tolist()
    [[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    """
    n = integer(n, "n", 0)
    m = n if m is None else integer(m, "m", 0)
    return Tensor(np.eye(n, m, integer(k, "k"), check_dtype(dtype)))


def identity(n, dtype="float64"):
    """Return the identity matrix.

    >>> identity(2).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    return eye(n, dtype=dtype)


def asarray(x, dtype=None):
    """Return `x` as a tensor; itself when it is one of that dtype.

    >>> asarray([1, 2], "float32")
    tensor([1., 2.], dtype=float32)
    """
    t = as_tensor(x)
    return t if dtype is None else t.astype(dtype)


def from_dlpack(x):
    """Return a tensor over the memory of an array that offers DLPack, without a copy.

    Raises
    ------
    DtypeError
        When the array is of another device or dtype than nbgrad computes on.

    >>> a = np.ones(2)
    >>> np.shares_memory(from_dlpack(a).numpy(), a)
    True
    """
    try:
        return Tensor(np.from_dlpack(x))
    except (BufferError, RuntimeError, TypeError) as error:
        raise problem(
            DtypeError, f"from_dlpack: {error}", "an array in the memory of the CPU, of a float, integer or bool dtype"
        ) from None
