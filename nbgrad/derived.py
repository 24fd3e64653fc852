"""Functions of Numba on the tape: their backward is made from their text, and is again such a function.

Eager code calls them as Python does. A program that is recorded holds a kernel that calls their machine code.
"""

import functools

import numpy as np

from .ad.expressions import Known
from .ad.statements import Group
from .base.errors import ArgumentError, DtypeError, problem
from .called import Called
from .eager import as_tensor, cast, record_custom
from .history import Kept, node_of
from .loops import derivative
from .ops.table import Op
from .tape.tape import recording
from .target.cpu.call_text import parts
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


class Derived(Called):
    """A compiled function of tensors, with a backward that is derived from its text."""

    def __init__(self, fn, name, counts=None):
        super().__init__(fn, name, counts)
        self.row, self.backs = Op(name, "custom", self.names, pull=self.pull), {}

    def __call__(self, tensors, shapes=None):
        """Return (structure of the result, its tensors in order); `shapes` are theirs, where they are known."""
        if recording.recorder is None:
            structure, arrays = self._run(tensors)
        else:
            arrays = [recording.recorder.packed(t.data) for t in tensors]
            result, arrays = self.note(tensors, arrays, shapes)
            structure = _structure(result, self.name)
        nodes = list(map(node_of, tensors))
        kept = {n: Kept(t, node) for n, t, node in zip(self.names, tensors, nodes)}
        kept["layouts"] = [(a.shape, a.dtype) for a in arrays]
        given = [t.data for t in tensors]
        return structure, record_custom(self.row, nodes, arrays, kept, [a.shape for a in given], given)

    def _run(self, tensors):
        """Call the function; return (structure of the result, arrays)."""
        self.check_devices(tensors)
        out = self.fn(*self.given([_own_argument(t.data) for t in tensors]))
        values = _flat(out)
        if all([type(v) is np.ndarray for v in values]):
            return out, values
        result = self.entry(self.kinds([t.data for t in tensors])).result
        _structure(result, self.name)
        items = parts(result, "")
        return out, [np.asarray(v, kind.dtype) for v, (kind, _) in zip(values, items)]  # Numba gives Python's floats for any

    def pull(self, node, g):
        """Return the gradients of the inputs, by the function that is derived from the text of this one."""
        values, flowed, seeds = [node.kept[n].value(node, n) for n in self.names], g if isinstance(g, dict) else {0: g}, []
        for i, (shape, dtype) in enumerate(node.kept["layouts"]):
            if dtype.kind == "f":
                seeds.append(cast(flowed[i], dtype) if i in flowed else Tensor(np.zeros(shape, dtype)))
        wanted = self.given([n is not None and v.dtype.kind == "f" for n, v in zip(node.inputs, values)])
        wanted = tuple([i for i, w in enumerate(wanted) if w is True or (w and any(w))])
        back = self._back(wanted, len(seeds))
        numbers = [i for p in wanted for i in _flat(self.given(range(len(values)))[p])]
        _, found = back([*values, *seeds], [values[i].shape for i in numbers])
        found = dict(zip(numbers, found, strict=True))
        return [found.get(i) for i in range(len(values))]

    def _back(self, wanted, count):
        """Return the function of the inputs and `count` gradients that gives the gradients of the parameters `wanted`."""
        if (wanted, count) not in self.backs:
            counts = (*self.counts, None if count == 1 else count)
            self.backs[wanted, count] = Derived(derivative("adjoint", self.fn, wanted), f"{self.name}_backward", counts)
        return self.backs[wanted, count]


def _own_argument(a):
    """Return an argument with memory of its own: the function may write into it."""
    return a[()] if a.ndim == 0 else np.array(a, order="C")


def _flat(out) -> list:
    return [v for item in out for v in _flat(item)] if isinstance(out, tuple) else [out]


def _nested(structure, values):
    """Return values in the structure of nested tuples."""
    return tuple([_nested(item, values) for item in structure]) if isinstance(structure, tuple) else next(values)


def _structure(kind, name):
    """Return the structure of a result as nested tuples."""
    if isinstance(kind, Known):
        raise problem(DtypeError, f"{name} returns None", "numbers, arrays, and tuples of them")
    return tuple([_structure(item, name) for item in kind.items]) if isinstance(kind, Group) else None
