"""The tape backwards: one gradient per node, through ops, so that the backward can itself be on a tape."""

from ..base.errors import GradientError, problem
from .rules import rule, sum_to
from .tape import FREED, reachable, recording


def pull_back(roots, seeds, wanted=None, keep=False, since=-1, through=True):
    """Take gradients from `roots` back to leaves.

    Parameters
    ----------
    roots : list of Node
    seeds : list
        Gradient of each root: values that ops accept.
    wanted : list of Node, optional
        Where gradients are asked for; all leaves when left out.
    keep : bool
        Keep what the backward reads, so that it can be walked again.
    since : int
        Nodes older than this slot are ends, not passed.
    through : bool
        Pass wanted nodes, to others that they were made from; else each is an end, and others count as fixed.

    Returns
    -------
    dict
        Node -> gradient, for the wanted nodes that the roots depend on.
    """
    nodes = reachable(roots, since)
    live = None if wanted is None else _live(nodes, wanted, since)
    quick = None if recording.on else _quick.get("pull")
    ends = None if wanted is None else set(wanted)
    grads, found = {}, {}
    for root, seed in zip(roots, seeds):
        _add(grads, root, seed)
    while nodes:
        node = nodes.pop()
        g = grads.pop(node, None)
        if g is None:
            continue
        if node.op is None or (ends is not None and node in ends) or node.slot < since:
            if ends is None or node in ends:
                found[node] = g
            if node.op is None or ends is None or node.slot < since or not through:
                continue
        if quick is not None and quick(node, g, grads, live, keep):
            continue
        if live is None or node in live:
            _through(node, g, live, grads)
            if quick is not None:
                _quick["learn"](node)
        if not keep:
            node.kept = FREED
    return found


_quick: dict = {}


def set_quick(pull, learn):
    """Say who takes a gradient through a node in machine code, where nothing is recorded.

    `pull(node, g, grads, live, keep)` is true when it did so; after it was not, `learn(node)` may teach it.
    """
    _quick.update(pull=pull, learn=learn)


def _live(nodes, wanted, since):
    """Return the nodes through which a gradient can reach a wanted one."""
    live, ends = set(), set(wanted)
    for node in nodes:
        if node in ends or (node.slot >= since and any(n in live for n in node.inputs or ())):
            live.add(node)
    return live


def _through(node, g, live, grads):
    """Take the gradient `g` of one node to its inputs."""
    values, kept = {}, node.kept
    if kept is FREED:
        raise freed(node)
    if node.op.kind == "custom":
        parts = node.op.pull(node, g)
        for index, source in enumerate(node.inputs):
            if source is not None and (live is None or source in live) and parts[index] is not None:
                _add(grads, source, _fitted(parts[index], node, index, source))
        return
    for index, source in enumerate(node.inputs):
        if source is None or (live is not None and source not in live):
            continue
        found = rule(node.op, index)
        if found is None:
            continue
        for name in found.keeps:
            if name not in values:
                values[name] = kept[name].value(node, name)
        part = found.apply(node, index, g, values)
        if part is not None:
            _add(grads, source, _fitted(part, node, index, source))


def _fitted(g, node, index, source):
    """Return a gradient in the shape and dtype of the input it belongs to."""
    if node.op.name != "item":
        g = sum_to(g, source.shape)
        if g.dtype != source.dtype:
            g = g.astype(source.dtype)
        if recording.anomaly is not None:
            recording.anomaly(node, index, g)
    return g


def _add(grads, node, g):
    before = grads.get(node)
    if before is None:
        grads[node] = g
    elif isinstance(g, dict):
        for k, v in g.items():
            _add(before, k, v)
    else:
        grads[node] = before + g


def freed(node):
    """Return the error for a node whose kept values are gone."""
    return problem(
        GradientError,
        f"{node.op.name}: what its backward reads was freed by an earlier backward",
        "backward(keep=True) the first time, or compute the loss again",
        node.where,
    )
