"""Elementwise ops over any broadcast or strided layout: one inner loop and a row counter."""

import ast
import functools
from math import prod

from ..base.shapes import collapse
from .plan import GRAIN, Kernel, Plan, Step


def broadcast_strides(layout, shape) -> tuple:
    """Return the strides with which `layout` is walked as `shape` (0 along repeated axes)."""
    missing = len(shape) - len(layout.shape)
    return (0,) * missing + tuple(0 if n == 1 else s for n, s in zip(layout.shape, layout.strides))


@functools.cache
def grain_of(op) -> int:
    """Return how many numbers make a tile worth its start: 5 us or more of work, by whether the row calls functions."""
    formula = op.formula
    parts = [part for expr in (*[value for _, value in formula.lets], formula.result) for part in ast.walk(expr)]
    return 2 * GRAIN if any(isinstance(part, (ast.Call, ast.Pow)) for part in parts) else 4 * GRAIN


def map_step(op, inputs, out, pointers) -> Step:
    """Return the step that computes `op` of `inputs` into `out` (layouts; `out` may be strided).

    Kernel words: inner length, elements per part, parts per row, units (rows x parts), units per tile,
    outer axes; inner strides of every operand; outer lengths; outer strides operand by operand.
    """
    operands = [*(broadcast_strides(x, out.shape) for x in inputs), out.strides]
    shape, *strides = collapse(out.shape, *operands)
    if not shape:
        shape, strides = (1,), [(0,)] * (len(inputs)) + [(1,)]
    inner, rows = shape[-1], prod(shape[:-1])
    classes = "".join("1" if s[-1] == 1 else "0" if s[-1] == 0 else "s" for s in strides)
    grain = grain_of(op)
    parts = -(-inner // grain)
    units, per_tile = rows * parts, max(1, grain // max(1, min(inner, grain)))
    words = [inner, min(inner, grain), parts, units, per_tile, len(shape) - 1]
    words += [s[-1] for s in strides]
    words += shape[:-1]
    for s in strides:
        words += s[:-1]
    kernel = Kernel("map", (*(x.dtype for x in inputs), out.dtype), op, (classes, len(shape) > 1))
    return Step(kernel, tuple(pointers), tuple(words), -(-units // per_tile))


def plan_map(op, inputs, out) -> Plan:
    """Plan one elementwise op."""
    if out.size == 0:
        return Plan((), out.shape, out.dtype)
    return Plan((map_step(op, inputs, out, range(len(inputs) + 1)),), out.shape, out.dtype)
