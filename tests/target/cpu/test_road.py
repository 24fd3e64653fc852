import ctypes

import numpy as np
import pytest

import nbgrad as ng
from nbgrad.ops.table import Op
from nbgrad.target.cpu.memory import NEW_FROM_DESCR, numpy_function
from nbgrad.target.cpu.native import slot_offsets
from nbgrad.tensor import Tensor


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


def test_operators_and_the_call_of_rows_are_builtins():
    for cls, names in ((Tensor, ("__add__", "__radd__", "__mul__", "__neg__", "__lt__")), (Op, ("__call__",))):
        for name in names:
            assert type(vars(cls)[name]).__name__ == "method_descriptor", name
            assert vars(cls)[name].__name__ == name


@pytest.mark.parametrize("count", range(8))
def test_a_call_passes_every_argument_on(count):
    """What the native call declines reaches the method in Python with the arguments as they were given."""
    seen = []

    class Seen:
        def _bind(self, op, args, attrs):
            seen.append((args, attrs))

    x = Seen()
    row = Op("row", "custom", ("*xs",), attrs={"axis": 0, "other": 1})
    given = (x, *range(count - 1)) if count else (x,)
    row(*given, other=5, axis=7)
    assert seen.pop() == (given, {"axis": 7, "other": 5})
    row(*given)
    assert seen.pop()[0] == given


def test_operators_without_an_answer_leave_it_to_python():
    x = ng.tensor([1.0])
    assert Tensor.__add__(x, "text") is NotImplemented
    with pytest.raises(TypeError):
        Tensor.__add__(1.0, x)
    np.testing.assert_array_equal((np.array([2.0]) * x).numpy(), [2.0])
