"""Functions of Numba that programs call: a kernel that calls the machine code, checked for errors and for what is as large as it was."""

import functools
import inspect

import numpy as np

from .ad.extents import looks
from .ad.statements import Array, Group, Scalar
from .base.dtypes import name_of
from .base.errors import ArgumentError, DeviceError, GradientError, ShapeError, problem
from .loops import derivative
from .ops.table import Op
from .plan.calling import plan_call, room
from .plan.plan import packed
from .tape.tape import place, recording, shown
from .target.cpu.call_text import parts
from .target.functions.entry import Entry, throw


class Called:
    """A compiled function of tensors.

    Attributes
    ----------
    counts : tuple of (int or None)
        Per parameter how many tensors it takes, as a tuple; None for one tensor, given as an array.
    names : tuple of str
        Of all tensors.
    """

    followed = True  # programs do not look into it: it means the same at each call

    def __init__(self, fn, name, counts=None):
        params = tuple(inspect.signature(fn.py_func).parameters)
        self.fn, self.name, self.entries = fn, name, {}
        self.counts = counts or (None,) * len(params)
        self.names = tuple([n for p, c in zip(params, self.counts) for n in ([p] if c is None else [f"{p}[{i}]" for i in range(c)])])
        self.noted = Op(f"{name}(...)", "custom", self.names)  # no name of a row that plans know

    def given(self, values):
        """Return what belongs to the tensors as arguments of the function."""
        values = iter(values)
        return tuple([next(values) if c is None else tuple([next(values) for _ in range(c)]) for c in self.counts])

    def kinds(self, arrays) -> tuple:
        """Return the types of the parameters: an array without axes is given as a number."""
        found = self.given([Array(name_of(a.dtype), a.ndim) if a.ndim else Scalar(name_of(a.dtype)) for a in arrays])
        return tuple([Group(k) if c is not None else k for k, c in zip(found, self.counts)])

    def entry(self, kinds):
        """Return where the machine code for these arguments lies."""
        if kinds not in self.entries:
            self.entries[kinds] = Entry(self.fn, kinds)
        return self.entries[kinds]

    def note(self, tensors, arrays, shapes=None, changed=None):
        """Note the call in the program that is recorded; return (type of the result, arrays that stand for its parts).

        Parameters
        ----------
        tensors : list of Tensor
        arrays : list of ndarray
            Their values as the function takes them, in one piece.
        shapes : list of tuple, optional
            Of the results, where they are known.
        changed : tuple of int, optional
            Which of the arrays it may write into, where that is known.
        """
        self.check_devices(tensors)
        recorder = recording.recorder
        recorder.meet(tensors)
        kinds = self.kinds(arrays)
        entry = self.entry(kinds)
        shapes = self.shapes(kinds, entry, tensors, arrays) if shapes is None else shapes
        results = [(tuple(shape), kind.dtype) for shape, (kind, _) in zip(shapes, parts(entry.result, ""), strict=True)]
        outs = [recorder.made(*r) for r in results]
        status = recorder.made((room(results),), np.int64)
        layouts = [packed(a.shape, name_of(a.dtype)) for a in arrays]
        changed = self.changed(kinds) if changed is None else changed
        plan = plan_call(entry, kinds, changed, layouts, results, status.size)
        recorder.note(self.noted, {}, arrays, [*outs, status], plan)
        recorder.stop_if(status[:1], status, functools.partial(_explain, self.name, results, shown(place())))
        return entry.result, outs

    def check_devices(self, tensors):
        """Raise for tensors that the function cannot read."""
        for n, t in zip(self.names, tensors):
            if t.device != "cpu":
                what = f"{self.name}: {n} is on {t.device}; the function was compiled for the processor"
                raise problem(DeviceError, what, f'{n}.to("cpu"), or nbgrad.cuda.mapped({self.name}) for each number of an array')

    def changed(self, kinds) -> tuple:
        """Return the numbers of the inputs that the function writes into."""
        d = getattr(self.fn, "derivative", None) or derivative("extents", self.fn).derivative
        d.statements(kinds)
        return tuple([i for i, n in enumerate(self.names) if n in d.changed[kinds[: len(d.base)]]])

    def shapes(self, kinds, entry, tensors, arrays) -> tuple:
        """Return the shapes of the results: those of the arguments tell, and values that are known now."""
        try:
            made = derivative("extents", self.fn)
            asked, given = looks(made.derivative.statements(kinds)), []
        except GradientError as error:
            raise ArgumentError(str(error).replace("no derivative of", "a program cannot tell the shape of what it gets of")) from None
        for n, t, a in zip(self.names, tensors, arrays):
            if n in asked:
                self._read(n, t)
            given.append(np.array(t.data)[()] if n in asked else np.broadcast_to(np.zeros((), a.dtype), a.shape)[()])
        return made.text_for(entry.types).py_func(*given)

    def _read(self, n, t):
        """Read the values of an input while a program is recorded, which holds as long as they are the same."""
        try:
            t._read(self.name)
        except ArgumentError:
            what = f"{self.name}: its result is as large as the values of {n} say, which are not known while a program is recorded"
            raise problem(ArgumentError, what, "numbers of Python for them, shapes of arrays, or the call outside of ng.compile") from None


def _explain(name, results, where, status):
    """Raise what a status says."""
    if status[0] == 1:
        throw(int(status[1]), int(status[2]))
    shape, _ = results[status[0] - 2]
    now = tuple(status[1 : 1 + len(shape)].tolist())
    what = f"{name}: a result has shape {now}, and {shape} when the call was recorded"
    raise problem(ShapeError, what, "results whose shapes follow from those of the arguments, or the call outside of ng.compile", where)
