"""One record of a compiled function: how it is made, when it holds, and what Python does around its native call."""

import contextlib
import gc
import threading
import weakref
from typing import Any, NamedTuple

import numpy as np

from ..base import tree
from ..base.errors import ArgumentError, DeviceError, problem
from ..base.memory import first_on_device, number_at, standing_in
from ..eager import COPY
from ..plan.calls import ARGUMENT, HELD, MADE, Ref
from ..plan.recorder import Recorder
from ..plan.whole import plan_record
from ..road import ROAD
from ..tape.tape import Node, recording
from ..target.cpu.holding import Checks
from ..target.cuda.device import number_of
from ..target.program import maker_of, program
from ..target.run import on_device, put, share_memory
from ..tensor import Tensor, writes
from .back import Back
from .environment import Environment
from .making import Maker, Makers, view_at
from .stopped import raise_stopped

SMALL = 4096  # numbers of an array of NumPy that is looked at again before each run: Python may have read them


class Captured(NamedTuple):
    """A tensor that a function reads though it is no argument, and what it was: its array, node and whether it had a gradient."""

    tensor: Tensor
    array: np.ndarray
    node: Any
    bare: bool


class Held(NamedTuple):
    """A result: where it lies, and the tensor, while it is not known whether others hold it."""

    ref: Ref
    tensor: Any


@contextlib.contextmanager
def calm():
    """Keep Python from looking for cycles in the block, which makes many objects that stay, and in what it has made.

    Else the first object that is made behind the block has Python look through all of them, for a millisecond or more.
    Thawed objects count as old ones, which are looked through with the next full collection.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            if not gc.get_freeze_count():  # nobody else keeps frozen objects
                gc.freeze()
                gc.unfreeze()
            gc.enable()


class Run:
    """A function recorded for one kind of arguments, planned and loaded.

    Attributes
    ----------
    arguments : list of Tensor
        Of the call that it was recorded for.
    recorder : Recorder
        The calls and the memory they work on.
    program : Program
    moved : dict
        Number of an argument -> the device that a run sends it to: an array of NumPy's whose fellows lie there.
    """

    def __init__(self, f, leaves, structure, named, before=None):
        self.f, self.named, self.leaves, self.tree = f, named, leaves, structure
        self.arguments = [t for t in leaves if type(t) is Tensor]
        self.moved = self._moved_to(first_on_device([t.data for t in self.arguments]))
        with calm():
            self._make(f, leaves, None if before is None else before.environment)
        # From when it is told its numbers until it has run, one thread at a time; so a new run is taken already.
        self.lock = threading.Lock() if self.recorder.tells else None
        self._take()

    def _make(self, f, leaves, known):
        self.fixed, before = set(), None
        while before != self.fixed:  # an argument that is captured as well is recorded as captured
            before = set(self.fixed)
            others = [getattr(v, "it", v) for v in leaves if type(v) is not Tensor]
            self.environment, self.recorder = Environment.like(known, f, *others), Recorder()
            try:
                with self._whole():
                    self._record()
            except DeviceError as error:
                self._move(error)
                before = None
                continue
            self.fixed |= {i for i, t in enumerate(self.arguments) if self.recorder.find(t.data) is not None}
            if before != self.fixed:
                self.recorder.undo()
        self.leaves = [None if type(v) is Tensor else v for v in self.leaves]
        with self._whole():
            self._load()

    def _moved_to(self, a) -> dict:
        """Return the arguments that go where an array of a device lies: those that were no tensors."""
        loose = [] if a is None else [i for i, t in enumerate(self.arguments) if getattr(t, "loose", False)]
        return {i: a.device for i in loose}

    def _move(self, error):
        """Have arguments go where the function was found to compute; raise the error where none can."""
        moved = self._moved_to(getattr(error, "array", None))
        if self.moved or not moved:
            raise error
        self.moved = moved

    def _take(self):
        if self.lock is not None:
            self.lock.acquire()

    def release(self):
        """Let other threads have a run that `fits` found and that is not called."""
        if self.lock is not None:
            self.lock.release()

    @contextlib.contextmanager
    def _whole(self):
        """When the block raises, take back what recording has changed: counts of optimizers, gradients of leaves."""
        try:
            yield
        except BaseException:
            self.recorder.undo()
            for t, before in self.recorder.tensors.values():
                if t.grad is not before:
                    t.node.grad = before
            raise

    def _record(self):
        """Call the function on stand-ins, and sort what is left of the call."""
        recorder = self.recorder
        recording.recorder = recorder
        ROAD.watch(1)
        try:
            flat, self.structure = tree.flatten(self._called())
            self.results = [self._result(v) for v in flat]
            self.back = Back.of(recorder, flat, self.stand_ins)
            wanted = () if self.back is None else self.back.outs
            self.shapes = {i: np.broadcast_to(np.zeros((), flat[i].dtype), flat[i].shape) for i in wanted}
        finally:
            recording.recorder = None
            ROAD.watch(-1)
        met = recorder.tensors.values()
        changed = [(t, t.grad) for t, before in met if t.grad is not before]
        given = [t for _, t in self.stand_ins if t.grad is not None]
        for t, before in met:
            if t.grad is not before:
                t.node.grad = before
        if given:
            what = f"compile: backward() leaves a gradient on an argument of shape {given[0].shape}"
            raise problem(ArgumentError, what, "ng.grad or ng.value_and_grad, and return the gradient")
        # Others are stand-ins that a transform made inside: their gradients go with them.
        held = lambda t: recorder.kinds[recorder.slot(t.data)] == HELD
        self.grads = [(t, None if g is None else recorder.ref(g.data)) for t, g in changed if held(t)]
        del flat, self.stand_ins, given, changed
        self.captured = [weakref.ref(t) for t, _ in met if recorder.kinds[recorder.slot(t.data)] == HELD]
        recorder.tensors = {}
        changed = self.environment.changed()
        self.environment.also(recorder.watched)
        recorder.seen += [(a, a.copy()) for a in self.environment.arrays if a.size <= SMALL and recorder.find(a) is None]
        if changed is not None:
            what = f"compile: {changed}: a change that the calls after this one would not make"
            raise problem(ArgumentError, what, "a tensor that is written in place (x[...] = ...), or return the new value")

    def _called(self):
        stand_ins, i = [], -1
        for v in self.leaves:
            i += type(v) is Tensor
            stand_ins.append(getattr(v, "it", v) if type(v) is not Tensor else v if i in self.fixed else self._stand_in(v, i))
        tensors = [t for t, v in zip(stand_ins, self.leaves) if type(v) is Tensor]
        self.stand_ins = [(i, t) for i, t in enumerate(tensors) if i not in self.fixed]
        given = tree.unflatten(self.tree, stand_ins)
        args, kwargs = given if self.named else (given, {})
        return self.f(*args, **kwargs)

    def again(self, tensors):
        """Return the results of the function itself for these arguments, as a flat list."""
        tensors = iter(tensors)
        given = tree.unflatten(self.tree, [next(tensors) if v is None else getattr(v, "it", v) for v in self.leaves])
        args, kwargs = given if self.named else (given, {})
        return tree.flatten(self.f(*args, **kwargs))[0]

    def _stand_in(self, t, i):
        node = None if t.node is None or not recording.on else Node(None, (), {}, t.shape, t.dtype)
        like = t.data if i not in self.moved else on_device(np.empty(t.shape, t.dtype), number_of(self.moved[i]))
        return Tensor._make(self.recorder.argument(like), node)

    def _result(self, value):
        """Return where a result lies; the value itself when it is no array, or a tensor that others hold."""
        if not isinstance(value, (Tensor, np.ndarray)):
            return value
        t = value if isinstance(value, Tensor) else Tensor(value)
        return Held(self.recorder.ref(t.data), weakref.ref(value)) if isinstance(value, Tensor) else self.recorder.ref(t.data)

    # -- loading

    def _load(self):
        recorder, kinds = self.recorder, self.recorder.kinds
        outside = self._outside()
        held = [t for t in [met() for met in self.captured] if t is not None and recorder.find(t.data) in outside]
        self.captured = [Captured(t, t.data, t.node, t.grad is None) for t in held]
        self.given = [i for i in range(len(self.arguments)) if i not in self.fixed]
        self.cells = [t for t, _ in recorder.cells]
        arguments = recorder.argument_slots[: len(self.given)]
        found = lambda held: held.tensor() if self._is_held(held, outside) else self._copied(held.ref, outside)
        self.results = [found(r) if isinstance(r, Held) else r for r in self.results]
        refs = [r for r in (*self.results, *[r for _, r in self.grads]) if isinstance(r, Ref)]
        if self.back is not None:
            refs += self.back.reads(recorder)
        made = list(dict.fromkeys(r.slot for r in refs if kinds[r.slot] == MADE))
        given = [*arguments, *[s for _, s in recorder.cells], *made]
        last = None if self.back is None else self.back.first
        number = self._number()
        schedule = plan_record(recorder.record(refs, 0, last), given, outside, set(made), number is not None)
        self.program = program(schedule, given, number)
        self.fresh = [maker_of(a.shape, a.dtype, number) for a in map(recorder.roots.__getitem__, made)]
        makers = Makers(recorder, given, number)
        self.makers = [makers.of(r) for r in self.results]
        self.grad_makers = [(t.node, None if r is None else makers.of(r)) for t, r in self.grads]
        if self.back is not None:
            self.back.load(recorder, given, outside, self.captured, number)
        written = recorder.written
        self.counters = [writes(c.tensor) for c in self.captured if recorder.find(c.array) in written]
        self.written = [i for i, slot in zip(self.given, arguments) if slot in written]
        self.known = frozenset(id(c.array) for c in self.captured)
        self.tell = recorder.teller()
        only = self.makers[0] if self.structure == tree.LEAF and self.back is None and not self.grad_makers else None
        self.single = only.number if isinstance(only, Maker) and only.fresh else None
        self.checks = self._checks()
        recorder.forget()

    def _number(self):
        """Return the number of the device that the calls run on; None for the CPU."""
        found = self.recorder.devices or {number_at(t.data) for t in self.arguments} or {None}
        if len(found) > 1:
            names = " and ".join(sorted("cpu" if n is None else f"cuda:{n}" for n in found))
            what = f"compile: the function computes on {names}; a program runs on one device"
            raise problem(DeviceError, what, "x.to(...) before the call")
        return next(iter(found))

    def _is_held(self, r, outside) -> bool:
        """Say whether a result is a tensor that others hold, and not a constant of the function."""
        return self.recorder.kinds[r.ref.slot] == HELD and r.ref.slot in outside and r.tensor() is not None

    def _copied(self, r, outside) -> Ref:
        """Return where a result lies: memory that the function makes without an op, and writes, is copied, as each run has its own."""
        recorder = self.recorder
        if recorder.kinds[r.slot] != HELD or r.slot not in recorder.written or r.slot in outside:
            return r
        like = first_on_device([t.data for t in self.arguments])
        made = recorder.made(r.layout.shape, r.layout.dtype, like)
        recorder.note(COPY, {}, [standing_in(like, view_at(recorder.roots[r.slot], r))], [made])
        if self.back is not None:  # with the forward
            recorder.calls.insert(self.back.first, recorder.calls.pop())
            self.back.first += 1
        return recorder.ref(made)

    def _outside(self):
        """Return the slots that others hold; raise for values that escape by other ways than the results."""
        outside, recorder = self.recorder.outside(), self.recorder
        escaped = lambda: sorted(i for i in outside if recorder.kinds[i] in (MADE, ARGUMENT))
        if escaped():
            gc.collect()
            outside = recorder.outside()
        for slot in escaped():
            a = recorder.roots[slot]
            kept = "is kept by something outside of it, which would never see a later one"
            fix = "return it, or write it into a tensor that is there before (x[...] = ...)"
            raise problem(ArgumentError, f"compile: a value of the function ({a.dtype}{a.shape}) {kept}", fix, recorder.where(slot))
        return outside

    # -- running

    def fits(self, tensors) -> bool:
        """Say whether the record holds for a call with these tensors; if so, the program has been told its numbers."""
        if not self.checks.hold() and not self._still():
            return False
        if self.moved and not all([getattr(tensors[i], "loose", False) for i in self.moved]):
            return False  # tensors stay where they are
        for i, t in enumerate(tensors):
            a = t.data
            if (a is not self.arguments[i].data) if i in self.fixed else id(a) in self.known or (a.base is not None and self._overlaps(a)):
                return False
        if self.written and not all([tensors[i].data.flags.writeable for i in self.written]):
            return False
        for a, before in self.recorder.seen:
            if not np.array_equal(a, before, equal_nan=a.dtype.kind in "fc"):
                return False
        return self._told()

    def _told(self) -> bool:
        """Take the run and tell the program its numbers; False, and not taken, when it does not hold for them."""
        if self.lock is None:
            return True
        self.lock.acquire()
        told = False
        try:
            told = self.tell()
        finally:
            if not told:
                self.lock.release()
        return told

    def _still(self) -> bool:
        """Say whether what the function captured is what it was, by values where objects are others."""
        for t, array, node, bare in self.captured:
            if t.data is not array or t.node is not node or (node is not None and (node.grad is None) is not bare):
                return False
        return self.environment.fits()

    def _checks(self) -> Checks:
        """Return the checks that say at once that nothing has changed."""
        checks = Checks()
        for t, array, node, bare in self.captured:
            checks.slot(t, "data", array)
            checks.slot(t, "node", node)
            if node is not None:
                checks.slot(node, "grad", None, bare)
        self.environment.watch(checks)
        return checks

    def _overlaps(self, a) -> bool:
        return any(share_memory(a, c.array) for c in self.captured)

    def __call__(self, tensors):
        """Run the program for these tensors; it was found to fit, or is new."""
        if self.lock is None:
            return self._run(tensors)
        try:
            return self._run(tensors)
        finally:
            self.lock.release()

    def _run(self, tensors):
        given = [tensors[i].data for i in self.given] if self.fixed else [t.data for t in tensors]
        for i, device in self.moved.items():
            given[self.given.index(i)] = put(tensors[i].data, device)
        if self.written:
            self._check_written(tensors)
        for t in self.cells:
            given.append(t.node.grad.data)
        for make in self.fresh:
            given.append(make())
        try:
            stopped = self.program.run(given, self)
        except BaseException:
            self.take_back()
            raise
        if stopped is not None:
            self.take_back()
            self.stopped(self.program, stopped, given)
        for counter in self.counters:
            counter[0] += 1
        if self.single is not None:
            return Tensor._make(given[self.single], None)
        made = [m.tensor(given, self._argument(m, tensors)) if isinstance(m, Maker) else m for m in self.makers]
        for node, maker in self.grad_makers:
            node.grad = None if maker is None else maker.tensor(given) if isinstance(maker, Maker) else maker
        if self.back is not None:
            made = self.back.attach(self, made, tensors, given)
        return tree.unflatten(self.structure, made)

    def _argument(self, maker, tensors):
        """Return the argument that a result is a view of, or None."""
        i = self.given[maker.number] if maker.number is not None and maker.number < len(self.given) else None
        return None if i is None or i in self.moved else tensors[i]

    def _check_written(self, arrays):
        for i in self.written:
            if i in self.moved:
                what = f"a compiled function on {self.moved[i]} writes its argument {i} in place, which is an array of NumPy's"
                raise problem(DeviceError, what, f'a tensor: ng.tensor(..., device="{self.moved[i]}")')
            for j, other in enumerate(arrays):
                if i != j and share_memory(arrays[i].data, other.data):
                    what = f"a compiled function writes its argument {i} in place, and argument {j} shares memory with it"
                    raise problem(ArgumentError, what, "x.copy() for one of them")

    def take_back(self):
        """Take back what the program was told for a run that did nothing."""
        self.recorder.undo()

    def stopped(self, program, stop, given):
        """Raise what a stop of a program, that of the forward or of the backward, says about the values it looked at."""
        raise_stopped(program, stop, given, self.recorder.starts[: len(self.given)])
