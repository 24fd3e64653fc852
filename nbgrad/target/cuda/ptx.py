"""Kernels as PTX for a GPU that need not be there: what the compiler makes of every text can be looked at anywhere."""

import importlib
from contextlib import contextmanager

from .kernels import function
from .package import package

ARCHITECTURES = ((8, 0), (9, 0))  # A100; H100 and H200


def ptx(kernel, architecture=(9, 0)) -> str:
    """Return the PTX of a kernel for an architecture, a pair such as (9, 0)."""
    return ptx_of(function(kernel), ["int64", *kernel.dtypes], architecture)


def ptx_of(made, arrays, architecture=(9, 0), numbers=0) -> str:
    """Return the PTX of a function of the package that takes flat arrays of these dtypes, then numbers of int64."""
    cuda = package().cuda
    types = importlib.import_module("numba.types") if package().name == "builtin" else cuda.types
    kinds = [getattr(types, "uint8" if d == "bool" else d) for d in arrays]
    signature = types.void(*[kind[::1] for kind in kinds], *[types.int64] * numbers)
    with _pretended(architecture):
        return cuda.compile_ptx(made.py_func, signature, cc=architecture)[0]


@contextmanager
def _pretended(architecture):
    """Let functions that kernels call be compiled for an architecture where there is no device to ask for one."""

    class Device:
        compute_capability = architecture

    mlir = package().name == "mlir"
    module = importlib.import_module("numba_cuda_mlir.tools" if mlir else "numba.cuda.dispatcher")
    name, value = ("_cached_cc", architecture) if mlir else ("get_current_device", Device)
    before = getattr(module, name)
    setattr(module, name, value)
    try:
        yield
    finally:
        setattr(module, name, before)
