"""What a work costs: bytes that it reads and writes, operations of arithmetic."""

import ast
import functools
import inspect
import math
import textwrap
import types
from math import prod

import numpy as np

from ..ops.elementary import bits, find
from ..ops.table import Op
from .calls import WALKS, Loop, Stop

PRODUCTS = ("matmul", "linear")
# Rows whose loop passes over its largest array: operations per element, exponentials and the like as one each.
PASSES = {
    "softmax": 4, "softmax_grad": 4, "log_softmax": 4, "log_softmax_grad": 4, "logsumexp": 3, "logsumexp_grad": 3,
    "class_entropy": 3, "class_entropy_grad": 3, "soft_entropy": 5, "soft_entropy_grad": 5, "standardize": 6,
    "standardize_grad": 8, "standardize_scaled": 8, "standardize_scaled_grad": 10, "batch_standardize": 8,
    "batch_standardize_grad": 10, "batch_rescale": 2, "channel_sums": 3, "running_sum": 1, "recurrence": 2,
    "scatter_sum": 1, "add_each": 1, "pool_max": 1, "arg_extreme": 1,
}  # fmt: skip
DEAR = (ast.Call, ast.Pow, ast.Div, ast.FloorDiv, ast.Mod)  # not made again to save a read
FEW = 4  # operations of a row that is
COUNTED = (ast.BinOp, ast.Compare, ast.BoolOp, ast.IfExp)


def moved(work) -> int:
    """Return the bytes that a work reads and writes; an element that is read often counts once."""
    return sum(bytes_of(r.layout) for r in (*work.reads, *work.writes))


def bytes_of(layout) -> int:
    """Return the bytes that lie behind a layout; those of an element that is repeated count once."""
    return prod(n for n, s in zip(layout.shape, layout.strides) if s) * np.dtype(layout.dtype).itemsize


def flops(work) -> float:
    """Return the operations of arithmetic of a work: NaN when they are not known before it runs.

    Those of elementary functions are counted as their text has them: an exponential is some twenty.
    """
    if isinstance(work, Stop):
        return 0.0
    loop = loop_of(work)
    if loop is not None:
        return _turned(loop, flops)
    return sum(map(_of_call, work.calls)) if work.calls else _of_call(work)


def traffic(work) -> float:
    """Return the bytes that a work moves, those of all turns of a loop: NaN when they are not known before it runs."""
    loop = None if isinstance(work, Stop) else loop_of(work)
    return float(moved(work)) if loop is None else _turned(loop, traffic)


def loop_of(work):
    """Return the `Loop`, `While` or `Reversal` that a work is; None when it is none."""
    kernel = work.plan.steps[0].kernel if work.plan.steps else None
    return kernel if isinstance(kernel, WALKS) else None


def _turned(loop, cost) -> float:
    if not isinstance(loop, Loop) or type(loop.turns) is not int:
        return math.nan
    works = {id(i.work): i.work for wave in loop.schedule.waves for i in wave if not isinstance(i, Stop)}
    return loop.turns * sum(map(cost, works.values()))


def products(work) -> float:
    """Return the additions and multiplications of the products and convolutions of a work, known at once."""
    op = work.ops[0]
    return _product(op.name, work.reads, work.writes) if op.kind == "primitive" else 0.0


def _product(name, reads, writes) -> float:
    if name in PRODUCTS:
        return 2.0 * writes[0].layout.size * reads[0].layout.shape[-1]
    if name in ("conv_output", "conv_biased"):
        return 2.0 * writes[0].layout.size * _window(reads[1])
    if name == "conv_input_grad":
        return 2.0 * reads[0].layout.size * _window(reads[1])
    return 2.0 * reads[1].layout.size * _window(writes[0]) if name == "conv_weight_grad" else 0.0


def _window(weight) -> float:
    """Return how many weights make one number of a convolution's result."""
    return weight.layout.size / max(1, weight.layout.shape[0])


def _of_call(call) -> float:
    """Return the operations of a call, or of a work that is one."""
    op = call.op if hasattr(call, "op") else call.ops[0]
    if op.kind == "elementwise":
        dtype = call.reads[0].layout.dtype if call.reads else call.writes[0].layout.dtype
        floats = [r.layout.dtype for r in call.reads if r.layout.dtype[0] == "f"]
        return float(call.writes[0].layout.size * operations(op, floats[0] if floats else dtype))
    if op.kind == "reduction":
        return float(call.reads[0].layout.size * max(1, operations(op, call.reads[0].layout.dtype)))
    if op.kind == "custom":  # a function of the user's
        return math.nan
    if op.name in PASSES:
        return float(PASSES[op.name] * max(r.layout.size for r in (*call.reads, *call.writes)))
    return _product(op.name, call.reads, call.writes)


@functools.cache
def cheap(op) -> bool:
    """Say whether a row costs less than to read its result from memory: a few additions, products, comparisons and choices.

    >>> from nbgrad.ops.table import table
    >>> cheap(table["mul"]), cheap(table["exp"]), cheap(table["div"])
    (True, False, False)
    """
    if op.kind != "elementwise":
        return False
    formula = op.formula
    parts = [p for tree in (*[value for _, value in formula.lets], formula.result) for p in ast.walk(tree)]
    return not any(isinstance(p, DEAR) for p in parts) and sum(isinstance(p, COUNTED) for p in parts) <= FEW


@functools.cache
def operations(op, dtype) -> int:
    """Return how many operations the formula of a row is for one element.

    >>> from nbgrad.ops.table import table
    >>> operations(table["mul"], "float32"), operations(table["copy"], "float32")
    (1, 0)
    """
    formula = op.formula
    parts = [*[value for _, value in formula.lets], formula.result]
    return sum(_counted(part, formula.globals, dtype) for part in parts)


def _counted(tree, space, dtype) -> int:
    count = 0
    for part in ast.walk(tree):
        if isinstance(part, COUNTED) or (isinstance(part, ast.UnaryOp) and isinstance(part.op, ast.USub)):
            count += 1
        elif isinstance(part, ast.Call):
            count += _called(part, space, dtype)
    return count


def _called(call, space, dtype) -> int:
    """Return how many operations a call of a function in a formula is."""
    name = call.func
    if isinstance(name, ast.Attribute):
        found = find(name.attr, dtype)
        return 1 if found is None else _function(found, dtype)
    if not isinstance(name, ast.Name):
        return 1
    value = space.get(name.id)
    if isinstance(value, Op):
        found = find(value.name, dtype)
        return operations(value, dtype) if found is None else _function(found, dtype)
    if getattr(value, "__module__", None) == bits.__name__:  # one instruction, or a few
        known = [len(space.get(getattr(a.value, "id", None), "ab")) if isinstance(a, ast.Starred) else 1 for a in call.args]
        return 2 if name.id == "fma" else max(1, 2 * sum(known) - 4) if name.id == "polynomial" else 1
    return _function(value, dtype) if isinstance(value, types.FunctionType) else 1


@functools.cache
def _function(f, dtype) -> int:
    """Return how many operations a function of numbers is; loops count as one turn."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(f)))
    except (OSError, TypeError, SyntaxError):
        return 1
    body = tree.body[0].body if isinstance(tree.body[0], ast.FunctionDef) else [tree]
    return max(1, sum(_counted(part, f.__globals__, dtype) for part in body))
