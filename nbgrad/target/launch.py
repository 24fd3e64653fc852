"""Launches of ops on arrays: what all targets do alike. A target brings its own `Launch`, and planners of its own."""

import numpy as np

from ..base.dtypes import name_of
from ..base.memory import first_on_device
from ..plan.mapping import plan_map
from ..plan.plan import Layout, packed
from ..plan.reducing import plan_arg, plan_reduce
from ..tape.tape import recording

MOST = 20000  # launches that are remembered


class Launch:
    """A plan ready to run on arrays of one layout.

    `plain`: Python has nothing to do around it, the program takes the inputs and a new array. While a program is recorded, a
    launch is noted there and not run.

    A target says how arrays are made, `empty(i)` and `zeros()`, and runs the plan, `run(arrays, outs)`.
    """

    __slots__ = ("attrs", "copies", "inputs", "op", "plain", "plan", "results", "zero")

    def __init__(self, plan, inputs, op=None, attrs=None):
        self.plan, self.inputs, self.op, self.attrs = plan, inputs, op, attrs
        self.zero, self.copies, self.results = plan.zero, plan.copies, self.made()
        self.plain = bool(plan.steps) and not (self.copies or self.zero)

    def made(self) -> tuple:
        """Return (shape, dtype) of each array that is made."""
        return ((self.plan.shape, np.dtype(self.plan.dtype)),)

    def __call__(self, arrays, out=None):
        recorder = recording.recorder
        if recorder is not None:
            return recorder.launch(self, arrays, None if out is None else [out])[0]
        if out is None:
            out = self.zeros() if self.zero else self.empty(0)
        return self.run(arrays, [out])[0]


class Several:
    """A launch that makes several arrays: called with the inputs, it returns them in a list."""

    __slots__ = ()

    def made(self):
        """Return (shape, dtype) of each array that is made."""
        return tuple((tuple(shape), np.dtype(d)) for shape, d in zip(self.plan.shape, self.plan.dtype))

    def __call__(self, arrays, out=None):
        recorder = recording.recorder
        if recorder is not None:
            return recorder.launch(self, arrays)
        return self.run(arrays, list(map(self.empty, range(len(self.results)))))


class Launches:
    """The launches of a target, by row and layouts.

    one, several : what makes a launch of a plan, with one result and with several; primitive, reduce, arg : plan a
    primitive, a reduction, and where an extreme stands.
    """

    def __init__(self, one, several, primitive, reduce=plan_reduce, arg=plan_arg):
        self.one, self.several, self.known = one, several, {}
        self.primitive, self.reduce, self.arg = primitive, reduce, arg

    def run_map(self, op, arrays, shape, dtype, out=None):
        """Run an elementwise row on arrays that broadcast to `shape`; `out` may be a strided array to fill."""
        recorder = recording.recorder
        if recorder is not None:  # needs no plan: those of a program are made when it is known what is fused
            out = recorder.made(shape, dtype, first_on_device(arrays)) if out is None else out
            recorder.note(op, {}, arrays, [out])
            return out
        return self.map_launch(op, arrays, shape, dtype, out)(arrays, out)

    def map_launch(self, op, arrays, shape, dtype, out=None):
        """Return what runs an elementwise row on arrays of these layouts."""
        key = (op, dtype, out is not None and out.strides, *[(a.dtype, a.shape, a.strides) for a in arrays], shape)
        launch = self.known.get(key)
        if launch is None:
            target = packed(shape, name_of(dtype)) if out is None else layout(out)
            plan = plan_map(op, tuple(map(layout, arrays)), target)
            launch = self._keep(key, self.one(plan, len(arrays), op, {}))
        return launch

    def reduce_launch(self, op, x, axes, shape, dtype, acc):
        """Return what runs a reduction row over `axes` of an array of this layout."""
        key = (op, x.dtype, x.shape, x.strides, axes, shape)
        launch = self.known.get(key)
        if launch is None:
            plan = self.reduce(op, layout(x), axes, packed(shape, name_of(dtype)), name_of(acc))
            launch = self._keep(key, self.one(plan, 1, op, {"axis": axes, "acc": name_of(acc)}))
        return launch

    def primitive_launch(self, op, arrays, attrs, shape, dtype):
        """Return what runs a primitive on arrays of these layouts; shape and dtype are tuples for a row with several results."""
        key = (op, *[(a.dtype, a.shape, a.strides) for a in arrays], *attrs.values(), shape, dtype)
        launch = self.known.get(key)
        if launch is None:
            layouts, make = tuple(map(layout, arrays)), self.one
            if op.several:
                out, make = tuple([packed(s, name_of(d)) for s, d in zip(shape, dtype)]), self.several
            else:
                out = packed(shape, name_of(dtype))
            if op.name == "arg_extreme":
                plan = self.arg(attrs["largest"], layouts[0], attrs["axis"], out)
            else:
                plan = self.primitive(op, layouts, attrs, out)
            launch = self._keep(key, make(plan, len(arrays), op, attrs))
        return launch

    def _keep(self, key, launch):
        """Remember a launch; forget the oldest half when many layouts were seen (shapes that change at every call)."""
        self.known[key] = launch
        if len(self.known) > MOST:
            for old in list(self.known)[: MOST // 2]:
                del self.known[old]
        return launch


def layout(a) -> Layout:
    """Return the layout of an array whose strides are whole elements."""
    size = a.itemsize
    return Layout(a.shape, tuple([s // size for s in a.strides]), name_of(a.dtype))
