"""Run one op on arrays: look up its plan, load its kernels, call them. The road of every eager op."""

from math import prod

import numpy as np

from ...base.dtypes import name_of
from ...plan.mapping import plan_map
from ...plan.plan import Layout, packed, plan_primitive
from ...plan.reducing import plan_arg, plan_reduce
from ...tape.tape import recording
from .kernels import address
from .memory import make_array, specification
from .native import call, join, make_step

LINE = 64  # bytes of a line of the cache


class Launch:
    """A plan ready to run on arrays of one layout: its program, and what Python has to do around it.

    `plain`: nothing, the program takes the inputs and a new array. While a program is recorded, a launch is noted there
    and not run.
    """

    __slots__ = ("_program", "attrs", "copies", "inputs", "op", "plain", "plan", "results", "specs", "zero")

    def __init__(self, plan, inputs, op=None, attrs=None):
        self.plan, self.inputs, self.op, self.attrs = plan, inputs, op, attrs
        self.zero, self.copies, self._program = plan.zero, plan.copies, None
        self.results = self.made()
        self.specs = [(dtype, specification(shape, dtype)) for shape, dtype in self.results]
        self.plain = bool(plan.steps) and not (self.copies or self.zero)

    def made(self) -> tuple:
        """Return (shape, dtype) of each array that is made."""
        return ((self.plan.shape, np.dtype(self.plan.dtype)),)

    @property
    def program(self):
        """The program, its kernels loaded when it is first asked for; None when there is nothing to run."""
        if self._program is None and self.plan.steps:
            self._program = program_of(self.plan, self.inputs + len(self.results))
        return self._program

    def __call__(self, arrays, out=None):
        recorder = recording.recorder
        if recorder is not None:
            return recorder.launch(self, arrays, None if out is None else [out])[0]
        if out is None:
            out = np.zeros(*self.results[0]) if self.zero else make_array(*self.specs[0])
        return self.run(arrays, [out])[0]

    def run(self, arrays, outs):
        """Run the program on arrays, into others; return those."""
        program = self.program if self._program is None else self._program
        if program is not None:
            if self.copies:
                arrays = [copy(a) if i in self.copies else a for i, a in enumerate(arrays)]
            call(program, *arrays, *outs)
        return outs


class SeveralLaunch(Launch):
    """A launch that makes several arrays: called with the inputs, it returns them in a list."""

    __slots__ = ()

    def made(self):
        return tuple((tuple(shape), np.dtype(d)) for shape, d in zip(self.plan.shape, self.plan.dtype))

    def __call__(self, arrays, out=None):
        recorder = recording.recorder
        if recorder is not None:
            return recorder.launch(self, arrays)
        return self.run(arrays, [make_array(*made) for made in self.specs])


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


def layout(a) -> Layout:
    """Return the layout of an array whose strides are whole elements."""
    size = a.itemsize
    return Layout(a.shape, tuple([s // size for s in a.strides]), name_of(a.dtype))


def copy(a):
    """Return a row-major copy of a strided array."""
    return np.ascontiguousarray(a)


_launches: dict = {}


def run_map(op, arrays, shape, dtype, out=None):
    """Run an elementwise row on arrays that broadcast to `shape`; `out` may be a strided array to fill."""
    recorder = recording.recorder
    if recorder is not None:  # needs no plan: those of a program are made when it is known what is fused
        out = recorder.made(shape, dtype) if out is None else out
        recorder.note(op, {}, arrays, [out])
        return out
    return map_launch(op, arrays, shape, dtype, out)(arrays, out)


def map_launch(op, arrays, shape, dtype, out=None):
    """Return what runs an elementwise row on arrays of these layouts."""
    key = (op, dtype, out is not None and out.strides, *[(a.dtype, a.shape, a.strides) for a in arrays], shape)
    launch = _launches.get(key)
    if launch is None:
        target = packed(shape, name_of(dtype)) if out is None else layout(out)
        launch = _launches[key] = Launch(plan_map(op, tuple(map(layout, arrays)), target), len(arrays), op, {})
        _trim()
    return launch


def reduce_launch(op, x, axes, shape, dtype, acc):
    """Return what runs a reduction row over `axes` of an array of this layout."""
    key = (op, x.dtype, x.shape, x.strides, axes, shape)
    launch = _launches.get(key)
    if launch is None:
        launch = _launches[key] = Launch(
            plan_reduce(op, layout(x), axes, packed(shape, name_of(dtype)), name_of(acc)), 1, op, {"axis": axes, "acc": name_of(acc)}
        )
        _trim()
    return launch


def primitive_launch(op, arrays, attrs, shape, dtype):
    """Return what runs a primitive on arrays of these layouts; shape and dtype are tuples for a row with several results."""
    key = (op, *[(a.dtype, a.shape, a.strides) for a in arrays], *attrs.values(), shape, dtype)
    launch = _launches.get(key)
    if launch is None:
        layouts, make = tuple(map(layout, arrays)), Launch
        if op.several:
            out, make = tuple([packed(s, name_of(d)) for s, d in zip(shape, dtype)]), SeveralLaunch
        else:
            out = packed(shape, name_of(dtype))
        if op.name == "arg_extreme":
            plan = plan_arg(attrs["largest"], layouts[0], attrs["axis"], out)
        else:
            plan = plan_primitive(op, layouts, attrs, out)
        launch = _launches[key] = make(plan, len(arrays), op, attrs)
        _trim()
    return launch


def _trim(limit=20000):
    """Forget the oldest half when many layouts were seen (shapes that change at every call)."""
    if len(_launches) > limit:
        for key in list(_launches)[: limit // 2]:
            del _launches[key]
