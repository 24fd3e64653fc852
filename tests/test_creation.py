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
    with pytest.raises(ng.ArgumentError, match=r"from_dlpack\(x\): list offers no DLPack"):
        ng.from_dlpack([1.0, 2.0])


@pytest.mark.parametrize(("call", "text"), [
    (lambda: ng.zeros(-1), "shape=-1"), (lambda: ng.ones((2, -1)), r"shape=\(2, -1\)"), (lambda: ng.zeros("a"), "shape='a'"),
    (lambda: ng.empty(2.5), "shape=2.5"), (lambda: ng.full(-1, 0.0), "shape=-1"), (lambda: ng.eye(-2), "n=-2 is not 0 or more"),
    (lambda: ng.eye(2, -1), "m=-1 is not 0 or more"), (lambda: ng.eye(2, k=1.5), "k must be an integer"),
    (lambda: ng.linspace(0, 1, -3), "num=-3 is not 0 or more"), (lambda: ng.linspace(0, 1, 2.5), "num must be an integer"),
    (lambda: ng.arange(1, 2, 0), r"arange\(start=1, stop=2, step=0\)"), (lambda: ng.arange("a"), "arange"),
])  # fmt: skip
def test_errors_of_creation_have_three_lines(call, text):
    with pytest.raises(ng.ArgumentError, match=text) as caught:
        call()
    lines = str(caught.value).splitlines()
    assert len(lines) == 3
    assert "test_creation.py" in lines[1]


def test_full_of_a_tensor_is_differentiated():
    for f in (lambda v: ng.full((3,), v), lambda v: ng.full_like(np.ones(3), v), lambda v: ng.full(3, [v, 1.0, v])):
        out = f(ng.tensor(2.0))
        assert not out.requires_grad
        ng.gradcheck(lambda v, f=f: f(v) * f(v), 2.0)


def test_full_has_memory_of_its_own():
    value = ng.tensor([1.0, 2.0])
    out = ng.full((2, 2), value, requires_grad=True)
    assert out.requires_grad
    assert out.numpy().flags.writeable
    assert not np.shares_memory(out.numpy(), value.numpy())
    with pytest.raises(ng.ShapeError, match="does not broadcast"):
        ng.full((3,), [1, 2])
