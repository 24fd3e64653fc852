"""Where ops run: on the target that holds their arrays. Arrays of all targets, made, copied and compared."""

import numpy as np

from ..base.errors import DeviceError, problem
from ..base.memory import first_on_device, number_at, shadow_of
from .cpu.run import CPU
from .cuda import array as device_array
from .cuda.array import DeviceArray
from .cuda.device import number_of
from .cuda.exchange import CUDA, Capsule, adopted, interface
from .cuda.run import filled, launches, row_major, scalar


def run_map(op, arrays, shape, dtype, out=None):
    """Run an elementwise row on arrays that broadcast to `shape`; `out` may be a strided array to fill."""
    return launches_of(op, arrays if out is None else (*arrays, out)).run_map(op, arrays, shape, dtype, out)


def map_launch(op, arrays, shape, dtype, out=None):
    """Return what runs an elementwise row on arrays of these layouts."""
    return launches_of(op, arrays).map_launch(op, arrays, shape, dtype, out)


def reduce_launch(op, x, axes, shape, dtype, acc):
    """Return what runs a reduction row over `axes` of an array of this layout."""
    return launches_of(op, (x,)).reduce_launch(op, x, axes, shape, dtype, acc)


def primitive_launch(op, arrays, attrs, shape, dtype):
    """Return what runs a primitive on arrays of these layouts; shape and dtype are tuples for a row with several results."""
    return launches_of(op, arrays).primitive_launch(op, arrays, attrs, shape, dtype)


def launches_of(op, arrays):
    """Return the launches of the target that holds all arrays.

    Raises
    ------
    DeviceError
        When they are on different devices.
    """
    a = first_on_device(arrays)
    if a is None:
        return CPU
    numbers = set(map(number_at, arrays))
    if len(numbers) > 1:
        names = [f"{op.params[0][1:]}[{i}]" for i in range(len(arrays))] if op.variadic else (*op.params, "out")
        where = ", ".join(f"{name} on {device_of(b)}" for name, b in zip(names, arrays))
        stray = next(name for name, b in zip(names, arrays) if number_at(b) != a.number)
        error = problem(DeviceError, f"{op.signature}: {where}", f'{stray}.to("{device_of(a)}")')
        error.array = a  # loops look where the other is
        raise error
    return launches(a.number)


def device_of(a) -> str:
    """Return the name of the device that holds an array: "cpu", "cuda:0"."""
    return "cpu" if isinstance(a, np.ndarray) else a.device


def host(a) -> np.ndarray:
    """Return the numbers of an array as NumPy's: itself, or a copy from the device."""
    return device_array.to_host(row_major(a)) if type(a) is DeviceArray else a


def put(a, device):
    """Return an array on a device, by name: itself where it is there already, else a copy."""
    number = number_of(device)
    if number_at(a) == number:
        return a
    a = host(a)
    if number is None:
        return np.array(a)
    short = a[tuple([slice(0, 1) if s == 0 and n > 1 else slice(None) for n, s in zip(a.shape, a.strides)])]
    made = device_array.from_host(short, number)
    return made if short.shape == a.shape else viewed(made, lambda b: np.broadcast_to(b, a.shape))  # what repeats is sent once


def new(shape, dtype, value, device):
    """Return a new array on a device, by name: filled with a number, or not set where that is None."""
    number = number_of(device)
    if number is not None:
        return device_array.empty(shape, dtype, number) if value is None else filled(tuple(shape), np.dtype(dtype), value, number)
    return np.empty(shape, dtype) if value is None else full(shape, dtype, value)


def full(shape, dtype, value, like=None):
    """Return a new array filled with a number, on the device of the array `like`."""
    if type(like) is DeviceArray:
        return filled(tuple(shape), np.dtype(dtype), value, like.number)
    return np.zeros(shape, dtype) if value == 0 else np.full(shape, value, dtype)


def on_device(a, number) -> DeviceArray:
    """Return an array of NumPy's that stands for one on a device while a program is recorded."""
    return DeviceArray(a, number, True)


def share_memory(a, b) -> bool:
    """Say whether two arrays may have a number in common."""
    return np.may_share_memory(shadow_of(a), shadow_of(b))


def viewed(a, view):
    """Return the view of an array that `view(ndarray)` makes."""
    return a.like(view(a.shadow)) if type(a) is DeviceArray else view(a)


def exported(a):
    """Return what offers an array by DLPack."""
    return Capsule(a) if type(a) is DeviceArray else a


def dlpack_device(a) -> tuple:
    """Return (kind, number) of the device that holds an array, as DLPack counts them."""
    return exported(a).__dlpack_device__()


__all__ = ["CUDA", "adopted", "interface", "scalar"]
