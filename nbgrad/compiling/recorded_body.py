"""What a loop of a recorded program does in one turn: recorded once, planned, and given its memory anew at each turn.

The forward's calls come first, and behind them those of the backward, which reads what the forward has made. What a turn
reads from outside is given to every turn alike, and its gradient is added up there.
"""

import numpy as np

from ..base.errors import ArgumentError, DeviceError, GradientError, problem
from ..base.memory import first_on_device, number_at, standing_in
from ..eager import COPY, NO_ATTRS, as_tensor, finish, together
from ..history import newest_node
from ..ops.arithmetic import add
from ..plan.calls import ARGUMENT, MADE, Call, Loop, Pointer
from ..plan.multiplying import plan_product, product_call
from ..plan.plan import Plan, Step
from ..plan.recorder import Recorder
from ..plan.whole import plan_record
from ..tape.adjoint import pull_back
from ..tape.tape import Node, next_slot, place, recording
from ..target.run import run_map
from ..tensor import Tensor, written
from ..transform import recorded
from .making import view_at


class RecordedBody:
    """The body of a loop, recorded: its calls forward and, where gradients are wanted, behind them those backward.

    Attributes
    ----------
    carries, slices, outs, ys : list of ndarray
        Stand-ins of what a turn is given, and what it makes.
    forward, backward : list of Call
    ends : list of Node
        What is read from outside that a gradient flows to.
    like : DeviceArray or None
        One of the arrays, or of those `beside` them, that lies on a device.
    """

    def __init__(self, f, carries, slices, wanted, beside=()):
        self.outer, self.inner = recording.recorder, Recorder()
        self.since, self.ends = next_slot(), []
        leaf = lambda t: Node(None, (), NO_ATTRS, t.shape, t.dtype) if wanted and t.dtype.kind == "f" else None
        recording.recorder = self.inner
        try:
            rows = [standing_in(a, np.empty(a.shape, a.dtype)) for a in carries]
            self.ins = [Tensor._make(self.inner.argument(a), None) for a in (*rows, *slices)]
            for t in self.ins:
                t.node = leaf(t)
            n = len(carries)
            with recorded(wanted):
                outs, ys = f(self.ins[:n], self.ins[n:])
                met = first_on_device([*beside, *[t.data for t in self.ins]])
                outs, ys = ([own(t) for t in together([*map(as_tensor, ts)], met)] for ts in (outs, ys))
            self.carries, self.slices = [t.data for t in self.ins[:n]], [t.data for t in self.ins[n:]]
            self.outs, self.ys = [t.data for t in outs], [t.data for t in ys]
            self.like = first_on_device([*beside, *self.carries, *self.slices, *self.outs, *self.ys])
            self._refuse_other_devices()
            first = len(self.inner.calls)
            self.inner.part += 1
            if wanted:
                self._backward(outs, ys)
        finally:
            recording.recorder = self.outer
        self._refuse_steps()
        self._hand_over()
        self.forward, self.backward = self.inner.calls[:first], self.inner.calls[first:]

    def _refuse_other_devices(self):
        """Raise where a carry changes its device from turn to turn."""
        for a, out in zip(self.carries, self.outs):
            if number_at(a) != number_at(out):
                what = f"a carry ({a.dtype}{a.shape}) of a loop is on one device, and what the loop makes of it on another"
                error = problem(DeviceError, what, "x.to(...) before the loop")
                error.array = self.like
                raise error

    def _refuse_steps(self):
        """Raise for what Python would do anew at every turn, and the record does once."""
        drawn = any(type(number) is tuple for number, _ in self.inner.told)
        if not drawn and not self.inner.sources:
            return
        self.inner.undo()
        if drawn:
            what = "random numbers are drawn inside of a scan or loop of a compiled function: every turn would draw the same"
            raise problem(ArgumentError, what, "draw them before, and pass them as xs")
        what = "an optimizer takes a step inside of a scan or loop of a compiled function: every turn would be the same step"
        raise problem(ArgumentError, what, "a loop of Python, or the step outside of the loop")

    def _backward(self, outs, ys):
        """Record the gradients of one turn: of the carries in place, of the slices, and of what was read from outside."""
        roots = [(newest_node(t), t) for t in (*outs, *ys)]
        self.g_carries = [self.inner.argument(a) for a in self.outs]
        self.g_ys = [self.inner.argument(a) for a in self.ys]
        seeds = [Tensor._make(a, None) for a in (*self.g_carries, *self.g_ys)]
        pairs = [(n, s) for (n, _), s in zip(roots, seeds) if n is not None and s.dtype.kind == "f"]
        with recorded(False):
            found = pull_back([n for n, _ in pairs], [s for _, s in pairs], since=self.since)
            inputs = [t.node for t in self.ins]
            n = len(self.carries)
            of = lambda t: found.get(t.node) if t.node is not None else None
            g_ins = [own(g) if g is not None else None for g in map(of, self.ins)]
            self.g_slices = [None if g is None else g.data for g in g_ins[n:]]
            ends = [(node, g) for node, g in found.items() if node not in inputs]
            self.ends = [node for node, _ in ends]
            self.sums = [self.inner.argument(standing_in(g.data, np.empty(g.shape, g.dtype))) for _, g in ends]  # in rows, however g lies
            for a, (_, g) in zip(self.sums, ends):
                run_map(add, (a, g.data), a.shape, a.dtype, out=a)
            for a, g in zip(self.g_carries, g_ins[:n]):
                source = g.data if g is not None else standing_in(a, np.zeros((), a.dtype))
                run_map(COPY, (source,), a.shape, a.dtype, out=a)

    def _hand_over(self):
        """Tell the outer recorder what the body reads of others."""
        inner, outer = self.inner, self.outer
        met = [t for t, _ in inner.tensors.values()]
        outer.meet(met)
        inner.tensors = {}
        for name in ("told", "looks", "seen", "watched"):
            getattr(outer, name).extend(getattr(inner, name))
        for _, a in inner.told:
            outer.hold_told(a)
        outer.devices |= inner.devices
        kinds = inner.kinds
        outside = inner.outside()
        self.outside = outside
        self.held = [i for i, k in enumerate(kinds) if k not in (MADE, ARGUMENT) and (i in outside or i in inner.written)]
        for i in self.held:
            slot = outer.slot(inner.roots[i])
            if i in inner.remote:
                outer.remote.add(slot)
        self.watched = [(t, s, written(t)) for t in met if (s := inner.slot(t.data)) in self.held]
        if self.like is None:
            self._hoist()

    def _hoist(self):
        """Turn right factors that no turn changes before the first one: products read their rows, not their columns."""
        inner, outer, made = self.inner, self.outer, {}
        for number, call in enumerate(inner.calls):
            name = getattr(call.op, "name", None) if isinstance(call, Call) and call.plan is not None else None
            r = call.reads[1] if name in ("matmul", "linear") else None
            if r is None or r.slot not in self.held or r.slot in inner.written or r.layout.ndim != 2 or not call.plan.steps:
                continue
            turned = name == "linear"
            k_n = r.layout.strides[::-1] if turned else r.layout.strides
            if k_n[0] != 1 or 1 in r.layout.shape:
                continue
            if (r, turned) not in made:
                view = view_at(inner.roots[r.slot], r)
                view = view.T if turned else view
                a = outer.made(view.shape, view.dtype)
                outer.note(COPY, {}, [view], [a])
                made[r, turned] = inner.ref(a.T if turned else a)
                self.held.append(made[r, turned].slot)
                self.outside.add(made[r, turned].slot)
            reads = (call.reads[0], made[r, turned], *call.reads[2:])
            p, _ = product_call(name, tuple([q.layout for q in reads]), call.writes[0].layout)
            inner.calls[number] = call._replace(reads=reads, plan=plan_product(p))

    def made(self, like, shape=None):
        """Return an array for a value of the outer program, of the dtype of `like` and on the device of the body."""
        return self.outer.made(like.shape if shape is None else shape, like.dtype, self.like)

    def watch(self, stand_ins, tensors):
        """Say which tensors the stand-ins stand for: what the backward reads of them must be as it was."""
        self.watched += [(t, self.inner.slot(a), written(t)) for a, t in zip(stand_ins, tensors)]

    def check(self, name, calls):
        """Raise for tensors that were written in place since the forward, and that these calls read."""
        read = {r.slot for c in calls for r in c.reads}
        for t, slot, before in self.watched:
            if slot in read and written(t) != before:
                what = f"{name}: its backward reads a tensor of shape {t.shape}, which was written in place after it was recorded"
                raise problem(GradientError, what, "write to a copy (x.copy()), or write before it is used")

    def in_place(self) -> list:
        """Return the calls of a turn forward that leaves its carries in the place of those before it."""
        mark, recording.recorder = len(self.inner.calls), self.inner
        try:
            for a, out in zip(self.carries, self.outs):
                run_map(COPY, (out,), a.shape, a.dtype, out=a)
        finally:
            recording.recorder = self.outer
        return [*self.forward, *self.inner.calls[mark:]]

    def gradients(self, given):
        """Note where the gradients of the carries begin (`given`, None for zero) and those of what is read from outside.

        Returns (arrays of the carries', arrays of the others), which the turns change in place.
        """
        carries, sums = ([self.made(a) for a in like] for like in (self.carries, self.sums))
        for a, g in [*zip(carries, given), *[(a, None) for a in sums]]:
            self.outer.note(COPY, {}, [np.zeros((), a.dtype) if g is None else g.data], [a])
        return carries, sums

    def handed(self) -> list:
        """Return the slots that the forward makes and the backward reads."""
        made = {w.slot for c in self.forward for w in c.writes if self.inner.kinds[w.slot] == MADE}
        return [s for s in dict.fromkeys(r.slot for c in self.backward for r in c.reads) if s in made]


def own(t):
    """Return a tensor in memory that is its own."""
    return finish(COPY, (t,), NO_ATTRS, run_map(COPY, (t.data,), t.shape, t.dtype))


class Memory:
    """What a step of the outer program gives its body: per slot of the body an array, and the bytes to the next turn's."""

    def __init__(self, inner):
        self.inner, self.slots, self.arrays, self.strides, self.stored = inner, [], [], [], {}

    def give(self, slot, a, stride):
        """Give a slot (or the slot of a stand-in) an array."""
        slot = slot if isinstance(slot, int) else self.inner.slot(slot)
        if slot not in self.slots:
            self.slots.append(slot)
            self.arrays.append(a)
            self.strides.append(stride)

    def hold(self, body):
        """Give what the body reads of others, the same at every turn."""
        for s in body.held:
            self.give(s, self.inner.roots[s], 0)

    def store(self, slot, key, offset, stride):
        """Give a slot a part of a store."""
        slot = slot if isinstance(slot, int) else self.inner.slot(slot)
        if slot not in self.slots:
            self.give(slot, None, stride)
            self.stored[slot] = key, offset

    def stack(self, stand_ins, arrays):
        """Give each stand-in a row per turn."""
        for s, a in zip(stand_ins, arrays):
            self.give(s, a, a.strides[0])

    def note(self, op, body, results, calls, turns, back, reads):
        """Note the loop as one call, which reads the first arrays and writes the others.

        `turns` is a number, or an int64 array of one element.
        """
        arrays = list(self.arrays)
        if not isinstance(turns, int):
            turns, arrays = Pointer(len(arrays)), [*arrays, turns]
        loop = self.loop(body, results, calls, turns, back)
        note_inner(op, loop, arrays, [a for a in self.arrays[reads:] if a is not None], [body])

    def loop(self, body, results, calls, turns=0, back=False) -> Loop:
        """Plan calls of a body, and return what stands for it in a step of the outer program."""
        inner = body.inner
        record = inner.record([inner.ref(a) if not isinstance(a, int) else inner.whole(a) for a in results])
        schedule = plan_record(record._replace(calls=tuple(calls)), self.slots, body.outside, device=body.like is not None)
        return Loop(schedule, tuple(self.slots), tuple(self.strides), turns, back, tuple(self.stored.items()))


def note_inner(op, kernel, arrays, written, bodies):
    """Note a call whose kernel walks other tables: it reads all of the arrays, and writes some of them and what its bodies write."""
    outer = recording.recorder
    changed = [outer.ref(b.inner.roots[s]) for b in bodies for s in b.held if s in b.inner.written]
    refs = [outer.ref(a) for a in arrays if a is not None]
    numbers = iter(range(len(refs)))
    pointers = tuple([-1 if a is None else next(numbers) for a in arrays])
    plan = Plan((Step(kernel, pointers, (), 1),), (), "float32")
    writes = (*map(outer.ref, written), *changed)  # read as well: by the next turn
    outer.calls.append(Call(op, {"kernel": kernel}, tuple(refs), writes, plan, place()))
    outer.written.update(w.slot for w in writes)


def packed(t):
    """Return a tensor that lies in one piece."""
    return t if t.data.flags.c_contiguous else own(t)


def gradients_of(g, count) -> list:
    """Return the gradient of each of several results, None where there is none."""
    return [g] if count == 1 else [g.get(i) for i in range(count)]
