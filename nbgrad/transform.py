"""Functions to functions: grad, value_and_grad, vjp, jvp, and the recorded call that they are made of."""

import contextlib
import functools
import operator

from . import loops
from .base import tree
from .base.dtypes import is_float
from .base.errors import ArgumentError, DeviceError, DtypeError, GradientError, ShapeError, problem
from .eager import COPY, as_tensor, owned
from .history import newest_node, node_of
from .loops import derivative, is_compiled
from .tape.adjoint import pull_back
from .tape.tangent import push_forward
from .tape.tape import Node, next_slot, reachable, recording
from .target.run import full
from .tensor import Tensor, filled_like, writes


@contextlib.contextmanager
def recorded(on=True, deeper=0):
    """Record (or not) inside of the block; `deeper` says that a transform runs the block."""
    before = recording.on
    recording.on, recording.depth = on, recording.depth + deeper
    try:
        yield
    finally:
        recording.on, recording.depth = before, recording.depth - deeper


def fresh(value, name):
    """Return the same memory as a new start: gradients stop at it, and an outer transform sees through it."""
    t = as_tensor(value)
    if not is_float(t.dtype):
        raise problem(
            DtypeError,
            f"{name}: an argument has dtype {t.dtype}, and gradients are of floats",
            "2.0 instead of 2, or x.astype(float)",
        )
    if recording.recorder is not None:
        recording.recorder.meet((t,))
    outer = node_of(t)
    if outer is None:
        node = Node(None, (), {}, t.shape, t.dtype)
    else:
        node = Node(COPY, (outer,), {}, t.shape, t.dtype, (t.shape,), {})
    return Tensor._make(t.data, node, version=writes(t))


class Call:
    """One recorded call of a function: fresh inputs, the outputs, and whether derivatives of it must be recorded."""

    def __init__(self, f, args, kwargs, argnums, name):
        if not callable(f):
            raise problem(ArgumentError, f"{name} takes a function, not {type(f).__name__}", f"nbgrad.{name}(lambda x: ...)")
        try:
            numbers = tuple(map(operator.index, argnums if isinstance(argnums, (tuple, list)) else (argnums,)))
        except TypeError:
            raise problem(ArgumentError, f"{name}: argnums is {argnums!r}", "an int, or a tuple of ints") from None
        for n in numbers:
            if not -len(args) <= n < len(args):
                raise problem(
                    ArgumentError,
                    f"{name}: argnums is {argnums} and the call has {len(args)} positional arguments",
                    "argnums within the positional arguments",
                )
        numbers = tuple(n % len(args) for n in numbers)
        if len(set(numbers)) != len(numbers):
            raise problem(ArgumentError, f"{name}: argnums is {argnums} and names one argument twice", "each argument once")
        chosen = [args[n] for n in numbers]
        leaves, self.structure = tree.flatten(chosen)
        self.since = next_slot()
        self.outer_on = recording.on
        self.inputs = [fresh(v, name) for v in leaves]
        self.single = isinstance(argnums, int)
        replaced = tree.unflatten(self.structure, self.inputs)
        args = list(args)
        for n, value in zip(numbers, replaced):
            args[n] = value
        with recorded(True, deeper=1):
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
        """Return the gradient of every input as a flat list; each has memory of its own."""
        with recorded(record):
            found = pull_back(roots, seeds, self.wanted, keep=keep or record, since=self.since)
            return owned([found[n] if n in found else zeros_of(t) for n, t in zip(self.wanted, self.inputs)], seeds)

    def rebuilt(self, flat):
        """Return a flat list per input in the structure of the chosen arguments."""
        result = tree.unflatten(self.structure, flat)
        return result[0] if self.single else tuple(result)


def zeros_of(t):
    return filled_like(t, 0)


def ones_of(t):
    return filled_like(t, 1)


def outputs(out, name):
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
    if is_compiled(f):
        return _compiled("value_and_grad", f, argnums, has_aux)

    @functools.wraps(f)
    def wrapped(*args, **kwargs):
        call = Call(f, args, kwargs, argnums, "grad")
        out, aux = _split_aux(call.out, has_aux, "grad")
        if out is None:
            raise problem(GradientError, "grad: the function returned None", "return the loss")
        value = as_tensor(out)
        if value.size != 1 or not is_float(value.dtype):
            raise problem(
                GradientError,
                f"grad: the function returned {value.dtype}{value.shape}, and a gradient is of a float scalar",
                "return loss.sum() or loss.mean(), or use nbgrad.jacobian",
            )
        root = newest_node(value)
        if root is None:
            return _packed(value, aux, has_aux), call.rebuilt([zeros_of(t) for t in call.inputs])
        record = call.again([root])
        grads = call.pull([root], [ones_of(value)], record)
        if not record:
            value, aux = value.detach(), tree.tree_map(detached, aux)
        return _packed(value, aux, has_aux), call.rebuilt(grads)

    return wrapped


def _compiled(kind, f, argnums, has_aux):
    if has_aux:
        raise problem(ArgumentError, f"{kind}: has_aux is for functions of tensors, and {f.__name__} is compiled",
                      "nbgrad.vjp(f, *args), of functions that return several values")  # fmt: skip
    return derivative(kind, f, argnums)


def _split_aux(out, has_aux, name):
    if not has_aux:
        return out, None
    if not isinstance(out, tuple) or len(out) != 2:
        raise problem(
            ArgumentError,
            f"{name}: with has_aux the function returns a pair (value, aux), not {type(out).__name__}",
            "return loss, aux",
        )
    return out


def _packed(value, aux, has_aux):
    return (value, aux) if has_aux else value


def detached(x):
    return x.detach() if isinstance(x, Tensor) else x


def grad(f, argnums=0, has_aux=False):
    """Make a function that returns the gradient of `f`; arguments as in `value_and_grad`.

    With `has_aux` it returns (gradient, aux). It can be differentiated again: ``grad(grad(f))``.

    Examples
    --------
    >>> float(grad(lambda x: x**2)(4.0))
    8.0
    """
    if is_compiled(f):
        return _compiled("grad", f, argnums, has_aux)
    both = value_and_grad(f, argnums, has_aux)

    @functools.wraps(f)
    def wrapped(*args, **kwargs):
        value, gradient = both(*args, **kwargs)
        return (gradient, value[1]) if has_aux else gradient

    wrapped.__name__ = f"grad_{getattr(f, '__name__', 'f')}"
    return wrapped


def seed(g, x, what, of) -> Tensor:
    """Return a gradient or tangent as a tensor of the dtype of `x`; what is no tensor goes to its device.

    Raises
    ------
    ShapeError, DeviceError
        For one of another shape, or on another device.
    """
    g = as_tensor(g, x).astype(x.dtype)
    if g.shape != x.shape:
        raise problem(ShapeError, f"{what} has shape {g.shape} and {of} {x.shape}", f"one of the shape {x.shape}")
    if g.device != x.device:
        raise problem(DeviceError, f"{what} is on {g.device} and {of} on {x.device}", f'.to("{x.device}") behind it')
    return g


def vjp(f, *args, has_aux=False):
    """Return ``f(*args)`` and the function that takes a gradient of the result to gradients of the arguments.

    Returns
    -------
    tuple
        (out, pull) or (out, pull, aux); ``pull(g)``, with `g` of the structure of `out`, returns a tuple with one
        gradient per argument, and may be called any number of times.

    Of an `@njit` function `pull` runs compiled. Where the function writes into its arrays, what they hold at the end is a
    result too: ``pull(g, y=g_y)`` takes its gradient by the name of the parameter (zero when left out), and the gradient
    that it returns is that of what the array held before. Without arguments ``vjp(f)`` is the compiled function of
    (arguments, g, gradients of arrays at the end) that returns (out, gradients), for use in `@njit` code.

    >>> out, pull = vjp(lambda x, y: x * y, 2.0, 3.0)
    >>> [float(g) for g in pull(1.0)]
    [3.0, 2.0]
    """
    if is_compiled(f):
        return loops.vjp(f, args, has_aux)
    call = Call(f, args, {}, tuple(range(len(args))), "vjp")
    out, aux = _split_aux(call.out, has_aux, "vjp")
    values, _ = outputs(out, "vjp")
    nodes = [newest_node(v) for v in values]
    record = call.again([n for n in nodes if n is not None])

    def pull(g):
        given, _ = tree.flatten(g)
        if len(given) != len(values):
            raise problem(
                ShapeError,
                f"vjp: the gradient has {len(given)} arrays and the result {len(values)}",
                "g of the structure of the result",
            )
        seeds = [seed(s, v, "vjp: a gradient", "the result") for s, v in zip(given, values)]
        pairs = [(n, s) for n, s in zip(nodes, seeds) if n is not None]
        again = recording.on and (record or any(s.node is not None for s in seeds))
        return call.rebuilt(call.pull([n for n, _ in pairs], [s for _, s in pairs], again, keep=True))

    result = out if record else tree.tree_map(detached, out)
    return (result, pull, aux) if has_aux else (result, pull)


def jvp(f, primals=None, tangents=None):
    """Return ``f(*primals)`` and its directional derivative along `tangents` (forward mode).

    Parameters
    ----------
    primals, tangents : tuple
        Arguments, and a direction of the same structure, shapes and dtypes.

    Of an `@njit` function it runs compiled; where the function writes into an array, the tangent of the array is written
    in place too. Without primals it is the compiled function of (arguments, tangents), for use in `@njit` code.

    >>> out, t = jvp(lambda x: x * x, (3.0,), (1.0,))
    >>> float(t)
    6.0
    """
    if primals is None and is_compiled(f):
        return derivative("jvp", f)
    if not isinstance(primals, (tuple, list)) or not isinstance(tangents, (tuple, list)):
        raise problem(ArgumentError, "jvp: primals and tangents are tuples, one entry per argument", "jvp(f, (x,), (v,))")
    if is_compiled(f):
        return loops.directional("jvp", f, primals, tangents)
    call = Call(f, tuple(primals), {}, tuple(range(len(primals))), "jvp")
    values, structure = outputs(call.out, "jvp")
    flat, _ = tree.flatten(list(tangents))
    if len(flat) != len(call.inputs):
        raise problem(ShapeError, f"jvp: {len(flat)} tangents for {len(call.inputs)} arrays", "one tangent per array")
    given = {x.node: seed(t, x, "jvp: a tangent", "its argument") for t, x in zip(flat, call.inputs)}
    nodes = [newest_node(v) for v in values]
    live = [n for n in nodes if n is not None]
    again = recording.on and (call.again(live) or any(t.node is not None for t in given.values()))
    outs = dict(zip(live, push(live, given, call.since, again)))
    result = [outs.get(n) if n is not None else None for n in nodes]
    result = [zeros_of(v) if r is None else r for r, v in zip(result, values)]
    out = call.out if again else tree.tree_map(detached, call.out)
    return out, tree.unflatten(structure, result)


def push(roots, given, since, record):
    """Push tangents forward; rules of ops that are not linear record for themselves, so recording is on in any case."""
    with recorded(True):
        outs = push_forward(roots, given, functools.partial(_leaf, next(iter(given.values()), None)), since)
    return outs if record else [None if o is None else o.detach() for o in outs]


def _leaf(like, shape, dtype):
    return Tensor._make(full(shape, dtype, 0, None if like is None else like.data), Node(None, (), {}, shape, dtype))


def stop_gradient(x):
    """Return `x` (an array or a nested structure of arrays) as a constant.

    >>> float(grad(lambda x: x * stop_gradient(x))(3.0))
    3.0
    """
    return tree.tree_map(lambda v: as_tensor(v).detach(), x)
