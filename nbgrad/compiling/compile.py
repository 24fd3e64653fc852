"""Compile: a function of arrays is recorded once, planned, and from then on replayed as one native call."""

import functools
import types

import numpy as np

from ..base import tree
from ..base.dtypes import DTYPES
from ..base.errors import ArgumentError, problem
from ..base.layers import Drawing
from ..record import Shown
from ..road import layout_key
from ..tape.tape import recording
from ..tensor import Tensor
from .explain import Source, kernel_source, svg, text
from .replay import Run

PLAIN = frozenset(DTYPES.values())  # of arrays that are taken as they are
KINDS = 64  # kinds of arguments whose records are kept: each holds memory of its own
MOST = 8  # records kept for one kind of arguments, where what else the function reads changes from call to call


def compile(f):
    """Make a function that records `f` once for each kind of arguments, and from then on replays it natively.

    Parameters
    ----------
    f : callable
        Of arrays, nested tuples, lists, dicts and dataclasses of them, and static values: numbers, strings, modules and
        other objects of Python, for each of which there is a record of its own. Tensors that it reads otherwise (a
        model, an optimizer) are found again at each call, with the values they have then, and may be written in place.

    Returns
    -------
    Compiled
        Called like `f`, with the same results; arrays that it returns have memory of their own.

    Raises
    ------
    ArgumentError
        At the first call of a kind: when the function looks at values in Python (`if x > 0`, `float(x)`), lets values
        escape other than by its results, or changes what is not a tensor.

    Examples
    --------
    >>> import nbgrad as ng
    >>> step = compile(lambda x: ng.tanh(x) * 2.0)
    >>> step(ng.tensor([0.0])), step(ng.zeros((2, 3))).shape
    (tensor([0.]), (2, 3))
    """
    if not callable(f):
        raise problem(ArgumentError, f"compile takes a function, not {type(f).__name__}", "ng.compile(step)")
    return Compiled(f)


class Compiled:
    """A function and its records, by the kind of their arguments; what `nbgrad.compile` returns.

    Attributes
    ----------
    f : callable
        The function itself.
    runs : dict
        Kind of arguments -> list of `Run`, the newest first.
    short : dict
        The latest run for tensors alone, by their layouts: what most calls need no more than to look up.
    """

    def __init__(self, f):
        self.f, self.runs, self.short, self.latest = f, {}, {}, None
        functools.update_wrapper(self, f, updated=())

    def __repr__(self):
        count = sum(map(len, self.runs.values()))
        return f"<compiled {name_of(self.f)}: {count} record{'s' * (count != 1)}>"

    def __get__(self, owner, kind=None):
        return self if owner is None else types.MethodType(self, owner)

    def __call__(self, *args, **kwargs):
        now = recording.__dict__
        if now["recorder"] is not None or now["anomaly"] is not None:  # anomalies are looked for op by op
            return self.f(*args, **kwargs)
        short, tensors = None, args
        if not kwargs:
            short, tensors = [now["on"]], []
            for t in args:
                if type(t) is not Tensor:
                    if type(t) is not np.ndarray:
                        short = None
                        break
                    plain = t.dtype in PLAIN and t.flags.c_contiguous and t.flags.aligned
                    t = Tensor._make(t, None) if plain else Tensor(t)
                    t.loose = True
                tensors.append(t)
                short.append(t.key if t.keyed is t.data else layout_key(t))
                short.append(t.node is None)
        if short is not None:
            short = tuple(short)
            run = self.short.get(short)
            if run is not None and run.fits(tensors):
                return run(tensors)
        run, tensors = self._found(args, kwargs)
        if short is not None:
            self.short[short] = run
        return run(tensors)

    def record(self, *args, **kwargs):
        """Return the `Run` for these arguments, recorded now if there is none; nothing is run. Without any, the latest.

        Raises
        ------
        ArgumentError
            As a call does; without arguments, when nothing has been recorded.
        """
        if args or kwargs:
            run, _ = self._found(args, kwargs)
            run.recorder.undo()
            run.release()
            return run
        if self.latest is None:
            what = f"{name_of(self.f)}: nothing has been recorded"
            raise problem(ArgumentError, what, "its arguments, as for a call, or a call first")
        return self.latest

    def show(self, *args, **kwargs) -> Shown:
        """Return what was recorded, fused and planned, as text: kernels in waves, the arena, counts.

        Parameters
        ----------
        *args, **kwargs
            As for a call, which is then recorded and not run; without any, the latest record is shown.

        Examples
        --------
        >>> import nbgrad as ng
        >>> print(compile(lambda x: ng.tanh(x) * 2.0).show(ng.ones(3)).splitlines()[-1])
        peak    24 bytes in each run: the arena, and 24 bytes of results
        """
        return text(self.record(*args, **kwargs), name_of(self.f))

    def svg(self, *args, **kwargs) -> Drawing:
        """Return a picture of the recorded calls, those of one kernel in one colour; arguments as for `show`."""
        return svg(self.record(*args, **kwargs))

    def source(self, number, *args, **kwargs) -> Source:
        """Return the generated text of a kernel by the number that `show` tells; `path` of it is the whole file."""
        return kernel_source(self.record(*args, **kwargs), number)

    def _found(self, args, kwargs):
        """Return (run, tensors) for a call: a record that holds, or a new one."""
        tensors, key, leaves, structure = _sorted(args, kwargs)
        run = self._run(tensors, key)
        if run is None:
            run = Run(self.f, leaves, structure, bool(kwargs), self.latest)
            self.runs[key] = [run, *self.runs.pop(key, ())][:MOST]
            if len(self.runs) > KINDS:
                del self.runs[next(iter(self.runs))]
                self.short.clear()
            tensors = run.arguments
        self.latest = run
        return run, tensors

    def _run(self, tensors, key):
        """Return the record that holds for a call, or None."""
        for run in self.runs.get(key, ()):
            if run.fits(tensors):
                return run
        return None


def name_of(f) -> str:
    """Return what a function is called."""
    return getattr(f, "__name__", type(f).__name__)


def _sorted(args, kwargs):
    """Return (arrays, key, leaves, structure) of the arguments of a call: a key is equal where a record may serve both."""
    opened = [_Static(a) if hasattr(a, "named_parameters") else a for a in args]
    leaves, structure = tree.flatten([opened, kwargs] if kwargs else opened)
    arrays, key = [], [structure, recording.on]
    for i, leaf in enumerate(leaves):
        if type(leaf) is not Tensor and isinstance(leaf, np.ndarray):
            leaves[i] = leaf = Tensor(leaf)
            leaf.loose = True
        if type(leaf) is Tensor:
            key += (leaf.key if leaf.keyed is leaf.data else layout_key(leaf), leaf.node is not None)
            arrays.append(leaf)
        else:
            key += (type(leaf), leaf)
    key = tuple(key)
    try:
        hash(key)
    except TypeError:
        kinds = {type(v).__name__ for v in leaves if type(v).__hash__ is None}
        what = f"compile: an argument is of type {', '.join(sorted(kinds))}, which cannot be told from others of its type"
        raise problem(ArgumentError, what, "arrays, nested containers of them, or values that can be hashed") from None
    return arrays, key, leaves, structure


class _Static:
    """A module among the arguments: the same one each time, its tensors found when they are read."""

    __slots__ = ("it",)

    def __init__(self, it):
        self.it = it

    def __hash__(self):
        return id(self.it)

    def __eq__(self, other):
        return type(other) is _Static and other.it is self.it
