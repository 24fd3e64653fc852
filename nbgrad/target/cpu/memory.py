"""New arrays, and the memory of large ones: NumPy asks the functions of `blocks` for it, for nbgrad's arrays alone."""

import ctypes
import sys
from math import prod

import numpy as np

from ...base.config import config
from . import blocks
from .blocks import BYTES, FIRST, MOST_BLOCKS, MOST_BYTES, SLOT
from .native import FASTCALL, VALUES, make_builtin, python_function
from .words import Native

NEW_FROM_DESCR, SET_HANDLER = 94, 304  # places of PyArray_NewFromDescr and PyDataMem_SetHandler among NumPy's functions


class _Handler(ctypes.Structure):
    """PyDataMem_Handler of NumPy's C interface, version 1."""

    _fields_ = (
        ("name", ctypes.c_char * 127), ("version", ctypes.c_uint8), ("context", ctypes.c_void_p),
        ("malloc", ctypes.c_void_p), ("calloc", ctypes.c_void_p), ("realloc", ctypes.c_void_p), ("free", ctypes.c_void_p),
    )  # fmt: skip


def numpy_function(index) -> int:
    """Return the address of a function of NumPy's C interface."""
    core = np._core if hasattr(np, "_core") else np.core
    get = ctypes.pythonapi.PyCapsule_GetPointer
    get.restype, get.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    table = get(core._multiarray_umath._ARRAY_API, None)
    return ctypes.c_void_p.from_address(table + 8 * index).value


def specification(shape, dtype) -> np.ndarray:
    """Return what says how large a new array is, as `make_array` takes it: bytes, number of axes, their lengths."""
    return np.array([prod(shape) * np.dtype(dtype).itemsize, len(shape), *shape], np.int64)


def empty(shape, dtype) -> np.ndarray:
    """Return an array that is not set, as `numpy.empty`; the address of a large one is a multiple of 64.

    Examples
    --------
    >>> a = empty((64, 1024), "float32")
    >>> a.shape, a.dtype, a.ctypes.data % 64
    ((64, 1024), dtype('float32'), 0)
    """
    return make_array(np.dtype(dtype), specification(shape, dtype))


def kept_bytes() -> int:
    """Return how much memory waits for the next arrays.

    >>> 0 <= kept_bytes() <= config.memory_bytes
    True
    """
    return int(_kept[BYTES // 8])


def _function(f) -> int:
    return ctypes.cast(f, ctypes.c_void_p).value


def _capsule(handler):
    make = ctypes.pythonapi.PyCapsule_New
    make.restype, make.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
    return make(ctypes.addressof(handler), _CAPSULE, None)


_CAPSULE = b"mem_handler"  # what NumPy wants it to be called; Python keeps the address
_kept = np.zeros((FIRST + SLOT * (MOST_BLOCKS + 1)) // 8, np.int64)
_kept[MOST_BYTES // 8] = config.memory_bytes
_handler = _Handler(b"nbgrad", 1)
_whole = _capsule(_handler)
_system = ctypes.CDLL(None) if sys.platform == "linux" else None
NEW = {
    "NEW_ARRAY": numpy_function(NEW_FROM_DESCR), "SET_HANDLER": numpy_function(SET_HANDLER), "HANDLER": id(_whole),
    "DECREF": python_function("Py_DecRef"),
}  # fmt: skip
_native = Native("memory", [blocks.allocate, blocks.allocate_zeros, blocks.reallocate, blocks.release, blocks.make_array], {
    **VALUES, **NEW, "KEPT": _kept.ctypes.data, "MOVE": _function(ctypes.memmove), "CLEAR": _function(ctypes.memset),
    "ADVISE": _function(_system.madvise) if _system else 0,
})  # fmt: skip
_handler.malloc, _handler.calloc = _native.address("allocate"), _native.address("allocate_zeros")
_handler.realloc, _handler.free = _native.address("reallocate"), _native.address("release")
DOC = "make_array(dtype, spec)\n--\n\nReturn a new array that is not set, of a dtype and a `specification`."
make_array = make_builtin("make_array", _native.address("make_array"), FASTCALL, DOC)
