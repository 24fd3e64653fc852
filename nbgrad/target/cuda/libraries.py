"""Libraries that launch kernels of their own, by their C interfaces: where they are found, and what they keep for a device."""

import ctypes
import functools
import importlib.util
import threading
from contextlib import suppress

from ...base.config import config
from ...base.errors import KernelError, problem
from . import device
from .package import package

LARGEST = 2**31 - 1  # of a length or a distance of rows, for their integers
SCALARS = {name: (kind(0), kind(1)) for name, kind in (("float32", ctypes.c_float), ("float64", ctypes.c_double))}


def wanted(name, files, signatures):
    """Return what `load` does; None where libraries are not wanted (NBGRAD_CUDA_LIBRARIES=0), or kernels are simulated."""
    return None if package().simulated or not config.cuda_libraries else load(name, files, signatures)


def precision(dtype) -> str:
    """Return what the factors of a product are rounded to, as the static of a call holds it: float64 is never rounded."""
    return config.cuda_precision if dtype == "float32" else dtype


def load(name, files, signatures):
    """Return a library with the types of what is called; None where it is not installed.

    It is looked for among NVIDIA's wheels and toolkits, as cuda-pathfinder knows them, then by the names of its file.
    """
    for find in (functools.partial(_of_wheels, name), *[functools.partial(ctypes.CDLL, file) for file in files]):
        with suppress(Exception):  # each raises errors of its own where there is none
            found = find()
            for function, arguments in signatures.items():
                getattr(found, function).argtypes = arguments
            return found
    return None


def _of_wheels(name):
    if importlib.util.find_spec("cuda") is None:
        raise ModuleNotFoundError("cuda")
    from cuda.pathfinder import load_nvidia_dynamic_lib

    return ctypes.CDLL(load_nvidia_dynamic_lib(name).abs_path)


class Handle:
    """What a library keeps for a device, and the stream that it works in. One thread at a time."""

    def __init__(self, name, functions, create, set_stream):
        self.name, self.functions, self.set_stream, self.stream = name, functions, set_stream, None
        self.value, self.lock = ctypes.c_void_p(), threading.Lock()
        self.checked(create, getattr(functions, create)(ctypes.addressof(self.value)))

    def on(self, stream) -> "Handle":
        """Return it for a `with` statement, whose calls are queued on a stream."""
        self.lock.acquire()
        try:
            value = device.handle_of(stream)
            if value != self.stream:
                self.moved(value)
                self.stream = value
        except BaseException:
            self.lock.release()
            raise
        return self

    def moved(self, stream):
        """Work in another stream from now on."""
        self.call(self.set_stream, stream)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.lock.release()

    def status(self, name, *arguments) -> int:
        """Call a function of the library; return its status, 0 when all is well."""
        return getattr(self.functions, name)(self.value, *arguments)

    def call(self, name, *arguments):
        """Call a function of the library.

        Raises
        ------
        KernelError
            For a status that is not 0.
        """
        self.checked(name, self.status(name, *arguments))

    def checked(self, name, status):
        """Raise KernelError for a status that is not 0."""
        if status:
            raise problem(KernelError, f"{name} of {self.name} gives status {status}", "NBGRAD_CUDA_LIBRARIES=0: nbgrad's own kernels")
