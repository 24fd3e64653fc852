"""The words that all kernels of the CUDA target know."""

import pytest

from nbgrad.target.cuda.package import Package, package
from nbgrad.target.cuda.prelude import prelude

pytestmark = pytest.mark.cuda


def test_both_heads_define_the_same_names():
    device = prelude(Package("numba-cuda", None, False, "from numba import cuda"), ("float32", "bool"))
    simulated = prelude(package()._replace(simulated=True), ("float32", "bool"))
    for name in ("def lane_down(value, by)", "def lane_first(value)", "LANES, THREADS = ", "T0 = np.float32", "T1 = np.uint8"):
        assert name in device
        assert name in simulated
    assert "from numba import cuda" in device


def test_least_and_most_are_there_where_python_s_do_not_compile():
    for name in ("builtin", "numba-cuda", "mlir"):
        text = prelude(Package(name, None, False, "from numba import cuda"), ("float32",))
        assert ("def min(a, b)" in text and "def max(a, b)" in text) == (name == "builtin")
