"""Run one op on arrays of a device."""

import functools

import numpy as np

from ...ops.cast import copy as COPY  # noqa: N812 - a row this file names itself
from .. import launch
from ..launch import Launches
from . import (  # noqa: F401 - their planners register
    device,
    plans_entropy,
    plans_matmul,
    plans_norm,
    plans_pool,
    plans_random,
    plans_rows,
    plans_scan,
    plans_scatter,
    plans_sort,
    plans_window,
    waiting,
)
from .array import DeviceArray, empty, from_host
from .noted import Noted
from .plans import plan_device
from .plans_reduce import plan_arg, plan_reduce
from .steps import Steps


class Launch(launch.Launch):
    """A launch on one device: its steps are made ready when it first runs."""

    __slots__ = ("_steps", "number")

    def __init__(self, number, plan, inputs, op=None, attrs=None):
        super().__init__(plan, inputs, op, attrs)
        self.number, self._steps, self.plain = number, None, False  # the native road is the CPU's

    def empty(self, i):
        """Return a new array for result `i`."""
        return empty(*self.results[i], self.number)

    def zeros(self):
        """Return zeros for the result."""
        return filled(*self.results[0], 0, self.number)

    def run(self, arrays, outs):
        """Run the steps on arrays, into others; return those."""
        if self._steps is None:
            self._steps = Noted(self.plan) if self.number == device.META else Steps(self.plan, self.number)
        waiting.known()
        arrays = [row_major(a) if i in self.copies else a for i, a in enumerate(arrays)]
        with device.faults, device.select(self.number):
            self._steps.run([*arrays, *outs], device.stream())
        return outs


class SeveralLaunch(launch.Several, Launch):
    """The same with several results."""

    __slots__ = ()


@functools.cache
def launches(number=0) -> Launches:
    """Return the launches of a device."""
    return Launches(functools.partial(Launch, number), functools.partial(SeveralLaunch, number), plan_device, plan_reduce, plan_arg)


def row_major(a) -> DeviceArray:
    """Return an array that lies row by row: itself, or a copy."""
    return a if a.flags.c_contiguous else launches(a.number).map_launch(COPY, (a,), a.shape, a.dtype)((a,))


@functools.lru_cache(4096)
def scalar(value, dtype, number=0) -> DeviceArray:
    """Return an array without axes that holds a number; nobody writes it."""
    made = from_host(np.array(value, dtype), number)
    device.settle()  # other streams read it too
    return made


def filled(shape, dtype, value, number=0) -> DeviceArray:
    """Return a new array filled with a number: at once, also while a program is recorded, of which that is no part."""
    out = empty(shape, dtype, number)
    if out.size:
        one = scalar(value, np.dtype(dtype), number)
        launches(number).map_launch(COPY, (one,), shape, np.dtype(dtype)).run((one,), [out])
    return out
