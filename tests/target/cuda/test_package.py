"""Which package brings the kernels' `cuda`."""

import subprocess
import sys

import pytest

from nbgrad.base.config import config
from nbgrad.base.errors import ArgumentError
from nbgrad.target.cuda import package as module
from nbgrad.target.cuda.package import package

pytestmark = pytest.mark.cuda


def test_a_package_has_what_kernels_are_made_with():
    found = package()
    assert callable(found.cuda.jit)
    assert found.threads % found.lanes == 0
    assert found.threads > found.lanes


@pytest.mark.parametrize(("name", "text"), [("rocm", "no package of CUDA kernels has this name"), ("mlir", "is not installed")])
def test_a_package_that_is_not_there_is_named(name, text, monkeypatch):
    monkeypatch.setattr(config, "cuda", name)
    monkeypatch.setattr(module.importlib.util, "find_spec", lambda name: None if "mlir" in name else object())
    with pytest.raises(ArgumentError, match=text):
        package.__wrapped__()


def test_importing_nbgrad_touches_no_cuda():
    text = "import sys; before = set(sys.modules); import nbgrad; print([m for m in set(sys.modules) - before if 'cuda' in m and m[:7] != 'nbgrad.'])"
    out = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
