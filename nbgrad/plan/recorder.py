"""What records a program: each launch of an op is noted with the memory it reads and writes, and nothing is run.

Values of a program are arrays that are never filled while it is recorded; where an array lies says which value it is.
"""

import bisect
import functools
import sys

import numpy as np

from ..base.dtypes import name_of
from ..base.errors import ArgumentError, problem
from ..base.memory import first_on_device, number_at, owner, reach, shadow_of, standing_in, start_of
from ..base.number import Number
from ..base.shapes import is_contiguous
from ..ops.cast import copy as COPY  # noqa: N812 - a row this file names itself
from ..tape.tape import place, shown
from .calls import ARGUMENT, CONSTANT, HELD, MADE, TOLD, Call, Record, Ref, Slot, Stop
from .plan import Layout, packed


class Recorder:
    """The calls of a program, and the memory that they read and write.

    Attributes
    ----------
    calls : list of Call
    roots : list of ndarray
        Per slot the array that owns its memory.
    told : list of (Number, ndarray)
        Where kernels find the numbers that may be others at the next run.
    sources : list of (function, function)
        Per source of such numbers: what gives them anew, as a list; what takes that back.
    looks : list of (str, value)
        What was found out about such numbers while the program was recorded.
    seen : list of (ndarray, ndarray)
        Memory held by others whose values Python read, and what they were.
    devices : set
        Numbers of the devices that the calls run on; None stands for the CPU.
    remote : set of int
        Slots whose memory is that of a device: nobody reads it here.
    part : int
        Which of the programs that the calls become is recorded now: a forward, or the backward behind it.
    tensors : dict
        id of an array -> (tensor, its leaf's gradient when it was met): what the calls were given.
    """

    def __init__(self):
        self.calls, self.roots, self.kinds, self.written = [], [], [], set()
        self.told, self.sources, self.looks, self.seen, self.watched = [], [], [], [], []
        self.tensors, self.cells, self.starts, self.argument_slots = {}, [], [], []
        self._starts, self._order, self._numbers, self.part = [], [], 0, 0
        self._refs = {}  # id of an array -> (array, ref)
        self._spans = []  # slot -> address of its first byte, and of the one behind its last
        self._origins = {}  # slot -> address from which refs count, where that is not the lowest
        self.devices, self.remote = set(), set()

    # -- memory

    def argument(self, like):
        """Return an array that stands for an argument of the layout of `like`, on its device."""
        low, high = reach(like)
        root = np.empty(max(1, high - low), like.dtype)
        slot = self._add(root, ARGUMENT)
        self.argument_slots.append(slot)
        self.starts.append(0)
        shape, strides = like.shape, like.strides
        made = np.lib.stride_tricks.as_strided(root[-low:], shape, strides, writeable=like.flags.writeable)
        self._origins[slot] = made.__array_interface__["data"][0]  # a run knows where the first element lies, not the lowest
        return standing_in(like, made)

    def made(self, shape, dtype, like=None):
        """Return an array for a value that the program makes, on the device of `like`."""
        root = np.empty(shape, dtype)
        slot, a = self._add(root, MADE), standing_in(like, root)
        if a.size:
            self._refs[id(a)] = a, Ref(slot, packed(a.shape, name_of(a.dtype)))
        return a

    def _add(self, root, kind) -> int:
        start, slot = root.__array_interface__["data"][0], len(self.roots)
        self._spans.append((start, start + root.nbytes))
        at = bisect.bisect(self._starts, start)
        if not root.nbytes:
            start, at = -1 - slot, 0
        self._starts.insert(at, start)
        self._order.insert(at, slot)
        self.roots.append(root)
        self.kinds.append(kind)
        return slot

    def find(self, a) -> int | None:
        """Return the slot in whose memory an array lies, if there is one."""
        return self._find(start_of(a)) if a.size else None  # nothing lies in arrays without elements

    def _find(self, address):
        at = bisect.bisect(self._starts, address) - 1
        if at < 0 or self._starts[at] < 0:
            return None
        slot = self._order[at]
        return slot if address < self._spans[slot][1] else None

    def slot(self, a) -> int:
        """Return the slot of the memory of an array; memory not seen before is held by somebody."""
        found = self.find(a)
        return self._hold(a) if found is None else found

    def _hold(self, a) -> int:
        """Return the slot of memory of others."""
        slot = self._add(owner(shadow_of(a)), HELD)
        if getattr(a, "remote", False):
            self.remote.add(slot)
        return slot

    def ref(self, a) -> Ref:
        """Return where the values of an array lie."""
        known = self._refs.get(id(a))
        if known is not None:
            return known[1]
        found = self._place(a)
        if a.size:
            self._refs[id(a)] = a, found
        return found

    def _place(self, a) -> Ref:
        size = a.itemsize
        layout = Layout(a.shape, tuple([s // size for s in a.strides]), name_of(a.dtype))
        if not a.size:
            return Ref(self._add(np.empty(0, a.dtype), CONSTANT), layout)
        address = start_of(a)
        slot = self._find(address)
        if slot is None:
            slot = self._hold(a)
        return Ref(slot, layout, address - (self._origins.get(slot) or self._spans[slot][0]))

    def meet(self, values):
        """Remember the tensors among `values`, by memory and node: those of others are looked up again before each run."""
        for t in values:
            if not hasattr(t, "_bind") or not t.size:
                continue
            known, key = self.tensors.get(id(t.data)), id(t.data)
            if known is not None:
                key = (key, id(t.node))
                if known[0].node is t.node or key in self.tensors:
                    continue
            grad = None if t.node is None or t.node.op is not None else t.node.grad
            self.tensors[key] = t, grad
            if grad is not None and grad.size and not self._is_made(grad.data):
                slot = self._hold(grad.data)
                self._origins[slot] = start_of(grad.data)
                self.cells.append((t, slot))

    def _is_made(self, a) -> bool:
        return self.kinds[self.slot(a)] == MADE

    # -- calls

    def launch(self, launch, arrays, outs=None):
        """Note a launch; return the arrays that it fills, new ones when `outs` is None."""
        like = first_on_device(arrays)
        if outs is None:
            outs = [self.made(shape, dtype, like) for shape, dtype in launch.results]
        if launch.zero:
            self.note(COPY, {}, [standing_in(like, np.zeros((), outs[0].dtype))], outs)
        if launch.plan.steps:
            arrays = [self.packed(a) if i in launch.copies else a for i, a in enumerate(arrays)]
            self.note(launch.op, launch.attrs, arrays, outs, launch.plan)
        return outs

    def packed(self, a):
        """Return an array of the same values that lies in one piece, row by row."""
        if is_contiguous(a.shape, [s // a.itemsize for s in a.strides]):
            return a
        out = self.made(a.shape, a.dtype, a)
        self.note(COPY, {}, [a], [out])
        return out

    def note(self, op, attrs, arrays, outs, plan=None):
        """Append a call."""
        if op.kind == "elementwise":
            if not outs[0].size:
                return
            plan = None
        self.devices.add(number_at(outs[0]))
        writes = tuple([self.ref(a) for a in outs])
        self.calls.append(Call(op, attrs, tuple([self.ref(a) for a in arrays]), writes, plan, place()))
        self.written.update([w.slot for w in writes])

    def stop_if(self, flag, values, explain):
        """End a run where `flag`, one element, is not zero; `explain(values)` raises then."""
        self.calls.append(Stop((self.ref(flag), self.ref(values)), explain, (), place()))

    # -- what Python looks at

    def read(self, a, what):
        """Python reads the values of an array: allowed for constants, noted for memory of others, else refused."""
        slot = self.slot(a)
        if self.kinds[slot] not in (HELD, CONSTANT) or slot in self.written:
            raise problem(
                ArgumentError,
                f"{what} of a value ({a.dtype}{a.shape}) inside a compiled function: it is not known while the program is recorded",
                "ng.where(condition, a, b), ng.cond, ng.while_loop or ng.scan; or read it outside of the function",
            )
        self.seen.append((a, a.copy()))

    def look(self, text, value):
        """Note what was found out about numbers that the program is told."""
        self.looks.append((text, value))

    def watch(self, space, names):
        """Say that the record holds only while these entries of a dict are the objects that they are now."""
        self.watched.append((space, tuple(names), type(space).__name__))

    def follow(self, numbers, again, undo):
        """Return floats as numbers of the program, which `again()` gives anew before each later run (a list of as many).

        Values of other types are as they are; the record holds while `again()` gives equal ones.
        """
        self.sources.append((again, undo))
        texts = [f"r[{self._numbers + i}]" for i in range(len(numbers))]
        self._numbers += len(numbers)
        for v, text in zip(numbers, texts):
            if type(v) is not float:
                self.look(text, v)
        return [Number(v, text, self) if type(v) is float else v for v, text in zip(numbers, texts)]

    def array(self, number, dtype) -> np.ndarray:
        """Return the array, without axes, in which kernels find a number."""
        for known, a in self.told:
            if type(known) is Number and known.text == number.text and a.dtype == dtype:
                return a
        a = np.array(number.plain, dtype)
        self.told.append((number, a))
        self._add(a, TOLD)
        return a

    def hold_told(self, a):
        """Say that an array holds a number that the program is told, which a loop inside of it asked for."""
        if self.find(a) is None:
            self._add(a, TOLD)

    def refresh(self, a, again, undo):
        """Say that an array of a few words is filled anew before each later run: `again()` returns the values."""
        self.told.append(((again, undo), a))
        self._add(a, TOLD)
        return a

    # -- the end

    def outside(self) -> set:
        """Return the slots whose memory somebody else holds as well: other references than the recorder's."""
        self._refs = {}  # it holds arrays as well
        probe = [np.empty(1)]
        own = sys.getrefcount(probe[0])
        return {i for i in range(len(self.roots)) if sys.getrefcount(self.roots[i]) > own}

    def record(self, results, first=0, last=None) -> Record:
        """Return the calls from number `first` to `last`, the slots, and the refs `results`."""
        kinds = enumerate(zip(self.kinds, self.roots))
        slots = [Slot(k, r.nbytes, None if k == MADE else r, i in self.remote) for i, (k, r) in kinds]
        return Record(tuple(self.calls[first:last]), tuple(slots), tuple(results))

    def whole(self, slot) -> Ref:
        """Return the ref to all of a slot."""
        root = self.roots[slot]
        return Ref(slot, Layout((root.size,), (1,), root.dtype.name))

    def undo(self):
        """Take back what recording has told: the numbers of the next run are those of this record."""
        for number, _ in self.told:
            if type(number) is tuple:
                number[1]()
        for _, undo in self.sources:
            undo()

    @property
    def tells(self) -> bool:
        """Whether the program is told numbers or keys before each run."""
        return bool(self.sources) or any(type(number) is tuple for number, _ in self.told)

    def teller(self):
        """Return the function that tells the program its numbers: False, and nothing told, when a look gives another answer."""
        filled = [(number[0], number[1], a) for number, a in self.told if type(number) is tuple]
        numbers = [(number, a) for number, a in self.told if type(number) is Number]
        lines = [f" a{i}[0] = {number.text}" for i, (number, _) in enumerate(numbers)]
        looks = " and ".join([f"{text} == v{i}" for i, (text, _) in enumerate(self.looks)]) or "True"
        names = {f"a{i}": memoryview(a.reshape(1)) for i, (_, a) in enumerate(numbers)}
        names |= {f"v{i}": v for i, (_, v) in enumerate(self.looks)}
        text = "\n".join(["def tell(r):", f" if not ({looks}): return False", *lines, " return True"])
        exec(_compiled(text), names)  # arithmetic of Python on floats, as the function wrote it
        tell, sources = names["tell"], list(self.sources)

        def told():
            r = [n for again, _ in sources for n in again()]
            if not tell(r):
                for _, undo in sources:
                    undo()
                return False
            for again, _, a in filled:
                a[...] = again()
            return True

        return told if sources or filled else lambda: True

    def forget(self):
        """Let go of the arrays: the program has those it needs."""
        self.roots = self._starts = self._order = self._spans = ()

    def where(self, slot) -> str | None:
        """Return the user's line that made a slot."""
        return shown(next((c.place for c in self.calls if any(w.slot == slot for w in c.writes)), None))


@functools.lru_cache(256)
def _compiled(text):
    return compile(text, "<numbers of a program>", "exec")
