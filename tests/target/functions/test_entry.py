"""Where the machine code of functions lies, and what they return."""

import pytest
from numba import njit

import nbgrad as ng
from nbgrad.ad.statements import FLOAT, Array, Group
from nbgrad.base.errors import ArgumentError, DtypeError
from nbgrad.target.functions.entry import Entry, throw

V = Array("float64", 1)


@njit
def scaled(p, k):
    return p[0] * k, p[1]


def test_types_and_addresses():
    entry = Entry(scaled, (Group((V, V)), FLOAT))
    assert int(entry) and entry.result == Group((V, V)) and not entry.parallel
    assert int(Entry(scaled, (Group((V, V)), FLOAT))) == int(entry)
    assert int(Entry(scaled, (Group((V, Array("float32", 1))), FLOAT))) != int(entry)
    assert Entry(njit(parallel=True)(lambda x: x * 2.0), (V,)).parallel


def test_derivatives_have_addresses():
    entry = Entry(ng.grad(total), (V,))
    assert int(entry) and entry.result == V


@njit
def total(x):
    return (x * x).sum()


def test_what_cannot_be_called_is_refused():
    with pytest.raises(ArgumentError, match="compiled for other types"):
        Entry(njit("float64[::1](float64[::1])")(lambda x: x * 2.0), (Array("float32", 1),))
    with pytest.raises(DtypeError, match="the result of"):
        Entry(njit(lambda x: [x]), (FLOAT,))


def test_statuses_of_errors():
    throw(0, 0)
    with pytest.raises(StopIteration):
        throw(-3, 0)
