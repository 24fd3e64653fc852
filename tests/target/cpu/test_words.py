"""The compiler of functions of words: each is run by Python, too, on the same numbers."""

import ctypes
import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbgrad.base.errors import KernelError
from nbgrad.target.cpu import words
from nbgrad.target.cpu.words import (
    Native,
    atomic_add,
    atomic_get,
    atomic_replace,
    atomic_swap,
    call,
    get,
    pause,
    put,
    quotient,
    room,
    variables,
)  # fmt: skip

MODULE_OF_NOTHING = "@x = internal global i64 0\ndefine ptr @test_words_nothing(i64 %which) {\n  ret ptr @x\n}"
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


def shared_memory(a, b):
    block = room(2)
    put(block, 8, a)
    was = atomic_swap(block, 8, b)
    old = atomic_add(block, 8, 10)
    kept = atomic_replace(block, 8, b, 0)
    done = atomic_replace(block, 8, b + 10, 3)
    pause()
    return ((was == a) + 2 * (old == b) + 4 * kept + 8 * done) * 100 + atomic_get(block, 8)


def shares(a, b):
    return quotient(a, b)


FUNCTIONS = (arithmetic, choices, loops)
kind = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64, ctypes.c_int64)
product = kind(lambda a, b: a * b)
native = Native("test_words", [*FUNCTIONS, memory, shared_memory, shares, asks, ("bound", arithmetic, 9)], {
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


@given(numbers, numbers)
def test_words_of_several_threads(a, b):
    assert kind(native.address("shared_memory"))(a, b) == (1 + 2 + 8) * 100 + 3


@given(st.integers(0, 2**62), st.integers(1, 2**62))
def test_quotients_of_numbers_that_are_not_negative(a, b):
    assert kind(native.address("shares"))(a, b) == a // b


def add_one(at, times):
    for _ in range(times):
        atomic_add(at, 0, 1)
        pause()
    return 0


def test_threads_that_add_to_a_word_lose_nothing():
    code, total = Native("test_adding", [add_one], {}), ctypes.c_int64()
    add = kind(code.address("add_one"))
    workers = [threading.Thread(target=add, args=(ctypes.addressof(total), 100_000)) for _ in range(4)]
    for w in workers:
        w.start()
    for w in workers:
        w.join()
    assert total.value == 400_000


@pytest.mark.parametrize(("triple", "word"), [("x86_64-pc-linux", "x86.sse2.pause()"), ("aarch64-linux", "aarch64.hint(i32)"), ("riscv64-linux", None)])
def test_a_pause_on_each_kind_of_processor(triple, word, monkeypatch):
    texts = []
    real = words.load_ir
    monkeypatch.setattr(words.llvm, "get_process_triple", lambda: triple)
    monkeypatch.setattr(words, "load_ir", lambda text, name, make: texts.append(make()) or real(MODULE_OF_NOTHING, "test_words_nothing"))
    Native("test_pause", [add_one], {})
    assert texts[0].count("@llvm.") == (2 if word else 0)
    assert word is None or f"declare void @llvm.{word}" in texts[0]
    words.llvm.parse_assembly(texts[0]).verify()


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


def test_the_words_are_not_called_by_python():
    given = {get: 2, put: 3, call: 1, room: 1, quotient: 2, pause: 0, atomic_get: 2, atomic_swap: 3, atomic_add: 3, atomic_replace: 4}
    for f, count in given.items():
        with pytest.raises(NotImplementedError):
            f(*np.zeros(count, int))
