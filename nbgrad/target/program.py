"""Programs on any target: a schedule made ready to run where its arrays are, and the new arrays that each run is given."""

import functools

from .cpu.memory import make_array, specification
from .cpu.program import Program as CpuProgram
from .cuda.array import empty
from .cuda.program import Program as DeviceProgram


def program(schedule, given, number=None):
    """Return the program of a schedule for the CPU, or for the device of a number: `run(arrays)` of the slots `given`."""
    return CpuProgram(schedule, given) if number is None else DeviceProgram(schedule, given, number)


def maker_of(shape, dtype, number=None):
    """Return the function that makes a new array of a layout, quickly."""
    if number is None:
        return functools.partial(make_array, dtype, specification(shape, dtype))
    return functools.partial(empty, shape, dtype, number)
