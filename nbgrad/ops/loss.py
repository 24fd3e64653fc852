"""Losses: how far predictions are from what was wanted, as one number or one per sample."""

from ..base.errors import ArgumentError, DtypeError, IndexRangeError, ShapeError, problem
from ..base.shapes import normalize_axis
from . import reduce
from .activation import softplus
from .arithmetic import abs as absolute
from .arithmetic import maximum, where
from .composite import float_tensor, log_softmax
from .entropy import class_entropy, soft_entropy
from .gather import take_each, take_rows
from .movement import expand_dims, moveaxis, squeeze
from .normalization import filled
from .table import lift
from .transcendental import exp, log, log1p, xlogy

REDUCTIONS = ("mean", "sum", "none")


def reduced(loss, reduction, op, count=None):
    """Return the mean (by `count` when given), the sum, or the losses as they are."""
    if reduction == "none":
        return loss
    if reduction == "sum":
        return reduce.sum(loss)
    check_reduction(op, reduction)
    return reduce.mean(loss) if count is None else reduce.sum(loss) / count


def check_reduction(op, reduction):
    """Raise for a reduction that is none."""
    if reduction not in REDUCTIONS:
        raise problem(
            ArgumentError, f"{op}: reduction={reduction!r} is unknown", f"one of {', '.join(map(repr, REDUCTIONS))}"
        )


def pair(op, prediction, target):
    """Return both lifted to float; equal shapes are asked for, since (n,) with (n, 1) would broadcast to (n, n)."""
    prediction = float_tensor(prediction)
    target = lift(target, prediction)
    if target.dtype.kind != "f":
        target = target.astype(prediction.dtype)
    if prediction.shape != target.shape:
        raise problem(
            ShapeError,
            f"{op}(prediction, target): shapes {prediction.shape} and {target.shape} differ",
            "target.reshape(prediction.shape)",
        )
    return prediction, target


def class_labels(op, scores, labels, axis, ignore_index):
    """Return integer labels lifted, checked against `scores`."""
    labels = lift(labels, scores)
    if labels.dtype.kind not in "iu":
        raise problem(DtypeError, f"{op}: labels are {labels.dtype}; classes are integers", 'labels.astype("int64")')
    expected = scores.shape[:axis] + scores.shape[axis + 1 :]
    if labels.shape != expected:
        raise problem(
            ShapeError,
            f"{op}: labels are {labels.shape}; for scores of {scores.shape} with classes along axis {axis} "
            f"they must be {expected}",
            "the class axis given by axis=, or labels.reshape(...)",
        )
    return labels


def check_range(op, labels, classes, ignore_index):
    """Raise when a label is no class."""
    if labels.size and hasattr(labels, "numpy"):
        labels_within(op, labels.numpy(), classes, ignore_index)


def labels_within(op, values, classes, ignore_index):
    """Raise when one of the labels, an array of NumPy, is no class."""
    wrong = (values < 0) | (values >= classes)
    if ignore_index is not None:
        wrong &= values != ignore_index
    if wrong.any():
        place = tuple(int(i[0]) for i in wrong.nonzero())
        raise problem(
            IndexRangeError,
            f"{op}: labels[{', '.join(map(str, place))}] is {values[place]}; classes are 0 to {classes - 1}",
            "as many scores per sample as there are classes, or ignore_index=",
        )


def cross_entropy(logits, labels, axis=-1, weight=None, label_smoothing=0.0, reduction="mean", ignore_index=None):
    """Cross entropy of softmax(logits) against classes or probabilities, with no overflow for any finite logits.

    Parameters
    ----------
    logits : array of float (..., c)
        Scores, classes along `axis`.
    labels : array of int (...), or of float (..., c)
        Classes 0..c-1, or a probability for each class.
    axis : int
        The class axis; 1 for images (n, c, h, w).
    weight : array (c,), optional
        Weight of each class; the mean divides by the sum of the weights met.
    label_smoothing : float in [0, 1]
        Share of the target that is spread evenly over all classes (Szegedy et al. 2016, arXiv:1512.00567).
    reduction : {"mean", "sum", "none"}
        "none" gives one loss per sample, shaped as integer labels.
    ignore_index : int, optional
        Samples with this label count for nothing; if there are no others, the mean is NaN.

    Raises
    ------
    IndexRangeError
        For a label that is no class.
    ShapeError, DtypeError, ArgumentError
        For labels that do not fit the logits, and options out of range.

    Examples
    --------
    >>> float(cross_entropy([[0.0, 0.0]], [1]))
    0.6931471805599453
    """
    logits = float_tensor(logits)
    labels = lift(labels, logits)
    axis = normalize_axis(axis, logits.ndim)
    if not 0.0 <= label_smoothing <= 1.0:
        raise problem(
            ArgumentError,
            f"cross_entropy: label_smoothing={label_smoothing} is outside of [0, 1]",
            "label_smoothing=0.1",
        )
    if labels.dtype.kind == "f":
        return soft_cross_entropy(logits, labels, axis, weight, label_smoothing, reduction)
    return class_cross_entropy("cross_entropy", logits, labels, axis, weight, label_smoothing, reduction, ignore_index)


def class_cross_entropy(op, scores, labels, axis, weight, smoothing, reduction, ignore_index):
    """Cross entropy against classes; `nll_loss` takes scores that are logarithms of probabilities already."""
    labels = class_labels(op, scores, labels, axis, ignore_index)
    check_reduction(op, reduction)
    if weight is None:
        weight = filled(1.0, (scores.shape[axis],), scores.dtype)
    else:
        weight = class_weights(weight, axis, scores)
        if weight.requires_grad:
            check_range(op, labels, scores.shape[axis], ignore_index)
            logp = scores if op == "nll_loss" else log_softmax(scores, axis)
            return weighted_entropy(op, logp, labels, axis, weight, smoothing, reduction, ignore_index)
    row = class_entropy.fixed(
        axis=axis, spread=float(smoothing), ignored=ignore_index, reduction=reduction, logs=op == "nll_loss"
    )
    loss, stats = row(scores, labels, weight)
    classes = scores.shape[axis]
    if getattr(stats, "_recorded", False):
        labels._stop_if(stats[-1], lambda values: labels_within(op, values, classes, ignore_index))
    elif stats.item(-1):
        check_range(op, labels, classes, ignore_index)
    return loss


def weighted_entropy(op, logp, labels, axis, weight, smoothing, reduction, ignore_index):
    """Cross entropy from log probabilities, with class weights that have a gradient."""
    labels = labels.astype("int64")
    losses, count = class_losses(logp, labels, axis, weight, ignore_index)
    if smoothing:
        spread = -reduce.mean(logp * along(weight, axis, logp), axis)
        if ignore_index is not None:
            spread = where(labels != ignore_index, spread, 0.0)
        losses = (1.0 - smoothing) * losses + smoothing * spread
    return reduced(losses, reduction, op, count)


def soft_cross_entropy(logits, labels, axis, weight, label_smoothing, reduction):
    """Cross entropy against probabilities."""
    if labels.shape != logits.shape:
        raise problem(
            ShapeError,
            f"cross_entropy: probabilities of shape {labels.shape} for logits of {logits.shape}",
            "one probability per logit, or integer classes",
        )
    if label_smoothing:
        labels = labels * (1.0 - label_smoothing) + label_smoothing / logits.shape[axis]
    if weight is not None:
        labels = labels * along(class_weights(weight, axis, logits), axis, logits)
    if axis != logits.ndim - 1:
        logits, labels = moveaxis(logits, axis, -1), moveaxis(labels, axis, -1)
    return reduced(soft_entropy(logits, labels)[0], reduction, "cross_entropy")


def class_weights(weight, axis, x):
    """Return one weight per class, checked."""
    weight = float_tensor(weight)
    if weight.shape != (x.shape[axis],):
        raise problem(
            ShapeError,
            f"class weights are {weight.shape} for {x.shape[axis]} classes",
            f"weights of shape ({x.shape[axis]},)",
        )
    return weight if weight.dtype == x.dtype else weight.astype(x.dtype)


def along(weight, axis, x):
    """Return one number per class, shaped to broadcast along `axis` of `x`."""
    return weight.reshape((-1,) + (1,) * (x.ndim - axis - 1))


def class_losses(logp, labels, axis, weight, ignore_index):
    """Return the negative log probability of each label, weighted, and what their mean divides by."""
    keep = None if ignore_index is None else labels != ignore_index
    if keep is not None:
        labels = where(keep, labels, 0)
    share = take_rows(weight, labels, axis=0)
    losses = -squeeze(take_each(logp, expand_dims(labels, axis), axis=axis), axis) * share
    if keep is not None:
        losses, share = where(keep, losses, 0.0), where(keep, share, 0.0)
    return losses, reduce.sum(share)


def nll_loss(log_probabilities, labels, axis=-1, weight=None, reduction="mean", ignore_index=None):
    """Negative log likelihood of integer classes; arguments as `cross_entropy`.

    >>> float(nll_loss([[-1.0, -2.0]], [1]))
    2.0
    """
    logp = float_tensor(log_probabilities)
    axis = normalize_axis(axis, logp.ndim)
    return class_cross_entropy("nll_loss", logp, lift(labels), axis, weight, 0.0, reduction, ignore_index)


def mse_loss(prediction, target, reduction="mean"):
    """Squared difference of two arrays of one shape.

    >>> float(mse_loss([1.0, 2.0], [1.0, 4.0]))
    2.0
    """
    prediction, target = pair("mse_loss", prediction, target)
    d = prediction - target
    return reduced(d * d, reduction, "mse_loss")


def l1_loss(prediction, target, reduction="mean"):
    """Absolute difference of two arrays of one shape.

    >>> float(l1_loss([1.0, 2.0], [1.0, 4.0]))
    1.0
    """
    prediction, target = pair("l1_loss", prediction, target)
    return reduced(absolute(prediction - target), reduction, "l1_loss")


def huber_loss(prediction, target, delta=1.0, reduction="mean"):
    """Half the square of small differences, linear beyond `delta` (Huber 1964, doi:10.1214/aoms/1177703732).

    Examples
    --------
    >>> float(huber_loss([0.0], [3.0]))
    2.5
    """
    prediction, target = pair("huber_loss", prediction, target)
    if not delta > 0:
        raise problem(ArgumentError, f"huber_loss: delta={delta} must be positive", "delta=1.0")
    a = absolute(prediction - target)
    return reduced(where(a <= delta, 0.5 * a * a, delta * (a - 0.5 * delta)), reduction, "huber_loss")


def smooth_l1_loss(prediction, target, beta=1.0, reduction="mean"):
    """Huber loss with `delta=beta`, divided by `beta` (Girshick 2015, arXiv:1504.08083).

    Examples
    --------
    >>> float(smooth_l1_loss([0.0], [3.0], beta=2.0))
    2.0
    """
    return huber_loss(prediction, target, beta, reduction) / beta


def binary_cross_entropy(probability, target, reduction="mean"):
    """Cross entropy of probabilities in [0, 1] against targets in [0, 1]; logarithms are held above -100.

    The logits are better kept, if they are at hand: see `binary_cross_entropy_with_logits`.

    Examples
    --------
    >>> float(binary_cross_entropy([0.5], [1.0]))
    0.6931471805599453
    """
    p, target = pair("binary_cross_entropy", probability, target)
    yes, no = maximum(log(p), -100.0), maximum(log1p(-p), -100.0)
    return reduced(-(target * yes + (1.0 - target) * no), reduction, "binary_cross_entropy")


def binary_cross_entropy_with_logits(logits, target, pos_weight=None, reduction="mean"):
    """Cross entropy of sigmoid(logits) against targets in [0, 1], without overflow.

    Parameters
    ----------
    logits, target : arrays of one shape
    pos_weight : array that broadcasts, optional
        Weight of the positive part; above 1 it raises recall.
    reduction : {"mean", "sum", "none"}

    Examples
    --------
    >>> float(binary_cross_entropy_with_logits([0.0], [1.0]))
    0.6931471805599453
    """
    z, target = pair("binary_cross_entropy_with_logits", logits, target)
    soft = softplus(-z)
    if pos_weight is None:
        loss = (1.0 - target) * z + soft
    else:
        loss = (1.0 - target) * z + (1.0 + (lift(pos_weight) - 1.0) * target) * soft
    return reduced(loss, reduction, "binary_cross_entropy_with_logits")


def kl_div(log_q, p, reduction="mean", log_target=False):
    """Kullback-Leibler divergence, elementwise `p * (log p - log q)`, 0 where `p` is 0.

    Parameters
    ----------
    log_q : array of float
        Log probabilities of the model.
    p : array of the same shape
        Target probabilities, or their logarithms when `log_target`.
    reduction : {"mean", "batchmean", "sum", "none"}
        "batchmean" divides the sum by the length of axis 0: the divergence per sample.

    Examples
    --------
    >>> float(kl_div(log([0.5, 0.5]), [1.0, 0.0], reduction="sum"))
    0.6931471805599453
    """
    log_q, p = pair("kl_div", log_q, p)
    loss = exp(p) * (p - log_q) if log_target else xlogy(p, p) - p * log_q
    if reduction == "batchmean":
        return reduce.sum(loss) / float(loss.shape[0])
    return reduced(loss, reduction, "kl_div")
