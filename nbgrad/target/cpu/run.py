"""Run one op on arrays: look up its plan, load its kernels, call them. The road of every eager op."""

from math import prod

import numpy as np

from ...plan.plan import plan_primitive
from .. import launch
from ..launch import Launches
from .kernels import address
from .memory import make_array, specification
from .native import call, join, make_step

LINE = 64  # bytes of a line of the cache


class Launch(launch.Launch):
    """A launch whose program is a native one, its kernels loaded when it is first asked for."""

    __slots__ = ("_program", "specs")

    def __init__(self, plan, inputs, op=None, attrs=None):
        super().__init__(plan, inputs, op, attrs)
        self._program = None
        self.specs = [(dtype, specification(shape, dtype)) for shape, dtype in self.results]

    def empty(self, i):
        """Return a new array for result `i`."""
        return make_array(*self.specs[i])

    def zeros(self):
        """Return zeros for the result."""
        return np.zeros(*self.results[0])

    @property
    def program(self):
        """The program; None when there is nothing to run."""
        if self._program is None and self.plan.steps:
            self._program = program_of(self.plan, self.inputs + len(self.results))
        return self._program

    def run(self, arrays, outs):
        """Run the program on arrays, into others; return those."""
        program = self.program if self._program is None else self._program
        if program is not None:
            if self.copies:
                arrays = [copy(a) if i in self.copies else a for i, a in enumerate(arrays)]
            call(program, *arrays, *outs)
        return outs


class SeveralLaunch(launch.Several, Launch):
    """The same with several results."""

    __slots__ = ()


def program_of(plan, arrays):
    """Return the program of a plan, or None when it has nothing to run; it takes `arrays`: inputs and results."""
    if not plan.steps:
        return None
    offsets, size = [], 0
    for shape, dtype in plan.scratch:
        offsets.append(size)
        size += -(-prod(shape) * np.dtype(dtype).itemsize // LINE) * LINE
    place = lambda i: i if i < arrays else -1 - offsets[i - arrays]
    return join([make_step(address(s.kernel), s.words, s.tiles, [place(i) for i in s.pointers]) for s in plan.steps], arrays, size)


def copy(a):
    """Return a row-major copy of a strided array."""
    return np.ascontiguousarray(a)


CPU = Launches(Launch, SeveralLaunch, plan_primitive)
run_map, map_launch = CPU.run_map, CPU.map_launch
reduce_launch, primitive_launch = CPU.reduce_launch, CPU.primitive_launch
