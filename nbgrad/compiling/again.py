"""Gradients of gradients of what has no rules of its own, made when they are asked for.

Either the function is run again, op by op, and its backward recorded; or, for loops of which nobody knows how often they
turn, its tangents are recorded: what a vjp times s depends on is what u times a jvp along s depends on, for <vjp(u), s> and
<u, jvp(s)> are one number.
"""

from ..eager import record_custom
from ..history import newest_node, node_of
from ..ops.table import Op
from ..tape.adjoint import pull_back
from ..tape.tape import next_slot, recording
from ..transform import recorded


def on_tape(found, nodes, gradients, again=None, along=None):
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
    along : callable, in the place of `again`
        Given node -> tangent, of `nodes`, returns the tangents of the results, None for those that are zero.
    """
    if not recording.on:
        return found
    inputs = [*nodes, *[None if g is None else node_of(g) for g in gradients]]
    which = [i for i, g in enumerate(found) if g is not None]
    kept = {"gradients": gradients, "again": again, "along": along, "count": len(nodes), "which": which}
    made = iter(record_custom(_AGAIN, inputs, [g.data for g in found if g is not None], kept))
    return [None if g is None else next(made) for g in found]


def _pull(node, g):
    kept, inputs = node.kept, node.inputs
    parts = {0: g} if len(kept["which"]) == 1 else g
    numbers = {inputs[i]: k for k, i in reversed(list(enumerate(kept["which"])))}  # a node given twice has one gradient
    second = {n: parts[k] for n, k in numbers.items() if parts.get(k) is not None}
    pull = _through_backward if kept["along"] is None else _through_tangents
    return pull(kept, inputs, second)


def _through_backward(kept, inputs, second):
    nodes = inputs[: kept["count"]]
    outer = recording.on
    with recorded(True):
        roots = [newest_node(t) for t in kept["again"]()]
        pairs = [(n, s) for n, s in zip(roots, kept["gradients"]) if n is not None and s is not None]
        first = pull_back([n for n, _ in pairs], [s for _, s in pairs], [n for n in nodes if n is not None], True, through=False)
    ends = [(newest_node(first[n]), s) for n, s in second.items() if n in first]
    ends = [(n, s) for n, s in ends if n is not None]
    with recorded(outer):
        found = pull_back([n for n, _ in ends], [s for _, s in ends], [n for n in inputs if n is not None], True, through=False)
    return [found.pop(n, None) for n in inputs]


def _through_tangents(kept, inputs, second):
    nodes, outer, since = inputs[: kept["count"]], recording.on, next_slot()
    with recorded(True):
        tangents = kept["along"](second)
    pairs = [(newest_node(t), u) for t, u in zip(tangents, kept["gradients"]) if t is not None and u is not None]
    pairs = [(n, u) for n, u in pairs if n is not None]
    with recorded(outer):
        found = pull_back([n for n, _ in pairs], [u for _, u in pairs], [n for n in nodes if n is not None], True, since=since)
    return [*[found.pop(n, None) for n in nodes], *[t if outer or t is None else t.detach() for t in tangents]]


_AGAIN = Op("again", "custom", ("*args",), pull=_pull)
