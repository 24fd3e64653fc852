"""A tape to read: names, listings, and expressions that mean what the tape computes."""

import math

import numpy as np
import pytest

import nbgrad as ng
from nbgrad.base.source import CONSTANTS
from nbgrad.docs import rows
from nbgrad.tape.tape import reachable
from nbgrad.tape.text import LONGEST, constant_text, expression, listing, shown_inputs, slot_names

SCOPE = {**{op.name: op for op in rows()["elementwise"]}, **CONSTANTS, "math": math, "abs": ng.abs}


@pytest.fixture
def record():
    """Return a function that records `f` of named scalars and returns (root, names)."""

    def run(f, **values):
        with ng.Tape() as tape:
            y = f(*[tape.watch(np.float64(v), name) for name, v in values.items()])
        return y, tape.names

    return run


FORMULAS = {
    "x * y + 1": (lambda x, y: x * y + 1.0),
    "x - y": (lambda x, y: x - y),
    "-x / y": (lambda x, y: -x / y),
    "x ** y": (lambda x, y: x**y),
    "sin(x) * exp(y)": (lambda x, y: ng.sin(x) * ng.exp(y)),
    "maximum(x, y)": ng.maximum,
    "x + y": (lambda x, y: (x * 1.0).copy() + y.reshape(())),
    "3.5 * x": (lambda x, y: x * 3.5),
    "x": (lambda x, y: x.astype("float32").astype("float64")),
}


@pytest.mark.parametrize("text", FORMULAS)
def test_an_expression_is_short_and_means_what_the_tape_computes(record, text):
    y, names = record(FORMULAS[text], x=0.75, y=1.25)
    shown = expression(y.node, names)
    assert shown in (text, {"3.5 * x": "x * 3.5"}.get(text))
    np.testing.assert_allclose(float(eval(shown, {**SCOPE, "x": 0.75, "y": 1.25})), y.item(), rtol=1e-6)


@pytest.mark.parametrize("f", [ng.tanh, ng.sigmoid, lambda x: ng.exp(-x * x), lambda x: ng.log(x) * x, lambda x: x**3 / (1.0 + x), ng.gelu])
def test_the_expression_of_a_gradient_means_the_gradient(f):
    x = 0.8
    shown = str(ng.show(ng.grad(f), x)).splitlines()[0]
    np.testing.assert_allclose(float(eval(shown, {**SCOPE, "x": x})), ng.grad(f)(x).item(), rtol=1e-12)


def test_attributes_are_shown_and_defaults_are_not(record):
    y, names = record(lambda x: ng.sum(x * ng.ones((2, 3)), axis=1), x=1.0)
    assert expression(y.node, names) == "sum(x * float64[2, 3], axis=(1,))"
    y, names = record(lambda x: ng.stack([x, x], axis=0), x=1.0)
    assert "axis=0" in expression(y.node, names)


def test_an_unnamed_leaf_has_a_name_of_its_own():
    x = ng.tensor(2.0, requires_grad=True)
    assert expression((x * 2.0).node, {}) == f"leaf{x.node.slot} * ·"  # no open tape: constants are not kept


def test_an_expression_that_nobody_would_read_is_left_out(record):
    def f(x):
        for _ in range(12):
            x = x + x * x
        return x

    y, names = record(f, x=0.1)
    assert expression(y.node, names) == ""
    assert LONGEST < 10_000


def test_listing_has_a_line_per_node_with_its_place(record):
    y, names = record(lambda x, w: ng.tanh(x * w).sum(), x=1.0, w=2.0)
    nodes = reachable([y.node])
    lines = listing(nodes, names).splitlines()
    assert [line.split()[0] for line in lines] == ["x", "w", "%2", "%3", "%4"]
    assert "mul(x, w)" in lines[2]
    assert "tanh(%2)" in lines[3]
    assert "sum(%3, axis=(), keepdims=False)" in lines[4]
    assert all("float64[]" in line for line in lines)
    assert all("test_text.py:" in line for line in lines[2:])
    bare = listing(nodes, names, where=False)
    assert "test_text.py" not in bare
    assert not any(line.endswith(" ") for line in bare.splitlines())
    assert listing([]) == ""


def test_columns_are_aligned(record):
    y, names = record(lambda x: ng.tanh(x) * x, x=1.0)
    starts = {line.index("float64") for line in listing(reachable([y.node]), names).splitlines()}
    assert len(starts) == 1


def test_constants_are_shown_while_a_tape_is_open(record):
    y, _ = record(lambda x: x * 2.5, x=1.0)
    node, constant = shown_inputs(y.node)
    assert node is y.node.inputs[0]
    assert constant == 2.5
    x = ng.tensor(1.0, requires_grad=True)
    assert shown_inputs((x * 2.5).node) == (x.node, None)


def test_constant_text():
    assert constant_text(None) == "·"
    assert constant_text(np.float64(0.1) * np.ones(())) == "0.1"
    assert constant_text(np.array([3])) == "3"
    assert constant_text(np.ones((2, 3), "float32")) == "float32[2, 3]"
    assert constant_text(np.array(True)) == "1"
    assert constant_text("sum") == "sum"


def test_slot_names():
    x = ng.tensor(1.0, requires_grad=True)
    y = x * 2.0
    assert slot_names([x.node, y.node], {x.node: "x"}) == {x.node: "x", y.node: "%1"}
