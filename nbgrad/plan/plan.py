"""What a plan is: kernels, the words they read, how many tiles; and the table of planners."""

from math import prod
from typing import NamedTuple

from ..base.shapes import contiguous_strides, is_contiguous

GRAIN = 16384  # elements per tile: long enough to hide the start of a tile, short enough for two threads to share


class Kernel(NamedTuple):
    """What a kernel is. Its text is a function of this alone.

    loop : name of the loop; dtypes : one per pointer; body : the rows that fill the loop;
    static : choices that change the text (layouts, modes).
    """

    loop: str
    dtypes: tuple
    body: object = None
    static: tuple = ()

    @property
    def name(self) -> str:
        """A readable name: loop, row and dtypes."""
        row = getattr(self.body, "name", None)
        return "_".join([self.loop, *([row] if row else []), *dict.fromkeys(self.dtypes)])


class Step(NamedTuple):
    """One launch of a kernel.

    pointers : which buffer each pointer word takes (inputs 0..k-1, output k, scratch after it);
    words : the words after the pointers; tiles : how many pieces, each independent of the others.
    """

    kernel: Kernel
    pointers: tuple
    words: tuple
    tiles: int


class Plan(NamedTuple):
    """Steps in order, the output they fill, and scratch buffers as ((shape, dtype name), ...).

    A row with several results has tuples of shapes and dtype names; its buffers stand between inputs and scratch.
    """

    steps: tuple
    shape: tuple
    dtype: str
    scratch: tuple = ()
    zero: bool = False
    copies: tuple = ()  # inputs that must be made contiguous first


class Layout(NamedTuple):
    """How an array lies in memory: shape, strides in elements, dtype name."""

    shape: tuple
    strides: tuple
    dtype: str

    @property
    def size(self) -> int:
        return prod(self.shape)

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def contiguous(self) -> bool:
        return is_contiguous(self.shape, self.strides)


def packed(shape, dtype) -> Layout:
    """Return the row-major layout of `shape`."""
    return Layout(tuple(shape), contiguous_strides(shape), dtype)


planners: dict = {}


def planner(name, contiguous=False):
    """Register the planner of a primitive: `plan(inputs, attrs, out) -> Plan`; of several results `out` is a tuple.

    `contiguous` (True, or one bool per input) asks for row-major inputs; the runner copies first.
    """

    def register(fn):
        planners[name] = (fn, contiguous)
        return fn

    return register


def plan_primitive(op, inputs, attrs, out, found=None) -> Plan:
    """Plan one call of a primitive, by the planner `found` if a target has its own; inputs it wants row-major are in `copies`."""
    fn, contiguous = found or planners[op.name]
    wants = contiguous if isinstance(contiguous, tuple) else (contiguous,) * len(inputs)
    copies = tuple(i for i, (want, layout) in enumerate(zip(wants, inputs)) if want and not layout.contiguous)
    inputs = tuple(packed(x.shape, x.dtype) if i in copies else x for i, x in enumerate(inputs))
    plan = fn(inputs, attrs, out)
    return plan._replace(copies=copies + plan.copies)
