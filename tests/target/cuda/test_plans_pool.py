"""Pooling in steps for a device."""

import pytest

from nbgrad.ops.table import table
from nbgrad.plan.plan import packed
from nbgrad.target.cuda.run import plan_device

pytestmark = pytest.mark.cuda


@pytest.mark.parametrize(("stride", "loops"), [(2, ["pool_unpick_tiled"]), (1, ["pool_places", "pool_collect"])])
def test_windows_that_overlap_are_found_before_they_are_added(stride, loops):
    attrs = {"window": (2, 2), "stride": (stride,) * 2, "padding": ((0, 0),) * 2, "dilation": (1, 1)}
    x, n = packed((1, 2, 4, 4), "float32"), 2 if stride == 2 else 3
    plan = plan_device(table["pool_unpick"], (packed((1, 2, n, n), "float32"), x), attrs, x)
    assert [s.kernel.loop for s in plan.steps] == loops


def test_nothing_is_zero():
    attrs = {"window": (2,), "stride": (2,), "padding": ((0, 0),), "dilation": (1,)}
    x = packed((0, 2, 4), "float32")
    assert plan_device(table["pool_unpick"], (packed((0, 2, 2), "float32"), x), attrs, x).zero
