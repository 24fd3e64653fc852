"""Programs on any target: a schedule made ready to run where its arrays are, and the new arrays that each run is given."""

import functools

from .cpu import kernels as cpu_kernels
from .cpu.load import source_path
from .cpu.memory import make_array, specification
from .cpu.program import Program as CpuProgram
from .cpu.program import launches_of as cpu_launches
from .cpu.timing import Timed as CpuTimed
from .cpu.timing import peaks as cpu_peaks
from .cuda import kernels as device_kernels
from .cuda.array import empty
from .cuda.program import Program as DeviceProgram
from .cuda.timing import Timed as DeviceTimed
from .cuda.timing import peaks as device_peaks


def program(schedule, given, number=None):
    """Return the program of a schedule for the CPU, or for the device of a number: `run(arrays)` of the slots `given`."""
    return CpuProgram(schedule, given) if number is None else DeviceProgram(schedule, given, number)


def maker_of(shape, dtype, number=None):
    """Return the function that makes a new array of a layout, quickly."""
    if number is None:
        return functools.partial(make_array, dtype, specification(shape, dtype))
    return functools.partial(empty, shape, dtype, number)


def timed_like(made, apart=False):
    """Return a program of the schedule of another whose runs note how long each of its launches took."""
    if made.schedule.device:
        return DeviceTimed(made.schedule, made.given, made.number)
    return CpuTimed(made.schedule, made.given, apart)


def peaks_of(schedule):
    """Return the most that the machine of a schedule does, measured when it is first asked for: `least(flops, bytes, dtype)`."""
    return device_peaks() if schedule.device else cpu_peaks()


def launches_of(schedule, wave) -> list:
    """Return (kind, items that share a launch) of each step that a wave becomes, in order; on a device each has its own."""
    return [(ON_DEVICE, [item]) for item in wave] if schedule.device else cpu_launches(wave)


ON_DEVICE = "device"


def source(schedule, kernel) -> str:
    """Return the whole text of a kernel of a schedule."""
    return (device_kernels if schedule.device else cpu_kernels).source(kernel)


def grid_of(item) -> tuple | None:
    """Return (blocks, threads of each) of the launch of an item on a device; None for a call of a library."""
    return device_kernels.grid(item.kernel, item.words)


__all__ = ["source_path"]
