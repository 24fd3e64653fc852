"""Casts and copies against NumPy: every pair of dtypes, their gradients, and memory."""

import itertools

import numpy as np
import pytest

import nbgrad as ng
from nbgrad.base.dtypes import NAMES
from nbgrad.ops.cast import astype, copy

FLOATS = [0.0, -0.0, 1.0, 2.9, 100.4, 0.5]


@pytest.mark.parametrize(("source", "target"), [*itertools.product(NAMES, NAMES)])
def test_numbers_are_numpys(source, target):
    if source.startswith("float"):
        a = np.array(FLOATS, source)
    elif source == "bool":
        a = np.array([True, False, True])
    else:
        info = np.iinfo(source)
        a = np.array([0, 1, 2, 100, info.max, info.max // 2], source)
        if target.startswith("float"):
            a = a[:4]
        elif info.min < 0:
            a = np.append(a, np.array([-1, info.min], source))
    got = ng.tensor(a).astype(target)
    assert got.dtype == target
    np.testing.assert_array_equal(got.numpy(), a.astype(target))
    if target.startswith("float"):
        np.testing.assert_array_equal(np.signbit(got.numpy()), np.signbit(a.astype(target)))


@pytest.mark.parametrize("target", ["bool", "float32", "float64"])
def test_special_values(target, dtype):
    a = np.array([np.nan, np.inf, -np.inf, -0.0, np.finfo(dtype).tiny], dtype)
    np.testing.assert_array_equal(ng.tensor(a).astype(target).numpy(), a.astype(target))
    big = ng.tensor([1e300, -1e300, 1e-300]).astype("float32").numpy()
    np.testing.assert_array_equal(big, np.array([np.inf, -np.inf, 0.0], "float32"))


def test_integers_too_large_for_a_float_are_rounded_to_the_nearest():
    a = np.array([2**24 + 1, 2**53 + 1, 2**62 + 12345, -(2**53) - 3])
    for target in ("float32", "float64"):
        np.testing.assert_array_equal(ng.tensor(a).astype(target).numpy(), a.astype(target))
    b = np.array([2**64 - 1, 2**63 + 1025], "uint64")
    np.testing.assert_array_equal(ng.tensor(b).astype("float64").numpy(), b.astype("float64"))


def test_integers_wrap_around_as_numpys():
    a = np.array([300, -1, 2**31, -(2**40) + 7])
    for target in ("int8", "uint8", "int16", "uint16", "int32", "uint32", "uint64"):
        np.testing.assert_array_equal(ng.tensor(a).astype(target).numpy(), a.astype(target))


@pytest.mark.parametrize("view", [lambda a: a.T, lambda a: a[::-1, ::2], lambda a: a[:, 1], lambda a: a[:0], lambda a: a[1, 1]], ids=range(5))
def test_layouts(view):
    a = np.arange(12.0).reshape(3, 4)
    for target in ("float32", "int64", "float64"):
        np.testing.assert_array_equal(ng.tensor(view(a)).astype(target).numpy(), view(a).astype(target))


def test_the_same_dtype_is_the_same_tensor():
    x = ng.ones(3)
    assert x.astype("float64") is x
    assert x.astype(float) is x


def test_gradients_are_cast_back():
    x = ng.tensor(np.ones(3, "float32"), requires_grad=True)
    (x.astype("float64") * np.array([1.0, 2.0, 1e-300])).sum().backward()
    assert x.grad.dtype == "float32"
    np.testing.assert_array_equal(x.grad.numpy(), np.array([1.0, 2.0, 0.0], "float32"))
    assert not x.astype("int32").requires_grad
    ng.gradcheck(lambda x: x.astype("float32").astype("float64") ** 2, np.array([0.5, 2.0]), rtol=1e-2, eps=1e-2, modes=("reverse",))


def test_a_copy_has_memory_of_its_own_and_history():
    a = np.arange(6.0).reshape(2, 3)
    x = ng.tensor(a.T, requires_grad=True)
    y = copy(x)
    assert not np.shares_memory(y.detach().numpy(), a)
    assert y.detach().numpy().flags.c_contiguous
    np.testing.assert_array_equal(y.detach().numpy(), a.T)
    y.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), np.ones((3, 2)))
    for name in NAMES:
        assert copy(np.ones(2, name)).dtype == name


def test_rows_evaluate_on_plain_numbers():
    assert astype(2.5) == copy(2.5) == 2.5
