"""What came before a value: the node that made it, what such nodes keep, and whether that was written since."""

from .base.errors import GradientError, problem
from .base.memory import start_of
from .ops.movement import as_view as AS_VIEW  # noqa: N812 - rows this file names itself
from .tape.rules import flows, keeps
from .tape.tape import Node, recording
from .tensor import Tensor, writes


class Kept:
    """What a node keeps of a value: its memory as it was, and the node it came from."""

    __slots__ = ("data", "node", "own", "seen", "version")

    def __init__(self, t, node, own=False):
        self.data, self.node, self.version, self.seen = t.data, node, writes(t), t.version[0]
        self.own = own  # the node's own result: its node is the owner, not held here, for that would be a cycle

    def value(self, owner, name):
        """Return the kept value as a tensor; raise GradientError when its memory was written since."""
        if self.version[0] != self.seen:
            raise problem(
                GradientError,
                f"{owner.op.name}: its backward reads {name} of shape {self.data.shape}, "
                f"which was written in place {self.version[0] - self.seen} time(s) after it was recorded",
                "write to a copy (x.copy()), or write before it is used", owner.where,
            )  # fmt: skip
        return Tensor._make(self.data, owner if self.own else self.node, version=self.version)


_needs: dict = {}


def needs(op, wanting):
    """Return the inputs that a gradient flows to, of those that want one, and (name, source) of what is kept for it.

    A source is the number of an input, -1 for the result, -2 and below for what a row says about its result (`aux`).
    """
    found = _needs.get((op, wanting))
    if found is None:
        active = tuple([i for i, w in enumerate(wanting) if w and flows(op, i)])
        sources = {**{n: -2 - i for i, n in enumerate(op.aux)}, **{n: i for i, n in enumerate(op.params)}}
        names = tuple([(n, sources.get(n, -1)) for n in keeps(op, active)])
        found = _needs[op, wanting] = (active, names)
    return found


def current(t):
    """Return the node of a view, made anew from its base when the memory was written after the view was taken."""
    if t.seen != t.version[0]:
        t.seen = t.version[0]
        if t.base.node is None and t.node is not None and t.node.op is not None:
            t.node = None
        elif t.base.node is not None and t.dtype == t.base.dtype:
            attrs = view_attrs(t)
            t.node = Node(AS_VIEW, (t.base.node,), attrs, t.shape, t.dtype, (t.base.shape,), {})
    return t.node


def newest_node(t):
    """Return the node of a tensor as it is now, or None."""
    return t.node if t.base is None else current(t)


def node_of(t):
    """Return the node of a tensor as it is now, or None when nothing is recorded."""
    if not recording.on:
        return None
    return newest_node(t)


def view_attrs(t):
    """Return shape, strides and offset of a view within its base, in elements."""
    root, size = t.base.data, t.data.itemsize
    if not root.flags.c_contiguous:
        raise problem(
            GradientError,
            f"an in-place write through a view of memory with strides {root.strides} cannot be followed",
            "x = x.copy() before taking views that are written",
        )
    offset = (start_of(t.data) - start_of(root)) // size
    return {"shape": t.shape, "strides": tuple([s // size for s in t.data.strides]), "offset": offset}
