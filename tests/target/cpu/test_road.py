import ctypes

import numpy as np

from nbgrad.target.cpu.native import slot_offsets
from nbgrad.target.cpu.road import NEW_FROM_DESCR, numpy_function


class Slotted:
    __slots__ = ("__weakref__", "one", "two")


def test_slots_are_found_where_objects_keep_them():
    at, x, mark = slot_offsets(Slotted), Slotted(), object()
    assert set(at) == {"one", "two"}
    x.two = mark
    assert ctypes.c_uint64.from_address(id(x) + at["two"]).value == id(mark)


def test_numpys_function_makes_an_array():
    kind = ctypes.PYFUNCTYPE(
        ctypes.py_object, ctypes.py_object, ctypes.py_object, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p,
        ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p,
    )  # fmt: skip
    descr, dims = np.dtype("float32"), np.array([3, 5])
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(descr))  # the function takes a reference
    made = kind(numpy_function(NEW_FROM_DESCR))(np.ndarray, descr, 2, dims.ctypes.data, None, None, 0, None)
    assert made.shape == (3, 5)
    assert made.dtype == descr
    assert made.flags.c_contiguous
    assert made.flags.owndata
