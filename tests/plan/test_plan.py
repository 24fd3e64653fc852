"""What a plan promises, without running it: tiles that follow from sizes alone, inputs that are copied where asked."""

import pytest

from nbgrad.docs import rows
from nbgrad.plan.plan import GRAIN, Layout, packed, plan_primitive, planners


def test_packed_layouts():
    layout = packed((2, 3), "float32")
    assert layout == Layout((2, 3), (3, 1), "float32")
    assert layout.contiguous
    assert (layout.size, layout.ndim) == (6, 2)
    assert not Layout((2, 3), (1, 2), "float32").contiguous
    assert GRAIN > 1000


def test_every_primitive_has_a_planner():
    missing = [op.name for op in rows()["primitive"] if op.name not in planners and op.name != "arg_extreme"]
    assert not missing


def test_strided_inputs_are_copied_where_the_planner_asks():
    name = next(n for n, (_, contiguous) in planners.items() if contiguous is True)
    assert name in {op.name for op in rows()["primitive"]}
    with pytest.raises(KeyError):
        plan_primitive(type("Unknown", (), {"name": "unknown"}), (), {}, packed((1,), "float32"))
