"""Kernels as PTX for a GPU that need not be there: what the compiler makes of every text can be looked at anywhere."""

from contextlib import contextmanager

from .kernels import function
from .package import package

ARCHITECTURES = ((8, 0), (9, 0))  # A100; H100 and H200


def ptx(kernel, architecture=(9, 0)) -> str:
    """Return the PTX of a kernel for an architecture, a pair such as (9, 0)."""
    from numba import types

    made, cuda = function(kernel), package().cuda
    kinds = [getattr(types, "uint8" if d == "bool" else d) for d in kernel.dtypes]
    signature = types.void(types.int64[::1], *[kind[::1] for kind in kinds])
    with _pretended(architecture):
        return cuda.compile_ptx(made.py_func, signature, cc=architecture)[0]


@contextmanager
def _pretended(architecture):
    """Let functions that kernels call be compiled for an architecture where there is no device to ask for one."""
    from numba.cuda import dispatcher

    class Device:
        compute_capability = architecture

    before = dispatcher.get_current_device
    dispatcher.get_current_device = Device
    try:
        yield
    finally:
        dispatcher.get_current_device = before
