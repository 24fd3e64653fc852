"""Ops and rules of your own: a scalar formula, functions of arrays, or a function with its own vjp."""

import functools

import numpy as np

from .ad.ruled import CustomRule
from .base import tree
from .base.errors import GradientError, problem
from .by_hand import checked, op_by_hand
from .derived import derived_op
from .eager import as_tensor, record_custom
from .history import node_of
from .loops import is_compiled
from .ops.table import Op, elementwise
from .tape.tape import enable_grad, recording
from .tensor import Tensor, filled_like, writes


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
        With `backward`: a function of arrays that returns one array. Where both are `@njit` functions, programs of
        `nbgrad.compile` call them too.
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
    return op_by_hand(fn, backward, name or fn.__name__)


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
        like = next(iter(flowed.values()))
        flat = [flowed[i] if i in flowed else filled_like(like, 0, *layout) for i, layout in enumerate(kept["layouts"])]
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
                None if p is None else checked(p, node, len(flat) + i, self.__name__) for i, p in enumerate(given)
            ]
        return flat


def _set_rule(fn, forward, backward):
    """Give a compiled function its rule, before derivatives of what calls it are asked for."""
    fn.__nbgrad_rule__ = CustomRule(fn.__name__, forward, backward)


def _numeric(v):
    return isinstance(v, (Tensor, np.ndarray, np.generic, float))
