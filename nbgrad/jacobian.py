"""Matrices of derivatives: jacobian, hessian, and the product of a Hessian with a vector."""

import functools

import numpy as np

from . import loops
from .base import tree
from .base.errors import ArgumentError, problem
from .history import newest_node
from .loops import derivative, is_compiled
from .ops.joining import stack
from .ops.movement import reshape
from .target.run import put
from .tensor import Tensor, filled_like
from .transform import Call, grad, jvp, outputs, push, recorded, zeros_of

MODES = ("auto", "reverse", "forward")


def jacobian(f, argnums=0, mode="auto"):
    """Make a function that returns the Jacobian of `f`.

    Parameters
    ----------
    f : callable
        Returns an array (or a nested structure of arrays).
    argnums : int or tuple of int
    mode : {"auto", "reverse", "forward"}
        Reverse costs one backward per output element, forward one push per input element; auto takes the cheaper.

    Returns
    -------
    callable
        Returns, for each output and each input, an array of shape ``out.shape + in.shape``.

    Raises
    ------
    ArgumentError
        For another mode.

    >>> jacobian(lambda x: x * x)(Tensor([1.0, 2.0]))
    tensor([[2., 0.],
            [0., 4.]])
    """

    if mode not in MODES:
        raise problem(ArgumentError, f"jacobian: mode={mode!r} is unknown", f"one of {', '.join(map(repr, MODES))}")

    if is_compiled(f):
        return derivative("jacobian", f, argnums, mode)

    @functools.wraps(f)
    def wrapped(*args, **kwargs):
        call = Call(f, args, kwargs, argnums, "jacobian")
        values, structure = outputs(call.out, "jacobian")
        forward = mode == "forward" or (
            mode == "auto" and 2 * sum(x.size for x in call.inputs) < sum(v.size for v in values)
        )
        rows = (_by_columns if forward else _by_rows)(call, values)
        return tree.unflatten(structure, [call.rebuilt(r) for r in rows])

    return wrapped


def _basis(t):
    """Yield the unit arrays of the shape of `t`."""
    for i in range(t.size):
        e = np.zeros(t.size, t.dtype)
        e[i] = 1
        yield Tensor._make(put(e.reshape(t.shape), t.device), None)


def _by_rows(call, values):
    jacobians = []
    for v in values:
        root = newest_node(v)
        if root is None or v.size == 0:
            jacobians.append([filled_like(x, 0, v.shape + x.shape) for x in call.inputs])
            continue
        record = call.again([root])
        rows = [call.pull([root], [e], record, keep=True) for e in _basis(v)]
        with recorded(record):
            jacobians.append(
                [reshape(stack([r[k] for r in rows]), v.shape + x.shape) for k, x in enumerate(call.inputs)]
            )
    return jacobians


def _by_columns(call, values):
    roots = [newest_node(v) for v in values]
    live = [r for r in roots if r is not None]
    record = call.again(live) if live else False
    columns = [[[] for _ in call.inputs] for _ in values]
    for k, x in enumerate(call.inputs):
        for e in _basis(x):
            outs = dict(zip(live, push(live, {x.node: e}, call.since, record)))
            for j, (v, r) in enumerate(zip(values, roots)):
                t = outs.get(r) if r is not None else None
                columns[j][k].append(zeros_of(v) if t is None else t)
    with recorded(record):
        return [[_column_stack(c, v, x) for c, x in zip(row, call.inputs)] for row, v in zip(columns, values)]


def _column_stack(columns, v, x):
    if not columns:
        return filled_like(v, 0, v.shape + x.shape)
    return reshape(stack(columns, axis=-1), v.shape + x.shape)


def hessian(f, argnums=0):
    """Make a function that returns the matrix of second derivatives of a scalar `f`, of shape ``x.shape + x.shape``.

    >>> hessian(lambda x: (x * x * x).sum())(Tensor([1.0, 2.0]))
    tensor([[ 6.,  0.],
            [ 0., 12.]])
    """
    return jacobian(grad(f, argnums), argnums, "forward" if is_compiled(f) else "auto")


def hvp(f, primals=None, tangents=None):
    """Return the Hessian of a scalar `f` at `primals` times `tangents`, without building it (forward over reverse).

    The result has the structure of `primals`: one array for one argument, else a tuple. Of an `@njit` function it runs
    compiled, and without primals it is the compiled function of (arguments, tangents).

    >>> float(hvp(lambda x: x * x * x, (2.0,), (1.0,)))
    12.0
    """
    if primals is None and is_compiled(f):
        return derivative("hvp", f)
    if not isinstance(primals, (tuple, list)) or not isinstance(tangents, (tuple, list)):
        raise problem(ArgumentError, "hvp: primals and tangents are tuples, one entry per argument", "hvp(f, (x,), (v,))")
    if is_compiled(f):
        return loops.directional("hvp", f, primals, tangents)
    argnums = 0 if len(primals) == 1 else tuple(range(len(primals)))
    return jvp(grad(f, argnums), primals, tangents)[1]
