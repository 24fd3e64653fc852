"""Arrays of other libraries on the same device, without a copy: the CUDA array interface and DLPack.

https://numba.readthedocs.io/en/stable/cuda/cuda_array_interface.html and https://dmlc.github.io/dlpack/latest.
"""

import ctypes

import numpy as np

from ...base.errors import ArgumentError, DtypeError, problem
from ...base.memory import reach
from . import waiting
from .array import DeviceArray, empty
from .device import handle_of, number_of, stream
from .memory import pool
from .package import package

CUDA = 2  # kDLCUDA
CODES = {"i": 0, "u": 1, "f": 2, "b": 6}  # kDLInt, kDLUInt, kDLFloat, kDLBool
NAME = b"dltensor"


def interface(a) -> dict:
    """Return the CUDA array interface (version 3) of a device array."""
    waiting.known()
    return {
        "shape": a.shape, "strides": None if a.flags.c_contiguous else a.strides, "typestr": a.dtype.str, "version": 3,
        "data": (a.shadow.__array_interface__["data"][0], False), "stream": handle_of(stream()) or 1,
    }  # fmt: skip


def adopted(x) -> DeviceArray:
    """Return a device array over the memory of `x`, which offers the CUDA array interface or DLPack.

    Raises
    ------
    ArgumentError
        When `x` offers neither, or masks some of its elements.
    """
    if hasattr(x, "__cuda_array_interface__"):
        found = x.__cuda_array_interface__
        if found.get("mask") is not None:
            raise problem(ArgumentError, "an array on a GPU has a mask, which says that some of its numbers are none", "x.filled(0)")
        waits = found.get("stream")
        if waits not in (None, 1) and not package().simulated:
            package().cuda.external_stream(waits).synchronize()
        return over(found["data"][0], tuple(found["shape"]), found.get("strides"), np.dtype(found["typestr"]), x)
    if hasattr(x, "__dlpack__"):
        return _taken(x.__dlpack__(stream=None if package().simulated else 1))
    raise problem(ArgumentError, f"{type(x).__name__} offers no memory on a GPU", "an array of CuPy, PyTorch or Numba")


def over(address, shape, strides, dtype, owner, number=None) -> DeviceArray:
    """Return a device array over memory at an address, which `owner` keeps."""
    number = number_of("cuda") if number is None else number
    if dtype.kind not in CODES or dtype.itemsize > 8 or dtype.name == "float16":
        raise problem(DtypeError, f"an array on a GPU is {dtype}, which nbgrad does not compute on", "a cast to float32 first")
    if 0 in shape:
        return empty(shape, dtype, number)
    like = np.lib.stride_tricks.as_strided(np.empty(1, dtype), shape, strides)  # where its elements would lie; never read
    low, high = reach(like)
    size = max(1, (high - low) * dtype.itemsize)
    block = bytes_at(address + low * dtype.itemsize, size, owner)
    root = pool(number).adopt(block, size)
    return DeviceArray(np.ndarray(shape, dtype, root, -low * dtype.itemsize, like.strides), number)


def bytes_at(address, size, owner):
    """Return memory at an address as an array of the package."""
    cuda = package().cuda
    if package().simulated:
        plain = np.frombuffer((ctypes.c_uint8 * size).from_address(address), np.uint8)
        made = type(cuda.to_device(np.zeros(1, np.uint8)))(plain)
        _owners[id(made)] = made, owner
        return made
    described = {"shape": (size,), "strides": None, "typestr": "|u1", "data": (address, False), "version": 3}
    return cuda.from_cuda_array_interface(described, owner=owner)


_owners: dict = {}  # in the simulator: what keeps the memory of others


class _Tensor(ctypes.Structure):
    """DLTensor."""

    _fields_ = (
        ("data", ctypes.c_void_p), ("device_type", ctypes.c_int32), ("device_id", ctypes.c_int32), ("ndim", ctypes.c_int32),
        ("code", ctypes.c_uint8), ("bits", ctypes.c_uint8), ("lanes", ctypes.c_uint16), ("shape", ctypes.POINTER(ctypes.c_int64)),
        ("strides", ctypes.POINTER(ctypes.c_int64)), ("byte_offset", ctypes.c_uint64),
    )  # fmt: skip


class _Managed(ctypes.Structure):
    """DLManagedTensor."""


_Deleter = ctypes.CFUNCTYPE(None, ctypes.POINTER(_Managed))
_Managed._fields_ = (("tensor", _Tensor), ("context", ctypes.c_void_p), ("deleter", _Deleter))
_new, _get = ctypes.pythonapi.PyCapsule_New, ctypes.pythonapi.PyCapsule_GetPointer
_new.restype, _new.argtypes = ctypes.py_object, (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p)
_get.restype, _get.argtypes = ctypes.c_void_p, (ctypes.py_object, ctypes.c_char_p)
_rename, _named = ctypes.pythonapi.PyCapsule_SetName, ctypes.pythonapi.PyCapsule_IsValid
_rename.argtypes, _named.argtypes = (ctypes.py_object, ctypes.c_char_p), (ctypes.py_object, ctypes.c_char_p)
_lent: dict = {}  # address of a managed tensor -> what it needs, until whoever took it lets go


@_Deleter
def _let_go(managed):
    _lent.pop(ctypes.addressof(managed.contents), None)


class Capsule:
    """What a device array gives for DLPack."""

    def __init__(self, a):
        self.a = a

    def __dlpack_device__(self):
        return CUDA, self.a.number

    def __dlpack__(self, *, stream=None, max_version=None, dl_device=None, copy=None):
        """Return a capsule with a DLManagedTensor over the memory of the array."""
        a = self.a
        waiting.known()
        if stream not in (None, -1) and not package().simulated:
            package().cuda.synchronize()  # the consumer's stream then sees all that was computed
        count = max(1, a.ndim)
        shape, strides = (ctypes.c_int64 * count)(*a.shape), (ctypes.c_int64 * count)(*[s // a.itemsize for s in a.strides])
        described = _Tensor(
            a.shadow.__array_interface__["data"][0], CUDA, a.number, a.ndim, CODES[a.dtype.kind], 8 * a.itemsize, 1, shape, strides, 0,
        )  # fmt: skip
        managed = _Managed(described, None, _let_go)
        address = ctypes.addressof(managed)
        _lent[address] = managed, shape, strides, a
        return _new(address, NAME, None)


def _taken(capsule) -> DeviceArray:
    """Return a device array over the memory that a capsule describes."""
    address = _get(capsule, NAME)
    managed = ctypes.cast(address, ctypes.POINTER(_Managed)).contents
    _rename(capsule, b"used_dltensor")
    t = managed.tensor
    kind = next((k for k, code in CODES.items() if code == t.code), "V")
    dtype = np.dtype(f"{kind}{t.bits // 8}") if kind != "b" else np.dtype(bool)
    shape = tuple(t.shape[: t.ndim])
    strides = tuple(s * dtype.itemsize for s in t.strides[: t.ndim]) if t.strides else None
    return over(t.data + t.byte_offset, shape, strides, dtype, _Held(managed), t.device_id)


class _Held:
    """Memory that was taken over from a capsule, given back when nobody uses it."""

    def __init__(self, managed):
        self.managed = managed

    def __del__(self):
        if self.managed.deleter:
            self.managed.deleter(ctypes.pointer(self.managed))
