"""`while_loop` in a program that is recorded: condition and body are two tables, walked until the condition is false.

How many turns there will be is not known before: what the backward reads of them is kept in a store that grows. Gradients
of gradients are those of the tangents, which a second loop carries beside the values.
"""

import numpy as np

from ..eager import COPY, record_custom
from ..history import newest_node, node_of
from ..ops.table import Op
from ..plan.calls import Pointer, While
from ..tape.tape import next_slot, recording
from ..tensor import Tensor
from ..transform import fresh, push, recorded, zeros_of
from .again import on_tape
from .recorded_body import Memory, RecordedBody, gradients_of, note_inner
from .recorded_reversal import check_again, note_reversal, spaced

WHILE, WHILE_BACK = Op("while_loop", "custom", ("*args",)), Op("while_loop_back", "custom", ("*args",))


class RecordedWhile:
    """`while_loop` in a recorded program; where gradients are wanted, what its turns make is kept in a store that grows.

    With `checkpoint` only the first carries are kept, and how many turns there were.
    """

    def __init__(self, test, f, init, checkpoint):
        self.init, self.outer, self.functions = init, recording.recorder, (test, f)
        arrays = [t.data for t in init]
        self.test = RecordedBody(lambda c, _: ([], [test(c)]), arrays, [], False)
        self.body = RecordedBody(lambda c, _: (f(c), []), arrays, [], recording.on)
        self.nodes = [*map(node_of, init), *self.body.ends]
        self.wanted = recording.on and any(n is not None for n in self.nodes)
        self.checkpoint = checkpoint and self.wanted
        self.key = f"store {next_slot()}"

    def run(self) -> list:
        """Note the forward; return the carries behind the last turn."""
        body = self.body
        self.part, self.first = self.outer.part, self._copies([t.data for t in self.init])
        self.stored = self.wanted and not self.checkpoint
        self.handed = [s for s in body.handed() if s not in map(body.inner.slot, body.outs)] if self.stored else []
        self.offsets = spaced([*[a.nbytes for a in body.carries], *[body.inner.roots[s].nbytes for s in self.handed]])
        return self._results(self._forward())

    def _copies(self, arrays) -> list:
        """Note copies of carries; return their arrays."""
        made = [self.body.made(a) for a in self.body.carries]
        for a, source in zip(made, arrays):
            self.outer.note(COPY, {}, [source], [a])
        return made

    def _forward(self) -> list:
        """Note the loop itself; return the arrays of the carries behind its last turn."""
        outer, body, test, first = self.outer, self.body, self.test, self.first
        memories, per_turn = [Memory(test.inner), Memory(body.inner)], self.offsets[-1]
        for memory, made in zip(memories, (test, body)):
            memory.hold(made)
        if self.stored:
            for s, offset in zip(test.carries, self.offsets):
                memories[0].store(s, self.key, offset, per_turn)
            self._stored(memories[1])
            last = [body.made(a) for a in first]
        else:
            last = self._copies(first) if self.wanted else first
            for memory, made in zip(memories, (test, body)):
                for s, a in zip(made.carries, last):
                    memory.give(s, a, 0)
        results, calls = ([*self.handed, *body.outs], body.forward) if self.stored else ([], body.in_place())
        loops = [memories[0].loop(test, test.ys, test.forward), memories[1].loop(body, results, calls)]
        arrays = [*memories[0].arrays, *memories[1].arrays]
        at, shift, moved = len(arrays), len(memories[0].arrays), first if self.stored else []
        carries = tuple((at + i, at + len(moved) + i, a.nbytes, self.offsets[i]) for i, a in enumerate(moved))
        flag, key = test.inner.slot(test.ys[0]), self.key if self.stored else None
        self.turns = outer.made((1,), np.int64, body.like)
        arrays += [*moved, *last, self.turns]
        kernel = While(loops[0], loops[1]._replace(first=shift), flag, Pointer(len(arrays) - 1), key, per_turn, carries)
        note_inner(WHILE, kernel, arrays, [*last, self.turns], [test, body])
        return last

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
        if not self.wanted:
            return [Tensor._make(a, None) for a in out]
        return record_custom(_REPEATED, self.nodes, out, {"while": self})

    def pull(self, nodes, gradients):
        """Note the backward; return the gradients of the carries and of what the body reads from outside."""
        body, memory = self.body, Memory(self.body.inner)
        if self.checkpoint:
            check_again("while_loop", body)
        else:
            self._keep()
        g_carries, sums = body.gradients(gradients)
        memory.hold(body)
        if not self.checkpoint:
            self._stored(memory)
        reads = len(memory.slots)
        for s, a in zip((*body.g_carries, *body.sums), (*g_carries, *sums)):
            memory.give(s, a, 0)
        if self.checkpoint:
            again = Memory(body.inner)
            again.hold(body)
            note_reversal(WHILE_BACK, body, self.first, self.turns, False, (again, memory), [], reads)
        else:
            memory.note(WHILE_BACK, body, [], body.backward, self.turns, True, reads)
        found = [None if n is None or a.dtype.kind != "f" else Tensor._make(a, None) for n, a in zip(nodes, (*g_carries, *sums))]
        return on_tape(found, nodes, gradients, along=self.along)

    def _keep(self):
        """See to it that the store holds what the backward reads."""
        self.body.check("while_loop", self.body.backward)
        if self.outer.part != self.part:  # another program, whose stores are others: the turns are made once more
            for made in (self.test, self.body):
                made.check("while_loop", made.forward)
            self.part = self.outer.part
            self._forward()

    def along(self, tangents):
        """Return the tangents of the carries behind the last turn: of a loop that carries them beside the values.

        `tangents` are by the node of what the loop began with, or read from outside.
        """
        test, f = self.functions
        for made in (self.test, self.body):
            made.check("while_loop", made.forward)
        init = [Tensor._make(a, node_of(t)) for a, t in zip(self.first, self.init)]
        floats = [i for i, t in enumerate(init) if t.dtype.kind == "f"]
        given = [tangents.get(init[i].node) for i in floats]
        outside = {n: tangents[n] for n in self.body.ends if n in tangents}
        start = [*init, *[zeros_of(init[i]) if t is None else t for i, t in zip(floats, given)]]
        n = len(init)
        step = lambda c: with_tangents(f, c[:n], dict(zip(floats, c[n:])), outside)
        out = RecordedWhile(lambda c: test(c[:n]), step, start, self.checkpoint).run()
        found = dict(zip(floats, out[n:]))
        return [found.get(i) for i in range(n)]


def with_tangents(f, carries, tangents, outside):
    """Return what `f` makes of carries, then the tangents of its floats: of carries by number, and from outside by node."""
    since, given = next_slot(), dict(outside)
    carries = [fresh(t, "while_loop") if t.dtype.kind == "f" else t for t in carries]
    given.update({carries[i].node: t for i, t in tangents.items()})
    with recorded(True, deeper=1):
        outs = f(carries)
    roots = [newest_node(t) for t in outs]
    live = [r for r in roots if r is not None]
    found = dict(zip(live, push(live, given, since, recording.on)))
    moved = [(t, found.get(r)) for t, r in zip(outs, roots) if t.dtype.kind == "f"]
    return [*outs, *[zeros_of(t) if by is None else by for t, by in moved]]


_REPEATED = Op("while_loop", "custom", ("*args",), pull=lambda node, g: node.kept["while"].pull(
    node.inputs, gradients_of(g, len(node.kept["while"].init))))  # fmt: skip
