"""An array on a device: where it lies, and how. Nothing of it can be read but through a copy."""

from math import prod
from typing import NamedTuple

import numpy as np

from . import device, memory, waiting


class Flags(NamedTuple):
    """What NumPy's flags of the same names say."""

    c_contiguous: bool
    owndata: bool
    writeable: bool
    aligned: bool = True


class DeviceArray:
    """An array in the memory of a device.

    Attributes
    ----------
    shadow : ndarray
        An array of the same address, shape, strides and dtype, which nobody reads: on a device the address means nothing
        to the processor. Views of it say where views of this array lie, and the memory is given back when it goes.
    number : int
        The device.
    local : bool
        Whether it has no memory there, and stands for a value of a program that is recorded: then the shadow is no shadow.
    whole : bool
        Whether it is all of its memory, and no view.
    """

    __slots__ = ("__weakref__", "_flats", "_start", "local", "number", "shadow", "whole")
    __array_ufunc__ = None
    __hash__ = None

    def __init__(self, shadow, number=0, local=False, whole=False):
        self.shadow, self.number, self.local, self.whole, self._flats, self._start = shadow, number, local, whole, {}, None

    shape = property(lambda self: self.shadow.shape)
    strides = property(lambda self: self.shadow.strides)
    dtype = property(lambda self: self.shadow.dtype)
    ndim = property(lambda self: self.shadow.ndim)
    size = property(lambda self: self.shadow.size)
    itemsize = property(lambda self: self.shadow.itemsize)
    nbytes = property(lambda self: self.shadow.nbytes)

    @property
    def start(self) -> int:
        """The address of the first element."""
        if self._start is None:
            self._start = self.shadow.__array_interface__["data"][0]
        return self._start

    @property
    def base(self):
        """What this is a view of; None where it is all of its memory."""
        return None if self.whole else self.shadow.base

    @property
    def flags(self) -> Flags:
        whole = self.shadow.flags.c_contiguous
        return Flags(whole, whole, self.shadow.flags.writeable)

    @property
    def device(self) -> str:
        return "meta" if self.number == device.META else f"cuda:{self.number}"

    @property
    def flat(self) -> tuple:
        """(flat array of the package over all that the strides reach, elements from its start to the first element)."""
        found = self._flats.get(None)
        if found is None:
            found = self._flats[None] = memory.flat(self.shadow, self.number)
        return found

    def read_as(self, dtype) -> tuple:
        """Return what kernels take: the same with the numbers read as those of a dtype of the same width, as loops that only
        move numbers are made once per width. Behind an array that is all of its memory, the rest of its block may follow."""
        if self.whole:
            return memory.block_of(self.shadow.base, self.number).read_as(dtype), 0
        found = self._flats.get(dtype)
        if found is None:
            flat, first = self.flat
            found = self._flats[dtype] = flat if np.dtype(dtype) in (flat.dtype, bool) else flat.view(np.dtype(dtype)), first
        return found

    def like(self, view) -> "DeviceArray":
        """Return the array whose shadow is a view of this one's."""
        return DeviceArray(view, self.number, self.local)

    @property
    def remote(self) -> bool:
        """Whether its memory is the device's."""
        return not self.local

    def stand_in(self, a) -> "DeviceArray":
        """Return an array of NumPy's as one of this device, for which it stands while a program is recorded."""
        return DeviceArray(a, self.number, True)

    def __array__(self, dtype=None, copy=None):
        """Return the numbers, copied from the device: what looks at them here waits for what makes them."""
        return np.asarray(to_host(self) if self.remote else self.shadow, dtype)

    def copy(self) -> np.ndarray:
        """Return the numbers as an array of NumPy's."""
        return np.array(self)

    def transpose(self, axes) -> "DeviceArray":
        """Return a view, as `ndarray.transpose`."""
        return self.like(self.shadow.transpose(axes))

    def reshape(self, shape) -> "DeviceArray":
        """Return a view of an array that lies row by row."""
        if not self.shadow.flags.c_contiguous:
            raise ValueError("only what lies row by row is reshaped without a copy")  # a bug of nbgrad: callers copy first
        return self.like(self.shadow.reshape(shape))

    def __getitem__(self, index) -> "DeviceArray":
        """Return a view, by whole numbers, slices, None and `...`."""
        index = index if type(index) is tuple else (index,)
        return self.like(self.shadow[(*index, ...)] if ... not in index else self.shadow[index])

    def __len__(self):
        return len(self.shadow)

    def __repr__(self):
        return f"DeviceArray({self.dtype.name}{list(self.shape)} on {self.device})"


def empty(shape, dtype, number=0) -> DeviceArray:
    """Return memory that is not set, row by row.

    Raises
    ------
    OutOfMemoryError
    """
    dtype = np.dtype(dtype)
    if number == device.META:
        return DeviceArray(np.zeros(shape, dtype), number, True)
    return DeviceArray(np.ndarray(shape, dtype, memory.pool(number).root(prod(shape) * dtype.itemsize)), number, False, True)


def from_host(a, number=0) -> DeviceArray:
    """Return a copy of a NumPy array on a device."""
    if number == device.META:
        return DeviceArray(np.array(a), number, True)
    out = empty(a.shape, a.dtype, number)
    if a.size:
        whole = np.ascontiguousarray(a).reshape(-1)
        with device.faults, device.select(number):
            out.flat[0].copy_to_device(whole.view(np.uint8) if a.dtype == bool else whole, stream=device.stream())
    return out


def to_host(a) -> np.ndarray:
    """Return a copy of an array as a NumPy array; waits for what is still computed. All that its strides reach is copied."""
    if a.local:
        return a.shadow.copy()
    waiting.known()
    if not a.size:
        return np.empty(a.shape, a.dtype)
    flat, first = a.flat
    in_rows = a.flags.c_contiguous
    whole = np.empty(a.shape if in_rows else flat.nbytes // a.itemsize, a.dtype)
    with device.faults, device.select(a.number):
        line = whole.reshape(-1)
        flat.copy_to_host(line.view(np.uint8) if a.dtype == bool else line, stream=device.stream())
        device.settle()
    return whole if in_rows else np.array(np.ndarray(a.shape, a.dtype, whole, first * a.itemsize, a.strides))
