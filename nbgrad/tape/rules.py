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
    asked, keeps = _asks(op, given)

    def apply(node, index, g, values):
        if op.kind == "reduction":
            g = expanded(node, g)
            if "out" in keeps:
                values = {**values, "out": expanded(node, values["out"])}
        return given(**{a: _asked(a, op, node, index, g, values) for a in asked})

    return Rule(keeps, apply)


def _asks(op, given):
    """Return the names that a rule asks for, and those among them that the tape keeps."""
    asked = tuple(inspect.signature(given).parameters)
    return asked, tuple(a for a in asked if a in op.params or a == "out" or a in op.aux)


def _joint(op, names, given):
    """A rule that gives the gradients of several inputs at once: evaluated at the first of them, kept in `values`."""
    asked, keeps = _asks(op, given)

    def apply(node, index, g, values):
        if given not in values:
            wanted = tuple(node.inputs[op.params.index(n)] is not None for n in names)
            known = {**values, "wanted": wanted}
            values[given] = given(**{a: _asked(a, op, node, index, g, known) for a in asked})
        return values[given][names.index(op.params[index])]

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


def _asked(name, op, node, index, g, values):
    if name == "g":
        return tuple(map(g.get, range(len(op.outputs)))) if len(op.outputs) > 1 else g
    if name == "index":
        return index
    if name in values:
        return values[name]
    if name in node.attrs:
        return node.attrs[name]
    if name.endswith("_shapes"):
        return node.shapes
    if name.endswith("_shape"):
        of = name.removesuffix("_shape")
        return node.shape if of == "out" else node.shapes[op.params.index(of)]
    raise problem(GradientError, f"the rule of {op.name} asks for {name!r}, which is no parameter, attribute or shape")


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
    if tuple(g.shape) == tuple(shape):
        return g
    extra = g.ndim - len(shape)
    axes = (*range(extra), *(extra + i for i, n in enumerate(shape) if n == 1 and g.shape[extra + i] != 1))
    return reshape(sum_(g, axes, False), shape) if axes else reshape(lift(g), shape)
