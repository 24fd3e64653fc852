"""Rules from an output's gradient to an input's: what they read, which of them let a gradient through, un-broadcasting."""

import ast

import numpy as np
import pytest

import nbgrad as ng
from nbgrad.base.errors import GradientError
from nbgrad.docs import rows
from nbgrad.ops.table import MISSING, ZERO, Op, elementwise, table
from nbgrad.tape.rules import expanded, flows, keeps, pull, rule, sum_to, told
from nbgrad.tape.tape import Node

ROWS = [op for kind in rows().values() for op in kind]


@pytest.mark.parametrize("row", ROWS, ids=lambda r: r.name)
def test_every_row_has_a_rule_or_says_why_not(row):
    for index in range(len(row.params)):
        if not told(row, index):
            with pytest.raises(GradientError, match=f"{row.name} has no gradient in"):
                rule(row, index)
            continue
        found = rule(row, index)
        assert found is None or callable(found.apply)
        assert flows(row, index) == (found is not None)
        for name in keeps(row, (index,)):
            assert name == "out" or name in row.params or name in row.aux


def test_what_a_rule_reads():
    reads = {"add": (), "mul": ("y", "x"), "tanh": ("out",), "sum": (), "mean": (), "max": ("x", "out"), "matmul": ("b", "a"), "permute": (), "exp": ("out",)}
    for name, wanted in reads.items():
        assert keeps(table[name], tuple(range(len(table[name].params)))) == wanted
    assert keeps(table["mul"], (1,)) == ("x",)
    assert keeps(table["where"], (1, 2)) == ("condition",)


def test_flat_ops_let_no_gradient_through():
    for name in ("floor", "sign", "less", "isnan", "any", "arg_extreme"):
        assert not flows(table[name], 0)
    assert [flows(table["where"], i) for i in range(3)] == [False, True, True]


def test_a_constant_partial_needs_no_kernel():
    g = ng.ones(3)
    assert rule(table["add"], 0).apply(None, 0, g, {}) is g
    np.testing.assert_array_equal(rule(table["sub"], 1).apply(None, 1, g, {}).numpy(), -np.ones(3))
    assert isinstance(rule(table["deg2rad"], 0).apply(None, 0, g, {}), ng.Tensor)


def test_a_missing_rule_raises_when_it_is_asked_for():
    @elementwise(df=lambda x, y: (MISSING("nobody has derived it"), x), register=False)
    def product(x, y):
        """Product of two numbers."""
        return x * y

    with pytest.raises(GradientError, match=r"product has no gradient in x: nobody has derived it\n.*\n  try: nbgrad.stop_gradient"):
        rule(product, 0)
    assert flows(product, 0) and flows(product, 1)
    assert keeps(product, (0, 1)) == ("x",)
    bare = Op("bare", "primitive", ("x", "y"), vjp={"y": lambda g, x: g * x})
    with pytest.raises(GradientError, match="bare has no gradient in x: its row gives no rule"):
        rule(bare, 0)
    assert keeps(bare, (0, 1)) == ("x",)
    assert rule(Op("none", "primitive", ("x",), vjp={"x": ZERO}), 0) is None


def made_by(op, shapes, shape, **attrs):
    return Node(op, (None,) * len(shapes), attrs, shape, np.dtype("float64"), shapes, {})


def test_a_written_rule_gets_what_its_parameters_name():
    asked = {}

    def written(g, out, y_shape, out_shape, axis):
        asked.update(g=g, out=out, y_shape=y_shape, out_shape=out_shape, axis=axis)
        return g

    op = Op("written", "primitive", ("x", "y"), attrs={"axis": 0}, vjp={"x": written, "y": ZERO})
    found = rule(op, 0)
    assert found.keeps == ("out",)
    g, out = ng.ones(2), ng.zeros(2)
    assert found.apply(made_by(op, ((2, 3), (4,)), (2,), axis=1), 0, g, {"out": out}) is g
    assert asked == {"g": g, "out": out, "y_shape": (4,), "out_shape": (2,), "axis": 1}


def test_a_rule_for_any_number_of_inputs_is_told_which():
    seen = []
    op = Op("many", "primitive", ("*xs",), vjp={"xs": lambda g, index, xs_shapes: seen.append((index, xs_shapes)) or g})
    shapes = ((2,), (3,), (4,))
    for index in range(3):
        rule(op, index).apply(made_by(op, shapes, (9,)), index, None, {})
    assert seen == [(i, shapes) for i in range(3)]


def test_a_rule_that_asks_for_what_nobody_has_is_told():
    op = Op("asks", "primitive", ("x",), vjp={"x": lambda g, weight: g})
    with pytest.raises(GradientError, match="the rule of asks asks for 'weight'"):
        rule(op, 0).apply(made_by(op, ((2,),), (2,)), 0, None, {})


def test_folded_axes_come_back_as_length_1():
    node = made_by(table["sum"], ((2, 3, 4),), (3,), axis=(0, 2), keepdims=False)
    assert expanded(node, ng.ones(3)).shape == (1, 3, 1)
    node = made_by(table["sum"], ((2, 3, 4),), (1, 3, 1), axis=(0, 2), keepdims=True)
    g = ng.ones((1, 3, 1))
    assert expanded(node, g) is g


@pytest.mark.parametrize(
    ("from_shape", "to_shape"), [((3, 4), (3, 4)), ((3, 4), (4,)), ((3, 4), (3, 1)), ((3, 4), ()), ((2, 3, 4), (1, 4)), ((1, 4), (1, 4)), ((5, 1), (1,)), ((0, 3), (3,))]
)
def test_broadcasting_is_undone_by_sums(from_shape, to_shape, rng):
    g = rng.integers(-5, 5, from_shape).astype(float)
    got = sum_to(ng.tensor(g), to_shape)
    assert got.shape == to_shape
    weight = rng.integers(-5, 5, to_shape).astype(float)  # <sum_to(g), w> == <g, broadcast(w)>
    assert (got.numpy() * weight).sum() == (g * np.broadcast_to(weight, from_shape)).sum()


def test_rules_of_formulas_are_rows_that_can_be_read():
    found = rule(table["tanh"], 0)
    assert found.keeps == ("out",)
    out = ng.tensor([0.5])
    np.testing.assert_allclose(found.apply(None, 0, ng.tensor([2.0]), {"out": out}).numpy(), [1.5])
    from nbgrad.ad.scalar import vjp_op

    assert ast.unparse(vjp_op(table["tanh"], 0).formula.result) == "times(g, 1.0 - out * out)"


def test_a_joint_rule_serves_several_inputs_and_says_what_it_keeps():
    row = table["standardize_scaled"].fixed(axis=1, groups=0, eps=1e-5, centered=True)
    assert keeps(row, (0, 1, 2)) == ("x", "weight")
    assert [rule(row, i).keeps for i in range(3)] == [("x", "weight")] * 3
    assert keeps(table["batch_standardize"].fixed(axis=1, eps=1e-5), (0,)) == ("x", "weight", "mean", "scale")


def test_pull_gives_every_gradient_of_a_call_that_is_wanted():
    x = ng.tensor(np.arange(6.0).reshape(2, 3), requires_grad=True)
    w = ng.tensor(np.ones(3))
    out = ng.layer_norm(x, w, np.zeros(3))
    of_x, of_weight, of_bias = pull(out.node, ng.tensor(np.ones((2, 3))))
    assert of_x.shape == (2, 3)
    assert of_weight is None
    assert of_bias is None
