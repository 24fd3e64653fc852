"""Scans of a program that is recorded: the body is recorded once, planned, and looped natively.

A scan is one call forward and one backward. The carries of all turns lie in one array, as does each value of a turn that
its backward reads; what the body reads from outside is given to every turn, and its gradient added up there.
"""

import numpy as np

from .again import on_tape
from .base.errors import ArgumentError, GradientError, problem
from .eager import COPY, NO_ATTRS, as_tensor, finish, record_custom
from .history import newest_node, node_of
from .making import view_at
from .ops.arithmetic import add
from .ops.table import Op
from .plan.calls import ARGUMENT, MADE, Call, Loop, Pointer, While
from .plan.multiplying import plan_product, product_call
from .plan.plan import Plan, Step
from .plan.recorder import Recorder
from .plan.whole import plan_record
from .tape.adjoint import pull_back
from .tape.tape import Node, next_slot, place, recording
from .target.cpu.run import run_map
from .tensor import Tensor
from .transform import recorded

SCAN = Op("scan", "custom", ("*args",))
SCAN_BACK = Op("scan_back", "custom", ("*args",))
CHOICE, CHOICE_BACK = Op("cond", "custom", ("*args",)), Op("cond_back", "custom", ("*args",))
WHILE, WHILE_BACK = Op("while_loop", "custom", ("*args",)), Op("while_loop_back", "custom", ("*args",))


class Body:
    """The body of a scan, recorded: its calls forward and, where gradients are wanted, behind them those backward.

    Attributes
    ----------
    carries, slices, outs, ys : list of ndarray
        Stand-ins of what a turn is given, and what it makes.
    """

    def __init__(self, f, carries, slices, wanted):
        self.outer, self.inner = recording.recorder, Recorder()
        self.since, self.back = next_slot(), None
        leaf = lambda t: Node(None, (), NO_ATTRS, t.shape, t.dtype) if wanted and t.dtype.kind == "f" else None
        recording.recorder = self.inner
        try:
            rows = [np.empty(a.shape, a.dtype) for a in carries]
            self.ins = [Tensor._make(self.inner.argument(a), None) for a in (*rows, *slices)]
            for t in self.ins:
                t.node = leaf(t)
            n = len(carries)
            with recorded(wanted):
                outs, ys = f(self.ins[:n], self.ins[n:])
                outs, ys = ([_own(as_tensor(t)) for t in ts] for ts in (outs, ys))
            self.carries, self.slices = [t.data for t in self.ins[:n]], [t.data for t in self.ins[n:]]
            self.outs, self.ys = [t.data for t in outs], [t.data for t in ys]
            self.first = len(self.inner.calls)
            if wanted:
                self._backward(outs, ys)
        finally:
            recording.recorder = self.outer
        if any(type(number) is tuple for number, _ in self.inner.told):
            what = "random numbers are drawn inside of a scan or loop of a compiled function: every turn would draw the same"
            raise problem(ArgumentError, what, "draw them before, and pass them as xs")
        self._hand_over()

    def _backward(self, outs, ys):
        """Record the gradients of one turn: of the carries in place, of the slices, and of what was read from outside."""
        roots = [(newest_node(t), t) for t in (*outs, *ys)]
        self.g_carries = [self.inner.argument(a) for a in self.outs]
        self.g_ys = [self.inner.argument(a) for a in self.ys]
        seeds = [Tensor._make(a, None) for a in (*self.g_carries, *self.g_ys)]
        pairs = [(n, s) for (n, _), s in zip(roots, seeds) if n is not None and s.dtype.kind == "f"]
        with recorded(False):
            found = pull_back([n for n, _ in pairs], [s for _, s in pairs], since=self.since)
            own = [t.node for t in self.ins]
            n = len(self.carries)
            of = lambda t: found.get(t.node) if t.node is not None else None
            g_ins = [_own(g) if g is not None else None for g in map(of, self.ins)]
            self.g_slices = [None if g is None else g.data for g in g_ins[n:]]
            ends = [(node, g) for node, g in found.items() if node not in own]
            self.ends = [node for node, _ in ends]
            self.sums = [self.inner.argument(np.empty(g.shape, g.dtype)) for _, g in ends]  # in rows, however g lies
            for a, (_, g) in zip(self.sums, ends):
                run_map(add, (a, g.data), a.shape, a.dtype, out=a)
            for a, g in zip(self.g_carries, g_ins[:n]):
                source = g.data if g is not None else np.zeros((), a.dtype)
                run_map(COPY, (source,), a.shape, a.dtype, out=a)
        self.back = True

    def _hand_over(self):
        """Tell the outer recorder what the body reads of others."""
        inner, outer = self.inner, self.outer
        outer.meet([t for t, _ in inner.tensors.values()])
        inner.tensors = {}
        for name in ("told", "looks", "seen", "guards", "watched"):
            getattr(outer, name).extend(getattr(inner, name))
        kinds = inner.kinds
        outside = inner.outside()
        self.outside = outside
        self.held = [i for i, k in enumerate(kinds) if k not in (MADE, ARGUMENT) and (i in outside or i in inner.written)]
        for i in self.held:
            outer.slot(inner.roots[i])
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

    def handed(self) -> list:
        """Return the slots that the forward makes and the backward reads."""
        calls, kinds = self.inner.calls, self.inner.kinds
        made = {w.slot for c in calls[: self.first] for w in c.writes if kinds[w.slot] == MADE}
        return [s for s in dict.fromkeys(r.slot for c in calls[self.first :] for r in c.reads) if s in made]


def _own(t):
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

        `turns` is a number, an int64 array without axes, or the key of a store.
        """
        arrays = list(self.arrays)
        if isinstance(turns, np.ndarray):
            turns, arrays = Pointer(len(arrays)), [*arrays, turns]
        loop = self.loop(body, results, calls, turns, back)
        note_inner(op, loop, arrays, reads, [body])

    def loop(self, body, results, calls, turns=0, back=False) -> Loop:
        """Plan calls of a body, and return what stands for it in a step of the outer program."""
        inner = body.inner
        record = inner.record([inner.ref(a) if not isinstance(a, int) else inner.whole(a) for a in results], *calls)
        schedule = plan_record(record, self.slots, body.outside)
        return Loop(schedule, tuple(self.slots), tuple(self.strides), turns, back, tuple(self.stored.items()))


def note_inner(op, kernel, arrays, reads, bodies):
    """Note a call whose kernel walks other tables: it reads the first of the arrays, writes the others, and what its bodies write."""
    outer = recording.recorder
    changed = [outer.ref(b.inner.roots[s]) for b in bodies for s in b.held if s in b.inner.written]
    refs = [outer.ref(a) for a in arrays if a is not None]
    numbers = iter(range(len(refs)))
    pointers = tuple([-1 if a is None else next(numbers) for a in arrays])
    plan = Plan((Step(kernel, pointers, (), 1),), (), "float32")
    writes = (*[outer.ref(a) for a in arrays[reads:] if a is not None], *changed)  # read as well: by the next turn
    outer.calls.append(Call(op, {"kernel": kernel}, tuple(refs), writes, plan, place()))
    outer.written.update(w.slot for w in writes)


class Scan:
    """One scan of a recorded program: flat lists of tensors `init` and `xs`, `f(carries, slices) -> (carries, ys)`.

    `again()` runs it op by op, for gradients of gradients; it returns carries and ys.
    """

    def __init__(self, f, init, xs, length, reverse, again):
        self.init, self.xs, self.length, self.reverse, self.again = init, xs, length, reverse, again
        self.wanted, self.outer = recording.on, recording.recorder
        self.body = Body(f, [t.data for t in init], [x.data[0] for x in xs], self.wanted)

    def run(self):
        """Note the forward; return (carries, ys)."""
        body, outer, wanted = self.body, self.outer, self.wanted
        inner, memory = body.inner, Memory(body.inner)
        self.carries = [outer.made((self.length + 1 if wanted else 1, *a.shape), a.dtype) for a in body.carries]
        first, last = (-1, 0) if self.reverse else (0, -1)
        for stack, t in zip(self.carries, self.init):
            outer.note(COPY, {}, [t.data], [stack[first]])
        self.ys = [outer.made((self.length, *a.shape), a.dtype) for a in body.ys]
        memory.stack(body.slices, [x.data for x in self.xs])
        memory.hold(body)
        reads, results = len(memory.slots), list(body.ys)
        if wanted:
            self._stack_carries(memory)
            results += body.outs
        else:
            for s, a in zip(body.carries, self.carries):
                memory.give(s, a, 0)
            recording.recorder = inner
            for a, out in zip(body.carries, body.outs):
                run_map(COPY, (out,), a.shape, a.dtype, out=a)
            recording.recorder = outer
        memory.stack(body.ys, self.ys)
        self.handed = [s for s in body.handed() if s not in memory.slots] if wanted else []
        self.kept = [outer.made((self.length, *inner.roots[s].shape), inner.roots[s].dtype) for s in self.handed]
        memory.stack(self.handed, self.kept)
        memory.note(SCAN, body, [*results, *self.handed], (0, body.first if wanted else None), self.length, self.reverse, reads)
        out = [outer.made(a.shape, a.dtype) for a in body.carries]
        for a, stack in zip(out, self.carries):
            outer.note(COPY, {}, [stack[last]], [a])
        return self._results(out)

    def _stack_carries(self, memory):
        """Give each turn its carry and a place for the next one, neighbours in one array."""
        before, behind = (slice(1, None), slice(None)) if self.reverse else (slice(None), slice(1, None))
        memory.stack(self.body.carries, [a[before] for a in self.carries])
        memory.stack(self.body.outs, [a[behind] for a in self.carries])

    def _results(self, out):
        nodes = [node_of(t) for t in (*self.init, *self.xs)] + (self.body.ends if self.wanted else [])
        if not self.wanted or all(n is None for n in nodes):
            made = [Tensor._make(a, None) for a in (*out, *self.ys)]
        else:
            made = record_custom(_SCANNED, nodes, [*out, *self.ys], {"scan": self})
        return made[: len(out)], made[len(out) :]

    def pull(self, nodes, gradients):
        """Note the backward, given the gradients of carries and ys (None for zero); return those of the inputs."""
        body, outer, n = self.body, self.outer, len(self.init)
        inner, memory = body.inner, Memory(body.inner)
        g_carries = [outer.made(a.shape, a.dtype) for a in body.carries]
        for a, g in zip(g_carries, gradients):
            outer.note(COPY, {}, [np.zeros((), a.dtype) if g is None else g.data], [a])
        sums = [outer.made(a.shape, a.dtype) for a in body.sums]
        for a in sums:
            outer.note(COPY, {}, [np.zeros((), a.dtype)], [a])
        memory.stack(body.slices, [x.data for x in self.xs])
        memory.hold(body)
        self._stack_carries(memory)
        memory.stack(body.ys, self.ys)
        memory.stack(self.handed, self.kept)
        for s, a, g in zip(body.g_ys, self.ys, gradients[n:]):
            memory.give(s, np.zeros(a.shape[1:], a.dtype) if g is None else _packed(g).data, 0 if g is None else a.strides[0])
        reads, live = len(memory.slots), [g for g in body.g_slices if g is not None]
        g_xs = [outer.made((self.length, *a.shape), a.dtype) for a in live]
        for s, a in zip((*body.g_carries, *body.sums), (*g_carries, *sums)):
            memory.give(s, a, 0)
        memory.stack(live, g_xs)
        memory.note(SCAN_BACK, body, live, (body.first, None), self.length, not self.reverse, reads)
        stacks = iter(g_xs)
        found = [*g_carries, *[None if g is None else next(stacks) for g in body.g_slices], *sums]
        found = [None if a is None or a.dtype.kind != "f" else Tensor._make(a, None) for a in found]
        return on_tape([g if n is not None else None for n, g in zip(nodes, found)], nodes, gradients, self.again)


class Choice:
    """`cond` in a recorded program: each branch is a loop of one turn or none."""

    def __init__(self, flag, branches, operands, check, again):
        self.operands, self.again, self.wanted, self.outer = operands, again, recording.on, recording.recorder
        yes = flag.astype("int64")
        self.turns = [yes.data, (1 - yes).data]
        arrays = [t.data for t in operands]
        self.bodies = [Body(lambda _, ops, f=f: ([], f(ops)), [], arrays, self.wanted) for f in branches]
        check(*[b.ys for b in self.bodies])

    def run(self) -> list:
        """Note the forward of both branches; return the results."""
        outer, first = self.outer, self.bodies[0]
        self.ys = [outer.made(a.shape, a.dtype) for a in first.ys]
        for a in self.ys:
            outer.note(COPY, {}, [np.zeros((), a.dtype)], [a])
        self.kept = []
        for body, turns in zip(self.bodies, self.turns):
            memory = self._given(body)
            reads = len(memory.slots)
            for s, a in zip(body.ys, self.ys):
                memory.give(s, a, 0)
            handed = [s for s in body.handed() if s not in memory.slots] if self.wanted else []
            kept = [outer.made(body.inner.roots[s].shape, body.inner.roots[s].dtype) for s in handed]
            for s, a in zip(handed, kept):
                memory.give(s, a, 0)
            self.kept.append((handed, kept))
            memory.note(CHOICE, body, [*body.ys, *handed], (0, body.first if self.wanted else None), turns, False, reads)
        nodes = [node_of(t) for t in self.operands] + [n for b in self.bodies for n in (b.ends if self.wanted else ())]
        if not self.wanted or all(n is None for n in nodes):
            return [Tensor._make(a, None) for a in self.ys]
        return record_custom(_CHOSEN, nodes, self.ys, {"choice": self})

    def _given(self, body):
        memory = Memory(body.inner)
        for s, t in zip(body.slices, self.operands):
            memory.give(s, t.data, 0)
        memory.hold(body)
        return memory

    def pull(self, nodes, gradients):
        """Note the backward of both branches; return the gradients of the operands and of what they read from outside."""
        outer = self.outer
        zeros = lambda a: (made := outer.made(a.shape, a.dtype), outer.note(COPY, {}, [np.zeros((), a.dtype)], [made]))[0]
        of = lambda i: next((b.g_slices[i] for b in self.bodies if b.g_slices[i] is not None), None)
        g_in = [None if of(i) is None else zeros(of(i)) for i in range(len(self.operands))]
        sums = [[zeros(a) for a in b.sums] for b in self.bodies]
        for body, turns, (handed, kept), own in zip(self.bodies, self.turns, self.kept, sums):
            memory = self._given(body)
            for s, a in zip((*body.ys, *handed), (*self.ys, *kept)):
                memory.give(s, a, 0)
            for s, a, g in zip(body.g_ys, self.ys, gradients):
                memory.give(s, np.zeros(a.shape, a.dtype) if g is None else _packed(g).data, 0)
            reads = len(memory.slots)
            live = [(s, a) for s, a in zip(body.g_slices, g_in) if s is not None]
            for s, a in (*live, *zip(body.sums, own)):
                memory.give(s, a, 0)
            memory.note(CHOICE_BACK, body, [s for s, _ in live], (body.first, None), turns, False, reads)
        found = [None if a is None or a.dtype.kind != "f" else Tensor._make(a, None) for a in (*g_in, *sums[0], *sums[1])]
        return on_tape([g if n is not None else None for n, g in zip(nodes, found)], nodes, gradients, self.again)


class Repeat:
    """`while_loop` in a recorded program; where gradients are wanted, what its turns make is kept in a store that grows."""

    def __init__(self, test, f, init):
        self.init, self.wanted, self.outer = init, recording.on, recording.recorder
        arrays = [t.data for t in init]
        self.test = Body(lambda c, _: ([], [test(c)]), arrays, [], False)
        self.body = Body(lambda c, _: (f(c), []), arrays, [], self.wanted)
        self.key = f"store {next_slot()}"

    def run(self) -> list:
        """Note the forward; return the carries behind the last turn."""
        outer, body, test = self.outer, self.body, self.test
        first, last = ([outer.made(a.shape, a.dtype) for a in body.carries] for _ in range(2))
        for a, t in zip(first, self.init):
            outer.note(COPY, {}, [t.data], [a])
        memories = [Memory(test.inner), Memory(body.inner)]
        self.places, self.per_turn = {}, 0
        self.handed = [s for s in body.handed() if s not in map(body.inner.slot, body.outs)] if self.wanted else []
        sizes = [*[a.nbytes for a in body.carries], *[body.inner.roots[s].nbytes for s in self.handed]]
        offsets = [sum(-(-n // 64) * 64 for n in sizes[:i]) for i in range(len(sizes) + 1)]
        self.per_turn, self.offsets = offsets[-1], offsets
        for memory, made in zip(memories, (test, body)):
            memory.hold(made)
        if self.wanted:
            for s, offset in zip(test.carries, offsets):
                memories[0].store(s, self.key, offset, self.per_turn)
            self._stored(memories[1])
        if not self.wanted:
            for memory, made in zip(memories, (test, body)):
                for s, a in zip(made.carries, first):
                    memory.give(s, a, 0)
            recording.recorder = body.inner
            for a, out in zip(body.carries, body.outs):
                run_map(COPY, (out,), a.shape, a.dtype, out=a)
            recording.recorder = outer
        results = [*self.handed, *body.outs] if self.wanted else []
        calls = (0, body.first if self.wanted else None)
        loops = [memories[0].loop(test, test.ys, (0, None)), memories[1].loop(body, results, calls)]
        arrays = [*memories[0].arrays, *memories[1].arrays, *first, *last]
        shift = len(memories[0].arrays)
        at = shift + len(memories[1].arrays)
        sizes = [a.nbytes for a in first] if self.wanted else []
        carries = tuple((at + i, at + len(first) + i, n, offsets[i]) for i, n in enumerate(sizes))
        kernel = While(loops[0], loops[1]._replace(first=shift), test.inner.slot(test.ys[0]), self.key if self.wanted else None, self.per_turn, carries)
        note_inner(WHILE, kernel, arrays, 0, [test, body])
        return self._results(last if self.wanted else first)

    def _stored(self, memory):
        """Give each turn its carries, a place for the next ones, and what its backward reads, in the store."""
        body = self.body
        for s, offset in zip(body.carries, self.offsets):
            memory.store(s, self.key, offset, self.per_turn)
        for s, offset in zip(body.outs, self.offsets):
            memory.store(s, self.key, offset + self.per_turn, self.per_turn)
        for s, offset in zip(self.handed, self.offsets[len(body.carries) :]):
            memory.store(s, self.key, offset, self.per_turn)

    def _results(self, out):
        nodes = [node_of(t) for t in self.init] + (self.body.ends if self.wanted else [])
        if not self.wanted or all(n is None for n in nodes):
            return [Tensor._make(a, None) for a in out]
        return record_custom(_REPEATED, nodes, out, {"repeat": self})

    def pull(self, nodes, gradients):
        """Note the backward; return the gradients of the carries and of what the body reads from outside."""
        body, outer = self.body, self.outer
        memory = Memory(body.inner)
        g_carries = [outer.made(a.shape, a.dtype) for a in body.carries]
        for a, g in zip(g_carries, gradients):
            outer.note(COPY, {}, [np.zeros((), a.dtype) if g is None else g.data], [a])
        sums = [outer.made(a.shape, a.dtype) for a in body.sums]
        for a in sums:
            outer.note(COPY, {}, [np.zeros((), a.dtype)], [a])
        memory.hold(body)
        self._stored(memory)
        reads = len(memory.slots)
        for s, a in zip((*body.g_carries, *body.sums), (*g_carries, *sums)):
            memory.give(s, a, 0)
        memory.note(WHILE_BACK, body, [], (body.first, None), self.key, True, reads)
        found = [None if n is None or a.dtype.kind != "f" else Tensor._make(a, None) for n, a in zip(nodes, (*g_carries, *sums))]
        return on_tape(found, nodes, gradients, _not_again)


def _not_again():
    what = "a gradient of a gradient through while_loop inside of a compiled function"
    raise problem(GradientError, what, "scan or fori_loop, or the function without ng.compile")


def _packed(t):
    """Return a tensor that lies in one piece."""
    return t if t.data.flags.c_contiguous else _own(t)


def _gradients(g, count) -> list:
    """Return the gradient of each of several results, None where there is none."""
    return [g] if count == 1 else [g.get(i) for i in range(count)]


_SCANNED = Op("scan", "custom", ("*args",), pull=lambda node, g: node.kept["scan"].pull(
    node.inputs, _gradients(g, len(node.kept["scan"].init) + len(node.kept["scan"].ys))))  # fmt: skip
_CHOSEN = Op("cond", "custom", ("*args",), pull=lambda node, g: node.kept["choice"].pull(
    node.inputs, _gradients(g, len(node.kept["choice"].ys))))  # fmt: skip
_REPEATED = Op("while_loop", "custom", ("*args",), pull=lambda node, g: node.kept["repeat"].pull(
    node.inputs, _gradients(g, len(node.kept["repeat"].init))))  # fmt: skip
