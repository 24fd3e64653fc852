"""NumPy's two protocols: `np.sin(t)` and `np.concatenate([t, t])` find the op they mean."""

import functools
import inspect

import numpy as np

from .base.errors import ArgumentError, problem
from .eager import as_tensor
from .ops import (
    arithmetic,
    compare,
    composite,
    einsum,
    indexing,
    joining,
    matmul,
    movement,
    reduce,
    scan,
    segment,
    sort,
    transcendental,
    window,
)
from .ops import gather as gathering
from .ops.table import by_ref
from .tensor import Tensor

MODULES = (arithmetic, transcendental, compare, reduce, composite, movement, joining, matmul, einsum, gathering, segment, sort, scan,
           indexing, window)  # fmt: skip
REDUCING = {
    "add": "sum",
    "multiply": "prod",
    "maximum": "max",
    "minimum": "min",
    "logical_and": "all",
    "logical_or": "any",
}
RENAMED = {"amax": "max", "amin": "min", "rint": "round", "around": "round", "copyto": ""}
KEYWORDS = {(np.clip, "a_min"): "lo", (np.clip, "a_max"): "hi", (np.clip, "min"): "lo", (np.clip, "max"): "hi"}
LAST_TWO = {"axis1": -2, "axis2": -1}
LINALG = {
    "norm": composite.norm,
    "matmul": matmul.matmul,
    "outer": matmul.outer,
    "tensordot": matmul.tensordot,
    "diagonal": functools.partial(movement.diagonal, **LAST_TWO),
    "trace": functools.partial(movement.trace, **LAST_TWO),
}


@functools.cache
def meaning(func):
    """Return nbgrad's function for a function of NumPy: by name, then by reference; None when there is none."""
    name = getattr(func, "__name__", "")
    if getattr(func, "__module__", "") == "numpy.linalg":
        return LINALG.get(name)
    name = RENAMED.get(name, name)
    for module in MODULES:
        found = getattr(module, name, None) if name and not name.startswith("_") else None
        if callable(found):
            return found
    found = by_ref.get(func)
    return found if found is not None and found.kind in ("elementwise", "reduction") else None


def call_ufunc(ufunc, method, inputs, kwargs):
    """Answer `np.sin(t)`, `np.add.reduce(t)`, `np.add(a, b, out=t)`."""
    out = kwargs.pop("out", None)
    name = f"np.{ufunc.__name__}" + ("" if method == "__call__" else f".{method}")
    if method == "reduce" and ufunc.__name__ in REDUCING:
        axis, keepdims = kwargs.pop("axis", 0), bool(kwargs.pop("keepdims", False))
        _refuse_rest(name, kwargs)
        return _into(out, getattr(reduce, REDUCING[ufunc.__name__])(inputs[0], axis, keepdims))
    if method != "__call__" or meaning(ufunc) is None:
        raise _unknown(name)
    dtype = kwargs.pop("dtype", None)
    _refuse_rest(name, kwargs)
    result = meaning(ufunc)(*inputs)
    return _into(out, result if dtype is None else result.astype(dtype))


def _refuse_rest(name, kwargs):
    """Refuse arguments that would change the result, were they not ignored."""
    for key, value in kwargs.items():
        if value is not None and value is not np._NoValue and value is not True:
            raise problem(
                ArgumentError,
                f"{name} of a tensor: the argument {key!r} is not supported",
                "nbgrad.where, or the NumPy array x.detach().numpy()",
            )


def call_function(func, args, kwargs):
    """Answer `np.concatenate([t, t])` and its like."""
    if func in UNRECORDED:
        return UNRECORDED[func](*args, **kwargs)
    found, name = meaning(func), f"{func.__module__}.{func.__name__}".replace("numpy.", "np.")
    if found is None:
        raise _unknown(name)
    out = kwargs.pop("out", None)
    kwargs = {KEYWORDS.get((func, k), k): v for k, v in kwargs.items() if v is not np._NoValue}
    try:
        inspect.signature(found).bind(*args, **kwargs)
    except TypeError as error:
        meant = getattr(found, "__name__", func.__name__)
        raise problem(ArgumentError, f"{name} of a tensor: {error}", f"help(nbgrad.{meant})") from None
    return _into(out, found(*args, **kwargs))


def _into(out, result):
    if out is None:
        return result
    out = out[0] if isinstance(out, tuple) else out
    if isinstance(out, np.ndarray) and result.node is None:
        np.copyto(out, result.numpy(), casting="same_kind")
        return out
    if not isinstance(out, Tensor):
        raise problem(
            ArgumentError, "out= is an array and the result a tensor", "out of type nbgrad.Tensor, or leave it out"
        )
    return out._write(result)


def _unknown(name):
    return problem(
        ArgumentError,
        f"{name} has no counterpart in nbgrad, so its gradient is not known",
        "nbgrad's own functions (python -m nbgrad ops lists them), or x.detach().numpy()",
    )


def _plain(fn):
    """Make a function that works on the numbers alone and returns what NumPy returns."""

    def call(*args, **kwargs):
        def strip(a):
            if isinstance(a, Tensor):
                if fn in LOOKS:
                    a._read(f"np.{fn.__name__}()")
                return a.data
            return [strip(v) for v in a] if isinstance(a, (list, tuple)) else a

        return fn(*[strip(a) for a in args], **{k: strip(v) for k, v in kwargs.items()})

    return call


LOOKS = (np.array_equal, np.allclose, np.isclose, np.array2string, np.array_repr, np.array_str, np.nonzero, np.flatnonzero)
UNRECORDED = {
    f: _plain(f)
    for f in (np.shape, np.ndim, np.size, np.array_equal, np.allclose, np.isclose, np.result_type, np.may_share_memory,
              np.shares_memory, np.array2string, np.array_repr, np.array_str, np.nonzero, np.flatnonzero, np.can_cast)
}  # fmt: skip
UNRECORDED[np.zeros_like] = lambda x, *a, **k: as_tensor(_plain(np.zeros_like)(x, *a, **k))
UNRECORDED[np.ones_like] = lambda x, *a, **k: as_tensor(_plain(np.ones_like)(x, *a, **k))
UNRECORDED[np.full_like] = lambda x, *a, **k: as_tensor(_plain(np.full_like)(x, *a, **k))
UNRECORDED[np.empty_like] = lambda x, *a, **k: as_tensor(_plain(np.empty_like)(x, *a, **k))
UNRECORDED[np.copy] = lambda x, *a, **k: x.copy()
if hasattr(np, "astype"):
    UNRECORDED[np.astype] = lambda x, dtype, **k: x.astype(dtype)


def _array_ufunc(self, ufunc, method, *inputs, **kwargs):
    return call_ufunc(ufunc, method, inputs, kwargs)


def _array_function(self, func, types, args, kwargs):
    return call_function(func, args, kwargs)


Tensor.__array_ufunc__ = _array_ufunc
Tensor.__array_function__ = _array_function
