"""Functions of numbers mapped over arrays of a device: one thread calls the function for each place.

Forward and backward are the function and its adjoint, written by `ad` and compiled for the device; the adjoint is mapped as
the function is, so that it has derivatives again.
"""

import functools
import inspect

import numpy as np

from .ad.expressions import Known
from .ad.lower import lower
from .ad.reverse import prepared
from .ad.statements import Group, Scalar
from .base.dtypes import WEAK, name_of
from .base.errors import ArgumentError, DeviceError, DtypeError, GradientError, problem
from .base.memory import number_at
from .base.number import Number
from .base.shapes import broadcast_shapes
from .eager import as_tensor, record_custom, together
from .history import Kept, node_of
from .loops import derivative, is_compiled
from .ops.table import Op
from .road import constant
from .tape.tape import place, recording, shown
from .target.cuda.function_text import function_text
from .target.cuda.mapped_text import plan_mapped
from .target.cuda.run import SeveralLaunch
from .target.launch import layout
from .target.run import host
from .tensor import Tensor

ROOM = 256  # numbers that a thread keeps on a tape whose length nobody knows beforehand
MOST = 4096  # launches that are remembered


def mapped(f, room=ROOM):
    """Map a function of numbers over tensors of a device: one thread calls it for each place.

    The function is compiled for the device; so is its adjoint where a gradient is wanted, and the adjoint of that. It may
    have loops, branches, `while`, local arrays of known sizes, and call other `@njit` functions.

    Parameters
    ----------
    f : compiled function
        An `@njit` function of numbers that returns a number or (nested) tuples of them; or a derivative of one, such as
        `nbgrad.grad(f)` and `nbgrad.value_and_grad(f)`.
    room : int
        How many numbers of each tape a thread has room for, where a gradient goes back through a loop whose number of turns
        is not written in the function. Loops over `nbgrad.checkpointed(range(n))` need it only for the logarithm of n.

    Returns
    -------
    function
        Of tensors on one device, which broadcast, and plain numbers, which are as wide as the tensors' floats; it returns
        tensors, in tuples as the function does. Their dtypes follow Numba's rules: ``2.0 * x`` of a float32 is a float64.
        Division by 0 gives what it gives in NumPy. Where the function can raise, or may run out of room, a call waits for
        the device, to see whether it did.

    Raises
    ------
    ArgumentError
        For what is no compiled function; for one that works with arrays; when a call raised for some element, or ran out of room.
    DeviceError
        For tensors that are not on one device.

    Examples
    --------
    >>> import nbgrad as ng
    >>> from numba import njit
    >>> @njit
    ... def root(x):
    ...     r = x
    ...     while abs(r * r - x) > 1e-12 * x:
    ...         r = 0.5 * (r + x / r)
    ...     return r
    >>> if ng.cuda.is_available():
    ...     x = ng.tensor([4.0, 9.0], device="cuda")
    ...     assert abs(ng.cuda.mapped(root)(x) - ng.sqrt(x)).max() < 1e-9
    ...     assert abs(ng.cuda.mapped(ng.grad(root))(x) - 0.5 / ng.sqrt(x)).max() < 1e-9
    """
    if not is_compiled(f):
        raise problem(ArgumentError, f"mapped({getattr(f, '__name__', f)!s}): it is no function of Numba's", "@njit above its def")
    if not hasattr(room, "__index__") or isinstance(room, bool) or room < 1:
        raise problem(ArgumentError, f"mapped: room={room!r}", "a whole number above 0")
    known = vars(f).setdefault("_mapped", {})
    if room not in known:
        known[room] = _call(Mapped(f, f.__name__, int(room)))
    return known[room]


def _call(made):
    @functools.wraps(made.fn.py_func)
    def call(*args):
        return made.called(args)

    call.op = made.row
    return call


class Mapped:
    """A compiled function of numbers, as an op on tensors of a device.

    Attributes
    ----------
    counts : tuple of (int or None)
        Per parameter how many tensors it takes, as a tuple; None for one.
    names : tuple of str
        Of all tensors.
    """

    followed = True  # programs do not look into it: it means the same at each call

    def __init__(self, fn, name, room, counts=None):
        found = inspect.signature(fn.py_func).parameters.values()
        self.fn, self.name, self.room = fn, name, room
        self.defaults = tuple([p.default for p in found if p.default is not p.empty])
        self.counts = counts or (None,) * len(found)
        names = [p.name for p in found]
        self.names = tuple([n for p, c in zip(names, self.counts) for n in ([p] if c is None else [f"{p}[{i}]" for i in range(c)])])
        self.row = Op(name, "custom", self.names, pull=self.pull)
        self.noted = Op(f"{name}(...)", "custom", self.names)  # no name of a row that plans know
        self.texts, self.launches, self.backs = {}, {}, {}

    def called(self, args):
        """Return the results of a call, in the structure of the function's."""
        left = len(self.names) - len(args)
        if not 0 <= left <= len(self.defaults):
            what = f"{self.name}: {len(args)} arguments given for {self.names}"
            raise problem(ArgumentError, what, f"{self.name}({', '.join(self.names)})")
        structure, found = self(self.tensors((*args, *self.defaults[len(self.defaults) - left :])))
        return _nested(structure, iter(found))

    def tensors(self, args) -> list:
        """Return arguments as tensors on one device."""
        for n, a in zip(self.names, args):
            if type(a) not in WEAK and not isinstance(a, Tensor | np.ndarray | np.generic):
                raise problem(DtypeError, f"mapped {self.name}: {n} is {type(a).__name__}", "a tensor, an array or a number")
        placed = iter(together([as_tensor(a) for a in args if type(a) not in WEAK]))
        found = [a if type(a) in WEAK else next(placed) for a in args]
        devices = {t.device for t in found if type(t) not in WEAK}
        if len(devices) != 1 or devices == {"cpu"}:
            at = ", ".join(f"{n} on {t.device}" for n, t in zip(self.names, found) if type(t) not in WEAK) or "numbers alone"
            raise problem(DeviceError, f"mapped {self.name}: {at}; it is mapped over tensors of one device", 'x.to("cuda")')
        floats = [t.dtype for t in found if type(t) not in WEAK and t.dtype.kind == "f"]
        wide = {float: np.result_type(*floats) if floats else np.dtype("float64"), int: np.dtype("int64"), bool: np.dtype("bool")}
        number = next(number_at(t.data) for t in found if type(t) not in WEAK)
        return [constant(t, wide[float if type(t) is Number else type(t)], number) if type(t) in WEAK else t for t in found]

    def __call__(self, tensors):
        """Return (structure of the result, its tensors in order)."""
        structure, text = self.text(tuple([name_of(t.dtype) for t in tensors]))
        arrays = [t.data for t in tensors]
        made = self.launch(text, arrays)(arrays)
        if text.failures:
            self.watch(made, text)
        nodes = list(map(node_of, tensors))
        kept = {n: Kept(t, node) for n, t, node in zip(self.names, tensors, nodes)}
        kept["dtypes"] = [a.dtype for a in made]
        return structure, record_custom(self.row, nodes, made, kept, [a.shape for a in arrays], arrays)

    def launch(self, text, arrays):
        """Return what calls the function for all places of arrays of these layouts."""
        number = number_at(arrays[0])
        key = (number, *[(a.dtype, a.shape, a.strides) for a in arrays])
        if key not in self.launches:
            if len(self.launches) >= MOST:  # shapes that change at every call
                self.launches.clear()
            shape = broadcast_shapes(*[a.shape for a in arrays])
            plan = plan_mapped(text, tuple(map(layout, arrays)), shape)
            self.launches[key] = SeveralLaunch(number, plan, len(arrays), self.noted, {})
        return self.launches[key]

    def watch(self, made, text):
        """Take the status from what a call has made, and raise what it says; in a program, at each run."""
        status = made.pop()
        if not made[0].size:
            return
        explain = functools.partial(_explain, self.name, text.failures, shown(place()))
        if recording.recorder is not None:
            recording.recorder.stop_if(status, status, explain)
        elif host(status).any():
            explain(host(status))

    def text(self, dtypes):
        """Return (structure of the result, text) for dtypes of the tensors."""
        if dtypes not in self.texts:
            kinds = tuple([Group(k) if c is not None else k for k, c in zip(self.given(map(Scalar, dtypes)), self.counts)])
            d = getattr(self.fn, "derivative", None)
            try:
                f = prepared(lower(self.fn, kinds)) if d is None else d.statements(kinds)
            except GradientError as error:
                if d is not None:
                    raise
                lines = str(error).replace("no derivative of", "mapped: no kernel of").splitlines()
                raise ArgumentError("\n".join([*lines[:2], *(lines[2:] or ["  try: a function of numbers, without arrays"])])) from None
            self.texts[dtypes] = _structure(f.results, self.name), function_text(f, self.room)
        return self.texts[dtypes]

    def given(self, values):
        """Return what belongs to the tensors as arguments of the function."""
        values = iter(values)
        return tuple([next(values) if c is None else tuple([next(values) for _ in range(c)]) for c in self.counts])

    def pull(self, node, g):
        """Return the gradients of the inputs, by the adjoint of the function, mapped as well."""
        values, flowed = [node.kept[n].value(node, n) for n in self.names], g if isinstance(g, dict) else {0: g}
        number, seeds = number_at(values[0].data), []
        for i, dtype in enumerate(node.kept["dtypes"]):
            if dtype.kind == "f":
                seeds.append(flowed[i].astype(dtype) if i in flowed else constant(0.0, dtype, number))
        wanted = self.given([n is not None and v.dtype.kind == "f" for n, v in zip(node.inputs, values)])
        wanted = tuple([i for i, w in enumerate(wanted) if w is True or (w and any(w))])
        _, found = self.back(wanted, len(seeds))([*values, *seeds])
        numbers = [i for p in wanted for i in _flat(self.given(range(len(values)))[p])]
        found = dict(zip(numbers, found, strict=True))
        return [found.get(i) for i in range(len(values))]

    def back(self, wanted, count):
        """Return the function of the inputs and `count` gradients that gives the gradients of the parameters `wanted`."""
        if (wanted, count) not in self.backs:
            counts = (*self.counts, None if count == 1 else count)
            self.backs[wanted, count] = Mapped(derivative("adjoint", self.fn, wanted), f"{self.name}_backward", self.room, counts)
        return self.backs[wanted, count]


def _explain(name, failures, where, status):
    """Raise what a status says."""
    says = next(says for says, word in zip(failures, status) if word)
    fix = "checkpointed(range(n)) in the loop, or mapped(f, room=...)" if "room" in says else "arguments for which it does not raise"
    raise problem(ArgumentError, f"mapped {name}: for some element, {says}", fix, where)


def _flat(item) -> list:
    return [v for part in item for v in _flat(part)] if isinstance(item, tuple) else [item]


def _structure(v, name):
    """Return the structure of a result as nested tuples."""
    if v is None or isinstance(getattr(v, "type", None), Known):
        raise problem(DtypeError, f"mapped: {name} returns None", "numbers, and tuples of them")
    return tuple([_structure(item, name) for item in v.items]) if hasattr(v, "cls") else None


def _nested(structure, values):
    """Return values in the structure of nested tuples."""
    return tuple([_nested(item, values) for item in structure]) if isinstance(structure, tuple) else next(values)
