"""A random permutation in steps of which each thread does its part."""

import pytest

from nbgrad.ops.table import table
from nbgrad.plan.plan import packed
from nbgrad.target.cuda.run import plan_device

pytestmark = pytest.mark.cuda


@pytest.mark.parametrize("n", [0, 1, 7])
def test_a_permutation_is_found_in_three_steps(n):
    plan = plan_device(table["random_permutation"], (packed((3,), "int64"),), {"n": n}, packed((n,), "int64"))
    assert [s.kernel.loop for s in plan.steps] == (["permutation_start", "permutation_links", "permutation_places"] if n else [])
    assert (plan.shape, plan.dtype) == ((n,), "int64")
    assert all(shape == (n,) for shape, _ in plan.scratch)
