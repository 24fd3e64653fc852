"""Steps of a plan on a device."""

import numpy as np
import pytest

from nbgrad.ops.table import table
from nbgrad.plan.mapping import plan_map
from nbgrad.plan.plan import Kernel, Plan, Step, packed
from nbgrad.target.cuda import kernels
from nbgrad.target.cuda.array import empty, from_host, to_host
from nbgrad.target.cuda.steps import Steps
from nbgrad.target.launch import layout

pytestmark = pytest.mark.cuda


def test_arrays_of_other_offsets_are_found(rng):
    a = rng.standard_normal((4, 3))
    x, out = from_host(a), empty((4, 3), "float64")
    steps = Steps(plan_map(table["exp"], (layout(x[::-1]),), packed((4, 3), "float64")))
    for view in (lambda v: v[::-1], lambda v: v[::-1]):
        steps.run([view(x), out])
        np.testing.assert_allclose(to_host(out), np.exp(a[::-1]), rtol=1e-14)


def test_a_step_may_be_a_call_of_a_library(rng, monkeypatch):
    x = from_host(rng.standard_normal((3, 2)))
    met = []
    monkeypatch.setitem(kernels.CALLS, "told", lambda kernel: lambda *args: met.append((kernel.dtypes, args)))
    Steps(Plan((Step(Kernel("told", ("float64",)), (0,), (7, 8), 1),), (3, 2), "float64")).run([x[1:]], stream=5)
    ((dtypes, (words, (flat,), stream)),) = met
    assert (dtypes, words, stream) == (("float64",), (0, 7, 8), 5)
    assert flat.size == 4
