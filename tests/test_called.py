"""Compiled functions that programs call: types, shapes and what is written, found without running them."""

import numpy as np
import pytest
from numba import njit

import nbgrad as ng
from nbgrad.ad.statements import FLOAT, Array, Group
from nbgrad.base.errors import ArgumentError
from nbgrad.called import Called

V, M = Array("float64", 1), Array("float32", 2)


@njit
def joined(x, pair, n):
    pair[1][0, 0] = 0.0
    x[0] = 0.0
    return pair[1].T, x[:n].sum(), x


def test_arguments_and_their_types():
    called = Called(joined, "joined", (None, 2, None))
    assert called.names == ("x", "pair[0]", "pair[1]", "n")
    assert called.given([1, 2, 3, 4]) == (1, (2, 3), 4)
    arrays = [np.ones(3), np.array(1.0), np.ones((2, 3), "float32"), np.array(2.0)]
    assert called.kinds(arrays) == (V, Group((FLOAT, M)), FLOAT)


@njit
def cut(x, m, n):
    m[0, 0] = 1.0
    for i in range(x.size):
        if x[i] != x[i]:
            raise ValueError("not reached")
    return x[:n], m.T, x.sum()


def test_shapes_and_what_is_written():
    called = Called(cut, "cut")
    tensors = [ng.tensor(np.full(5, np.nan)), ng.tensor(np.ones((2, 3), "float32")), ng.tensor(4)]
    arrays = [t.data for t in tensors]
    kinds = called.kinds(arrays)
    entry = called.entry(kinds)
    assert entry is called.entry(kinds)
    assert called.shapes(kinds, entry, tensors, arrays) == ((4,), (3, 2), ())
    assert called.changed(kinds) == (1,)
    assert tensors[1].data[0, 0] == 1.0


def test_functions_that_cannot_be_read_are_refused():
    @njit
    def listed(x):
        parts = [x]
        return parts[0]

    called = Called(listed, "listed")
    with pytest.raises(ArgumentError, match="cannot tell the shape of what it gets of listed: a list is not supported"):
        called.shapes((V,), called.entry((V,)), [ng.ones(3)], [np.ones(3)])


@njit
def total(x):
    return x.sum()


@pytest.mark.cuda
@pytest.mark.parametrize("around", [lambda f: f, ng.compile, lambda f: ng.compile(ng.grad(f))], ids=["eager", "compiled", "its gradient"])
def test_what_was_compiled_for_the_processor_takes_no_tensor_of_a_device(around):
    f = ng.op(total)
    with pytest.raises(ng.DeviceError, match=r"total: x is on cuda:0; the function was compiled for the processor"):
        around(lambda x: f(x * 2.0))(ng.ones(3, device="cuda"))
