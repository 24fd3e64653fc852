"""Kernels that are noted instead of compiled, and compiled later by several processes."""

from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context

from . import build, load, store
from .load import load_ir

NOTHING = "define void @nbgrad_nothing(i64 %args, i64 %tile) {\n  ret void\n}\n"


class Wanted:
    """Kernels that were asked for: (text, name) each, in that order."""

    def __init__(self):
        self.kernels: dict = {}

    def __call__(self, text, name) -> int:
        """Note a kernel; return the address of one that does nothing."""
        self.kernels[text, name] = None
        return load_ir(NOTHING, "nbgrad_nothing")

    def missing(self) -> list:
        """Return those that are not in the cache."""
        return [(t, n) for t, n in self.kernels if store.read_object(build.stem(t, n) + ".o") is None]


def wanted_kernels(work) -> Wanted:
    """Call `work`, and note the kernels that it asks for and that are not loaded yet.

    They do nothing, and stay so in this process: nothing that needs them can be computed in it afterwards.
    """
    wanted = load.instead = Wanted()
    try:
        work()
    finally:
        load.instead = None
    return wanted


def compile_all(kernels, processes, progress) -> None:
    """Compile kernels, each a pair (text, name), into the cache.

    Parameters
    ----------
    kernels : list of (str, str)
    processes : int
        How many work at the same time.
    progress : callable
        Called with (done, total) after each kernel.

    Raises
    ------
    KernelError
        When one cannot be compiled.
    """
    if not kernels:
        return
    heavy_first = sorted(kernels, key=lambda k: -len(k[0]))
    with ProcessPoolExecutor(min(processes, len(kernels)), mp_context=get_context("spawn")) as pool:
        futures = [pool.submit(_compile, *kernel) for kernel in heavy_first]
        try:
            for done, future in enumerate(as_completed(futures), 1):
                future.result()
                progress(done, len(kernels))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _compile(text, name):
    load.load(text, name)
