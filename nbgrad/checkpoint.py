"""Compute again instead of keep: memory for time."""

import contextlib
import functools
import weakref

import numpy as np

from . import random
from .base import tree
from .base.errors import GradientError, problem
from .eager import ITEM, owned, record_custom
from .history import Kept, newest_node
from .ops.joining import concatenate
from .ops.movement import expand_dims
from .ops.table import Op
from .tape.adjoint import pull_back
from .tape.tape import Node, enable_grad, next_slot, no_grad, reachable, recording
from .tensor import Tensor, writes
from .transform import outputs, zeros_of

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
        given += [k for n in reachable(roots, since) if n.slot >= since for k in _kept(n) if k.node is None or k.node.slot < since]
        watched = list({(id(w.version), w.seen): w for w in map(Watched.of, given) if w.alive()}.values())

        def again(node, g):
            for w in watched:
                w.check(node)
            return _recompute(f, args, kwargs, state, ends, g if isinstance(g, dict) else {0: g})

        inputs = [k.data if isinstance(k, Kept) else k.root() for k in given]
        inputs = [a for a in inputs if a is not None]
        outs = record_custom(_CHECKPOINT, ends, [v.data for v in values], {"again": again, "given": watched}, inputs=inputs)
        return tree.unflatten(structure, outs)

    return wrapped


class Watched:
    """Memory that a second run reads again: whether it was written since, as long as somebody has it."""

    __slots__ = ("node", "own", "root", "seen", "shape", "version")

    def __init__(self, kept):
        root = kept.data
        while isinstance(root.base, np.ndarray):
            root = root.base
        self.root, self.node, self.own = weakref.ref(root), kept.node, False
        self.version, self.seen, self.shape = kept.version, kept.seen, kept.data.shape

    @classmethod
    def of(cls, kept):
        return kept if type(kept) is cls else cls(kept)

    def alive(self) -> bool:
        return self.root() is not None

    def check(self, owner):
        """Raise GradientError when the memory was written since, and so `owner` cannot run again."""
        if self.version[0] != self.seen:
            what = f"{owner.op.name}: its backward reads an argument of shape {self.shape}, which was written in place "
            what += f"{self.version[0] - self.seen} time(s) after it was recorded"
            raise problem(GradientError, what, "write to a copy (x.copy()), or write before it is used", owner.where)


def _kept(node):
    """Return what a node keeps of values that others can write, its own result left out."""
    kept = node.kept if isinstance(node.kept, dict) else {}
    return [*kept.get("given", ()), *[k for k in kept.values() if isinstance(k, Kept) and not k.own]]


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


def looped(step, numbers, carry, rows, more=None):
    """Run `carry, y = step(i, carry, [r[i] for r in rows])` for each `i` of `numbers`, as long as `more(carry)`.

    All is recorded as it comes. Returns the last carry, and for each step its list `y`, with a first axis of length 1.
    """
    out = []
    for i in numbers:
        if more is not None and not more(carry):
            break
        carry, y = step(i, carry, [r[i] for r in rows])
        out.append([expand_dims(v, 0) for v in y])  # here, so that gradients meet in the order of the steps
    return carry, out


def joined(steps, flipped=False):
    """Return the arrays of steps (a list of them for each step) one after the other, from the last when `flipped`."""
    return [_in_line(list(column)[:: -1 if flipped else 1]) for column in zip(*steps)]


def _in_line(rows):
    while len(rows) > 1:
        rows = [concatenate(rows[k : k + 256]) for k in range(0, len(rows), 256)]
    return rows[0]


def unstack(x):
    """Return the parts of `x` along its first axis, as views; their gradients meet in one array."""
    node = newest_node(x)
    with no_grad():
        parts = [x[i] for i in range(x.shape[0])]
    if not recording.on or node is None or not parts:
        return parts
    whole = Node(_UNSTACK, (node,), {}, None, None, (x.shape,), {})
    items = [Node(ITEM, (whole,), {"index": i}, p.shape, p.dtype, (None,), {}) for i, p in enumerate(parts)]
    return [Tensor._make(p.data, item, x) for p, item in zip(parts, items)]


def _stacked(parts, count):
    """Return gradients by number, zero where there is none, as one array."""
    like = next(iter(parts.values()))
    return _in_line([expand_dims(parts[i] if i in parts else zeros_of(like), 0) for i in range(count)])


_UNSTACK = Op("unstack", "custom", ("x",), pull=lambda node, g: [_stacked(g, node.shapes[0][0])])
_LOOP = Op("loop", "custom", ("*xs",), pull=lambda node, g: node.kept["loop"].pull(node, g if isinstance(g, dict) else {0: g}))


class CheckpointedLoop:
    """A loop as `looped`, of which only the start is kept: the backward comes to each step by bisection.

    To go back through n steps it runs the first half of them again without a record, goes back through the second half,
    and then through the first, each in the same way. So no more than log2(n) carries are held at a time, and each step
    is computed about log2(n) / 2 + 2 times. Where the backward itself is recorded (gradients of gradients), the steps
    are recorded as without checkpoints.

    Attributes
    ----------
    start : list of Kept
        Carry and arrays of rows as they were.
    captured : list of Node
        What else the steps read that a gradient flows to.
    """

    def __init__(self, step, numbers, carry, xs, more=None):
        self.step, self.numbers, self.count = step, numbers, len(carry)
        self.start, self.state = [Kept(t, newest_node(t)) for t in (*carry, *xs)], random.get_state()
        self.wanting = {k for k, kept in enumerate(self.start) if kept.node is not None}
        self.captured, self.watched = {}, {}
        with _unlisted():
            self.out = self._forward(carry, xs, more)

    def _forward(self, carry, xs, more):
        """Run all steps, each on a piece of tape of its own that is let go; return the carry and the joined results."""
        done, out = 0, []
        carry = [(t, newest_node(t) is not None) for t in carry]
        for i in self.numbers:
            if more is not None and not more([t for t, _ in carry]):
                break
            since = next_slot()
            given = [_leaf(t) if wanted else t.detach() for t, wanted in carry]
            new, y = self.step(i, given, self._row(xs, i))
            roots = [newest_node(v) for v in (*new, *y)]
            self._look([n for n in roots if n is not None], since)
            carry = [(v.detach(), n is not None) for v, n in zip(new, roots)]
            self.wanting.update(k for k, (_, wanted) in enumerate(carry) if wanted)
            out.append([expand_dims(v.detach(), 0) for v in y])
            done += 1
            del given, new, y, roots
        self.numbers = self.numbers[:done]
        return [t for t, _ in carry], joined(out, self.flipped)

    @property
    def flipped(self):
        return isinstance(self.numbers, range) and self.numbers.step < 0

    def _row(self, xs, i):
        """Return part `i` of each array of rows, as the start of a tape where a gradient of it is wanted."""
        with no_grad():
            parts = [x[i] for x in xs]
        return [_leaf(p) if self.count + k in self.wanting else p for k, p in enumerate(parts)]

    def _look(self, roots, since):
        """Note what a step read that was there before it."""
        for node in reachable(roots, since):
            if node.slot < since:
                self.captured[node] = None
                continue
            for kept in _kept(node):
                if kept.node is None or kept.node.slot < since:
                    self.watched[id(kept.version)] = Watched.of(kept)
        self.watched = {k: w for k, w in self.watched.items() if w.alive()}

    def recorded(self):
        """Return the carry and the joined results, as tensors that one node on the tape made."""
        carry, ys = self.out
        del self.out
        inputs = [k.data for k in self.start]
        self.inputs = list(dict.fromkeys([k.node for k in self.start if k.node is not None] + list(self.captured)))
        with no_grad():
            values = owned([*carry, *ys], self.start)
        kept = {"loop": self, "given": [*map(Watched.of, self.start), *self.watched.values()]}
        outs = record_custom(_LOOP, self.inputs, [v.data for v in values], kept, inputs=inputs)
        return outs[: self.count], outs[self.count :]

    # -- backwards

    def pull(self, node, gs):
        """Return the gradient of each input of the node, given those of its results by number."""
        start = [k.value(node, "an argument") for k in self.start]
        for watched in self.watched.values():
            watched.check(node)
        carry, xs = start[: self.count], start[self.count :]
        now = random.get_state()
        random.set_state(self.state)
        try:
            found = self._recorded_again(carry, xs, gs) if recording.on else self._bisected(carry, xs, gs)
        finally:
            random.set_state(now)
        return [found.get(n) for n in self.inputs]

    def _recorded_again(self, carry, xs, gs):
        since = next_slot()
        carry, out = looped(self.step, self.numbers, carry, [unstack(x) for x in xs])
        nodes = [newest_node(v) for v in (*carry, *joined(out, self.flipped))]
        pairs = [(nodes[k], g) for k, g in gs.items() if nodes[k] is not None]
        return pull_back([n for n, _ in pairs], [g for _, g in pairs], self.inputs, keep=True, since=since)

    def _bisected(self, carry, xs, gs):
        self.xs, self.totals, self.parts = xs, {}, [{} for _ in xs]
        self.ys = {k - self.count: g for k, g in gs.items() if k >= self.count}
        try:
            firsts = self._back(0, len(self.numbers), carry, [gs.get(k) for k in range(self.count)])
            found = dict(self.totals)
            joint = [_stacked(p, x.shape[0]) if p else None for p, x in zip(self.parts, xs)]
            for kept, g in zip(self.start, [*firsts, *joint]):
                if kept.node is not None and g is not None:
                    found[kept.node] = g if kept.node not in found else found[kept.node] + g
            return found
        finally:
            del self.xs, self.totals, self.parts, self.ys

    def _back(self, low, high, carry, gs):
        """Take the gradients of the carry after the steps low ... high - 1 to the carry before them."""
        if high - low < 2:
            return self._through(low, carry, gs) if high > low else gs
        state, middle = random.get_state(), (low + high) // 2
        between = carry
        for i in self.numbers[low:middle]:
            between, _ = self.step(i, between, [x[i] for x in self.xs])
        between = [between]
        gs = self._back(middle, high, between.pop(), gs)
        random.set_state(state)
        return self._back(low, middle, carry, gs)

    def _through(self, at, carry, gs):
        """Run one step on the tape and go back through it."""
        i, since = self.numbers[at], next_slot()
        given = [_leaf(t) if k in self.wanting else t for k, t in enumerate(carry)]
        row = self._row(self.xs, i)
        with enable_grad(), _unlisted():
            new, y = self.step(i, given, row)
        seeds = [*self.totals.items()]  # sums go on where the later steps left them
        seeds += [(newest_node(v), g) for v, g in zip(new, gs) if g is not None]
        seeds += [(newest_node(y[k]), g[i]) for k, g in self.ys.items()]
        seeds = [(n, g) for n, g in seeds if n is not None]
        ends = [t.node for t in (*given, *row) if t.node is not None]
        found = pull_back([n for n, _ in seeds], [g for _, g in seeds], [*ends, *self.captured], since=since)
        self.totals = {n: found[n] for n in self.captured if n in found}
        for part, t in zip(self.parts, row):
            if t.node in found:
                part[i] = found[t.node]
        return [found.get(t.node) for t in given]


@contextlib.contextmanager
def _unlisted():
    """Let no open `Tape` list what is recorded inside of the block: it would hold it."""
    tapes, recording.tapes = recording.tapes, []
    try:
        yield
    finally:
        recording.tapes = tapes


def _leaf(t):
    """Return the memory of a tensor as the start of a tape."""
    node = Node(None, (), {}, t.shape, t.dtype) if t.dtype.kind == "f" else None
    return Tensor._make(t.data, node, version=writes(t))
