"""NVIDIA GPUs: what is there, which one is meant, what its memory holds.

Tensors go to a device with `x.to("cuda")`, models with `model.to("cuda")`, and new tensors are made there with
`device="cuda"`. Nothing of CUDA is imported before a device is asked for. The package of kernels is numba-cuda where it is
installed (`pip install "nbgrad[cu13]"`), else numba-cuda-mlir, else the target inside Numba; NBGRAD_CUDA names one. With
NUMBA_ENABLE_CUDASIM=1 kernels run in Numba's simulator, slowly, on the processor.

Products of floats are cuBLAS's and convolutions are cuDNN's where they are installed (the same extra brings them), and
nbgrad's own with NBGRAD_CUDA_LIBRARIES=0. float32 is multiplied as IEEE float32, as NumPy does, until `set_precision` lets
the libraries round factors for tensor cores, several times as fast. Results are the same from run to run.
"""

from .base.config import PRECISIONS, config
from .base.errors import ArgumentError, problem
from .mapped import mapped as mapped
from .road import known
from .target.cuda.device import Stream as Stream
from .target.cuda.device import capability as capability
from .target.cuda.device import device_count as device_count
from .target.cuda.device import device_name as device_name
from .target.cuda.device import devices as devices
from .target.cuda.device import gpu
from .target.cuda.device import is_available as is_available
from .target.cuda.device import synchronize as synchronize
from .target.cuda.device import using as device
from .target.cuda.device import why_not as why_not
from .target.cuda.memory import MemoryInfo as MemoryInfo
from .target.cuda.memory import pool
from .target.cuda.run import launches

__all__ = [
    "MemoryInfo", "Stream", "capability", "device", "device_count", "device_name", "devices", "empty_cache", "get_precision",
    "is_available", "mapped", "memory_info", "reset_peak", "set_memory_limit", "set_precision", "synchronize", "why_not",
]  # fmt: skip


def memory_info(device="cuda") -> MemoryInfo:
    """Return how many bytes of a device arrays hold, and how many the driver has left.

    >>> import nbgrad as ng
    >>> if ng.cuda.is_available():
    ...     x = ng.zeros(1000, "float32", device="cuda")
    ...     assert ng.cuda.memory_info().allocated >= x.nbytes
    """
    return pool(gpu(device)).info()


def reset_peak(device="cuda"):
    """Let the peak of `memory_info` begin anew at what is allocated now."""
    found = pool(gpu(device))
    found.peak = found.allocated


def empty_cache(device="cuda") -> int:
    """Give memory that waits for the next array back to the driver, for other programs; return its bytes."""
    return pool(gpu(device)).empty()


def set_memory_limit(size, device="cuda"):
    """Let nbgrad take at most so many bytes of a device; None takes the limit away.

    Raises
    ------
    ArgumentError
        For a limit that is no whole number of bytes above 0.
    """
    if size is not None and (not hasattr(size, "__index__") or size <= 0):
        raise problem(ArgumentError, f"set_memory_limit({size!r}): a limit is a number of bytes", "8 << 30 for 8 GiB, or None")
    pool(gpu(device)).limit = size


def set_precision(name):
    """Say what the factors of products and convolutions of float32 may be rounded to on devices, in the whole process.

    Arrays stay float32, and so do the sums. What runs op by op takes it from the next call on; a function of `ng.compile` keeps
    for each record what was set when that was made, so two of them may differ. float64 and the CPU know no rounding.

    Parameters
    ----------
    name : str
        "float32": not at all, IEEE, as NumPy; what NBGRAD_CUDA_PRECISION says, or else this, is set at first.
        "tf32": to 10 bits behind the point, for tensor cores.
        "bfloat16": to 7 bits, in products of cuBLAS's; cuDNN knows no such rounding, its convolutions take "tf32".

        nbgrad's own kernels never round: without the libraries, and where they cannot do a product or it has few rows or columns.

    Raises
    ------
    ArgumentError
        For any other name.

    Examples
    --------
    >>> import nbgrad as ng
    >>> before = ng.cuda.get_precision()
    >>> ng.cuda.set_precision("tf32")
    >>> ng.cuda.get_precision()
    'tf32'
    >>> ng.cuda.set_precision(before)
    """
    if name not in PRECISIONS:
        what = f"set_precision(name): name is {name!r}; it must be one of {', '.join(PRECISIONS)}"
        raise problem(ArgumentError, what, 'ng.cuda.set_precision("tf32")')
    config.cuda_precision = name
    known.clear()  # plans hold the precision: what runs op by op is planned anew
    launches.cache_clear()


def get_precision() -> str:
    """Return what the factors of products of float32 may be rounded to on devices: "float32", "tf32" or "bfloat16".

    >>> import nbgrad as ng
    >>> ng.cuda.get_precision() in ("float32", "tf32", "bfloat16")
    True
    """
    return config.cuda_precision
