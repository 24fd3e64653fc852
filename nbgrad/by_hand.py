"""Ops of two functions on arrays, a forward and a backward: run by Python, or called by programs where both are Numba's."""

import functools
import inspect

import numpy as np

from .ad.expressions import Known
from .ad.statements import Group, Scalar
from .base.errors import ArgumentError, DtypeError, GradientError, problem
from .called import Called
from .eager import as_tensor, record_custom
from .history import Kept, node_of
from .loops import is_compiled
from .ops.table import Op
from .tape.tape import no_grad, recording
from .target.run import host, put


def op_by_hand(forward, backward, name):
    """Return an op of two functions on arrays; what `backward` names is kept."""
    made = ByHand(forward, backward, name)

    @functools.wraps(getattr(forward, "py_func", forward))
    def call(*args):
        if len(args) != len(made.params):
            raise problem(ArgumentError, f"{name}: {len(args)} arguments given for {made.params}", f"{name}({', '.join(made.params)})")
        return made([as_tensor(a) for a in args])

    call.op = made.row
    return call


class ByHand:
    """Two functions on arrays.

    Attributes
    ----------
    params : tuple of str
        Of the forward.
    asked : tuple of str
        What the backward is given: some of `params`, "out", "g".
    """

    followed = True  # programs do not look into it: it means the same at each call

    def __init__(self, forward, backward, name):
        self.forward, self.backward, self.name = forward, backward, name
        self.params, self.asked = _parameters(forward), _parameters(backward)
        wrong = [a for a in self.asked if a not in (*self.params, "g", "out")]
        if wrong:
            what = f"op {name}: backward asks for {wrong}; it may ask only for {['g', *self.params, 'out']}"
            raise problem(ArgumentError, what, "parameters of the forward, by name")
        self.row, both = Op(name, "custom", self.params, pull=self.pull), is_compiled(forward) and is_compiled(backward)
        self.halves = [Called(forward, name), Called(backward, f"{name}_backward")] if both else None

    def __call__(self, tensors):
        if self._is_noted():
            result, outs = self.halves[0].note(tensors, list(map(_lines, tensors)))
            if isinstance(result, Group) or len(outs) != 1:
                raise problem(ArgumentError, f"{self.name}: a function with a backward by hand returns one array", "its results, joined")
            (out,) = outs
        else:
            for t in tensors:
                t._read(f"{self.name}(), which is run by Python,")
            out = np.asarray(self.forward(*[np.ascontiguousarray(host(t.data)) for t in tensors]))
            out = put(out, next((t.device for t in tensors if t.device != "cpu"), "cpu"))
        kept = {a: Kept(t, node_of(t)) for a, t in zip(self.params, tensors) if a in self.asked}
        shapes, given = [t.shape for t in tensors], [t.data for t in tensors]
        (result,) = record_custom(self.row, [node_of(t) for t in tensors], [out], kept, shapes, given)
        if "out" in self.asked and result.node is not None:
            kept["out"] = Kept(result, None, own=True)
        return result

    def _is_noted(self) -> bool:
        """Whether a program is recorded that can call both functions."""
        return recording.recorder is not None and self.halves is not None

    def pull(self, node, g):
        """Return the gradients of the arguments."""
        values, name = [g if a == "g" else node.kept[a].value(node, a) for a in self.asked], self.name
        if self._is_noted():
            parts = _noted_backward(self.halves[1], values, node.shapes)
        else:
            for v in values:
                v._read(f"the backward of {name}, which is run by Python,")
            with no_grad():  # a backward may write into its g: other paths of the tape read the same memory
                given = [np.array(host(v.data)) if v is g else np.ascontiguousarray(host(v.data)) for v in values]
                parts = self.backward(*given)
            parts = parts if isinstance(parts, tuple) else (parts,)
        if len(parts) != len(self.params):
            what = f"op {name}: backward returned {len(parts)} gradients for the parameters {self.params}"
            raise problem(GradientError, what, "one per parameter, None where there is none")
        return [None if p is None else _once(checked(as_tensor(p, g), node, i, name), name, values, node) for i, p in enumerate(parts)]


def _parameters(fn):
    return tuple(inspect.signature(getattr(fn, "py_func", fn)).parameters)


def _lines(t):
    """Return the values of a tensor in a program as a function on arrays takes them: in one piece, with one axis at least."""
    a = recording.recorder.packed(t.data)
    return a if a.ndim else a.reshape(1)


def _noted_backward(called, tensors, shapes) -> tuple:
    """Note the call of a backward in a program; return the gradients of arguments of these shapes, None where there is none."""
    arrays = list(map(_lines, tensors))
    result = called.entry(called.kinds(arrays)).result
    items = result.items if isinstance(result, Group) else (result,)
    if len(items) != len(shapes):
        return items
    sizes = [() if isinstance(k, Scalar) else s or (1,) for k, s in zip(items, shapes) if not isinstance(k, Known)]
    found = iter(called.note(tensors, arrays, sizes, tuple(range(len(arrays))))[1])
    return tuple([None if isinstance(k, Known) else next(found) for k in items])


def _once(g, name, read, node):
    """Mark a gradient that a black box made: it is right, and it cannot be differentiated again."""
    if not (recording.on and any(v.node is not None for v in read)):
        return g
    message = f"the backward of {name} is a compiled function without a derivative of its own"

    def refuse(again, _):
        raise problem(
            GradientError,
            f"second derivative of {name}: {message}",
            'the backward in nbgrad ops with nbgrad.custom_vjp; modes=("reverse",) when gradcheck asks',
            node.where,
        )

    row = Op(f"{name}_backward", "custom", ("*xs",), pull=refuse)
    (result,) = record_custom(row, [v.node for v in read], [g.data], {})
    return result


def checked(g, node, index, name):
    """Return what a rule gave as the gradient of an argument, checked to be one."""
    g = as_tensor(g)
    if g.shape != tuple(node.shapes[index]) and g.size != 1:
        raise problem(
            GradientError,
            f"{name}: the gradient of argument {index} has shape {g.shape}, and the argument {node.shapes[index]}",
            "a gradient of the argument's shape",
        )
    if g.dtype.kind != "f":
        raise problem(DtypeError, f"{name}: the gradient of argument {index} is {g.dtype}", "a float array")
    return g
