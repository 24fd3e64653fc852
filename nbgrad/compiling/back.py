"""Gradients through a compiled function that is called from outside: its backward is a second program.

It is recorded right behind the forward, and reads values that the forward made: those are handed over in new arrays.
"""

import numpy as np

from ..base.errors import GradientError, problem
from ..base.memory import standing_in
from ..eager import COPY, record_custom
from ..history import newest_node, node_of
from ..ops.table import Op
from ..plan.calls import HELD, MADE, Ref
from ..plan.whole import plan_record
from ..tape.adjoint import pull_back
from ..tape.tape import FREED, recording
from ..target.program import maker_of, program
from ..target.run import run_map
from ..tensor import Tensor, filled_like, writes, written
from ..transform import recorded
from .again import on_tape
from .making import Makers


class Back:
    """The backward of a record.

    Attributes
    ----------
    first : int
        Number of its first call among those of the recorder.
    outs : list of int
        Which of the results have a gradient.
    wanted : list of (int or Node)
        Where gradients go: numbers of arguments, leaves that the function captured.
    grads : list of Ref
        The gradients, in this order.
    """

    def __init__(self, first, outs, wanted, grads):
        self.first, self.outs, self.wanted, self.grads = first, outs, wanted, grads

    @classmethod
    def of(cls, recorder, flat, stand_ins):
        """Record the backward of the results `flat`; None when no gradient flows through them to anything outside."""
        nodes = {i: newest_node(t) for i, t in enumerate(flat) if isinstance(t, Tensor) and t.size}
        nodes = {i: n for i, n in nodes.items() if n is not None and n.op is not None and n.held is not FREED}
        if not recording.on or not nodes:
            return None
        recorder.part += 1
        like = lambda t: standing_in(t.data, np.empty(t.shape, t.dtype))
        first, seeds = len(recorder.calls), [Tensor._make(recorder.argument(like(flat[i])), None) for i in nodes]
        try:
            with recorded(False):
                found = pull_back(list(nodes.values()), seeds)
        except GradientError as error:
            return Refused(recorder, first, list(nodes), error)
        numbers = {t.node: i for i, t in stand_ins if t.node is not None}
        held = {t.node for t, _ in recorder.tensors.values() if t.node is not None and t.node.op is None}
        ends = [(numbers.get(n, n), recorder.ref(g.data)) for n, g in found.items() if g.size and (n in numbers or n in held)]
        return cls(first, list(nodes), [w for w, _ in ends], [g for _, g in ends]) if ends else None

    def reads(self, recorder) -> list:
        """Return refs to all of the values of the forward that the backward reads."""
        made = {w.slot for c in recorder.calls[: self.first] for w in c.writes if recorder.kinds[w.slot] == MADE}
        read = [r.slot for c in recorder.calls[self.first :] for r in c.reads] + [g.slot for g in self.grads]
        return [recorder.whole(s) for s in dict.fromkeys(read) if s in made]

    def load(self, recorder, given, outside, captured, number):
        """Plan the program; it is given what the forward was, then the gradients of the results."""
        kinds, made = recorder.kinds, list(dict.fromkeys(g.slot for g in self.grads if recorder.kinds[g.slot] == MADE))
        made = [s for s in made if s not in given]
        given = [*given, *recorder.argument_slots[-len(self.outs) :], *made]
        schedule = plan_record(recorder.record(self.grads, self.first), given, outside, device=number is not None)
        self.program = program(schedule, given, number)
        self.fresh = [maker_of(a.shape, a.dtype, number) for a in map(recorder.roots.__getitem__, made)]
        makers = Makers(recorder, given, number)
        self.makers = [makers.of(g) for g in self.grads]
        read = {r.slot for c in recorder.calls[self.first :] for r in c.reads if kinds[r.slot] == HELD}
        self.watched = [c.tensor for c in captured if recorder.find(c.array) in read]
        self.read = {r.slot for c in recorder.calls[self.first :] for r in c.reads}

    def attach(self, run, made, tensors, given) -> list:
        """Put the call on the tape: return the results `made` with history."""
        nodes = [w if not isinstance(w, int) else node_of(tensors[w]) for w in self.wanted]
        call = Call(self, run, tensors, nodes, given, [written(t) for t in self.watched])
        outs = record_custom(_COMPILED, nodes, [made[i].data for i in self.outs], {"call": call})
        for i, t in zip(self.outs, outs):
            made[i] = t
        counters = [writes(t) for t, r in zip(made, run.results) if isinstance(r, Ref) and r.slot in self.read]
        call.results = [(counter, counter[0]) for counter in counters]
        return made


class Refused:
    """Results whose gradient cannot be given: who asks for it is told why."""

    def __init__(self, recorder, first, outs, error):
        del recorder.calls[first:]
        self.first, self.outs, self.error = first, outs, (type(error), error.args)  # a traceback would hold the values
        self.leaves = [t.node for t, _ in recorder.tensors.values() if t.node is not None and t.node.op is None]

    def reads(self, recorder) -> list:
        return []

    def load(self, recorder, given, outside, captured, number):
        pass

    def attach(self, run, made, tensors, given) -> list:
        """Return the results with history that raises."""
        nodes = [*map(node_of, tensors), *self.leaves]
        outs = record_custom(_REFUSED, nodes, [made[i].data for i in self.outs], {"error": self.error})
        for i, t in zip(self.outs, outs):
            made[i] = t
        return made


class Call:
    """One call whose gradient may be asked for: what its backward needs."""

    def __init__(self, back, run, tensors, nodes, given, versions):
        self.back, self.run, self.tensors, self.nodes, self.given, self.versions = back, run, tensors, nodes, given, versions
        self.seen, self.results = [written(t) for t in tensors], []

    def pull(self, seeds):
        """Return the gradients of the nodes, given those of the results."""
        back = self.back
        self._check()
        arrays = [*self.given, *[s.data if s.data.flags.c_contiguous else run_map(COPY, (s.data,), s.shape, s.dtype) for s in seeds]]
        arrays += [make() for make in back.fresh]
        stopped = back.program.run(arrays, self)
        if stopped is not None:
            self.stopped(back.program, stopped, arrays)
        found = [m.tensor(arrays) for m in back.makers]
        return on_tape(found, self.nodes, seeds, self.again)

    def take_back(self):
        """Nothing was told to the backward alone."""

    def stopped(self, program, stop, given):
        """Raise what a stop says, as `Run.stopped`."""
        self.run.stopped(program, stop, given)

    def _check(self):
        for t, before in [*zip(self.back.watched, self.versions), *zip(self.tensors, self.seen)]:
            if written(t) != before:
                what = f"a compiled function: its backward reads a tensor of shape {t.shape} that was written in place since the call"
                raise problem(GradientError, what, "write to a copy, or take the gradient inside of the compiled function")
        if any(counter[0] != before for counter, before in self.results):
            what = "a compiled function: its backward reads one of its results, which was written in place since the call"
            raise problem(GradientError, what, "write to a copy (x.copy())")

    def again(self):
        """Return the results that have a gradient, by the function itself, op by op."""
        outs = self.run.again(self.tensors)
        return [outs[i] for i in self.back.outs]


def _pull(node, g):
    call = node.kept["call"]
    outs = call.back.outs
    seeds = [g] if len(outs) == 1 else [g.get(i) for i in range(len(outs))]
    shapes = call.run.shapes
    like = next(s for s in seeds if s is not None)
    return call.pull([filled_like(like, 0, shapes[i].shape, shapes[i].dtype) if s is None else s for i, s in zip(outs, seeds)])


def _refuse(node, g):
    kind, args = node.kept["error"]
    raise kind(*args)


_REFUSED = Op("compiled", "custom", ("*args",), pull=_refuse)
_COMPILED = Op("compiled", "custom", ("*args",), pull=_pull)
