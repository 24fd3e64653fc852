"""Nested structures as flat lists, and what is said where two of them differ."""

from typing import NamedTuple

import numpy as np
import pytest

import nbgrad as ng
from nbgrad.base import tree
from nbgrad.base.errors import ArgumentError, DtypeError, ShapeError
from nbgrad.forms import compare, difference, flat_form, flat_like, ordered, shown


class State(NamedTuple):
    h: object
    n: object


VALUE = {"h": [np.ones(2), 3], "s": State(ng.zeros((1, 2)), None)}


def test_leaves_with_their_paths_and_kinds():
    tensors, form = flat_form(VALUE, "carry")
    assert form.paths == ("carry.h.0", "carry.h.1", "carry.s.h")
    assert [str(dtype) for _, dtype in form.kinds] == ["float64", "int64", str(ng.zeros(1).dtype)]
    assert [shape for shape, _ in form.kinds] == [(2,), (), (1, 2)]
    assert all(isinstance(t, ng.Tensor) for t in tensors)
    again = tree.unflatten(form.structure, tensors)
    assert isinstance(again["s"], State) and again["s"].n is None


def test_a_leaf_alone_has_the_label_as_its_path():
    tensors, form = flat_form(2.0, "carry")
    assert form.paths == ("carry",)
    assert tensors[0].item() == 2.0
    assert shown(form.structure) == "an array"


def test_values_of_the_same_form_come_in_its_order():
    _, form = flat_form({"b": 1.0, "a": 2.0}, "c")
    assert [t.item() for t in flat_like("scan", form, {"a": 5.0, "b": 7.0}, "c", "fix")] == [7.0, 5.0]
    assert list(ordered(form, {"a": 5.0, "b": 7.0})) == ["b", "a"]


def test_a_dict_within_is_put_in_order_too():
    _, form = flat_form([{"b": 1.0, "a": (2.0, {"y": 3.0, "x": 4.0})}], "c")
    value = [{"a": (6.0, {"x": 8.0, "y": 7.0}), "b": 5.0}]
    assert [t.item() for t in flat_like("scan", form, value, "c", "fix")] == [5.0, 6.0, 7.0, 8.0]


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        ({"h": [np.ones(2)], "s": State(ng.zeros((1, 2)), None)}, ArgumentError, "the structure of carry.h changes"),
        ({"h": [np.ones(2), 3], "s": (ng.zeros((1, 2)), None)}, ArgumentError, "the structure of carry.s changes"),
        ({"h": [np.ones(2), 3]}, ArgumentError, "the structure of carry changes"),
        ({"h": [np.ones(2), [3]], "s": State(ng.zeros((1, 2)), None)}, ArgumentError, "carry.h.1 changes: an array before"),
        ({"h": [np.ones(3), 3], "s": State(ng.zeros((1, 2)), None)}, ShapeError, r"the shape of carry.h.0 changes: float64\(2,\) before, float64\(3,\) after"),
        ({"h": [np.ones(2), 3.0], "s": State(ng.zeros((1, 2)), None)}, DtypeError, "the dtype of carry.h.1 changes"),
    ],
)  # fmt: skip
def test_differences_are_named(value, kind, text):
    _, form = flat_form(VALUE, "carry")
    with pytest.raises(kind, match=f"scan: .*{text}.*\n.*\n.*return it alike|scan: .*{text}"):
        flat_like("scan", form, value, "carry", "return it alike")


def test_no_difference_is_none():
    a, b = (tree.flatten(v)[1] for v in ({"x": 1, "y": [2, 3]}, {"y": [0, 0], "x": 5}))
    assert a != b
    assert difference(a, b, "v") is None
    assert difference(a, tree.flatten({"x": 1, "y": [2]})[1], "v")[0] == "v.y"


def test_the_first_difference_is_the_one_that_is_said():
    one, two = [((2,), np.dtype("float32"))] * 2, [((2,), np.dtype("float32")), ((3,), np.dtype("float64"))]
    assert compare("f", ("a", "b"), one, one, "fix") is None
    with pytest.raises(ShapeError, match=r"f: the shape of b changes"):
        compare("f", ("a", "b"), one, two, "fix")
