"""Ops and rules of your own: a scalar formula, a pair of array kernels, or a function with its own vjp."""

import functools
import inspect

import numpy as np

from .ad.ruled import CustomRule
from .base import tree
from .base.errors import ArgumentError, DtypeError, GradientError, problem
from .derived import derived_op
from .eager import as_tensor, record_custom
from .history import Kept, node_of
from .loops import is_compiled
from .ops.table import Op, elementwise
from .tape.tape import enable_grad, no_grad, recording
from .tensor import Tensor, writes


def op(fn=None, *, backward=None, df=None, name=None):
    """Make an op of a function: it then works on the tape like any other.

    Parameters
    ----------
    fn : function
        Without `backward`: a formula of numbers (arithmetic, `math`, rows of the table, conditional expressions,
        one return), compiled over arrays of any shape with broadcasting. Its partials are derived from its text,
        or given as `df`, a lambda of the parameters and `out`. Any order of derivative works.
        An `@njit` function of numbers and arrays that returns floats, arrays of floats or a tuple of them, without
        `backward`: its backward is derived from its text (loops, branches and calls, as for `nbgrad.grad`), compiled.
        Any order of derivative works. In a program of `nbgrad.compile` its machine code is called like a kernel; what it
        returns must be as large as the shapes of its arguments say, or numbers that are known when the program is recorded.
        With `backward`: a function of arrays that returns one array, such as an `@njit` function.
    backward : function, optional
        Of `g` (gradient of the result), and of any of the parameters and `out`, by name: what it names is kept.
        Returns the gradient of each parameter (a tuple when there are several; None where there is none).
    df : lambda, optional
    name : str, optional
        Name in messages and pictures.

    Returns
    -------
    callable
        Of tensors or arrays; returns a Tensor.

    Examples
    --------
    >>> import math
    >>> @op
    ... def bump(x, a):
    ...     return math.exp(-a * x * x)
    >>> float(bump(Tensor(0.0), 2.0))
    1.0
    """
    if fn is None:
        return functools.partial(op, backward=backward, df=df, name=name)
    if backward is None:
        if is_compiled(fn):
            return derived_op(fn, name or fn.__name__)
        row = elementwise(df=df, register=False)(fn)
        row.formula  # noqa: B018 - a body that is no formula is refused here, not at the first call
        row.name = name or row.name
        return row
    return _array_op(fn, backward, name or fn.__name__)


def _parameters(fn):
    return tuple(inspect.signature(getattr(fn, "py_func", fn)).parameters)


def _array_op(forward, backward, name):
    """An op of two functions on arrays; what `backward` names is kept."""
    params, asked = _parameters(forward), _parameters(backward)
    wrong = [a for a in asked if a not in (*params, "g", "out")]
    if wrong:
        raise problem(
            ArgumentError,
            f"op {name}: backward asks for {wrong}; it may ask only for {['g', *params, 'out']}",
            "parameters of the forward, by name",
        )

    def pull(node, g):
        values = {a: node.kept[a].value(node, a) for a in asked if a != "g"}
        values["g"] = g
        for v in values.values():
            v._read(f"the backward of {name}, which is run by Python,")
        with no_grad():  # a backward may write into its g: other paths of the tape read the same memory
            parts = backward(*[np.array(g.data) if a == "g" else np.ascontiguousarray(values[a].data) for a in asked])
        parts = parts if isinstance(parts, tuple) else (parts,)
        if len(parts) != len(params):
            raise problem(
                GradientError,
                f"op {name}: backward returned {len(parts)} gradients for the parameters {params}",
                "one per parameter, None where there is none",
            )
        read = list(values.values())
        return [None if p is None else _once(_checked(Tensor(p), node, i, name), name, read, node) for i, p in enumerate(parts)]

    row = Op(name, "custom", params, pull=pull)

    @functools.wraps(getattr(forward, "py_func", forward))
    def call(*args):
        if len(args) != len(params):
            raise problem(
                ArgumentError, f"{name}: {len(args)} arguments given for {params}", f"{name}({', '.join(params)})"
            )
        tensors = [as_tensor(a) for a in args]
        for t in tensors:
            t._read(f"{name}(), which is run by Python,")
        out = forward(*[np.ascontiguousarray(t.data) for t in tensors])
        out = np.asarray(out)
        kept = {a: Kept(t, node_of(t)) for a, t in zip(params, tensors) if a in asked}
        shapes = [t.shape for t in tensors]
        (result,) = record_custom(row, [node_of(t) for t in tensors], [out], kept, shapes, [t.data for t in tensors])
        if "out" in asked and result.node is not None:
            kept["out"] = Kept(result, None, own=True)
        return result

    call.op = row
    return call


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


class custom_vjp:  # noqa: N801 - used as a decorator
    """A function with a gradient rule of its own.

    ``f.defvjp(forward, backward)``: `forward` takes the arguments of the function and returns (result, residuals);
    `backward` takes (residuals, gradient of the result), the latter in the structure of the result and zero where
    nothing flowed, and returns a tuple with one gradient per argument (None for none). Both are written in nbgrad
    ops; if `backward` is differentiable, so is the gradient.

    Around an `@njit` function it leaves that function as it is, callable from compiled code, and `forward` and `backward`
    are `@njit` functions: derivatives of compiled functions that call it use them. Residuals are numbers, arrays and tuples.

    Examples
    --------
    >>> @custom_vjp
    ... def clipped(x):
    ...     return x * 1.0
    >>> clipped.defvjp(lambda x: (x * 1.0, None), lambda _, g: (g.clip(-1.0, 1.0),))
    >>> x = Tensor(2.0, requires_grad=True)
    >>> (clipped(x) * 5.0).backward()
    >>> float(x.grad)
    1.0
    """

    def __new__(cls, fn):
        if not is_compiled(fn):
            return super().__new__(cls)
        fn.__nbgrad_rule__ = CustomRule(fn.__name__, None, None)
        fn.defvjp = functools.partial(_set_rule, fn)
        return fn

    def __init__(self, fn):
        functools.update_wrapper(self, fn)
        self.fn, self.forward, self.reverse = fn, None, None
        self.op = Op(fn.__name__, "custom", ("*xs",), pull=self._pull)

    def defvjp(self, forward, backward):
        """Set the two halves of the rule."""
        self.forward, self.reverse = forward, backward

    def __call__(self, *args):
        if self.forward is None:
            raise problem(
                GradientError, f"{self.__name__} has no rule yet", f"{self.__name__}.defvjp(forward, backward)"
            )
        leaves, structure = tree.flatten(list(args))
        tensors = [as_tensor(v) if _numeric(v) else None for v in leaves]
        nodes = [None if t is None else node_of(t) for t in tensors]
        if not recording.on or all(n is None for n in nodes):
            return self.fn(*args)
        with enable_grad():
            out, residuals = self._pair(self.forward(*args))
        values, shape = tree.flatten(out)
        arrays = [as_tensor(v).data for v in values]
        held = [(writes(t), t.version[0]) for t in tree.flatten(residuals)[0] if isinstance(t, Tensor)]
        kept = {"residuals": residuals, "structure": structure, "count": len(args), "result": shape, "held": held,
                "layouts": [(a.shape, a.dtype) for a in arrays]}  # fmt: skip
        shapes = [() if t is None else t.shape for t in tensors]
        outs = record_custom(self.op, nodes, arrays, kept, shapes, [t.data for t in tensors if t is not None])
        return tree.unflatten(shape, outs)

    def _pair(self, made):
        if not isinstance(made, tuple) or len(made) != 2:
            what = f"{self.__name__}: forward returns a pair (result, residuals), not {type(made).__name__}"
            raise problem(GradientError, what, "return out, (x, y)")
        return made

    def _pull(self, node, g):
        kept = node.kept
        if any(version[0] != seen for version, seen in kept["held"]):
            what = f"{self.__name__}: a residual was written in place after it was recorded"
            raise problem(GradientError, what, "return x.copy() as residual", node.where)
        flowed = g if isinstance(g, dict) else {0: g}
        flat = [flowed[i] if i in flowed else Tensor(np.zeros(*layout)) for i, layout in enumerate(kept["layouts"])]
        parts = self.reverse(kept["residuals"], tree.unflatten(kept["result"], flat))
        parts = list(parts) if isinstance(parts, (tuple, list)) else [parts]
        if len(parts) != kept["count"]:
            raise problem(
                GradientError,
                f"{self.__name__}: backward returned {len(parts)} gradients for {kept['count']} arguments",
                "a tuple with one gradient per argument",
            )
        flat = []
        for part, like in zip(parts, tree.unflatten(kept["structure"], list(range(len(node.inputs))))):
            leaves = tree.flatten(like)[0]
            given = [None] * len(leaves) if part is None else tree.flatten(part)[0]
            if len(given) != len(leaves):
                raise problem(
                    GradientError,
                    f"{self.__name__}: a gradient does not have the structure of its argument",
                    "the same nested structure",
                )
            flat += [
                None if p is None else _checked(p, node, len(flat) + i, self.__name__) for i, p in enumerate(given)
            ]
        return flat


def _set_rule(fn, forward, backward):
    """Give a compiled function its rule, before derivatives of what calls it are asked for."""
    fn.__nbgrad_rule__ = CustomRule(fn.__name__, forward, backward)


def _checked(g, node, index, name):
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


def _numeric(v):
    return isinstance(v, (Tensor, np.ndarray, np.generic, float))
