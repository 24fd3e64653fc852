"""New tensors, with NumPy's names and defaults."""

import numpy as np

from .base.arguments import integer, lengths
from .base.dtypes import check_dtype
from .base.errors import ArgumentError, DtypeError, GradientError, problem
from .eager import as_tensor
from .ops.cast import copy
from .ops.movement import broadcast_to
from .target.run import CUDA, adopted, new, put
from .tensor import Tensor, has_history


def _refuse_history(name, *values):
    """Raise GradientError for a bound that a gradient flows to: the values would not carry it on."""
    if any(map(has_history, values)):
        raise problem(
            GradientError,
            f"{name}: a bound has history, which would be lost",
            "start + (stop - start) * nbgrad.linspace(0, 1, n)",
        )


def zeros(shape, dtype="float64", requires_grad=False, device="cpu"):
    """Return zeros, as `numpy.zeros`.

    >>> zeros(2)
    tensor([0., 0.])
    """
    return Tensor(new(lengths(shape), check_dtype(dtype), 0, device), None, requires_grad)


def ones(shape, dtype="float64", requires_grad=False, device="cpu"):
    """Return ones, as `numpy.ones`.

    >>> ones((2, 1)).tolist()
    [[1.0], [1.0]]
    """
    return Tensor(new(lengths(shape), check_dtype(dtype), 1, device), None, requires_grad)


def full(shape, value, dtype=None, requires_grad=False, device=None):
    """Return an array filled with a number, as `numpy.full`, where a tensor `value` lies; a gradient flows to it.

    >>> full(2, 7)
    tensor([7, 7])
    """
    out = copy(broadcast_to(asarray(value, dtype, device), lengths(shape)))
    if requires_grad and not out.requires_grad:
        out.requires_grad = True
    return out


def empty(shape, dtype="float64", requires_grad=False, device="cpu"):
    """Return memory that is not set, as `numpy.empty`.

    >>> empty((2, 3), "float32").shape
    (2, 3)
    """
    return Tensor(new(lengths(shape), check_dtype(dtype), None, device), None, requires_grad)


def zeros_like(x, dtype=None):
    """Return zeros of the shape and dtype of `x`, on its device.

    >>> zeros_like([1, 2])
    tensor([0, 0])
    """
    x = as_tensor(x)
    return zeros(x.shape, dtype or x.dtype, device=x.device)


def ones_like(x, dtype=None):
    """Return ones of the shape and dtype of `x`, on its device.

    >>> ones_like([2.5, 3.5])
    tensor([1., 1.])
    """
    x = as_tensor(x)
    return ones(x.shape, dtype or x.dtype, device=x.device)


def full_like(x, value, dtype=None):
    """Return an array of the shape and dtype of `x` filled with a number, on its device.

    >>> full_like([1.0, 2.0], 7)
    tensor([7., 7.])
    """
    x = as_tensor(x)
    return full(x.shape, value, dtype or x.dtype, device=x.device)


def empty_like(x, dtype=None):
    """Return memory that is not set, of the shape and dtype of `x`, on its device.

    >>> empty_like([1, 2]).shape
    (2,)
    """
    x = as_tensor(x)
    return empty(x.shape, dtype or x.dtype, device=x.device)


def arange(start, stop=None, step=1, dtype=None, device="cpu"):
    """Return evenly spaced values, as `numpy.arange`.

    >>> arange(3)
    tensor([0, 1, 2])
    """
    _refuse_history("arange", start, stop, step)
    start, stop = (0, start) if stop is None else (start, stop)
    dtype = None if dtype is None else check_dtype(dtype)
    try:
        values = np.arange(start, stop, step, dtype)
    except (TypeError, ValueError, ArithmeticError) as error:
        raise problem(
            ArgumentError,
            f"arange(start={start!r}, stop={stop!r}, step={step!r}): {error}",
            "numbers, a step that is not 0",
        ) from None
    return Tensor(put(values, device))


def linspace(start, stop, num=50, endpoint=True, dtype="float64", device="cpu"):
    """Return `num` values from `start` to `stop`, as `numpy.linspace`.

    >>> linspace(0, 1, 3)
    tensor([0. , 0.5, 1. ])
    """
    _refuse_history("linspace", start, stop)
    values = np.linspace(start, stop, integer(num, "num", 0), endpoint=endpoint, dtype=check_dtype(dtype))
    return Tensor(put(values, device))


def eye(n, m=None, k=0, dtype="float64", device="cpu"):
    """Return a matrix with ones on a diagonal, as `numpy.eye`.

    >>> eye(2, 3, k=1).tolist()
    [[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    """
    n = integer(n, "n", 0)
    m = n if m is None else integer(m, "m", 0)
    return Tensor(put(np.eye(n, m, integer(k, "k"), check_dtype(dtype)), device))


def identity(n, dtype="float64", device="cpu"):
    """Return the identity matrix.

    >>> identity(2).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    return eye(n, dtype=dtype, device=device)


def asarray(x, dtype=None, device=None):
    """Return `x` as a tensor; itself when it is one of that dtype, and on that device where one is named.

    >>> asarray([1, 2], "float32")
    tensor([1., 2.], dtype=float32)
    """
    t = as_tensor(x)
    t = t if dtype is None else t.astype(dtype)
    return t if device is None else t.to(device)


def from_dlpack(x):
    """Return a tensor over the memory of an array that offers DLPack, without a copy; on the device where that memory is.

    Raises
    ------
    DtypeError
        When the array is of another device or dtype than nbgrad computes on.
    ArgumentError
        When `x` offers no DLPack.

    >>> a = np.ones(2)
    >>> np.shares_memory(from_dlpack(a).numpy(), a)
    True
    """
    if getattr(x, "__dlpack_device__", lambda: (0, 0))()[0] == CUDA:
        return Tensor(adopted(x))
    if not hasattr(x, "__dlpack__"):
        raise problem(ArgumentError, f"from_dlpack(x): {type(x).__name__} offers no DLPack", "ng.tensor(x)")
    try:
        return Tensor(np.from_dlpack(x))
    except (BufferError, RuntimeError, TypeError) as error:
        raise problem(
            DtypeError, f"from_dlpack: {error}", "an array of a float, integer or bool dtype"
        ) from None
