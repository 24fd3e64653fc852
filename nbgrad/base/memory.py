"""Where arrays lie: who owns their memory, and how far their strides reach."""

import numpy as np


def shadow_of(a) -> np.ndarray:
    """Return what says where an array lies: its shadow, of an array on a device; itself, of NumPy's."""
    return getattr(a, "shadow", a)


def number_at(a) -> int | None:
    """Return the number of the device that holds an array; None for the CPU."""
    return getattr(a, "number", None)


def first_on_device(arrays):
    """Return the first of some arrays that lies on a device; None where all are NumPy's."""
    return next((a for a in arrays if type(a) is not np.ndarray), None)


def start_of(a) -> int:
    """Return the address of the first element."""
    return a.__array_interface__["data"][0] if type(a) is np.ndarray else a.start


def standing_in(like, a):
    """Return an array of NumPy's as one on the device of `like`, for which it stands while a program is recorded."""
    return a if like is None or shadow_of(like) is like else like.stand_in(a)


def owner(a) -> np.ndarray:
    """Return the array that owns the memory of `a`, or the widest view of it that is known."""
    while True:
        base = a.base
        base = getattr(base, "base", None) if base is not None and not isinstance(base, np.ndarray) else base
        if not isinstance(base, np.ndarray):
            return a
        a = base


def reach(a) -> tuple:
    """Return the first and the last element behind the start of an array that its strides reach: from, to (exclusive)."""
    if not a.size:
        return 0, 0
    reach = [(n - 1) * s // a.itemsize for n, s in zip(a.shape, a.strides)]
    return sum(r for r in reach if r < 0), sum(r for r in reach if r > 0) + 1
