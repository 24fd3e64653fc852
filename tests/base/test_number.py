"""Numbers told anew: arithmetic is text, every look at the value is noted, and the text says the same as the value."""

import math

import numpy as np
import pytest

from nbgrad.base.number import Number


class Source:
    def __init__(self):
        self.looks = []

    def look(self, text, value):
        self.looks.append((text, value))


@pytest.fixture
def source():
    return Source()


@pytest.fixture
def number(source):
    return Number(0.75, "r[0]", source)


ARITHMETIC = {
    "sum": lambda x: 1 + x + 2.5 + x,
    "difference": lambda x: 1 - x - 2,
    "product": lambda x: 3 * x * 0.5 * True,
    "quotient": lambda x: 1.0 / (x / 3),
    "power": lambda x: 2**x - x**2,
    "floor": lambda x: 7 // x + x // 0.1,
    "remainder": lambda x: 7 % x + x % 0.1,
    "signs": lambda x: -x + abs(-x) - +x,
    "infinite": lambda x: x * math.inf - x * 1e300,
    "several": lambda x: x * x - x / x,
}


@pytest.mark.parametrize("name", ARITHMETIC)
def test_arithmetic_is_text(name, number, source):
    f = ARITHMETIC[name]
    found = f(number)
    assert type(found) is Number
    assert found.plain == f(0.75)
    assert not source.looks
    for other in (0.75, 0.3, 5.0):
        assert eval(found.text, {"r": [other]}) == f(other)


LOOKS = {
    "float": float, "int": int, "bool": bool, "hash": hash, "round": lambda x: round(x, 1), "floor": math.floor, "ceil": math.ceil,
    "trunc": math.trunc, "divmod": lambda x: divmod(x, 0.5), "sqrt": math.sqrt, "exp": np.exp, "float32": np.float32, "array": np.array,
    "numpy times": lambda x: np.float64(2.0) * x, "times numpy": lambda x: x * np.float32(2.0), "arrays": lambda x: np.ones(2) * x,
    "format": lambda x: f"{x:.3f}", "is_integer": lambda x: x.is_integer(), "less": lambda x: x < 0.5, "between": lambda x: 0.1 < x <= 0.8,
    "equal": lambda x: x == 0.75, "not equal": lambda x: x != 1, "min": lambda x: min(x, 0.5), "numpy less": lambda x: x < np.float64(2.0),
}  # fmt: skip


@pytest.mark.parametrize("name", LOOKS)
def test_looks_are_noted(name, number, source):
    f = LOOKS[name]
    found, want = f(number), f(0.75)
    np.testing.assert_array_equal(found, want)
    assert type(found) is type(want)
    assert source.looks
    for text, value in source.looks:
        assert eval(f"{text} == v", {"r": [0.75], "v": value})


def test_a_look_gives_another_answer_for_another_number(number, source):
    assert number > 0.5
    ((text, value),) = source.looks
    assert value is True
    assert not eval(f"{text} == v", {"r": [0.25], "v": value})


def test_it_is_no_float(number):
    assert not isinstance(number, float)
    assert repr(number) == "0.75"
    with pytest.raises(AttributeError):
        number.nonsense  # noqa: B018
    with pytest.raises(TypeError):
        number + "text"
