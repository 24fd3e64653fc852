"""The tape forwards: one tangent per node (forward mode), with the same rules read the other way."""

from ..ops.table import table
from .adjoint import freed, pull_back
from .rules import pull, rule
from .tape import FREED, reachable


def push_forward(roots, tangents, make_zero, since=-1):
    """Return the tangent of each root, given a dict node -> tangent; None where it is zero.

    `make_zero(shape, dtype)` makes a fresh leaf value, for ops that are neither elementwise nor linear: their
    tangent is the derivative of their vjp, which is linear in the gradient.
    """
    tangents = dict(tangents)
    for node in reachable(roots, since):
        if node in tangents or node.op is None or node.slot < since or node.shape is None:
            continue
        call = _call(node)
        parts = [(i, tangents[n]) for i, n in enumerate(call.inputs) if n is not None and tangents.get(n) is not None]
        if parts:
            if call.kept is FREED:
                raise freed(call)
            tangents[node] = _tangent(node, parts, make_zero)
    return [tangents.get(r) for r in roots]


def _call(node):
    """Return the node that made a value: of a call with several results, each is pushed through by itself."""
    return node.inputs[0] if node.op.name == "item" else node


def _tangent(node, parts, make_zero):
    op, total = node.op, None
    if op.kind == "elementwise":
        for index, t in parts:
            total = _plus(total, _times_partial(node, index, t))
        return total
    if op.kind == "movement" or (op.linear == ("x",) and len(op.params) == 1):
        return op(parts[0][1], **node.attrs)
    return _transposed(node, parts, make_zero)


def _plus(a, b):
    return b if a is None else a if b is None else a + b


def _times_partial(node, index, t):
    """An elementwise partial serves both modes: here it multiplies the tangent."""
    found = rule(node.op, index)
    if found is None:
        return None
    values = {name: node.kept[name].value(node, name) for name in found.keeps}
    out = found.apply(node, index, t, values)
    if tuple(out.shape) != tuple(node.shape):
        out = table["broadcast_to"](out, shape=tuple(node.shape))
    return out if out.dtype == node.dtype else out.astype(node.dtype)


def _transposed(node, parts, make_zero):
    """Tangent as the derivative, in g, of the sum of (vjp(g), tangent): exact, since a vjp is linear in g."""
    g = make_zero(node.shape, node.dtype)
    pieces, seeds = [], []
    if node.op.kind == "custom":
        call = _call(node)
        again = pull if call.op.kind != "custom" else call.op.pull
        given = again(call, g if call is node else {node.attrs["index"]: g})
    for index, t in parts:
        if node.op.kind == "custom":
            piece = given[index]
        else:
            found = rule(node.op, index)
            if found is None:
                continue
            values = {name: node.kept[name].value(node, name) for name in found.keeps}
            piece = found.apply(node, index, g, values)
        if piece is not None and piece.node is not None:
            t = t if tuple(t.shape) == tuple(piece.shape) else table["broadcast_to"](t, shape=tuple(piece.shape))
            pieces.append(piece.node)
            seeds.append(t)
    if not pieces:
        return None
    return pull_back(pieces, seeds, [g.node], keep=True, since=g.node.slot).get(g.node)
