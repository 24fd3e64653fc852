"""Dispatchers whose every signature has a text of its own."""

import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from numba import njit, typeof, types

import nbgrad as ng
from nbgrad.ad.derive import Derivative
from nbgrad.ad.statements import FLOAT
from nbgrad.base.errors import KernelError
from nbgrad.target.functions import made as module
from nbgrad.target.functions.kinds import kind_of
from nbgrad.target.functions.made import is_compiled, made, source_path

X = np.array([0.5, 1.5])
SCRIPT = """
import nbgrad as ng
from numba import njit

@njit
def f(x):
    s = 0.0
    for i in range(3):
        s += x ** i
    return s

g = ng.grad(f)
print(g(2.0), [sum(v[0].stats.cache_hits.values()) for v in g.found.values()])
"""


@njit
def power_sum(x, n):
    s = 0.0
    for i in range(x.size):
        s += x[i] ** n
    return s


def test_each_signature_is_compiled_once():
    g = made(Derivative("grad", power_sum))
    assert g.signatures == []
    np.testing.assert_allclose(g(X, 3), 3 * X**2)
    g(X, 2)
    assert len(g.signatures) == 1 and len(g.found) == 1
    assert g(X.astype(np.float32), 3).dtype == np.float32
    assert len(g.signatures) == 2


def test_what_is_compiled():
    assert is_compiled(power_sum) and is_compiled(ng.grad(power_sum))
    assert not is_compiled(power_sum.py_func) and not is_compiled(np.sin)


def test_texts_without_compiling():
    g = made(Derivative("value_and_grad", power_sum))
    path = source_path(g, (typeof(X), typeof(3)))
    assert path.read_text().startswith('"""value_and_grad of power_sum')
    assert g.signatures == []


def test_options_of_the_function_are_those_of_the_derivative():
    fast = njit(fastmath=True, boundscheck=True)(power_sum.py_func)
    g = made(Derivative("grad", fast))
    assert g.targetoptions["fastmath"] and g.targetoptions["boundscheck"]
    assert "boundscheck=True" in source_path(g, (typeof(X), typeof(3))).read_text()


def test_a_value_in_too_narrow_a_type_is_an_error():
    kinds = (typeof(X), typeof(3))
    d = Derivative("grad", power_sum)
    d.statements(tuple(map(kind_of, kinds)))
    types_known = d.names(tuple(map(kind_of, kinds)))["grad_power_sum"]
    name = next(n for n, k in types_known.items() if k == FLOAT)
    result = SimpleNamespace(type_annotation=SimpleNamespace(typemap={f"{name}.1": types.float32}))
    with pytest.raises(KernelError, match=f"{name} is float32 to Numba and float64 here"):
        module._checked(d.name, types_known, result)
    module._checked(d.name, types_known, SimpleNamespace(type_annotation=None))  # found on disk: checked when it was compiled


@pytest.mark.slow
def test_the_next_process_finds_the_machine_code(tmp_path):
    script = tmp_path / "again.py"
    script.write_text(SCRIPT)
    found = [subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=True).stdout.split() for _ in range(2)]
    assert found[0][0] == found[1][0] == "5.0"
    assert found[1][1] == "[1]"
