"""The compiler of functions of words: each is run by Python, too, on the same numbers."""

import ctypes

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbgrad.base.errors import KernelError
from nbgrad.target.cpu.words import Native, call, get, put, room, variables

GIVEN, OTHER = variables(2)
SEVEN = 7
numbers = st.integers(-(2**50), 2**50)  # beyond that Python would not wrap before it shifts


def arithmetic(a, b):
    c, a = a + b * SEVEN - (a & b), a ^ b
    c += -a | 5
    return (c >> 3) + (a << 2)


def choices(a, b):
    if (a < b and b < 10) or not a >= -SEVEN:
        return 1
    elif a == b:
        b = a if b else 3
    else:
        a = (a > 100) + 2 * (b != 0)
    return a - b


def loops(a, b):
    total, i = 0, 0
    for k in range(2, 50):
        if k == 5:
            continue
        if k > (b & 31):
            break
        total += k * a
    while i < (a & 15):
        i += 1
        for _ in range(i):
            total += second(i, 0)
    return total


def second(a, b):
    return a * a + 1


def memory(a, b):
    block = room(3)
    put(block, 8, a)
    put(block, 16, b)
    return get(block, 16) - get(block + 8, 0)


def asks(a, b):
    return call(GIVEN, a, b) + 1


FUNCTIONS = (arithmetic, choices, loops)
kind = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64, ctypes.c_int64)
product = kind(lambda a, b: a * b)
native = Native("test_words", [*FUNCTIONS, memory, asks, ("bound", arithmetic, 9)], {
    "GIVEN": ctypes.cast(product, ctypes.c_void_p).value,
})  # fmt: skip


def wrapped(x):
    return (x + 2**63) % 2**64 - 2**63


@pytest.mark.parametrize("f", FUNCTIONS, ids=lambda f: f.__name__)
@given(numbers, numbers)
def test_machine_code_does_what_python_does(f, a, b):
    assert kind(native.address(f.__name__))(a, b) == wrapped(f(a, b))


@pytest.mark.parametrize("a", [-1, 0, 1, 9])
def test_small_numbers_take_every_branch(a):
    for b in range(-12, 12):
        for f in FUNCTIONS:
            assert kind(native.address(f.__name__))(a, b) == f(a, b)


def test_memory_calls_and_a_number_that_is_bound():
    assert kind(native.address("memory"))(5, 12) == 7
    assert kind(native.address("asks"))(6, 7) == 43
    assert ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64)(native.address("bound"))(100) == arithmetic(100, 9)


def test_a_variable_can_be_set_again():
    other = kind(lambda a, b: a - b)
    native.set("GIVEN", ctypes.cast(other, ctypes.c_void_p).value)
    assert kind(native.address("asks"))(6, 7) == 0
    native.set("GIVEN", ctypes.cast(product, ctypes.c_void_p).value)


def divides(a, b):
    return a // b


def floats(a, b):
    return a + 0.5


def calls_python(a, b):
    return print(a)


def reads_nothing(a, b):
    return undefined + a  # noqa: F821


def needs_other(a, b):
    return OTHER


@pytest.mark.parametrize("f", [divides, floats, calls_python, reads_nothing])
def test_what_words_cannot_say_is_refused(f):
    with pytest.raises(KernelError, match=f"{f.__name__}: `.*` is nothing that a function of words can say"):
        Native("test_refused", [f], {})


def test_a_variable_needs_a_value():
    with pytest.raises(KernelError, match="the variable OTHER has no value"):
        Native("test_unset", [needs_other], {"GIVEN": 1})


def test_the_four_words_are_not_called_by_python():
    for f, count in ((get, 2), (put, 3), (call, 1), (room, 1)):
        with pytest.raises(NotImplementedError):
            f(*np.zeros(count, int))
