"""The settings, and the only reader of environment variables."""

import math
import os
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from .errors import ArgumentError, problem

CODE_FLAGS = (  # what Numba reads from the environment that changes machine code: part of a cached kernel's name
    "NUMBA_CPU_NAME", "NUMBA_CPU_FEATURES", "NUMBA_ENABLE_AVX", "NUMBA_OPT", "NUMBA_LOOP_VECTORIZE",
    "NUMBA_SLP_VECTORIZE", "NUMBA_BOUNDSCHECK", "NUMBA_DEBUGINFO", "NUMBA_LLVM_REFPRUNE_PASS",
)  # fmt: skip
PRECISIONS = ("float32", "tf32", "bfloat16")  # that the factors of a product of float32 are rounded to on a device


@dataclass
class Config:
    """The settings of a process.

    Attributes
    ----------
    cache : str or None
        Folder of compiled kernels, from NBGRAD_CACHE_DIR; None takes the user's cache folder.
    cache_bytes : int
        How large that folder may become, from NBGRAD_CACHE_MB; kernels that were not used for long are deleted then.
    memory_bytes : int
        How much memory of large arrays that are no more waits for the next ones, from NBGRAD_MEMORY_MB.
    num_threads : int
        Threads that share the tiles of a kernel, from NBGRAD_NUM_THREADS; at most `max_threads`. When it is not set,
        all of them, but no more than OMP_NUM_THREADS, and than the processors' time that a container is given.
    max_threads : int
        The most threads there can be: NUMBA_NUM_THREADS, or the number of processors this process may run on.
    code_flags : tuple of str
        Settings of Numba that change machine code, as "NAME=value".
    cuda : str or None
        The package of CUDA kernels, from NBGRAD_CUDA: "numba-cuda", "mlir" or "builtin"; None takes the first that is there.
    cuda_libraries : bool
        Whether products and convolutions on a device are cuBLAS's and cuDNN's; NBGRAD_CUDA_LIBRARIES=0 takes nbgrad's own kernels.
    cuda_precision : str
        What they round factors of float32 to, from NBGRAD_CUDA_PRECISION: one of `PRECISIONS`.

    Examples
    --------
    >>> Config.read({"NBGRAD_NUM_THREADS": "2", "NUMBA_NUM_THREADS": "4"}).num_threads
    2
    """

    cache: str | None = None
    cache_bytes: int = 1 << 30
    memory_bytes: int = 1 << 29
    num_threads: int = 1
    max_threads: int = 1
    code_flags: tuple = ()
    cuda: str | None = None
    cuda_libraries: bool = True
    cuda_precision: str = "float32"
    _environ: dict = field(default_factory=dict, repr=False)

    @classmethod
    def read(cls, environ) -> "Config":
        """Read the settings from a mapping of environment variables.

        Raises
        ------
        ArgumentError
            When a number of threads is not a whole number above 0, or a precision is none of `PRECISIONS`.
        """
        most = _count(environ, "NUMBA_NUM_THREADS") or _processors()
        asked = _count(environ, "NBGRAD_NUM_THREADS") or _fitting(environ, most)
        flags = tuple(f"{name}={environ[name]}" for name in CODE_FLAGS if environ.get(name))
        folders = {k: environ[k] for k in ("XDG_CACHE_HOME", "LOCALAPPDATA") if environ.get(k)}
        cache = (_count(environ, "NBGRAD_CACHE_MB") or 1024) << 20
        memory = (_count(environ, "NBGRAD_MEMORY_MB") or 512) << 20
        folder, cuda = environ.get("NBGRAD_CACHE_DIR") or None, environ.get("NBGRAD_CUDA") or None
        libraries, precision = environ.get("NBGRAD_CUDA_LIBRARIES") != "0", _precision(environ, "NBGRAD_CUDA_PRECISION")
        return cls(folder, cache, memory, min(asked, most), most, flags, cuda, libraries, precision, folders)

    def calm_waiting(self) -> None:
        """Make threads of GNU OpenMP that wait for work give the processor away soon, unless the user says how.

        PyTorch and Numba's parallel functions have such threads, and the library reads this once, when it is loaded.
        By default they spin for milliseconds after their work is done, on processors that nbgrad's threads need.
        """
        if not {"GOMP_SPINCOUNT", "OMP_WAIT_POLICY"} & os.environ.keys():
            os.environ["GOMP_SPINCOUNT"] = "10000"

    def environ(self, **changes) -> dict:
        """Return the environment of this process with changes, for a process that it starts."""
        return {**os.environ, **changes}

    def cache_dir(self) -> Path:
        """Return the folder of compiled kernels: `cache`, or "nbgrad" in the user's cache folder of this platform."""
        if self.cache is not None:
            return Path(os.path.abspath(os.path.expanduser(self.cache)))
        home = os.path.expanduser("~")
        if sys.platform == "win32":
            base = self._environ.get("LOCALAPPDATA") or os.path.join(home, "AppData", "Local")
        elif sys.platform == "darwin":
            base = os.path.join(home, "Library", "Caches")
        else:
            base = self._environ.get("XDG_CACHE_HOME") or os.path.join(home, ".cache")
        if not os.path.isabs(base):  # no home: nothing can be kept below this, so a temporary folder takes its place
            base = os.devnull
        return Path(base) / "nbgrad"


def _count(environ, name):
    """Return the whole number above 0 that a variable holds, or None when it is not set."""
    text = environ.get(name)
    if not text:
        return None
    if not text.strip().isdigit() or int(text) < 1:
        raise problem(ArgumentError, f"{name} is {text!r}; it must be a whole number above 0", f"export {name}=4")
    return int(text)


def _precision(environ, name):
    """Return the precision that a variable names, or the first when it is not set."""
    text = environ.get(name) or PRECISIONS[0]
    if text not in PRECISIONS:
        raise problem(ArgumentError, f"{name} is {text!r}; it must be one of {', '.join(PRECISIONS)}", f"export {name}=tf32")
    return text


def _fitting(environ, most):
    """Return how many threads to use when nbgrad is not told: as Numba, or as OpenMP is, or as a container allows."""
    if environ.get("NUMBA_NUM_THREADS"):
        return most
    told = environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    return max(1, math.ceil(min(most, int(told) if told.isdigit() else most, _quota())))


def _quota(root="/sys/fs/cgroup") -> float:
    """Return how many processors' time a container gives its processes (Linux control groups, version 2 or 1)."""
    with suppress(OSError, ValueError):
        allowed, period = (Path(root) / "cpu.max").read_text().split()
        return math.inf if allowed == "max" else int(allowed) / int(period)
    with suppress(OSError, ValueError):
        allowed, period = (int((Path(root) / "cpu" / f"cpu.cfs_{n}_us").read_text()) for n in ("quota", "period"))
        return math.inf if allowed <= 0 else allowed / period
    return math.inf


def _processors():
    """Return how many processors this process may run on, as Numba counts them."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1


config = Config.read(os.environ)
