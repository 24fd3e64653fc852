"""`while_loop` in a program that is recorded: condition and body are two tables, walked until the condition is false.

How many turns there will be is not known before: what the backward reads of them is kept in a store that grows.
"""

import numpy as np

from ..base.errors import GradientError, problem
from ..eager import COPY, record_custom
from ..history import node_of
from ..ops.table import Op
from ..plan.calls import While
from ..tape.tape import next_slot, recording
from ..target.cpu.run import run_map
from ..tensor import Tensor
from .again import on_tape
from .recorded_body import Memory, RecordedBody, gradients_of, note_inner

WHILE, WHILE_BACK = Op("while_loop", "custom", ("*args",)), Op("while_loop_back", "custom", ("*args",))


class RecordedWhile:
    """`while_loop` in a recorded program; where gradients are wanted, what its turns make is kept in a store that grows."""

    def __init__(self, test, f, init):
        self.init, self.wanted, self.outer = init, recording.on, recording.recorder
        arrays = [t.data for t in init]
        self.test = RecordedBody(lambda c, _: ([], [test(c)]), arrays, [], False)
        self.body = RecordedBody(lambda c, _: (f(c), []), arrays, [], self.wanted)
        self.key = f"store {next_slot()}"

    def run(self) -> list:
        """Note the forward; return the carries behind the last turn."""
        outer, body = self.outer, self.body
        self.part, self.first = outer.part, [outer.made(a.shape, a.dtype) for a in body.carries]
        for a, t in zip(self.first, self.init):
            outer.note(COPY, {}, [t.data], [a])
        self.handed = [s for s in body.handed() if s not in map(body.inner.slot, body.outs)] if self.wanted else []
        sizes = [*[a.nbytes for a in body.carries], *[body.inner.roots[s].nbytes for s in self.handed]]
        self.offsets = [sum(-(-n // 64) * 64 for n in sizes[:i]) for i in range(len(sizes) + 1)]
        if not self.wanted:
            recording.recorder = body.inner
            for a, out in zip(body.carries, body.outs):
                run_map(COPY, (out,), a.shape, a.dtype, out=a)
            recording.recorder = outer
        return self._results(self._forward())

    def _forward(self) -> list:
        """Note the loop itself; return the arrays of the carries behind its last turn."""
        outer, body, test, first = self.outer, self.body, self.test, self.first
        memories, per_turn = [Memory(test.inner), Memory(body.inner)], self.offsets[-1]
        for memory, made in zip(memories, (test, body)):
            memory.hold(made)
            if not self.wanted:
                for s, a in zip(made.carries, first):
                    memory.give(s, a, 0)
        if self.wanted:
            for s, offset in zip(test.carries, self.offsets):
                memories[0].store(s, self.key, offset, per_turn)
            self._stored(memories[1])
        last = [outer.made(a.shape, a.dtype) for a in first] if self.wanted else []
        results = [*self.handed, *body.outs] if self.wanted else []
        calls = (0, body.first if self.wanted else None)
        loops = [memories[0].loop(test, test.ys, (0, None)), memories[1].loop(body, results, calls)]
        arrays = [*memories[0].arrays, *memories[1].arrays, *first, *last]
        shift = len(memories[0].arrays)
        at = shift + len(memories[1].arrays)
        carries = tuple((at + i, at + len(first) + i, a.nbytes, self.offsets[i]) for i, a in enumerate(first[: len(last)]))
        flag, key = test.inner.slot(test.ys[0]), self.key if self.wanted else None
        kernel = While(loops[0], loops[1]._replace(first=shift), flag, key, per_turn, carries)
        self.filled = outer.made((1,), np.int64)
        note_inner(WHILE, kernel, arrays, [*(last or first), self.filled], [test, body])
        return last or first

    def _stored(self, memory):
        """Give each turn its carries, a place for the next ones, and what its backward reads, in the store."""
        body = self.body
        for s, offset in zip(body.carries, self.offsets):
            memory.store(s, self.key, offset, self.offsets[-1])
        for s, offset in zip(body.outs, self.offsets):
            memory.store(s, self.key, offset + self.offsets[-1], self.offsets[-1])
        for s, offset in zip(self.handed, self.offsets[len(body.carries) :]):
            memory.store(s, self.key, offset, self.offsets[-1])

    def _results(self, out):
        nodes = [node_of(t) for t in self.init] + (self.body.ends if self.wanted else [])
        if not self.wanted or all(n is None for n in nodes):
            return [Tensor._make(a, None) for a in out]
        return record_custom(_REPEATED, nodes, out, {"while": self})

    def pull(self, nodes, gradients):
        """Note the backward; return the gradients of the carries and of what the body reads from outside."""
        body, outer = self.body, self.outer
        body.check("while_loop")
        if outer.part != self.part:  # another program, whose stores are others: the turns are made once more
            for made in (self.test, body):
                made.check("while_loop", 0)
            self.part = outer.part
            self._forward()
        memory, (g_carries, sums) = Memory(body.inner), body.gradients(gradients)
        memory.hold(body)
        self._stored(memory)
        reads = len(memory.slots)
        for s, a in zip((*body.g_carries, *body.sums), (*g_carries, *sums)):
            memory.give(s, a, 0)
        loop = memory.loop(body, [], (body.first, None), self.key, True)
        note_inner(WHILE_BACK, loop, memory.arrays, memory.arrays[reads:], [body], self.filled)
        found = [None if n is None or a.dtype.kind != "f" else Tensor._make(a, None) for n, a in zip(nodes, (*g_carries, *sums))]
        return on_tape(found, nodes, gradients, _not_again)


def _not_again():
    what = "a gradient of a gradient through while_loop inside of a compiled function"
    raise problem(GradientError, what, "scan or fori_loop, or the function without ng.compile")


_REPEATED = Op("while_loop", "custom", ("*args",), pull=lambda node, g: node.kept["while"].pull(
    node.inputs, gradients_of(g, len(node.kept["while"].init))))  # fmt: skip
