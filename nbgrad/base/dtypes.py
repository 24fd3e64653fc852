"""The dtypes nbgrad computes in, and how they promote: NumPy's rules, Python scalars weak."""

import numpy as np

from .errors import DtypeError, problem
from .number import Number

NAMES = ("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float32", "float64")
DTYPES = {name: np.dtype(name) for name in NAMES}
BOOL, INT64, FLOAT64 = DTYPES["bool"], DTYPES["int64"], DTYPES["float64"]
WEAK = (bool, int, float, Number)


_names = {dtype: name for name, dtype in DTYPES.items()}


def name_of(dtype) -> str:
    """Return the name of one of these dtypes; NumPy puts it together each time.

    >>> name_of(FLOAT64)
    'float64'
    """
    return _names[dtype]


def check_dtype(dtype) -> np.dtype:
    """Return `dtype` as a native NumPy dtype that kernels exist for.

    Raises
    ------
    DtypeError
        For complex, half precision, strings, objects, and what NumPy knows no dtype for.

    >>> check_dtype(float)
    dtype('float64')
    """
    try:
        name = np.dtype(dtype).name
    except (TypeError, ValueError):
        name = None
    if name not in DTYPES:
        raise problem(
            DtypeError,
            f"no kernels for dtype {dtype!s}; nbgrad computes in {', '.join(NAMES)}",
            'x.astype("float32"), or "float64"',
        )
    return DTYPES[name]


def is_float(dtype) -> bool:
    """Say whether `dtype` can carry a gradient."""
    return dtype.kind == "f"


def promote(dtypes, scalars=()) -> np.dtype:
    """Return the common dtype of arrays of `dtypes` and weak Python `scalars` (NEP 50).

    >>> promote([np.dtype("float32")], [2.0])
    dtype('float32')
    """
    if not dtypes:
        return np.result_type(*[np.asarray(s).dtype for s in scalars])
    first = dtypes[0]
    if all(d == first for d in dtypes) and (first.kind == "f" or not scalars):
        return first
    common = np.result_type(*dtypes)
    for s in scalars:
        kind = type(s)
        if kind is float and common.kind != "f":
            common = FLOAT64
        elif kind is int and common.kind == "b":
            common = INT64
    return DTYPES[common.name] if common.name in DTYPES else FLOAT64


def float_of(dtype) -> np.dtype:
    """Return the float dtype that float functions of `dtype` compute in: float64 for integers and bools."""
    return dtype if dtype.kind == "f" else FLOAT64
