import numpy as np
import pytest

import nbgrad as ng
from nbgrad.ops.table import Op
from nbgrad.tensor import Tensor


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
