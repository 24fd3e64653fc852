"""Formulas of reductions as expressions on vectors."""

import ast
import math

import pytest

from nbgrad.base.source import body_formula
from nbgrad.ops.reduce import max as largest
from nbgrad.target.cpu.fold_text import VectorError, vector, words_text

SCALE = 3.0


def choice(acc, x):
    y = abs(x) * SCALE
    return y if y > acc and not x == math.inf else acc


def power(acc, x):
    return acc + x**2


def called(acc, x):
    return acc + math.exp(x)


def test_choices_become_selections():
    assert ast.unparse(vector(largest.formula)) == "select((x > acc) | (x != x), x, acc, ACC)"


def test_names_of_numbers_become_literals():
    text = ast.unparse(vector(body_formula(choice)))
    assert text == "select((abs(x) * 3.0 > acc) & ~(x == float('inf')), abs(x) * 3.0, acc, ACC)"


@pytest.mark.parametrize("formula", [power, called])
def test_what_has_no_instruction_is_refused(formula):
    with pytest.raises(VectorError):
        vector(body_formula(formula))


def test_the_text_of_words_stands_alone():
    assert "import (" not in words_text() and "from .fold" not in words_text()
    compile(words_text(), "words", "exec")
