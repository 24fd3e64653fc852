"""Compute again instead of keep: memory for time."""

import functools

from . import random
from .base import tree
from .eager import record_custom
from .history import Kept, newest_node
from .ops.table import Op
from .tape.adjoint import pull_back
from .tape.tape import enable_grad, next_slot, reachable, recording
from .tensor import Tensor
from .transform import outputs

_CHECKPOINT = Op("checkpoint", "custom", ("*xs",), pull=lambda node, g: node.kept["again"](node, g))


def checkpoint(f):
    """Make a function like `f` whose inner values are not kept: the backward computes them again.

    Memory of one call falls to its arguments and results; the backward costs one more forward. `f` must give the
    same result again: random ops inside of it draw the same numbers.

    >>> from nbgrad import grad
    >>> float(grad(checkpoint(lambda x: x * x * x))(2.0))
    12.0
    """

    @functools.wraps(f)
    def wrapped(*args, **kwargs):
        if not recording.on:
            return f(*args, **kwargs)
        since, state = next_slot(), random.get_state()
        out = f(*args, **kwargs)
        values, structure = outputs(out, "checkpoint")
        roots = [newest_node(v) for v in values]
        ends = [n for n in reachable(roots, since) if n.slot < since]
        if not ends:
            return out
        given = [Kept(t, newest_node(t)) for t in tree.flatten([args, kwargs])[0] if isinstance(t, Tensor)]
        given += [k for n in reachable(roots, since) for k in _kept(n) if k.node is None or k.node.slot < since]

        def again(node, g):
            for kept in given:
                kept.value(node, "an argument")
            return _recompute(f, args, kwargs, state, ends, g if isinstance(g, dict) else {0: g})

        inputs = [k.data for k in given]
        outs = record_custom(_CHECKPOINT, ends, [v.data for v in values], {"again": again}, inputs=inputs)
        return tree.unflatten(structure, outs)

    return wrapped


def _kept(node):
    """Return what a node keeps of values that others can write, its own result left out."""
    return [k for k in (node.kept or {}).values() if isinstance(k, Kept) and not k.own]


def _recompute(f, args, kwargs, state, ends, gs):
    """Run `f` again on the tape and take the gradients `gs` (by output number) back to the nodes `ends`."""
    now, since = random.get_state(), next_slot()
    random.set_state(state)
    try:
        with enable_grad():
            values, _ = outputs(f(*args, **kwargs), "checkpoint")
    finally:
        random.set_state(now)
    pairs = [(newest_node(values[i]), g) for i, g in gs.items() if newest_node(values[i]) is not None]
    found = pull_back([n for n, _ in pairs], [g for _, g in pairs], ends, keep=recording.on, since=since)
    return [found.get(n) for n in ends]
