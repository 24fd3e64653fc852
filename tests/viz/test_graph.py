"""Boxes and arrows: one per node, in order, with what a reader wants to know."""

import numpy as np
import pytest

import nbgrad as ng
from nbgrad.docs import rows
from nbgrad.viz.graph import COLOURS, boxes


@pytest.fixture
def tape():
    with ng.Tape() as tape:
        w = tape.watch(np.ones((3, 2), "float32"), "weight")
        x = ng.tensor(np.ones((4, 3), "float32"))
        h = ng.matmul(x, w)
        ng.sum(ng.relu(h) * 0.5, axis=0)
    return tape


def test_a_box_per_node_in_order(tape):
    found = boxes(tape)
    assert [b.title for b in found] == ["weight", "matmul(float32[4, 3])", "relu", "mul(0.5)", "sum(axis=(0,))"]
    assert [b.kind for b in found] == ["leaf", "primitive", "elementwise", "elementwise", "reduction"]
    assert [b.inputs for b in found] == [(), (0,), (1,), (2,), (3,)]
    assert [b.detail for b in found][:2] == ["float32 3×2", "float32 4×2"]


def test_a_title_that_would_be_too_long_is_the_name_alone():
    x = ng.tensor(np.ones((20, 30, 40)), requires_grad=True)
    with ng.Tape() as tape:
        x * np.ones((20, 30, 40))
        ng.reshape(x, (24, 1000))
    assert [b.title for b in boxes(tape)] == ["leaf", "mul", "reshape"]


def test_tips_tell_the_users_line(tape):
    assert all("test_graph.py:" in b.tip for b in boxes(tape) if b.kind != "leaf")
    assert "axis=(0,)" in boxes(tape)[-1].tip


def test_attributes_of_zero_are_shown():
    x = ng.tensor([1.0, 2.0], requires_grad=True)
    assert "axis=0" in boxes(ng.stack([x, x], axis=0))[-1].tip


def test_a_tensor_shows_what_it_was_made_from():
    x, y = ng.tensor(1.0, requires_grad=True), ng.tensor(2.0, requires_grad=True)
    a = x * y
    b = a + x
    assert [i.title for i in boxes(b)] == ["leaf", "leaf", "mul", "add"]
    assert boxes(b)[-1].inputs == (2, 0)
    assert boxes(b)[0].detail == "float64 scalar"
    assert [i.title for i in boxes([a, y * 3.0])] == ["leaf", "leaf", "mul", "mul"]
    assert boxes(ng.ones(2)) == boxes([]) == []


def test_a_value_used_twice_has_two_arrows():
    x = ng.tensor(1.0, requires_grad=True)
    assert boxes(x * x)[-1].inputs == (0, 0)


def test_every_kind_has_a_colour():
    assert set(rows()) | {"leaf", "custom"} == set(COLOURS)
    assert len(set(COLOURS.values())) == len(COLOURS)


def test_custom_calls_of_several_results_are_drawn():
    @ng.custom_vjp
    def two(x):
        return x * 2.0, x * 3.0

    two.defvjp(lambda x: (two.fn(x), None), lambda _, g: (g[0] * 2.0 + g[1] * 3.0,))
    a, b = two(ng.tensor(1.0, requires_grad=True))
    kinds = [i.kind for i in boxes(a + b)]
    assert kinds.count("custom") == 3
    assert boxes(a + b)[1].detail == ""
