"""Cross entropy in steps for a device."""

import pytest

from nbgrad.ops.table import table
from nbgrad.plan.plan import packed
from nbgrad.target.cuda.plans_entropy import PART
from nbgrad.target.cuda.run import plan_device

pytestmark = pytest.mark.cuda


@pytest.mark.parametrize(("samples", "loops"), [(0, ["entropy_sums"]), (100, ["entropy_lines", "entropy_sums"]),
                                                (3 * PART, ["entropy_lines", "entropy_sums", "entropy_join"])])  # fmt: skip
def test_sums_of_many_samples_are_joined(samples, loops):
    attrs = {"axis": 1, "spread": 0.0, "ignored": None, "reduction": "mean", "logs": False}
    inputs = packed((samples, 10), "float32"), packed((samples,), "int64"), packed((10,), "float32")
    plan = plan_device(table["class_entropy"], inputs, attrs, (packed((), "float32"), packed((samples + 2,), "float64")))
    assert [s.kernel.loop for s in plan.steps] == loops
    assert plan.shape == ((), (samples + 2,))
