"""Functions of Numba on the tape: their backward is made from their text, and is again such a function.

Eager code calls them as Python does. A program that is recorded holds a kernel that calls their machine code.
"""

import functools
import inspect

import numpy as np

from .ad.extents import looks
from .ad.statements import Array, Group, Scalar
from .base.dtypes import name_of
from .base.errors import ArgumentError, ShapeError, problem
from .eager import as_tensor, cast, record_custom
from .history import Kept, node_of
from .loops import derivative
from .ops.table import Op
from .plan.calling import plan_call, room
from .plan.plan import packed
from .tape.tape import place, recording, shown
from .target.cpu.call_text import parts
from .target.functions.entry import Entry, throw
from .tensor import Tensor


def derived_op(fn, name):
    """Return a compiled function as an op: of tensors or arrays, its backward derived from its text."""
    made = Derived(fn, name)

    @functools.wraps(fn.py_func)
    def call(*args):
        if len(args) != len(made.names):
            raise problem(ArgumentError, f"{name}: {len(args)} arguments given for {made.names}", f"{name}({', '.join(made.names)})")
        structure, found = made([as_tensor(a) for a in args])
        return _nested(structure, iter(found))

    call.op = made.row
    return call


class Derived:
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
        self.fn, self.name, self.entries, self.backs = fn, name, {}, {}
        self.counts = counts or (None,) * len(params)
        self.names = tuple([n for p, c in zip(params, self.counts) for n in ([p] if c is None else [f"{p}[{i}]" for i in range(c)])])
        self.row = Op(name, "custom", self.names, pull=self.pull)
        self.noted = Op(f"{name}(...)", "custom", self.names)  # no name of a row that plans know

    def __call__(self, tensors, shapes=None):
        """Return (structure of the result, its tensors in order); `shapes` are theirs, where they are known."""
        if recording.recorder is None:
            structure, arrays = self._run(tensors)
        else:
            structure, arrays = self._note(tensors, shapes)
        nodes = list(map(node_of, tensors))
        kept = {n: Kept(t, node) for n, t, node in zip(self.names, tensors, nodes)}
        kept["layouts"] = [(a.shape, a.dtype) for a in arrays]
        given = [t.data for t in tensors]
        return structure, record_custom(self.row, nodes, arrays, kept, [a.shape for a in given], given)

    def _given(self, values):
        """Return what belongs to the tensors as arguments of the function."""
        values = iter(values)
        return tuple([next(values) if c is None else tuple([next(values) for _ in range(c)]) for c in self.counts])

    def _run(self, tensors):
        """Call the function; return (structure of the result, arrays)."""
        out = self.fn(*self._given([_own_argument(t.data) for t in tensors]))
        values = _flat(out)
        if all([type(v) is np.ndarray for v in values]):
            return out, values
        items = parts(self._entry(self._kinds([t.data for t in tensors])).result, "")
        return out, [np.asarray(v, kind.dtype) for v, (kind, _) in zip(values, items)]  # Numba gives Python's floats for any

    def pull(self, node, g):
        """Return the gradients of the inputs, by the function that is derived from the text of this one."""
        values, flowed, seeds = [node.kept[n].value(node, n) for n in self.names], g if isinstance(g, dict) else {0: g}, []
        for i, (shape, dtype) in enumerate(node.kept["layouts"]):
            if dtype.kind == "f":
                seeds.append(cast(flowed[i], dtype) if i in flowed else Tensor(np.zeros(shape, dtype)))
        wanted = self._given([n is not None and v.dtype.kind == "f" for n, v in zip(node.inputs, values)])
        wanted = tuple([i for i, w in enumerate(wanted) if w is True or (w and any(w))])
        back = self._back(wanted, len(seeds))
        numbers = [i for p in wanted for i in _flat(self._given(range(len(values)))[p])]
        _, found = back([*values, *seeds], [values[i].shape for i in numbers])
        found = dict(zip(numbers, found, strict=True))
        return [found.get(i) for i in range(len(values))]

    def _back(self, wanted, count):
        """Return the function of the inputs and `count` gradients that gives the gradients of the parameters `wanted`."""
        if (wanted, count) not in self.backs:
            counts = (*self.counts, None if count == 1 else count)
            self.backs[wanted, count] = Derived(derivative("adjoint", self.fn, wanted), f"{self.name}_backward", counts)
        return self.backs[wanted, count]

    # in a program that is recorded

    def _note(self, tensors, shapes):
        """Note the call; return (structure of the result, arrays that stand for it)."""
        recorder = recording.recorder
        recorder.meet(tensors)
        arrays = [recorder.packed(t.data) for t in tensors]
        kinds = self._kinds(arrays)
        entry = self._entry(kinds)
        items = [kind for kind, _ in parts(entry.result, "")]
        shapes = self._shapes(kinds, entry, tensors, arrays) if shapes is None else shapes
        results = [(tuple(shape), kind.dtype) for shape, kind in zip(shapes, items, strict=True)]
        outs = [recorder.made(*r) for r in results]
        status = recorder.made((room(results),), np.int64)
        layouts = [packed(a.shape, name_of(a.dtype)) for a in arrays]
        plan = plan_call(entry, kinds, self._changed(kinds), layouts, results, status.size)
        recorder.note(self.noted, {}, arrays, [*outs, status], plan)
        recorder.stop_if(status[:1], status, functools.partial(_explain, self.name, results, shown(place())))
        return _structure(entry.result), outs

    def _kinds(self, arrays) -> tuple:
        """Return the types of the parameters: an array without axes is given as a number."""
        found = self._given([Array(name_of(a.dtype), a.ndim) if a.ndim else Scalar(name_of(a.dtype)) for a in arrays])
        return tuple([Group(k) if c is not None else k for k, c in zip(found, self.counts)])

    def _entry(self, kinds):
        """Return where the machine code for these arguments lies."""
        if kinds not in self.entries:
            self.entries[kinds] = Entry(self.fn, kinds)
        return self.entries[kinds]

    def _changed(self, kinds) -> tuple:
        """Return the numbers of the inputs that the function writes into."""
        d = getattr(self.fn, "derivative", None) or derivative("extents", self.fn).derivative
        d.statements(kinds)
        return tuple([i for i, n in enumerate(self.names) if n in d.changed[kinds[: len(d.base)]]])

    def _shapes(self, kinds, entry, tensors, arrays) -> tuple:
        """Return the shapes of the results: those of the arguments tell, and values that are known now."""
        made = derivative("extents", self.fn)
        asked, given = looks(made.derivative.statements(kinds)), []
        for n, t, a in zip(self.names, tensors, arrays):
            if n in asked:
                self._read(n, t)
            given.append(_own_argument(t.data) if n in asked else np.broadcast_to(np.zeros((), a.dtype), a.shape)[()])
        return made.text_for(entry.types).py_func(*given)


    def _read(self, n, t):
        """Read the values of an input while a program is recorded, which holds as long as they are the same."""
        try:
            t._read(self.name)
        except ArgumentError:
            what = f"{self.name}: its result is as large as the values of {n} say, which are not known while a program is recorded"
            raise problem(ArgumentError, what, "numbers of Python for them, shapes of arrays, or the call outside of ng.compile") from None


def _own_argument(a):
    """Return an argument with memory of its own: the function may write into it."""
    return a[()] if a.ndim == 0 else np.array(a, order="C")


def _flat(out) -> list:
    return [v for item in out for v in _flat(item)] if isinstance(out, tuple) else [out]


def _nested(structure, values):
    """Return values in the structure of nested tuples."""
    return tuple([_nested(item, values) for item in structure]) if isinstance(structure, tuple) else next(values)


def _structure(kind):
    return tuple(map(_structure, kind.items)) if isinstance(kind, Group) else None


def _explain(name, results, where, status):
    """Raise what a status says."""
    if status[0] == 1:
        throw(int(status[1]), int(status[2]))
    shape, _ = results[status[0] - 2]
    now = tuple(status[1 : 1 + len(shape)].tolist())
    what = f"{name}: a result has shape {now}, and {shape} when the call was recorded"
    raise problem(ShapeError, what, "results whose shapes follow from those of the arguments, or the call outside of ng.compile", where)
