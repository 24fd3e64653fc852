"""Rows for cross entropy: scores against classes, or against probabilities, in one pass each way."""

from math import prod

from . import reduce, rows
from .arithmetic import where
from .gather import take_rows
from .movement import expand_dims
from .table import MISSING, ZERO, primitive
from .transcendental import exp
from .views import constant, slice_

FIXED = MISSING("the fused row takes weights as given; cross_entropy of weights with a gradient goes another way")


@primitive(
    aux={"stats": "float64"},
    vjp={
        "x": lambda g, x, labels, weight, stats, axis, spread, ignored, reduction, logs: class_entropy_grad.fixed(
            axis=axis, spread=spread, ignored=ignored, reduction=reduction, logs=logs
        )(g, x, labels, weight, stats),
        "labels": ZERO,
        "weight": FIXED,
    },
    accepts=("float", "index", "float"),
)
def class_entropy(x, labels, weight, *, axis, spread, ignored, reduction, logs):
    """Cross entropy of scores (or, with `logs`, log probabilities) against classes along an axis; mean, sum or one each.

    `stats` holds the logarithm of each sample's sum of exponentials; what the mean divides by; and one more than the
    place of the first label that is no class, or 0.
    """
    return labels.shape if reduction == "none" else (), (prod(labels.shape) + 2,)


@primitive(
    vjp={
        ("u", "x"): lambda g, u, x, labels, weight, stats, axis, spread, ignored, reduction, logs, wanted: curvature(
            g, u, x, labels, weight, stats, (axis, spread, ignored, reduction, logs), wanted
        ),
        "labels": ZERO, "weight": FIXED, "stats": ZERO,
    },
    accepts=("float", "float", "index", "float", "float64"), linear=("u",),
)  # fmt: skip
def class_entropy_grad(u, x, labels, weight, stats, *, axis, spread, ignored, reduction, logs):
    """Gradient u of a cross entropy, taken back to the scores: u * (probabilities - target)."""
    return x.shape


@primitive(
    aux={"whole": "float64"},
    vjp={("x", "t"): lambda g, x, t, whole, wanted: soft_entropy_grad(g, x, t, whole, both=wanted[1])},
)
def soft_entropy(x, t):
    """Cross entropy of scores against probabilities t along the last axis; `whole` is the logarithm of the sum of exponentials."""
    return x.shape[:-1], x.shape[:-1]


@primitive(
    outputs=("of_x", "of_t"),
    vjp={("u", "x", "t"): lambda g, u, x, t: soft_curvature(g, u, x, t), "whole": ZERO},
    accepts=("float", "float", "float", "float64"), linear=("u",),
)  # fmt: skip
def soft_entropy_grad(u, x, t, whole, *, both):
    """Gradient u of a cross entropy, taken back to scores and (when `both`) probabilities."""
    return x.shape, t.shape


def curvature(g, u, x, labels, weight, stats, options, wanted):
    """Gradients of `class_entropy_grad` in u and x."""
    axis, spread, ignored, reduction, logs = options
    to_u = to_x = None
    if wanted[0]:
        one = class_entropy_grad(
            constant(1.0, u.shape, x.dtype), x, labels, weight, stats,
            axis=axis, spread=spread, ignored=ignored, reduction=reduction, logs=logs,
        )  # fmt: skip
        to_u = reduce.sum(g * one, axis if reduction == "none" else None, False)
    if wanted[1] and not logs:
        keep = None if ignored is None else labels != ignored
        share = take_rows(weight, labels if keep is None else where(keep, labels, 0), axis=0)
        if spread:
            share = share * (1.0 - spread) + spread * reduce.mean(weight)
        share = share if keep is None else where(keep, share, 0.0)
        factor = u * share / slice_(stats, cuts=((stats.size - 2, 1, 1),)).astype(x.dtype) if reduction == "mean" else u * share
        to_x = rows.softmax_grad(rows.softmax(x, axes=(axis,)), g * expand_dims(factor, axis), axes=(axis,))
    return to_u, to_x


def soft_curvature(g, u, x, t):
    """Gradients of `soft_entropy_grad` in u, x and t."""
    axes = (x.ndim - 1,)
    of_x, of_t = g
    logs, u = rows.log_softmax(x, axes=axes), expand_dims(u, -1)
    to_u = to_x = to_t = None
    if of_x is not None:
        p, total = exp(logs), reduce.sum(t, axes, True)
        to_u, to_x = of_x * (total * p - t), rows.softmax_grad(p, of_x * (u * total), axes=axes)
        to_t = u * (reduce.sum(of_x * p, axes, True) - of_x)
    if of_t is not None:
        to_x2 = rows.log_softmax_grad(logs, -(of_t * u), axes=axes)
        to_u, to_x = (-(of_t * logs), to_x2) if to_u is None else (to_u - of_t * logs, to_x + to_x2)
    return reduce.sum(to_u, axes, False), to_x, to_t
