"""Planners of the CUDA target go before those of the CPU."""

import pytest

from nbgrad.ops.table import table
from nbgrad.plan.plan import Plan, packed, plan_primitive
from nbgrad.target.cuda import plans

pytestmark = pytest.mark.cuda


def test_its_own_planners_are_asked_first(monkeypatch):
    monkeypatch.setattr(plans, "planners", {})
    x = packed((2, 3), "float32")
    assert plans.plan_device(table["softmax"], (x,), {"axes": (1,)}, x) == plan_primitive(table["softmax"], (x,), {"axes": (1,)}, x)

    @plans.planner("softmax", contiguous=True)
    def plan(inputs, attrs, out):
        return Plan((), out.shape, out.dtype, zero=True)

    turned = x._replace(strides=(1, 2))
    got = plans.plan_device(table["softmax"], (turned,), {"axes": (1,)}, x)
    assert got.zero
    assert got.copies == (0,)
