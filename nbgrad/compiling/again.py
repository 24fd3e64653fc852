"""Gradients of gradients of what has no rules of its own: by running the function again, op by op, when they are asked for."""

from ..eager import record_custom
from ..history import newest_node, node_of
from ..ops.table import Op
from ..tape.adjoint import pull_back
from ..tape.tape import recording
from ..transform import recorded


def on_tape(found, nodes, gradients, again):
    """Return gradients (tensors or None, one per node) so that they can be differentiated, where that is recorded.

    Parameters
    ----------
    found : list of (Tensor or None)
        The gradients of `nodes`.
    nodes : list of (Node or None)
    gradients : list of (Tensor or None)
        Of the results, as they were given.
    again : callable
        Runs the function op by op; returns its results, in the order of `gradients`.
    """
    if not recording.on:
        return found
    inputs = [*nodes, *[None if g is None else node_of(g) for g in gradients]]
    kept = {"gradients": gradients, "again": again, "count": len(nodes), "which": [i for i, g in enumerate(found) if g is not None]}
    made = iter(record_custom(_AGAIN, inputs, [g.data for g in found if g is not None], kept))
    return [None if g is None else next(made) for g in found]


def _pull(node, g):
    kept, inputs = node.kept, node.inputs
    nodes = inputs[: kept["count"]]
    second = {0: g} if len(kept["which"]) == 1 else g
    outer = recording.on
    with recorded(True):
        roots = [newest_node(t) for t in kept["again"]()]
        pairs = [(n, s) for n, s in zip(roots, kept["gradients"]) if n is not None and s is not None]
        first = pull_back([n for n, _ in pairs], [s for _, s in pairs], [n for n in nodes if n is not None], True, through=False)
    numbers = {nodes[i]: k for k, i in reversed(list(enumerate(kept["which"])))}  # a node given twice has one gradient
    ends = [(first.get(n), second.get(k)) for n, k in numbers.items()]
    ends = [(newest_node(t), s) for t, s in ends if t is not None and s is not None]
    ends = [(n, s) for n, s in ends if n is not None]
    with recorded(outer):
        found = pull_back([n for n, _ in ends], [s for _, s in ends], [n for n in inputs if n is not None], True, through=False)
    return [found.pop(n, None) for n in inputs]


_AGAIN = Op("again", "custom", ("*args",), pull=_pull)
