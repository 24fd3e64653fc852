"""The tape: nodes in the order of their calls, each named by its slot.

Nodes hold on to the nodes they read, so that the part of the tape that nothing can reach any more is freed by itself;
a slot says where on the tape a node stands, so that sorting by slot gives the order back.
"""

import dis
import itertools
import operator
import threading
from typing import Any

from ..base.errors import describe, user_frame

slots = itertools.count()
FREED = "freed"


def next_slot() -> int:
    """Return a slot of its own: what is recorded from now on stands behind it on the tape."""
    return next(slots)


def place():
    """Return (code, instruction) of the user's line that runs, or None."""
    frame = user_frame()
    return None if frame is None else (frame.f_code, frame.f_lasti)


def shown(place) -> str | None:
    """Return a place as errors show it: the user's file and line."""
    if place is None:
        return None
    code, at = place
    line = code.co_firstlineno
    for start, number in dis.findlinestarts(code):
        if start > at:
            break
        line = number if number is not None else line
    return describe(code, line)


class Node:
    """One call of an op on the tape, and the value it made; a leaf has no op.

    Attributes
    ----------
    op : Op or None
    inputs : tuple of (Node or None)
        None where no gradient is wanted.
    attrs : dict
    shape, dtype
        Of the value.
    kept : dict, or FREED
        What the backward reads, by parameter name or "out" (`held` is the same as the eager road left it).
    slot : int
        Place on the tape.
    shapes : tuple
        Shapes of all inputs.
    grad
        Gradient of a leaf.
    shown : tuple or None
        All inputs, constants as arrays, while a `Tape` is open; for pictures.
    record, mark
        What the eager road knows of such calls; who listed the node last.
    """

    unpack: Any = None  # set by the front: the dict of what a node keeps
    reach: Any = None  # `_reach` below, until the front brings it in machine code

    __slots__ = (
        "__weakref__",
        "attrs",
        "dtype",
        "grad",
        "held",
        "inputs",
        "mark",
        "op",
        "place",
        "record",
        "shape",
        "shapes",
        "shown",
        "slot",
    )

    def __init__(self, op, inputs, attrs, shape, dtype, shapes=(), kept=None):
        self.op, self.inputs, self.attrs, self.shape, self.dtype = op, inputs, attrs, shape, dtype
        self.shapes, self.held, self.grad, self.shown, self.record = shapes, kept, None, None, None
        self.slot = next(slots)
        self.place = place()
        if op is not None:
            for tape in recording.tapes:
                tape.nodes.append(self)

    @property
    def kept(self):
        return Node.unpack(self) if type(self.held) is tuple else self.held

    @kept.setter
    def kept(self, value):
        self.held = value

    @property
    def where(self) -> str | None:
        """The user's file and line that made this node."""
        return shown(self.place)

    def __repr__(self):
        name = "leaf" if self.op is None else self.op.name
        return f"<node %{self.slot} {name} {self.dtype}{list(self.shape)}>"


class _Recording(threading.local):
    """What is recorded now, in this thread."""

    def __init__(self):
        self.on, self.depth, self.tapes = True, 0, []
        self.anomaly = self.anomaly_forward = None
        self.recorder = None  # who notes the launches of a program, which are not run then


recording = _Recording()


class no_grad:  # noqa: N801 - used like a statement
    """Context (or decorator) in which nothing is recorded.

    >>> with no_grad():
    ...     pass
    """

    state = False

    def __init__(self):
        self.before = []

    def __enter__(self):
        self.before.append(recording.on)
        recording.on = self.state
        return self

    def __exit__(self, *error):
        recording.on = self.before.pop()

    def __call__(self, fn):
        import functools

        @functools.wraps(fn)
        def wrapped(*args, **kwargs):
            with type(self)():
                return fn(*args, **kwargs)

        return wrapped


class enable_grad(no_grad):  # noqa: N801
    """Context (or decorator) that records again inside of `no_grad`.

    >>> with no_grad(), enable_grad():
    ...     recording.on
    True
    """

    state = True


def reachable(roots, since=-1) -> list:
    """Return the nodes that the values of `roots` were made from, in the order of the tape.

    Nodes older than slot `since` are taken in, but not passed.
    """
    nodes = list(dict.fromkeys([r for r in roots if r is not None]))
    Node.reach(nodes, since, object())
    nodes.sort(key=_slot_of)
    return nodes


def _reach(nodes, since, mark):
    """Append to `nodes` what they were made from, each once; `mark` is an object that no other walk has."""
    for node in nodes:
        node.mark = mark
    for node in nodes:  # it grows while it is walked
        for n in node.inputs if node.slot >= since else ():
            if n is not None and getattr(n, "mark", None) is not mark:
                n.mark = mark
                nodes.append(n)


_slot_of = operator.attrgetter("slot")
Node.reach = staticmethod(_reach)
