"""Scans of a program that is recorded: the body is recorded once, planned, and looped natively.

A scan is one call forward and one backward. The carries of all turns lie in one array, as does each value of a turn that
its backward reads; with checkpoints, only the first carries are kept.
"""

import numpy as np

from ..eager import COPY, record_custom
from ..history import node_of
from ..ops.table import Op
from ..tape.tape import recording
from ..tensor import Tensor
from .again import on_tape
from .recorded_body import Memory, RecordedBody, gradients_of, packed
from .recorded_reversal import check_again, note_reversal

SCAN, SCAN_BACK = Op("scan", "custom", ("*args",)), Op("scan_back", "custom", ("*args",))


class RecordedScan:
    """One scan of a recorded program: flat lists of tensors `init` and `xs`, `f(carries, slices) -> (carries, ys)`.

    `again()` runs it op by op, for gradients of gradients; it returns carries and ys.
    """

    def __init__(self, f, init, xs, length, reverse, checkpoint, again):
        self.init, self.xs, self.length, self.reverse, self.again = init, xs, length, reverse, again
        self.outer = recording.recorder
        self.body = RecordedBody(f, [t.data for t in init], [x.data[0, ...] for x in xs], recording.on)
        self.nodes = [*map(node_of, (*init, *xs)), *self.body.ends]
        self.wanted = recording.on and any(n is not None for n in self.nodes)
        self.checkpoint = checkpoint and self.wanted
        self.body.watch(self.body.slices, xs)

    def run(self):
        """Note the forward; return (carries, ys)."""
        body = self.body
        self.ys = [body.made(a, (self.length, *a.shape)) for a in body.ys]
        out = self._stacked() if self.wanted and not self.checkpoint else self._in_place()
        if self.wanted:
            made = record_custom(_SCANNED, self.nodes, [*out, *self.ys], {"scan": self})
        else:
            made = [Tensor._make(a, None) for a in (*out, *self.ys)]
        return made[: len(out)], made[len(out) :]

    def _copies(self, tensors) -> list:
        """Note copies of carries; return their arrays."""
        made = [self.body.made(a) for a in self.body.carries]
        for a, source in zip(made, tensors):
            self.outer.note(COPY, {}, [source], [a])
        return made

    def _given(self) -> Memory:
        """Return memory of the body with the parts of `xs`, and what it reads from outside."""
        memory = Memory(self.body.inner)
        memory.stack(self.body.slices, [x.data for x in self.xs])
        memory.hold(self.body)
        return memory

    def _in_place(self) -> list:
        """Note the loop over carries that every turn changes; return their arrays."""
        body, memory = self.body, self._given()
        self.first = self._copies([t.data for t in self.init]) if self.checkpoint else None
        out, reads = self._copies(self.first or [t.data for t in self.init]), len(memory.slots)
        for s, a in zip(body.carries, out):
            memory.give(s, a, 0)
        memory.stack(body.ys, self.ys)
        memory.note(SCAN, body, body.ys, body.in_place(), self.length, self.reverse, reads)
        return out

    def _stacked(self) -> list:
        """Note the loop that keeps the carries of all turns, and what their backward reads; return the last carries."""
        body, outer, memory = self.body, self.outer, self._given()
        reads, roots = len(memory.slots), body.inner.roots
        self.carries = [body.made(a, (self.length + 1, *a.shape)) for a in body.carries]
        first, last = (-1, 0) if self.reverse else (0, -1)
        for stack, t in zip(self.carries, self.init):
            outer.note(COPY, {}, [t.data], [stack[first, ...]])
        self._stack_carries(memory)
        memory.stack(body.ys, self.ys)
        self.handed = [s for s in body.handed() if s not in memory.slots]
        self.kept = [body.made(roots[s], (self.length, *roots[s].shape)) for s in self.handed]
        memory.stack(self.handed, self.kept)
        memory.note(SCAN, body, [*body.ys, *body.outs, *self.handed], body.forward, self.length, self.reverse, reads)
        return self._copies([stack[last, ...] for stack in self.carries])

    def _stack_carries(self, memory):
        """Give each turn its carry and a place for the next one, neighbours in one array."""
        before, behind = (slice(1, None), slice(None)) if self.reverse else (slice(None), slice(1, None))
        memory.stack(self.body.carries, [a[before] for a in self.carries])
        memory.stack(self.body.outs, [a[behind] for a in self.carries])

    def pull(self, nodes, gradients):
        """Note the backward, given the gradients of carries and ys (None for zero); return those of the inputs."""
        body, n = self.body, len(self.init)
        if self.checkpoint:
            check_again("scan", body)
        else:
            body.check("scan", body.backward)
        memory, (g_carries, sums) = self._given(), body.gradients(gradients)
        if not self.checkpoint:
            self._stack_carries(memory)
            memory.stack(body.ys, self.ys)
            memory.stack(self.handed, self.kept)
        for s, a, g in zip(body.g_ys, self.ys, gradients[n:]):
            memory.give(s, np.zeros(a.shape[1:], a.dtype) if g is None else packed(g).data, 0 if g is None else a.strides[0])
        reads, live = len(memory.slots), [g for g in body.g_slices if g is not None]
        g_xs = [body.made(a, (self.length, *a.shape)) for a in live]
        for s, a in zip((*body.g_carries, *body.sums), (*g_carries, *sums)):
            memory.give(s, a, 0)
        memory.stack(live, g_xs)
        if self.checkpoint:
            note_reversal(SCAN_BACK, body, self.first, self.length, self.reverse, (self._given(), memory), live, reads)
        else:
            memory.note(SCAN_BACK, body, live, body.backward, self.length, not self.reverse, reads)
        stacks = iter(g_xs)
        found = [*g_carries, *[None if g is None else next(stacks) for g in body.g_slices], *sums]
        found = [None if a is None or a.dtype.kind != "f" else Tensor._make(a, None) for a in found]
        return on_tape([g if n is not None else None for n, g in zip(nodes, found)], nodes, gradients, self.again)


_SCANNED = Op("scan", "custom", ("*args",), pull=lambda node, g: node.kept["scan"].pull(
    node.inputs, gradients_of(g, len(node.kept["scan"].init) + len(node.kept["scan"].ys))))  # fmt: skip
