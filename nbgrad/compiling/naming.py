"""What the memory of a record is called when it is shown: arguments, what the function captured, results, values in between."""

import inspect

import numpy as np

from ..base import tree
from ..plan.calls import ARGUMENT, CONSTANT, MADE, TOLD, Ref, Reversal
from ..plan.simplify import literal
from ..tensor import Tensor

DEEP = 4  # objects in objects that are searched for tensors


def shape_text(layout) -> str:
    """Return dtype and shape."""
    return f"{layout.dtype}{list(layout.shape)}"


def size_text(size) -> str:
    """Return a number of bytes to read.

    >>> size_text(100), size_text(35328), size_text(5 << 20)
    ('100 bytes', '34.5 KiB', '5.0 MiB')
    """
    if size < 1024:
        return f"{size:.0f} bytes"
    size /= 1024
    for unit in ("KiB", "MiB", "GiB"):
        if size < 1024 or unit == "GiB":
            break
        size /= 1024
    return f"{size:.1f} {unit}"


class Names:
    """Names of the slots of a record.

    Attributes
    ----------
    signature : list of str
        The parameters, with what they are.
    """

    def __init__(self, run):
        self.slots, self._names, self._count = run.program.schedule.slots, {}, [0]
        paths = self._paths(run)
        tensors = [p for p, v in zip(paths, run.leaves) if v is None]
        self.signature = [f"{p}: {_array_text(t)}" for p, t in zip(tensors, run.arguments)]
        for slot, i in zip(run.recorder.argument_slots, run.given):
            self._names[slot] = tensors[i]
        found = {id(_owner(run.arguments[i].data)): tensors[i] for i in run.fixed} | named(run.f)
        for i, slot in enumerate(self.slots):
            if slot.array is not None and id(slot.array) in found:
                self._names.setdefault(i, found[id(slot.array)])
        for t, slot in run.recorder.cells:
            self._names[slot] = f"{found.get(id(_owner(t.data)), 'held')}.grad"
        refs = [r for r in run.results if isinstance(r, Ref)]
        for i, r in enumerate(refs):
            if self.slots[r.slot].kind == MADE:
                self._names.setdefault(r.slot, f"result {i}" if len(refs) > 1 else "result")
        for t, r in run.grads:
            if r is not None and self.slots[r.slot].kind == MADE:
                self._names.setdefault(r.slot, f"{found.get(id(_owner(t.data)), 'leaf')}.grad")
        if run.back is not None:
            self._of_back(run, tensors, found)

    def _of_back(self, run, tensors, found):
        """Name the gradients of results, and those that the backward returns."""
        back = run.back
        for i, slot in zip(back.outs, run.recorder.argument_slots[-len(back.outs) :]):
            self._names[slot] = f"gradient of result {i}" if len(run.results) > 1 else "gradient of result"
        for w, g in zip(back.wanted, back.grads):
            leaf = tensors[w] if isinstance(w, int) else next((found[k] for k in [_leaf_key(run, w)] if k in found), "leaf")
            self._names.setdefault(g.slot, f"gradient of {leaf}")

    def _paths(self, run):
        """Return the name of each leaf among the arguments."""
        try:
            parameters = list(inspect.signature(run.f).parameters.values())
        except (TypeError, ValueError):
            parameters = []
        given = tree.unflatten(run.tree, list(range(len(run.leaves))))
        args, kwargs = given if run.named else (given, {})
        names = []
        for p in parameters:
            names += [f"{p.name}.{i}" for i in range(len(args) - len(names))] if p.kind is p.VAR_POSITIONAL else [p.name]
        names += [f"argument {i}" for i in range(len(names), len(args))]
        paths = [".".join(filter(None, [n, p])) for n, a in zip(names, args) for p, _ in tree.leaves_with_paths(a)]
        return paths + [p for p, _ in tree.leaves_with_paths(kwargs)]

    def known(self, slot) -> bool:
        """Whether a slot has a name of the user's, or one that comes from outside."""
        return slot in self._names and not self._names[slot].startswith("%")

    def name(self, slot) -> str:
        """Return the name of a slot; values in between are numbered as they are met."""
        if slot in self._names:
            return self._names[slot]
        kind = self.slots[slot].kind if slot < len(self.slots) else MADE
        if kind == MADE:
            self._names[slot] = f"%{self._count[0]}"
            self._count[0] += 1
            return self._names[slot]
        return {ARGUMENT: "argument", TOLD: "told", CONSTANT: "constant"}.get(kind, "held")

    def text(self, r) -> str:
        """Return a ref as text: a number that never changes as itself."""
        number = literal(r, self.slots) if r.slot < len(self.slots) else None
        if number is not None:
            return f"{number:g}" if isinstance(number, float) else str(number)
        return f"{self.name(r.slot)} {shape_text(r.layout)}"

    def of_loop(self, entry, loop):
        """Return the names inside of a loop: those of what it is given, with a turn where each turn has its own."""
        made = Names.__new__(Names)
        made.slots, made._names, made._count, made.signature = loop.schedule.slots, {}, self._count, self.signature
        stored = dict(loop.stored)
        for number, (slot, stride) in enumerate(zip(loop.given, loop.strides)):
            if slot in stored:
                made._names[slot] = "carry[turn]" if isinstance(entry.loop, Reversal) else "kept[turn]"
                continue
            at = number + loop.first
            if at < len(entry.item.pointers):
                made._names[slot] = self.name(entry.item.pointers[at][0]) + ("[turn]" if stride else "")
        return made


def named(f) -> dict:
    """Return id of the array that owns the memory of a tensor -> how the function `f` calls the tensor."""
    found, spaces = {}, []
    f = inspect.unwrap(f) if callable(f) else f
    if inspect.ismethod(f):
        spaces.append(("self", f.__self__))
        f = f.__func__
    code = getattr(f, "__code__", None)
    if code is None:
        spaces.append((type(f).__name__, f))
    else:
        spaces += [(n, c.cell_contents) for n, c in zip(code.co_freevars, f.__closure__ or ()) if _filled(c)]
        codes = [code]
        for c in codes:
            codes += [k for k in c.co_consts if inspect.iscode(k)]
        spaces += [(n, f.__globals__[n]) for c in codes for n in c.co_names if n in f.__globals__]
        spaces += [(n, v) for n, v in zip(code.co_varnames[: code.co_argcount][::-1], (f.__defaults__ or ())[::-1])]
    for modules in (True, False):  # a parameter is called by its module before it is by its optimizer
        for name, value in spaces:
            if hasattr(value, "named_parameters") is modules and not inspect.ismodule(value):
                _search(value, name, found, DEEP, set())
    return found


def _search(value, path, found, deep, seen):
    if isinstance(value, (Tensor, np.ndarray)):
        found.setdefault(id(_owner(value.data if isinstance(value, Tensor) else value)), path)
        return
    if not deep or id(value) in seen or inspect.isroutine(value) or isinstance(value, type):
        return
    seen.add(id(value))
    if isinstance(value, dict):
        inner = value.items()
    elif isinstance(value, (list, tuple)):
        inner = enumerate(value)
    elif hasattr(value, "named_parameters"):
        for name, t in value.named_parameters():
            _search(t, f"{path}.{name}", found, 1, seen)
        inner = vars(value).items()
    else:
        inner = getattr(value, "__dict__", {}).items()
    for name, v in inner:
        _search(v, f"{path}.{name}", found, deep - 1, seen)


def _leaf_key(run, node):
    """Return the key of the tensor whose leaf is `node`, among what was captured."""
    return next((id(_owner(c.array)) for c in run.captured if c.node is node), None)


def _owner(a):
    while isinstance(getattr(a, "base", None), np.ndarray):
        a = a.base
    return a


def _filled(cell):
    try:
        return cell.cell_contents is not cell
    except ValueError:
        return False


def _array_text(t):
    return f"{t.dtype}{list(t.shape)}"
