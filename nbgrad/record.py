"""The tape in hand: record a block, ask it for gradients, print it."""

import inspect

import numpy as np

from .base import tree
from .base.errors import GradientError, ShapeError, problem
from .eager import as_tensor
from .history import node_of
from .road import ROAD
from .tape.adjoint import pull_back
from .tape.tape import Node, reachable, recording
from .tape.text import expression, listing
from .tensor import Tensor, filled_like


class Tape:
    """Record of the ops of a block, in order.

    Parameters
    ----------
    keep : bool
        Keep what the backward reads, so that gradients can be asked for several times.

    Attributes
    ----------
    nodes : list of Node

    Examples
    --------
    >>> x = Tensor([1.0, 2.0], requires_grad=True)
    >>> with Tape() as tape:
    ...     y = (x * x).sum()
    >>> tape.gradient(y, x)
    tensor([2., 4.])
    >>> [n.op.name for n in tape.nodes]
    ['mul', 'sum']
    """

    def __init__(self, keep=False):
        self.nodes, self.keep, self.names = [], keep, {}

    def __enter__(self):
        recording.tapes.append(self)
        ROAD.watch(1)
        return self

    def __exit__(self, *error):
        recording.tapes.remove(self)
        ROAD.watch(-1)

    def watch(self, x, name=None):
        """Return `x` as a tensor whose gradient can be asked for; `name` is what pictures call it."""
        t = x if isinstance(x, Tensor) and x.requires_grad else Tensor(x, None, True)
        if name is not None:
            self.names[t.node] = name
        return t

    def gradient(self, y, xs, g=None, keep=None, create_graph=False):
        """Return the gradient of `y` with respect to `xs` (a tensor or a nested structure of them).

        Parameters
        ----------
        y : Tensor
            A scalar, unless `g` is given.
        xs : Tensor or nested structure
            Tensors that require a gradient, computed ones too.
        g : array_like, optional
            Gradient of `y`.
        keep : bool, optional
            As for the whole tape.
        create_graph : bool
            Record the backward, so that the result can be differentiated.

        Raises
        ------
        GradientError
            When `y` does not depend on what was recorded, or the tape was used up.
        """
        leaves, structure = tree.flatten(xs)
        root = node_of(as_tensor(y))
        wanted = [node_of(as_tensor(x)) for x in leaves]
        if root is None or any(w is None for w in wanted):
            raise problem(
                GradientError,
                "gradient: y, or one of xs, was not made on a tape",
                "tape.watch(x), or requires_grad=True, before the block",
            )
        if g is None and y.size != 1:
            raise problem(
                GradientError,
                f"gradient of a tensor of shape {y.shape}: a gradient is of a scalar",
                "y.sum(), or g of that shape",
            )
        g = filled_like(y, 1) if g is None else as_tensor(g).astype(y.dtype)
        if g.shape != y.shape:
            raise problem(ShapeError, f"gradient: g has shape {g.shape} and y {y.shape}")
        keep = self.keep if keep is None else keep
        before, recording.on = recording.on, create_graph
        try:
            found = pull_back([root], [g], wanted, keep=keep or create_graph)
        finally:
            recording.on = before
        flat = [found[w] if w in found else filled_like(x, 0) for w, x in zip(wanted, leaves)]
        return tree.unflatten(structure, flat)

    def __len__(self):
        return len(self.nodes)

    def text(self, where=True) -> str:
        """Return one line per node, with the user's line unless `where` is false."""
        leaves = [n for n in reachable(self.nodes) if n.op is None and n not in self.nodes]
        return listing([*leaves, *self.nodes], self.names, where)

    def __str__(self):
        return self.text()

    def __repr__(self):
        return f"<Tape of {len(self.nodes)} nodes>"


class Shown(str):
    """Text of an expression and its tape."""

    __slots__ = ()

    def __repr__(self):
        return str(self)


def show(f, *args, **kwargs):
    """Return what ``f(*args)`` computes, as one readable expression and as a tape.

    Every float argument becomes a named leaf; what the result does not depend on is left out.

    >>> print(show(lambda x: x * x, 3.0).splitlines()[0])
    x * x
    """
    names = _names(f, len(args))
    with Tape() as tape:
        inputs = []
        for name, a in zip(names, args):
            leaves, structure = tree.flatten(a)
            inputs.append(
                tree.unflatten(
                    structure,
                    [_named(tape, v, name if len(leaves) == 1 else f"{name}{i}") for i, v in enumerate(leaves)],
                )
            )
        recording.depth += 1
        try:
            out = f(*inputs, **kwargs)
        finally:
            recording.depth -= 1
    parts = []
    for value in tree.flatten(out)[0]:
        root = node_of(as_tensor(value))
        if root is None:
            parts.append(f"{value} (a constant)")
            continue
        text = expression(root, tape.names)
        lines = listing(reachable([root]), tape.names, where=False)
        parts.append(f"{text}\n\n{lines}" if text else lines)
    return Shown("\n\n".join(parts))


def _named(tape, v, name):
    if isinstance(v, (float, np.ndarray, np.generic, Tensor)) and as_tensor(v).dtype.kind == "f":
        t = as_tensor(v)
        t = Tensor._make(t.data, Node(None, (), {}, t.shape, t.dtype))
        tape.names[t.node] = name
        return t
    return v


def _names(f, count):
    try:
        names = list(inspect.signature(f).parameters)
    except (TypeError, ValueError):
        names = []
    return (names + [f"x{i}" for i in range(len(names), count)])[:count]
