"""Kernels compile to PTX where there is no GPU: with a real package, in a process of its own."""

import importlib.util
import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.cuda
TEXT = """
from nbgrad.ops.table import table
from nbgrad.plan.plan import Kernel
from nbgrad.target.cuda.ptx import ARCHITECTURES, ptx, ptx_of
from nbgrad.target.cuda.turns import next_turn
import nbgrad
for architecture in ARCHITECTURES:
    text = ptx(Kernel("map", ("float32", "float32"), table["tanh"], ("11", False)), architecture)
    assert ".target sm_%d%d" % architecture in text, text[:300]
    assert ".f64" not in text
    assert "ld.global.v4.f32" in text and "st.global.v4.f32" in text
    assert "bar.sync" in ptx_of(next_turn(), ["int64"] * 3, architecture, 6)
print("done")
"""


@pytest.mark.skipif(importlib.util.find_spec("numba_cuda") is None, reason="needs numba-cuda")
def test_a_kernel_compiles_for_every_architecture():
    environ = {**os.environ, "NUMBA_ENABLE_CUDASIM": "0"}
    out = subprocess.run([sys.executable, "-c", TEXT], capture_output=True, text=True, env=environ, check=False)
    assert out.stdout.strip() == "done", out.stderr
