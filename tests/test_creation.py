"""New tensors against NumPy's."""

import numpy as np
import pytest

import nbgrad as ng


@pytest.mark.parametrize(
    ("name", "args"),
    [("zeros", ((2, 3),)), ("ones", (3,)), ("full", ((2,), 7.0)), ("arange", (5,)), ("arange", (1, 9, 2)), ("linspace", (0.0, 1.0, 7)),
     ("eye", (3,)), ("eye", (2, 3, 1)), ("identity", (3,)), ("zeros_like", (np.ones(3, "float32"),)), ("ones_like", (np.zeros((2, 2), "int32"),)),
     ("full_like", (np.zeros(2), 3.0))],
)  # fmt: skip
def test_creation(name, args):
    got, want = getattr(ng, name)(*args), getattr(np, name)(*args)
    np.testing.assert_array_equal(got.numpy(), want)
    assert got.dtype == want.dtype


def test_empty_and_asarray():
    assert ng.empty((2, 3)).shape == (2, 3)
    assert ng.empty_like(np.ones(2, "float32")).dtype == "float32"
    t = ng.tensor([1.0])
    assert ng.asarray(t) is t
    assert ng.asarray([1, 2], "float32").dtype == "float32"
    assert ng.zeros(2, requires_grad=True).requires_grad


def test_from_dlpack_refuses_what_it_cannot_hold():
    with pytest.raises(ng.DtypeError):
        ng.from_dlpack(np.ones(2, "complex128"))
