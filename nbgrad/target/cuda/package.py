"""Which package brings `cuda`: numba-cuda, numba-cuda-mlir or the target inside Numba; or Numba's simulator on the CPU."""

import functools
import importlib.util
from contextlib import suppress
from typing import Any, NamedTuple

from ...base.config import config
from ...base.errors import ArgumentError, problem

NAMES = ("numba-cuda", "mlir", "builtin")
FOUND_BY = {"numba-cuda": "numba_cuda", "mlir": "numba_cuda_mlir", "builtin": "numba"}


class Package(NamedTuple):
    """A package of CUDA kernels.

    name : one of `NAMES`; cuda : its module; simulated : whether kernels run as Python on the CPU;
    line : the lines of a kernel's file that bring `cuda` and `libdevice`.
    """

    name: str
    cuda: Any
    simulated: bool
    line: str

    @property
    def lanes(self) -> int:
        """How many threads of a block go together, a warp: few in the simulator, where a thread is one of Python's."""
        return 4 if self.simulated else 32

    @property
    def threads(self) -> int:
        """How many threads a block has whose threads work together."""
        return 8 if self.simulated else 256


@functools.cache
def package() -> Package:
    """Return the package to use: the one that NBGRAD_CUDA names, else the first of `NAMES` that is installed.

    Raises
    ------
    ArgumentError
        When NBGRAD_CUDA is no name of a package, or names one that is not installed.
    """
    wanted = config.cuda
    if wanted and wanted not in NAMES:
        raise problem(ArgumentError, f"NBGRAD_CUDA={wanted}: no package of CUDA kernels has this name", f"one of {', '.join(NAMES)}")
    installed = [n for n in NAMES if importlib.util.find_spec(FOUND_BY[n]) is not None]
    if wanted and wanted not in installed:
        raise problem(ArgumentError, f"NBGRAD_CUDA={wanted}: {FOUND_BY[wanted]} is not installed", 'pip install "nbgrad[cu13]"')
    name = wanted or installed[0]
    for module in ("numba_cuda_mlir.numba_cuda.core.config",) if name == "mlir" else ("numba.core.config", "numba.cuda.core.config"):
        with suppress(ImportError):
            importlib.import_module(module).CUDA_LOW_OCCUPANCY_WARNINGS = 0  # small arrays are no mistake
    if name == "mlir":
        from numba_cuda_mlir import cuda

        return Package(name, cuda, False, "from numba_cuda_mlir import cuda\n\nlibdevice = cuda.libdevice")
    from numba import cuda

    simulated = "simulator" in cuda.jit.__module__
    return Package(name, cuda, simulated, "from numba import cuda\nfrom numba.cuda import libdevice")
