"""`cond` in a program that is recorded: both branches are recorded, and a run takes one of them."""

import numpy as np

from ..eager import COPY, record_custom
from ..history import node_of
from ..ops.table import Op
from ..tape.tape import recording
from ..tensor import Tensor
from .again import on_tape
from .recorded_body import Memory, RecordedBody, gradients_of, packed

COND, COND_BACK = Op("cond", "custom", ("*args",)), Op("cond_back", "custom", ("*args",))


class RecordedCond:
    """`cond` in a recorded program: each branch is a loop of one turn or none."""

    def __init__(self, flag, branches, operands, check, again):
        self.operands, self.again, self.wanted, self.outer = operands, again, recording.on, recording.recorder
        yes = flag.astype("int64")
        self.turns = [yes.data, (1 - yes).data]
        arrays = [t.data for t in operands]
        self.bodies = [RecordedBody(lambda _, ops, f=f: ([], f(ops)), [], arrays, self.wanted, self.turns) for f in branches]
        check(*[b.ys for b in self.bodies])
        for body in self.bodies:
            body.watch(body.slices, operands)

    def run(self) -> list:
        """Note the forward of both branches; return the results."""
        outer, first = self.outer, self.bodies[0]
        self.ys = [first.made(a) for a in first.ys]
        for a in self.ys:
            outer.note(COPY, {}, [np.zeros((), a.dtype)], [a])
        self.kept = []
        for body, turns in zip(self.bodies, self.turns):
            memory = self._given(body)
            reads = len(memory.slots)
            for s, a in zip(body.ys, self.ys):
                memory.give(s, a, 0)
            handed = [s for s in body.handed() if s not in memory.slots] if self.wanted else []
            kept = [body.made(body.inner.roots[s]) for s in handed]
            for s, a in zip(handed, kept):
                memory.give(s, a, 0)
            self.kept.append((handed, kept))
            memory.note(COND, body, [*body.ys, *handed], body.forward, turns, False, reads)
        nodes = [*map(node_of, self.operands), *[n for b in self.bodies for n in b.ends]]
        if not self.wanted or all(n is None for n in nodes):
            return [Tensor._make(a, None) for a in self.ys]
        return record_custom(_CHOSEN, nodes, self.ys, {"cond": self})

    def _given(self, body):
        memory = Memory(body.inner)
        for s, t in zip(body.slices, self.operands):
            memory.give(s, t.data, 0)
        memory.hold(body)
        return memory

    def pull(self, nodes, gradients):
        """Note the backward of both branches; return the gradients of the operands and of what they read from outside."""
        for body in self.bodies:
            body.check("cond", body.backward)
        zeros = lambda a: (made := body.made(a), self.outer.note(COPY, {}, [np.zeros((), a.dtype)], [made]))[0]
        of = lambda i: next((b.g_slices[i] for b in self.bodies if b.g_slices[i] is not None), None)
        g_in = [None if of(i) is None else zeros(of(i)) for i in range(len(self.operands))]
        sums = [[zeros(a) for a in b.sums] for b in self.bodies]
        for body, turns, (handed, kept), own in zip(self.bodies, self.turns, self.kept, sums):
            memory = self._given(body)
            for s, a in zip((*body.ys, *handed), (*self.ys, *kept)):
                memory.give(s, a, 0)
            for s, a, g in zip(body.g_ys, self.ys, gradients):
                memory.give(s, np.zeros(a.shape, a.dtype) if g is None else packed(g).data, 0)
            reads = len(memory.slots)
            live = [(s, a) for s, a in zip(body.g_slices, g_in) if s is not None]
            for s, a in (*live, *zip(body.sums, own)):
                memory.give(s, a, 0)
            memory.note(COND_BACK, body, [s for s, _ in live], body.backward, turns, False, reads)
        found = [None if a is None or a.dtype.kind != "f" else Tensor._make(a, None) for a in (*g_in, *sums[0], *sums[1])]
        return on_tape([g if n is not None else None for n, g in zip(nodes, found)], nodes, gradients, self.again)


_CHOSEN = Op("cond", "custom", ("*args",), pull=lambda node, g: node.kept["cond"].pull(
    node.inputs, gradients_of(g, len(node.kept["cond"].ys))))  # fmt: skip
