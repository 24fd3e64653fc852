"""Steps of a plan on a device."""

import numpy as np
import pytest

from nbgrad.ops.table import table
from nbgrad.plan.mapping import plan_map
from nbgrad.plan.plan import packed
from nbgrad.target.cuda.array import empty, from_host, to_host
from nbgrad.target.cuda.steps import Direct, Steps
from nbgrad.target.launch import layout

pytestmark = pytest.mark.cuda


def test_arrays_of_other_offsets_are_found(rng):
    a = rng.standard_normal((4, 3))
    x, out = from_host(a), empty((4, 3), "float64")
    steps = Steps(plan_map(table["exp"], (layout(x[::-1]),), packed((4, 3), "float64")))
    for view in (lambda v: v[::-1], lambda v: v[::-1]):
        steps.run([view(x), out])
        np.testing.assert_allclose(to_host(out), np.exp(a[::-1]), rtol=1e-14)


def test_a_step_may_be_a_call(rng):
    x = from_host(rng.standard_normal(3))
    met = []
    plan = plan_map(table["exp"], (packed((3,), "float64"),), packed((3,), "float64"))
    Steps(plan._replace(steps=(Direct(met.extend, (0,)),))).run([x, x])
    assert met == [x]
