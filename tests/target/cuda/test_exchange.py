"""Memory shared with other libraries on a device."""

import gc

import numpy as np
import pytest

import nbgrad as ng
from nbgrad.target.cuda.array import from_host, to_host
from nbgrad.target.cuda.exchange import CUDA, Capsule, _lent, adopted
from nbgrad.target.cuda.package import package
from nbgrad.target.cuda.run import row_major

pytestmark = pytest.mark.cuda


class Theirs:
    """An array of another library, which offers the CUDA array interface."""

    def __init__(self, a, strides=True, mask=None):
        self.a = a
        self.__cuda_array_interface__ = {
            "shape": a.shape, "strides": a.strides if strides else None, "typestr": a.dtype.str, "version": 3, "mask": mask,
            "data": (a.__array_interface__["data"][0], False),
        }  # fmt: skip


def theirs(a):
    if not package().simulated:
        pytest.skip("memory of the host stands for theirs in the simulator")
    return Theirs(a)


@pytest.mark.parametrize("view", [np.s_[:], np.s_[::-1, 1:], np.s_[::2, ::-2], np.s_[0:0]])
@pytest.mark.parametrize("dtype", ["float32", "int64", "bool"])
def test_the_interface_is_taken_without_a_copy(view, dtype, rng):
    a = (rng.standard_normal((4, 6)) * 9).astype(dtype)
    x = ng.tensor(theirs(a[view]))
    assert x.device == "cuda:0"
    np.testing.assert_array_equal(x.numpy(), a[view])
    a += 1 if dtype != "bool" else True
    np.testing.assert_array_equal(x.numpy(), a[view])


def test_the_interface_says_where_our_numbers_lie(rng):
    x = ng.tensor(rng.standard_normal((3, 4)), device="cuda")
    found = x[:, ::2].__cuda_array_interface__
    assert (found["shape"], found["strides"], found["typestr"], found["version"]) == ((3, 2), (32, 16), "<f8", 3)
    assert x.__cuda_array_interface__["strides"] is None
    assert not hasattr(ng.tensor([1.0]), "__cuda_array_interface__")
    again = ng.tensor(x)
    assert again.__cuda_array_interface__["data"] == x.__cuda_array_interface__["data"]


def test_masks_and_strange_dtypes_are_refused():
    with pytest.raises(ng.ArgumentError, match="mask"):
        ng.tensor(Theirs(np.zeros(3), mask=object()))
    with pytest.raises(ng.DtypeError, match="complex"):
        ng.tensor(theirs(np.zeros(3, complex)))
    with pytest.raises(ng.ArgumentError, match="offers no memory on a GPU"):
        adopted(object())


@pytest.mark.usefixtures("only_new_objects_are_collected")
@pytest.mark.parametrize("dtype", ["float32", "int8", "uint16", "bool"])
def test_dlpack_goes_there_and_back(dtype, rng):
    a = (rng.standard_normal((3, 4)) * 9).astype(dtype)
    x = from_host(a).transpose((1, 0))
    assert Capsule(x).__dlpack_device__() == (CUDA, 0)
    y = ng.from_dlpack(ng.Tensor(x))
    assert y.device == "cuda:0"
    assert y.data.shadow.__array_interface__["data"] == x.shadow.__array_interface__["data"]
    np.testing.assert_array_equal(to_host(row_major(y.data)), a.T)
    del y
    gc.collect()
    assert not _lent


def test_memory_of_others_is_let_go(rng):
    a = rng.standard_normal(5)
    x = ng.tensor(theirs(a)) * 2.0
    np.testing.assert_array_equal(x.numpy(), a * 2.0)
