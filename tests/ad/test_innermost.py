"""Innermost loops in the form that vectorises: what they compute stays, also where they make no turn or count down."""

import pytest
from numba import njit

import nbgrad as ng
from nbgrad.ad.statements import Set, walk
from nbgrad.ad.streams import nonnegative, streamed
from nbgrad.target.functions.files import text_of
from tests.ad.plain import close, differences, lowered, plain, text
from tests.ad.test_streams import packed
from tests.ad.zoo import V


@njit
def down_into_one_place(x, n):
    for v in x[1:3]:
        for _ in range(n, -1, -1):
            x[0] += v * 0.5
    return x[0] * x[3]


@njit
def shifted(x, n):
    s = 0.0
    for i in range(n):
        s += x[i + 1] * x[i]
    return s


@njit
def by_twos(x, n):
    for i in range(0, n, 2):
        x[4] += x[i] * 2.0
    return x[4] ** 2


@njit
def counters(x, n):
    up, down, by, s = 0, 3, 1, 0.0
    for i in range(n):
        s += x[up] * x[down]
        up = (up + by) // 2
        down -= 1
        by = by * 2 + 1
        up += i
    return s


@pytest.mark.parametrize("f", [down_into_one_place, shifted, by_twos], ids=lambda f: f.__name__)
@pytest.mark.parametrize("n", [0, 1, 4])
def test_gradients(f, n):
    value, found = plain(ng.value_and_grad(f), V, n)
    assert value == pytest.approx(f.py_func(V.copy(), n))
    assert close(found, differences(f.py_func, (V, n), 0), 1e-6, 1e-8)


def test_the_function_given_stays_as_it_is():
    f = lowered(shifted, V, 3)
    before = text_of(f, "t", lambda parallel: "")
    streamed(f)
    assert text_of(f, "t", lambda parallel: "") == before


def test_numbers_known_to_be_nonnegative():
    known = nonnegative(lowered(shifted, V, 3).body)
    assert "i" in str(known)


def test_variables_are_nonnegative_where_all_that_is_put_into_them_is():
    body = lowered(counters, V, 3).body
    known = nonnegative(body)
    read = {s.args[0].name: s.out.name for s in walk(body) if isinstance(s, Set) and s.op == "get"}
    assert {c for c, v in read.items() if v in known} == {"up_", "by_"}


def test_places_on_tapes_of_counters_are_nonnegative():
    assert "IndexError" not in text(ng.grad(packed), V, V)
