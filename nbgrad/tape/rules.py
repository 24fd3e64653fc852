"""The rule that takes a gradient from a node's output to one of its inputs, and what that rule reads."""

import functools
import inspect
from math import prod
from typing import NamedTuple

from ..ad.scalar import value, vjp_op
from ..base.errors import GradientError, problem
from ..base.shapes import reduced_shape
from ..ops.movement import broadcast_to, reshape
from ..ops.reduce import sum as sum_
from ..ops.table import MISSING, ZERO, lift


class Rule(NamedTuple):
    """keeps: names of values the rule reads; apply(node, index, g, values) -> gradient, or None for zero."""

    keeps: tuple
    apply: object


@functools.cache
def rule(op, index) -> Rule | None:
    """Return the rule of input number `index` of `op`; None when the gradient is zero on purpose.

    Raises
    ------
    GradientError
        When nobody has derived it.
    """
    if op.kind == "elementwise":
        found = vjp_op(op, index)
    elif op.kind == "reduction" and op.vjp is None:
        found = op.df if op.df is ZERO else _scaled(op)
    else:
        found = _written(op, index)
    if isinstance(found, MISSING):
        raise problem(
            GradientError,
            f"{op.name} has no gradient in {op.params[min(index, len(op.params) - 1)]}: {found.reason}",
            "nbgrad.stop_gradient, or a rule of your own with nbgrad.custom_vjp",
        )
    if found is ZERO or found is None:
        return None
    if isinstance(found, float):
        return Rule((), lambda node, i, g, values: g if found == 1.0 else g * found)
    if isinstance(found, Rule):
        return found
    keeps = found.params[1:]
    return Rule(keeps, lambda node, i, g, values: found(g, *[values[k] for k in keeps]))


def _scaled(op):
    """Reductions whose partial is a number that depends on the count alone (sum, mean)."""
    _, (expr,), _ = op.partials

    def apply(node, index, g, values):
        shape = node.shapes[0]
        n = prod(shape[a] for a in node.attrs["axis"])
        number = value(expr) if value(expr) is not None else op.df(n) if n else 0.0
        g = g if number == 1.0 else g * number
        return broadcast_to(expanded(node, g), shape)

    return Rule((), apply)


def expanded(node, g):
    """Return `g`, shaped like a reduction's output, with the folded axes back as length 1."""
    if node.attrs["keepdims"]:
        return g
    return reshape(g, reduced_shape(node.shapes[0], node.attrs["axis"], True))


def _written(op, index):
    """A rule that the row writes in ops; its parameter names say what it reads."""
    name, rules = op.params[0][1:] if op.variadic else op.params[index], op.vjp or {}
    for names in rules:
        if type(names) is tuple and name in names:
            return _joint(op, names, rules[names])
    given = rules.get(name, MISSING("its row gives no rule"))
    if not callable(given):
        return given
    keeps, arguments = _asks(op, given)

    def apply(node, index, g, values):
        if op.kind == "reduction":
            g = expanded(node, g)
            if "out" in keeps:
                values = {**values, "out": expanded(node, values["out"])}
        return given(*arguments(node, index, g, values))

    return Rule(keeps, apply)


def _asks(op, given):
    """Return the names of what a rule reads that the tape keeps, and what gives the rule its arguments, by their names."""
    asked, several = tuple(inspect.signature(given).parameters), len(op.outputs) > 1
    shapes = [a for a in asked if a.endswith(("_shape", "_shapes"))]
    known = {"g", "index", "out", "wanted", *op.params, *op.aux, *op.attrs, *op.constants, *shapes}
    for name in asked:
        if name not in known:
            what = f"the rule of {op.name} asks for {name!r}, which is no parameter, attribute or shape"
            raise problem(GradientError, what, f"one of {', '.join(sorted(known - set(shapes)))}")

    def arguments(node, index, g, values):
        found = {**node.attrs, **values, "g": tuple(map(g.get, range(len(op.outputs)))) if several else g, "index": index}
        for name in shapes:
            found[name] = _shape(name, op, node)
        return [found[name] for name in asked]

    return tuple(a for a in asked if a in op.params or a == "out" or a in op.aux), arguments


def _joint(op, names, given):
    """A rule that gives the gradients of several inputs at once: evaluated at the first of them, kept in `values`."""
    keeps, arguments = _asks(op, given)
    inputs = [op.params.index(n) for n in names]

    def apply(node, index, g, values):
        found = values.get(given)
        if found is None:
            wanted = tuple([node.inputs[i] is not None for i in inputs])
            found = values[given] = given(*arguments(node, index, g, {**values, "wanted": wanted}))
        return found[inputs.index(index)]

    return Rule(keeps, apply)


def pull(node, g):
    """Return the gradient of each input of a call, None where there is none; `g` as its rules take it."""
    values, out = {}, []
    for index, source in enumerate(node.inputs):
        found = None if source is None else rule(node.op, index)
        if found is not None:
            values.update({k: node.kept[k].value(node, k) for k in found.keeps if k not in values})
        out.append(None if found is None else found.apply(node, index, g, values))
    return out


def _shape(name, op, node):
    """Return what "x_shape" (of a parameter, or "out") or "xs_shapes" (of all inputs) stands for."""
    if name.endswith("_shapes"):
        return node.shapes
    of = name.removesuffix("_shape")
    return node.shape if of == "out" else node.shapes[op.params.index(of)]


@functools.cache
def keeps(op, active: tuple) -> tuple:
    """Return the names of the values that the backward of `op` reads when the inputs in `active` want a gradient."""
    names = {}
    for index in active:
        found = rule(op, index) if told(op, index) else None
        if found is not None:
            names.update(dict.fromkeys(found.keeps))
    return tuple(names)


@functools.cache
def flows(op, index) -> bool:
    """Say whether a gradient can pass through input number `index` (an untold rule counts: it raises when used)."""
    return not told(op, index) or rule(op, index) is not None


def told(op, index) -> bool:
    """Say whether the rule of input number `index` is known, be it zero."""
    try:
        rule(op, index)
    except GradientError:
        return False
    return True


def sum_to(g, shape):
    """Undo broadcasting: sum `g` over the axes along which a value of `shape` was repeated."""
    if g.shape == shape:
        return g
    extra = g.ndim - len(shape)
    axes = (*range(extra), *(extra + i for i, n in enumerate(shape) if n == 1 and g.shape[extra + i] != 1))
    return reshape(sum_(g, axes, False), shape) if axes else reshape(lift(g), shape)
