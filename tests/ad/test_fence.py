"""What is refused: each with the user's file, line and column, the text of the line and what to write instead."""

import inspect

import numpy as np
import pytest
from numba import njit

import nbgrad as ng
from nbgrad.ad.fence import source_of
from nbgrad.base.errors import GradientError, NbgradError
from tests.ad.bad_input import BAD


@pytest.mark.parametrize("name", BAD)
def test_errors_name_the_line_and_say_what_to_do(name):
    f, args, says, advice = BAD[name]
    lines, first = inspect.getsourcelines(f.py_func)
    marked = [first + i for i, line in enumerate(lines) if "# here" in line]
    with pytest.raises(NbgradError) as caught:
        ng.grad(f)(*args)
    message = str(caught.value)
    assert says in message and advice in message
    for line in marked:
        assert f"bad_input.py:{line}:" in message
        assert lines[line - first].strip() in message


def test_syntax_is_refused_when_the_gradient_is_asked_for():
    for name in ("generator", "a_dict", "tried", "comprehension", "writes_global"):
        with pytest.raises(GradientError):
            ng.grad(BAD[name][0])


def test_functions_without_text_are_refused():
    scope = {}
    exec("def f(x):\n    return x * x", scope)
    with pytest.raises(GradientError, match="source text cannot be found"):
        ng.grad(njit(scope["f"]))
    with pytest.raises(GradientError, match="no plain def"):
        ng.grad(njit(lambda x: x * x))


def test_source_of_a_function():
    def f(x):
        return x

    found = source_of(f)
    assert (found.name, found.fn, found.tree.name) == ("f", f, "f")
    assert found.place(found.tree.body[0]).endswith(", in f: `return x`")
    assert found.place(found.tree.body[0]).startswith("test_fence.py:")


def test_lists_of_numbers_are_only_for_calls():
    assert source_of(BAD["a_string"][0]).changing == {}
    assert source_of(BAD["reads_rate"][0]).changing == {"RATE": "sets_rate"}

    def made(x):
        return np.array([x, 2.0 * x])

    assert source_of(made).name == "made"
