"""Functions to functions: grad, vjp, jvp, jacobian, hessian and what they are made of."""

import contextlib
import functools

import numpy as np

from .base import tree
from .base.dtypes import is_float
from .base.errors import ArgumentError, DtypeError, GradientError, ShapeError, problem
from .eager import COPY, Kept, as_tensor, current, record_custom
from .ops.joining import stack
from .ops.movement import reshape
from .ops.table import Op
from .tape.adjoint import pull_back
from .tape.tangent import push_forward
from .tape.tape import Node, _slots, enable_grad, reachable, recording
from .tensor import Tensor


@contextlib.contextmanager
def _recorded(on=True, deeper=0):
    """Record (or not) inside of the block; `deeper` says that a transform runs the block."""
    before = recording.on
    recording.on, recording.depth = on, recording.depth + deeper
    try:
        yield
    finally:
        recording.on, recording.depth = before, recording.depth - deeper


def _node_of(t):
    return t.node if t.base is None else current(t)


def _fresh(value, name):
    """Return a tensor of the same memory that starts here: gradients stop at it, and an outer transform sees through it."""
    t = as_tensor(value)
    if not is_float(t.dtype):
        raise problem(DtypeError, f"{name}: an argument has dtype {t.dtype}, and gradients are of floats", "2.0 instead of 2, or x.astype(float)")
    outer = _node_of(t) if recording.on else None
    if outer is None:
        node = Node(None, (), {}, t.shape, t.dtype)
    else:
        node = Node(COPY, (outer,), {}, t.shape, t.dtype, (t.shape,), {})
    return Tensor._make(t.data, node, version=t.version)


class _Call:
    """One recorded call of a function: fresh inputs, the outputs, and whether derivatives of it must be recorded."""

    def __init__(self, f, args, kwargs, argnums, name):
        numbers = (argnums,) if isinstance(argnums, int) else tuple(argnums)
        for n in numbers:
            if not -len(args) <= n < len(args):
                raise problem(ArgumentError, f"{name}: argnums is {argnums} and the call has {len(args)} positional arguments",
                              "argnums within the positional arguments")
        chosen = [args[n] for n in numbers]
        leaves, self.structure = tree.flatten(chosen)
        self.since = next(_slots)
        self.outer_on = recording.on
        self.inputs = [_fresh(v, name) for v in leaves]
        self.single = isinstance(argnums, int)
        replaced = tree.unflatten(self.structure, self.inputs)
        args = list(args)
        for n, value in zip(numbers, replaced):
            args[n] = value
        with _recorded(True, deeper=1):
            self.out = f(*args, **kwargs)

    @property
    def wanted(self):
        return [t.node for t in self.inputs]

    def again(self, roots) -> bool:
        """Say whether somebody outside may differentiate the result: an outer transform or a foreign leaf."""
        if not self.outer_on:
            return False
        if recording.depth or any(t.node.op is not None for t in self.inputs):
            return True
        own = set(self.wanted)
        return any(n.slot < self.since or (n.op is None and n not in own) for n in reachable(roots, self.since))

    def pull(self, roots, seeds, record, keep=False):
        """Return the gradient of every input as a flat list."""
        with _recorded(record):
            found = pull_back(roots, seeds, self.wanted, keep=keep or record, since=self.since)
            return [found[n] if n in found else _zeros(t) for n, t in zip(self.wanted, self.inputs)]

    def rebuilt(self, flat):
        """Return a flat list per input in the structure of the chosen arguments."""
        result = tree.unflatten(self.structure, flat)
        return result[0] if self.single else tuple(result)


def _zeros(t):
    return Tensor._make(np.zeros(t.shape, t.dtype), None)


def _ones(t):
    return Tensor._make(np.ones(t.shape, t.dtype), None)


def _outputs(out, name):
    """Return the leaves of a function's result as tensors, and their structure."""
    leaves, structure = tree.flatten(out)
    return [as_tensor(v) for v in leaves], structure


def value_and_grad(f, argnums=0, has_aux=False):
    """Make a function that returns `f` and its gradient.

    Parameters
    ----------
    f : callable
        Returns a scalar float; with `has_aux` a pair (scalar, anything).
    argnums : int or tuple of int
        Positional arguments to differentiate: arrays, floats, or nested tuples, lists, dicts and dataclasses of them.
    has_aux : bool

    Returns
    -------
    callable
        Of the arguments of `f`; returns (value, gradient), or ((value, aux), gradient). The gradient has the
        structure of the argument (a tuple of them when `argnums` is one).

    Raises
    ------
    GradientError
        When `f` does not return a scalar. DtypeError when an argument is not a float.

    Examples
    --------
    >>> value, gradient = value_and_grad(lambda x: x * x)(3.0)
    >>> float(value), float(gradient)
    (9.0, 6.0)
    """

    @functools.wraps(f)
    def wrapped(*args, **kwargs):
        call = _Call(f, args, kwargs, argnums, "grad")
        out, aux = _split_aux(call.out, has_aux, "grad")
        value = as_tensor(out)
        if value.size != 1 or not is_float(value.dtype):
            raise problem(GradientError, f"grad: the function returned {value.dtype}{value.shape}, and a gradient is of a float scalar",
                          "return loss.sum() or loss.mean(), or use nbgrad.jacobian")
        root = _node_of(value)
        if root is None:
            return _packed(value, aux, has_aux), call.rebuilt([_zeros(t) for t in call.inputs])
        record = call.again([root])
        grads = call.pull([root], [_ones(value)], record)
        if not record:
            value, aux = value.detach(), tree.tree_map(_detached, aux)
        return _packed(value, aux, has_aux), call.rebuilt(grads)

    return wrapped


def _split_aux(out, has_aux, name):
    if not has_aux:
        return out, None
    if not isinstance(out, tuple) or len(out) != 2:
        raise problem(ArgumentError, f"{name}: with has_aux the function returns a pair (value, aux), not {type(out).__name__}", "return loss, aux")
    return out


def _packed(value, aux, has_aux):
    return (value, aux) if has_aux else value


def _detached(x):
    return x.detach() if isinstance(x, Tensor) else x


def grad(f, argnums=0, has_aux=False):
    """Make a function that returns the gradient of `f`; arguments as in `value_and_grad`.

    With `has_aux` it returns (gradient, aux). It can be differentiated again: ``grad(grad(f))``.

    Examples
    --------
    >>> float(grad(lambda x: x**2)(4.0))
    8.0
    """
    both = value_and_grad(f, argnums, has_aux)

    @functools.wraps(f)
    def wrapped(*args, **kwargs):
        value, gradient = both(*args, **kwargs)
        return (gradient, value[1]) if has_aux else gradient

    wrapped.__name__ = f"grad_{getattr(f, '__name__', 'f')}"
    return wrapped


def vjp(f, *args, has_aux=False):
    """Return ``f(*args)`` and the function that takes a gradient of the result to gradients of the arguments.

    Returns
    -------
    tuple
        (out, pull) or (out, pull, aux); ``pull(g)``, with `g` of the structure of `out`, returns a tuple with one
        gradient per argument, and may be called any number of times.

    >>> out, pull = vjp(lambda x, y: x * y, 2.0, 3.0)
    >>> [float(g) for g in pull(1.0)]
    [3.0, 2.0]
    """
    call = _Call(f, args, {}, tuple(range(len(args))), "vjp")
    out, aux = _split_aux(call.out, has_aux, "vjp")
    values, structure = _outputs(out, "vjp")
    nodes = [_node_of(v) for v in values]
    record = call.again([n for n in nodes if n is not None])

    def pull(g):
        given, got = tree.flatten(g)
        if len(given) != len(values):
            raise problem(ShapeError, f"vjp: the gradient has {len(given)} arrays and the result {len(values)}", "g of the structure of the result")
        seeds = [as_tensor(s).astype(v.dtype) for s, v in zip(given, values)]
        for s, v in zip(seeds, values):
            if s.shape != v.shape:
                raise problem(ShapeError, f"vjp: a gradient has shape {s.shape} and the result {v.shape}", "g of the shape of the result")
        pairs = [(n, s) for n, s in zip(nodes, seeds) if n is not None]
        again = recording.on and (record or any(s.node is not None for s in seeds))
        return call.rebuilt(call.pull([n for n, _ in pairs], [s for _, s in pairs], again, keep=True))

    result = out if record else tree.tree_map(_detached, out)
    return (result, pull, aux) if has_aux else (result, pull)


def jvp(f, primals, tangents):
    """Return ``f(*primals)`` and its directional derivative along `tangents` (forward mode).

    Parameters
    ----------
    primals, tangents : tuple
        Arguments, and a direction of the same structure, shapes and dtypes.

    >>> out, t = jvp(lambda x: x * x, (3.0,), (1.0,))
    >>> float(t)
    6.0
    """
    call = _Call(f, tuple(primals), {}, tuple(range(len(primals))), "jvp")
    values, structure = _outputs(call.out, "jvp")
    flat, _ = tree.flatten(list(tangents))
    if len(flat) != len(call.inputs):
        raise problem(ShapeError, f"jvp: {len(flat)} tangents for {len(call.inputs)} arrays", "one tangent per array")
    given = {}
    for t, x in zip(flat, call.inputs):
        t = as_tensor(t).astype(x.dtype)
        if t.shape != x.shape:
            raise problem(ShapeError, f"jvp: a tangent has shape {t.shape} and its argument {x.shape}", "tangents of the arguments' shapes")
        given[x.node] = t
    nodes = [_node_of(v) for v in values]
    live = [n for n in nodes if n is not None]
    again = recording.on and (call.again(live) or any(t.node is not None for t in given.values()))
    outs = dict(zip(live, _push(live, given, call.since, again)))
    result = [outs.get(n) if n is not None else None for n in nodes]
    result = [_zeros(v) if r is None else r for r, v in zip(result, values)]
    out = call.out if again else tree.tree_map(_detached, call.out)
    return out, tree.unflatten(structure, result)


def _push(roots, given, since, record):
    """Push tangents forward; rules of ops that are not linear record for themselves, so recording is on in any case."""
    with _recorded(True):
        outs = push_forward(roots, given, _leaf, since)
    return outs if record else [None if o is None else o.detach() for o in outs]


def _leaf(shape, dtype):
    return Tensor._make(np.zeros(shape, dtype), Node(None, (), {}, shape, dtype))


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

    >>> jacobian(lambda x: x * x)(Tensor([1.0, 2.0]))
    tensor([[2., 0.],
            [0., 4.]])
    """

    @functools.wraps(f)
    def wrapped(*args, **kwargs):
        call = _Call(f, args, kwargs, argnums, "jacobian")
        values, structure = _outputs(call.out, "jacobian")
        forward = mode == "forward" or (mode == "auto" and 2 * sum(x.size for x in call.inputs) < sum(v.size for v in values))
        rows = (_by_columns if forward else _by_rows)(call, values)
        return tree.unflatten(structure, [call.rebuilt(r) for r in rows])

    return wrapped


def _basis(t):
    """Yield the unit arrays of the shape of `t`."""
    for i in range(t.size):
        e = np.zeros(t.size, t.dtype)
        e[i] = 1
        yield Tensor._make(e.reshape(t.shape), None)


def _by_rows(call, values):
    jacobians = []
    for v in values:
        root = _node_of(v)
        if root is None or v.size == 0:
            jacobians.append([Tensor._make(np.zeros(v.shape + x.shape, x.dtype), None) for x in call.inputs])
            continue
        record = call.again([root])
        rows = [call.pull([root], [e], record, keep=True) for e in _basis(v)]
        with _recorded(record):
            jacobians.append([reshape(stack([r[k] for r in rows]), v.shape + x.shape) for k, x in enumerate(call.inputs)])
    return jacobians


def _by_columns(call, values):
    roots = [_node_of(v) for v in values]
    live = [r for r in roots if r is not None]
    record = call.again(live) if live else False
    columns = [[[] for _ in call.inputs] for _ in values]
    for k, x in enumerate(call.inputs):
        for e in _basis(x):
            outs = dict(zip(live, _push(live, {x.node: e}, call.since, record)))
            for j, (v, r) in enumerate(zip(values, roots)):
                t = outs.get(r) if r is not None else None
                columns[j][k].append(_zeros(v) if t is None else t)
    with _recorded(record):
        return [[_column_stack(c, v, x) for c, x in zip(row, call.inputs)] for row, v in zip(columns, values)]


def _column_stack(columns, v, x):
    if not columns:
        return Tensor._make(np.zeros(v.shape + x.shape, v.dtype), None)
    return reshape(stack(columns, axis=-1), v.shape + x.shape)


def hessian(f, argnums=0):
    """Make a function that returns the matrix of second derivatives of a scalar `f`, of shape ``x.shape + x.shape``.

    >>> hessian(lambda x: (x * x * x).sum())(Tensor([1.0, 2.0]))
    tensor([[ 6.,  0.],
            [ 0., 12.]])
    """
    return jacobian(grad(f, argnums), argnums)


def hvp(f, primals, tangents):
    """Return the Hessian of a scalar `f` at `primals` times `tangents`, without building it (forward over reverse).

    The result has the structure of `primals`: one array for one argument, else a tuple.

    >>> float(hvp(lambda x: x * x * x, (2.0,), (1.0,)))
    12.0
    """
    argnums = 0 if len(primals) == 1 else tuple(range(len(primals)))
    return jvp(grad(f, argnums), primals, tangents)[1]


def stop_gradient(x):
    """Return `x` (an array or a nested structure of arrays) as a constant.

    >>> float(grad(lambda x: x * stop_gradient(x))(3.0))
    3.0
    """
    return tree.tree_map(lambda v: as_tensor(v).detach(), x)


_CHECKPOINT = Op("checkpoint", "custom", ("*xs",), pull=lambda node, g: node.kept["again"](node, g))


def checkpoint(f):
    """Make a function like `f` whose inner values are not kept: the backward computes them again.

    Memory of one call falls to its arguments and results; the backward costs one more forward. `f` must give the
    same result again: random ops inside of it draw the same numbers.

    >>> float(grad(checkpoint(lambda x: x * x * x))(2.0))
    12.0
    """

    @functools.wraps(f)
    def wrapped(*args, **kwargs):
        if not recording.on:
            return f(*args, **kwargs)
        since, state = next(_slots), random.get_state()
        out = f(*args, **kwargs)
        values, structure = _outputs(out, "checkpoint")
        roots = [_node_of(v) for v in values]
        ends = [n for n in reachable(roots, since) if n.slot < since]
        if not ends:
            return out
        given = [(t, Kept(t, _node_of(t))) for t in tree.flatten([args, kwargs])[0] if isinstance(t, Tensor)]

        def again(node, g):
            for t, kept in given:
                kept.value(node, "an argument")
            return _recompute(f, args, kwargs, state, ends, g if isinstance(g, dict) else {0: g})

        outs = record_custom(_CHECKPOINT, ends, [v.data for v in values], {"again": again})
        return tree.unflatten(structure, outs)

    return wrapped


def _recompute(f, args, kwargs, state, ends, gs):
    """Run `f` again on the tape and take the gradients `gs` (by output number) back to the nodes `ends`."""
    now, since = random.get_state(), next(_slots)
    random.set_state(state)
    try:
        with enable_grad():
            values, _ = _outputs(f(*args, **kwargs), "checkpoint")
    finally:
        random.set_state(now)
    pairs = [(_node_of(values[i]), g) for i, g in gs.items() if _node_of(values[i]) is not None]
    found = pull_back([n for n, _ in pairs], [g for _, g in pairs], ends, keep=recording.on, since=since)
    return [found.get(n) for n in ends]


from . import random  # noqa: E402 - the random state is of the front too
