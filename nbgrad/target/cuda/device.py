"""Devices: whether there are any, what they are called, which stream the next kernel goes to."""

import functools
import re
import threading
import warnings
from contextlib import contextmanager, nullcontext

from ...base.errors import ArgumentError, DeviceError, KernelError, NbgradError, OutOfMemoryError, problem
from . import waiting
from .package import package

NAME = re.compile(r"cuda(?::(\d+))?")
META = -1  # number of the device "meta", which has no memory: what would be launched there is noted (see `noted`)
_local = threading.local()  # stream: the one of this thread; number: its device where "cuda" says none; ready: see `select`
_NOTHING = nullcontext()
LOST = ("[700]", "[719]", "ILLEGAL", "LAUNCH_FAILED", "TIMEOUT", "MISALIGNED", "INVALID_ADDRESS", "INVALID_PC", "STACK", "ASSERT", "ECC")
PACKAGES = ("cuda", "numba", "numba_cuda", "numba_cuda_mlir")  # their errors are about kernels


def why_not() -> str | None:
    """Return why there is no device to use: what the driver says; None where there is one."""
    try:
        found = package()
    except ArgumentError as error:
        return str(error).splitlines()[0]
    if found.simulated:
        return None
    try:
        if len(found.cuda.gpus):
            return None
        return "the driver knows no device"
    except Exception as error:  # a package raises its own kind where the driver is missing, too old, or knows no device
        return _reason(error)


def _reason(error):
    """Return in one line what a package says about the driver."""
    text = " ".join(str(error).split())
    if "NO_DEVICE" in text or "(100)" in text:
        return "the driver knows no device (is it hidden by CUDA_VISIBLE_DEVICES?)"
    if "INSUFFICIENT_DRIVER" in text or "(35)" in text or "too old" in text or "UNSUPPORTED_PTX" in text:
        return f"the driver is too old for this version of CUDA ({text[:200]})"
    if "cannot be found" in text or "libcuda" in text or "could not be found" in text:
        return "there is no NVIDIA driver (libcuda is not found)"
    return text[:300] or type(error).__name__


def is_available() -> bool:
    """Say whether there is a device to use; the simulator counts as one.

    >>> is_available() in (True, False)
    True
    """
    return why_not() is None


@functools.cache
def _count() -> int:
    found = package()
    if found.name == "builtin" and not found.simulated:  # told where there is a device, not to who asks whether there is one
        warnings.warn('numba.cuda inside Numba is no longer kept up; numba-cuda is: pip install "nbgrad[cu13]"', stacklevel=3)
    return 1 if found.simulated else len(found.cuda.gpus)


def device_count() -> int:
    """Return how many devices there are; 0 without a driver."""
    return _count() if is_available() else 0


def number_of(name) -> int | None:
    """Return the number of a device by its name: None for "cpu", the current one for "cuda", 1 for "cuda:1".

    Raises
    ------
    ArgumentError
        When it is no name of a device.
    DeviceError
        When it is not there.
    """
    if name is None or name == "cpu":
        return None
    if name == "meta":
        return META
    found = NAME.fullmatch(name) if isinstance(name, str) else None
    if found is None:
        raise problem(ArgumentError, f"device={name!r} is no device", '"cpu", "cuda" or "cuda:1"')
    reason = why_not()
    if reason is not None:
        raise problem(DeviceError, f'device="{name}": {reason}', 'device="cpu"; `nbgrad.cuda.is_available()` says it beforehand')
    number = int(found[1]) if found[1] else current()
    if number >= _count():
        raise problem(DeviceError, f'device="{name}": there are no more than {_count()}', f"one of {', '.join(devices())}")
    return number


def devices() -> list:
    """Return the names of the devices: ["cuda:0", "cuda:1"]; none without a driver.

    >>> len(devices()) == device_count()
    True
    """
    return [f"cuda:{i}" for i in range(device_count())]


def gpu(name) -> int:
    """Return the number of a device that is a GPU.

    Raises
    ------
    ArgumentError
        For any other: "cpu", "meta".
    DeviceError
        When it is not there.
    """
    number = number_of(name)
    if number is None or number == META:
        raise problem(ArgumentError, f"device={name!r} is no CUDA device", '"cuda", or "cuda:1"')
    return number


def current() -> int:
    """Return the number of the device that "cuda" means in this thread."""
    return getattr(_local, "number", 0)


@contextmanager
def using(name):
    """Let "cuda" mean a device in a block of statements: `with nbgrad.cuda.device("cuda:1"):`."""
    before, _local.number = current(), gpu(name)
    try:
        yield
    finally:
        _local.number = before


def select(number):
    """Return the context in which kernels and memory are those of a device."""
    if number == META or package().simulated:
        return _NOTHING
    if _count() > 1:
        return package().cuda.gpus[number]
    if not getattr(_local, "ready", False):  # graphs, unlike kernels, do not make a device known to a new thread
        package().cuda.current_context()
        _local.ready = True
    return _NOTHING


def selected() -> int:
    """Return the number of the device that `select` chose, for which libraries then work in this thread."""
    return 0 if package().simulated else package().cuda.current_context().device.id


def handle_of(stream) -> int:
    """Return the driver's handle of a stream of the package."""
    value = getattr(stream, "handle", stream)
    return int(getattr(value, "value", value) or 0)


def stream():
    """Return the stream of this thread: 0 for the default one."""
    return getattr(_local, "stream", 0)


@functools.cache
def default():
    """Return the default stream as one that copies to a device need not wait for; 0 in the simulator.

    All that names no stream goes there, programs too: so each sees what the others did, whoever launched it.
    """
    return 0 if package().simulated else package().cuda.default_stream()


def finish(stream):
    """Wait for all that was queued in a stream; 0 is the default one, which copies wait for by themselves."""
    if stream:
        stream.synchronize()


def settle():
    """Wait for the stream of this thread."""
    finish(stream())


class Stream:
    """A queue of kernels of a device: those of different streams may run at the same time.

    Memory that is given back in a stream may be given out in another at once: wait with `synchronize` before a tensor that
    another stream still reads goes out of use.

    Examples
    --------
    >>> import nbgrad as ng
    >>> if ng.cuda.is_available():
    ...     with ng.cuda.Stream() as stream:
    ...         y = ng.ones(3, device="cuda") * 2.0
    ...     stream.synchronize()
    """

    def __init__(self, device="cuda"):
        self.number = gpu(device)
        with faults, select(self.number):
            self.handle = package().cuda.stream()
        self._before = []

    def __enter__(self):
        self._before.append(stream())
        _local.stream = self.handle
        return self

    def __exit__(self, *error):
        _local.stream = self._before.pop()

    def synchronize(self):
        """Wait until all that was queued here is done.

        Raises
        ------
        DeviceError
            When a kernel failed.
        """
        with faults:
            self.handle.synchronize()
        waiting.known()


def synchronize(device="cuda"):
    """Wait until all that was started on a device is done.

    Raises
    ------
    DeviceError
        When a kernel failed: the device says so only when it is asked. Also what a check of a compiled function found.
    """
    with faults, select(gpu(device)):
        package().cuda.synchronize()
    waiting.known()


class _Faults:
    """Turns what a package raises in a block of statements into an error of nbgrad: `with faults:`."""

    def __enter__(self):
        pass

    def __exit__(self, kind, error, traceback):
        found = error if error is None or isinstance(error, NbgradError) else _failed(error)
        if found is not error:
            raise found from None


faults = _Faults()


def _failed(error):
    """Return the error of nbgrad for one of a package; the same for any other."""
    text = " ".join(str(error).split())
    if "CUDA_ERROR_OUT_OF_MEMORY" in text:
        return problem(OutOfMemoryError, f"the device has no memory left: {text[:200]}", "del of arrays, nbgrad.cuda.empty_cache()")
    if "CUDA_ERROR" in text and any(name in text for name in LOST):  # Numba's target knows some by number alone
        what = f"a kernel failed: {_reason(error)}; numbers on the device are lost, those on the host are not"
        return problem(DeviceError, what, "a new process; compute-sanitizer tells which kernel it was")
    if "CUDA_ERROR" in text:
        return problem(DeviceError, f"the driver refuses: {_reason(error)}", 'a driver that fits the packages of CUDA, or device="cpu"')
    if any(c.__module__.partition(".")[0] in PACKAGES for c in type(error).__mro__):
        return problem(KernelError, f"a kernel cannot be compiled for the device: {text[:300]}", 'the same on the CPU: x.to("cpu")')
    return error


def device_name(device="cuda") -> str:
    """Return what a device is called."""
    number = gpu(device)
    if package().simulated:
        return "Numba's CUDA simulator"
    name = package().cuda.gpus[number].name
    return name.decode() if isinstance(name, bytes) else str(name)


def capability(device="cuda") -> tuple:
    """Return the compute capability of a device, such as (9, 0)."""
    number = gpu(device)
    return (0, 0) if package().simulated else tuple(package().cuda.gpus[number].compute_capability)
