"""Functions of numbers as text for a thread: local arrays of fixed sizes, words of a status where a function may fail."""

import math

import numpy as np
import pytest
from numba import njit

import nbgrad as ng
from nbgrad.ad.derive import Derivative
from nbgrad.ad.statements import FLOAT, INT, Group, Scalar
from nbgrad.base.errors import ArgumentError
from nbgrad.ops.table import table
from nbgrad.target.cuda.function_text import FULL, function_text, row_text, spelt

pytestmark = pytest.mark.cuda


@njit
def fixed(x):
    s = x
    for i in range(3):
        for _ in range(1, 9, 2):
            s = math.sin(s * x) + i
    return s


@njit
def open_ended(x, n):
    s = x
    for _ in range(n):
        s = math.sin(s * x)
    return s


@njit
def kept(x, n):
    s = x
    for _ in ng.checkpointed(range(n)):
        s = math.sin(s * x)
    return s


@njit
def local_ones(x):
    a = np.ones((2, 3))
    s = 0.0
    for i in range(2):
        for j in range(a.shape[1]):
            a[i, j] = a[i, j] * x
            s += a[i, j]
    return s


def adjoint(f, *kinds, room=16):
    return function_text(Derivative("adjoint", f, (0,)).statements((*kinds, FLOAT)), room)


def test_tapes_have_the_turns_of_the_loops_around_them():
    made = adjoint(fixed, FLOAT)
    assert made.failures == ()
    assert "cuda.local.array(12, np.float64)" in made.text
    assert "status[" not in made.text


def test_tapes_of_unknown_length_are_checked():
    made = adjoint(open_ended, FLOAT, INT)
    assert made.failures == (FULL.format(16),)
    assert "cuda.local.array(16, np.float64)" in made.text
    assert "status[first + 0] = 1" in made.text
    assert adjoint(kept, FLOAT, INT).failures == (FULL.format(16),)


def test_what_a_kernel_is_told():
    made = function_text(Derivative("value_and_grad", fixed).statements((Scalar("float32"),)), 8)
    assert (made.name, made.counts, made.dtypes) == ("one_value_and_grad_fixed", (None,), ("float64", "float32"))
    pair = Derivative("adjoint", _both, (0,)).statements((FLOAT, Group((FLOAT, FLOAT))))
    assert function_text(pair, 8).counts == (None, 2)


@njit
def _both(x):
    return x * x, math.sin(x)


def test_arrays_that_a_function_makes_are_local():
    made = adjoint(local_ones, FLOAT)
    assert "cuda.local.array((2, 3), np.float64)" in made.text
    assert "a.shape" not in made.text


def test_more_than_a_thread_holds_is_refused():
    with pytest.raises(ArgumentError, match="keeps more than 65536 bytes of each number's loops"):
        adjoint(open_ended, FLOAT, INT, room=10_000)


def test_rows_are_helpers_of_their_own():
    text = row_text(table["softplus"], "softplus_of_float32", "float32")
    assert "def softplus_of_float32(x" in text
    assert "np.float32(" in text
    assert spelt("bool") == "bool_" and spelt("int64") == "int64"
