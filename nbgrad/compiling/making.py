"""From the arrays of a run to the tensors it returns: where in which array each result lies."""

from typing import NamedTuple

import numpy as np

from ..base.memory import owner, start_of
from ..eager import COPY
from ..plan.calls import ARGUMENT, MADE, Ref
from ..target.cuda.array import DeviceArray
from ..target.run import put, run_map
from ..tensor import Tensor


class Maker(NamedTuple):
    """A result: which of the arrays of a run it lies in (None: a copy of a constant), where, and whether it is all of it.

    start : bytes from the lowest address of the array to its first element, for arrays of negative strides.
    """

    number: int | None
    ref: Ref
    start: int
    fresh: bool
    constant: np.ndarray | None = None
    device: int | None = None
    remote: bool = False

    def tensor(self, arrays, argument=None) -> Tensor:
        """Return the result; of an argument, that tensor or a view of it."""
        if self.fresh:
            return Tensor._make(arrays[self.number], None)
        if self.number is None:
            return Tensor._make(self._copied(), None)
        a = arrays[self.number]
        if argument is None:
            return Tensor._make(view_at(a, self.ref, self.start), None)
        strides = tuple([s * a.itemsize for s in self.ref.layout.strides])
        if self.ref.layout.shape == a.shape and strides == a.strides and self.ref.offset == self.start:
            return argument
        return Tensor._make(view_at(a, self.ref, self.start), None, argument)


    def _copied(self):
        """Return a copy of a constant, on the device of the program."""
        if self.device is None:
            return np.array(view_at(self.constant, self.ref))
        if not self.remote:
            return put(np.array(view_at(self.constant, self.ref)), f"cuda:{self.device}")
        a = view_at(DeviceArray(self.constant, self.device), self.ref)
        return run_map(COPY, (a,), a.shape, a.dtype)


class Makers:
    """What results are made of, for a record whose runs are given the arrays of the slots `given`."""

    def __init__(self, recorder, given, device=None):
        self.recorder, self.given, self.device = recorder, given, device

    def of(self, result):
        """Return the maker of a ref; anything else is a result itself."""
        if not isinstance(result, Ref):
            return result
        kind, root = self.recorder.kinds[result.slot], self.recorder.roots[result.slot]
        if result.slot not in self.given:
            return Maker(None, result, 0, False, root, self.device, result.slot in self.recorder.remote)
        number = self.given.index(result.slot)
        start = self.recorder.starts[self.recorder.argument_slots.index(result.slot)] if kind == ARGUMENT else 0
        whole = kind == MADE and result.layout.shape == root.shape and result.whole and not result.offset
        return Maker(number, result, start, whole)


class _Holder:
    """Memory as NumPy asks for it: an array over any place of it."""

    def __init__(self, address, shape, strides, dtype, owner):
        self.owner = owner
        self.__array_interface__ = {"data": (address, False), "shape": shape, "strides": tuple(strides), "typestr": dtype.str, "version": 3}


def view_at(root, r, start=0):
    """Return the array at a ref of memory that begins `start` bytes before the first element of `root`."""
    if type(root) is DeviceArray:
        memory, dtype = owner(root.shadow), np.dtype(r.layout.dtype)
        first = start_of(root) + r.offset - start - start_of(memory)
        return root.like(np.ndarray(r.layout.shape, dtype, memory, first, [s * dtype.itemsize for s in r.layout.strides]))
    return array_at(root.__array_interface__["data"][0] + r.offset - start, r.layout, root)


def array_at(address, layout, owner) -> np.ndarray:
    """Return the array of a layout at an address in memory that `owner` keeps."""
    dtype = np.dtype(layout.dtype)
    strides = [s * dtype.itemsize for s in layout.strides]
    return np.asarray(_Holder(address, layout.shape, strides, dtype, owner))
