"""The runner: names, sources, launches kept per layout."""

import numpy as np
import pytest

import nbgrad as ng
from nbgrad.base.errors import KernelError
from nbgrad.ops.table import table
from nbgrad.plan.plan import Kernel
from nbgrad.target.cpu import run


def test_names_say_loop_row_and_dtypes():
    assert run.kernel_name(Kernel("map", ("float32", "float32"), table["tanh"], ("11", False))) == "map_tanh_float32"
    assert run.kernel_name(Kernel("map", ("float32", "bool"), table["isnan"])) == "map_isnan_float32_bool"


def test_an_unknown_loop_is_refused():
    with pytest.raises(KernelError, match="no loop named 'nothing'"):
        run.source(Kernel("nothing", ("float32",)))


def test_one_launch_per_layout():
    a = np.ones((3, 4), "float32")
    first = run.map_launch(table["exp"], (a,), (3, 4), a.dtype)
    assert run.map_launch(table["exp"], (a + 1,), (3, 4), a.dtype) is first
    assert run.map_launch(table["exp"], (a.T,), (4, 3), a.dtype) is not first


def test_an_output_may_be_given_and_strided(rng):
    a, out = rng.standard_normal((4, 3)), np.zeros((4, 6))
    run.run_map(table["exp"], (a,), (4, 3), a.dtype, out=out[:, ::2])
    np.testing.assert_allclose(out[:, ::2], np.exp(a), rtol=1e-14)
    assert not out[:, 1::2].any()


def test_launches_do_not_grow_without_end():
    for n in range(1, 40):
        ng.exp(np.zeros(n))
    before = len(run._launches)
    run._trim(limit=before - 1)
    assert len(run._launches) <= before // 2 + 1
    np.testing.assert_allclose(ng.exp(np.zeros(3)).numpy(), 1.0)
