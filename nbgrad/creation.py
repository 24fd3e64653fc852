"""New tensors, with NumPy's names and defaults."""

import numpy as np

from .base.dtypes import check_dtype
from .base.errors import DtypeError, problem
from .eager import as_tensor
from .tensor import Tensor


def _wrap(array, requires_grad):
    return Tensor(array, None, requires_grad)


def zeros(shape, dtype="float64", requires_grad=False):
    """Return zeros, as `numpy.zeros`.

    >>> zeros(2)
    tensor([0., 0.])
    """
    return _wrap(np.zeros(shape, check_dtype(dtype)), requires_grad)


def ones(shape, dtype="float64", requires_grad=False):
    """Return ones, as `numpy.ones`."""
    return _wrap(np.ones(shape, check_dtype(dtype)), requires_grad)


def full(shape, value, dtype=None, requires_grad=False):
    """Return an array filled with a number, as `numpy.full`."""
    return _wrap(np.full(shape, value, None if dtype is None else check_dtype(dtype)), requires_grad)


def empty(shape, dtype="float64", requires_grad=False):
    """Return memory that is not set, as `numpy.empty`."""
    return _wrap(np.empty(shape, check_dtype(dtype)), requires_grad)


def zeros_like(x, dtype=None):
    """Return zeros of the shape and dtype of `x`."""
    x = as_tensor(x)
    return zeros(x.shape, dtype or x.dtype)


def ones_like(x, dtype=None):
    """Return ones of the shape and dtype of `x`."""
    x = as_tensor(x)
    return ones(x.shape, dtype or x.dtype)


def full_like(x, value, dtype=None):
    """Return an array of the shape and dtype of `x` filled with a number."""
    x = as_tensor(x)
    return full(x.shape, value, dtype or x.dtype)


def empty_like(x, dtype=None):
    """Return memory that is not set, of the shape and dtype of `x`."""
    x = as_tensor(x)
    return empty(x.shape, dtype or x.dtype)


def arange(start, stop=None, step=1, dtype=None):
    """Return evenly spaced values, as `numpy.arange`.

    >>> arange(3)
    tensor([0, 1, 2])
    """
    start, stop = (0, start) if stop is None else (start, stop)
    return Tensor(np.arange(start, stop, step, None if dtype is None else check_dtype(dtype)))


def linspace(start, stop, num=50, endpoint=True, dtype="float64"):
    """Return `num` values from `start` to `stop`, as `numpy.linspace`."""
    return Tensor(np.linspace(start, stop, num, endpoint=endpoint, dtype=check_dtype(dtype)))


def eye(n, m=None, k=0, dtype="float64"):
    """Return a matrix with ones on a diagonal, as `numpy.eye`."""
    return Tensor(np.eye(n, m, k, check_dtype(dtype)))


def identity(n, dtype="float64"):
    """Return the identity matrix."""
    return eye(n, dtype=dtype)


def asarray(x, dtype=None):
    """Return `x` as a tensor; itself when it is one of that dtype."""
    t = as_tensor(x)
    return t if dtype is None else t.astype(dtype)


def from_dlpack(x):
    """Return a tensor over the memory of an array that offers DLPack, without a copy.

    Raises
    ------
    DtypeError
        When the array is of another device or dtype than nbgrad computes on.
    """
    try:
        return Tensor(np.from_dlpack(x))
    except (BufferError, RuntimeError, TypeError) as error:
        raise problem(
            DtypeError, f"from_dlpack: {error}", "an array in the memory of the CPU, of a float, integer or bool dtype"
        ) from None
