"""Elementwise ops over any broadcast or strided layout: one inner loop and a row counter."""

import ast
import functools
from math import prod
from typing import Any, NamedTuple

from ..base.shapes import collapse
from .plan import GRAIN, Kernel, Plan, Step

TILE = 3000  # nanoseconds of work of a tile of a program, roughly
LINE = 64  # places that a part begins at a multiple of: bytes or more, so that what it writes begins a line of the cache
TILES = 256  # of a large array, whose tiles are longer: where a tile is taken, a thread waits for all that it wrote


def broadcast_strides(layout, shape) -> tuple:
    """Return the strides with which `layout` is walked as `shape` (0 along repeated axes)."""
    missing = len(shape) - len(layout.shape)
    return (0,) * missing + tuple(0 if n == 1 else s for n, s in zip(layout.shape, layout.strides))


class Body(NamedTuple):
    """Elementwise rows fused to one: values are numbered, inputs first, then the results of `calls` in order.

    calls : tuple of (row, values it takes, dtype it computes in, dtype of its result); a value may be a `Literal`.
    outs : the values that are kept. shared : whether an output lies where an input lies. reduced : what is folded.
    after : what is done to the results of `reduced`.
    """

    calls: tuple
    outs: tuple
    shared: bool = False
    reduced: tuple = ()
    after: Any = None

    @property
    def name(self) -> str:
        names = list(dict.fromkeys(op.name for op, *_ in self.calls))
        rows = "_".join(names[:4]) + (f"_{len(self.calls)}" if len(names) > 4 else "")
        behind = () if self.after is None else (self.after.body.name,)
        return "_".join(filter(None, [rows, *dict.fromkeys(r.op.name for r in self.reduced), *behind]))

    def made_of(self, value, inputs) -> list:
        """Return which of so many inputs a value is made of."""
        found, waiting = {value}, [value]
        for v in waiting:
            new = [] if v < inputs else [a for a in self.calls[v - inputs][1] if not isinstance(a, Literal) and a not in found]
            found.update(new)
            waiting += new
        return sorted(v for v in found if v < inputs)


class Reduced(NamedTuple):
    """A reduction of a value of a `Body`: its row, the value and its dtype, the dtypes of the accumulator and of the result."""

    op: Any
    value: int
    dtype: str
    acc: str
    out: str


class After(NamedTuple):
    """Rows behind reductions, done to each result while it is there.

    body : its values are the results of the reductions, then arrays of their shape, or of one number; stored : which results
    are kept too; dtypes, single : of the arrays, then of what is made, and which of them are one number.
    """

    body: Body
    stored: tuple
    dtypes: tuple
    single: tuple

    @property
    def arrays(self) -> int:
        """How many arrays are read."""
        return len(self.dtypes) - len(self.body.outs)


class Literal(NamedTuple):
    """A number that is known while planning."""

    value: float


def compute_dtype(op, dtypes):
    """Return the dtype in which a row computes, of the dtypes of its arguments: that of the first that is no condition."""
    for accepts, dtype in zip(op.accepts, dtypes):
        if accepts not in ("bool", "index"):
            return dtype
    return dtypes[0]


@functools.cache
def grain_of(body) -> int:
    """Return how many numbers make a tile worth its start.

    A row alone is launched alone, 5 us or more of work; kernels of a program share launches, and tiles are shorter.
    """
    if not isinstance(body, Body):
        return 2 * GRAIN if _functions(body) else 4 * GRAIN
    cost = sum([0.1 + 0.5 * _functions(op) for op, *_ in body.calls] or [0.1]) + 0.1 * len(body.outs)
    return min(2 * GRAIN, 1 << int(TILE / cost).bit_length())


@functools.cache
def _functions(op) -> int:
    """Return how many functions the formula of a row calls."""
    formula = op.formula
    parts = [part for expr in (*[value for _, value in formula.lets], formula.result) for part in ast.walk(expr)]
    return sum(isinstance(part, (ast.Call, ast.Pow)) for part in parts)


def map_step(body, inputs, outs, pointers) -> Step:
    """Return the step that computes a row, or a `Body`, of `inputs` into `outs` (layouts of one shape; may be strided).

    Kernel words: inner length, elements per part, parts per row, units (rows x parts), units per tile,
    outer axes; inner strides of every operand; outer lengths; outer strides operand by operand. The text is chosen by the
    inner strides, whether there are outer axes and, where `streaming` says so, that results are written past the cache.
    """
    full = outs[0].shape
    operands = [*(broadcast_strides(x, full) for x in inputs), *(out.strides for out in outs)]
    shape, *strides = collapse(full, *operands)
    if not shape:
        shape, strides = (1,), [(0,)] * len(inputs) + [(1,)] * len(outs)
    inner, rows = shape[-1], prod(shape[:-1])
    classes = "".join("1" if s[-1] == 1 else "0" if s[-1] == 0 else "s" for s in strides)
    grain = max(grain_of(body), min(2 * GRAIN, prod(shape) // TILES // LINE * LINE))
    parts = -(-inner // grain)
    units, per_tile = rows * parts, max(1, grain // max(1, min(inner, grain)))
    words = [inner, min(inner, grain), parts, units, per_tile, len(shape) - 1]
    words += [s[-1] for s in strides]
    words += shape[:-1]
    for s in strides:
        words += s[:-1]
    kernel = Kernel("map", tuple(x.dtype for x in (*inputs, *outs)), body, (classes, len(shape) > 1))
    return Step(kernel, tuple(pointers), tuple(words), -(-units // per_tile))


def plan_map(op, inputs, out) -> Plan:
    """Plan one elementwise op."""
    if out.size == 0:
        return Plan((), out.shape, out.dtype)
    return Plan((map_step(op, inputs, (out,), range(len(inputs) + 1)),), out.shape, out.dtype)


@functools.lru_cache(4096)
def plan_body(body, inputs, outs) -> Plan:
    """Plan fused rows, whose outputs are of one shape."""
    step = map_step(body, inputs, outs, range(len(inputs) + len(outs)))
    return Plan((step,), tuple(x.shape for x in outs), tuple(x.dtype for x in outs))
