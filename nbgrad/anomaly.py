"""Find the op that made the first NaN."""

import numpy as np

from .base.errors import AnomalyError, problem
from .road import ROAD
from .tape.tape import recording
from .target.run import host


class detect_anomaly:  # noqa: N801 - used like a statement
    """Context in which the first NaN, forward or backward, raises an error that names the op and the user's line.

    Every result is looked through, so it is slow: for finding a fault, not for training.

    Examples
    --------
    >>> import nbgrad as ng
    >>> with detect_anomaly():
    ...     ng.log(ng.tensor([-1.0]))
    Traceback (most recent call last):
    ...
    nbgrad.base.errors.AnomalyError: log made NaN ...
    """

    def __enter__(self):
        self.before = recording.anomaly, recording.anomaly_forward
        recording.anomaly, recording.anomaly_forward = _backward, _forward
        ROAD.watch(1)
        return self

    def __exit__(self, *error):
        recording.anomaly, recording.anomaly_forward = self.before
        ROAD.watch(-1)


def _has_nan(a):
    return a.dtype.kind == "f" and bool(np.isnan(host(a)).any())


def _forward(op, tensors, out):
    if _has_nan(out.data) and not any(_has_nan(t.data) for t in tensors):
        shown = ", ".join(f"{t.dtype}{t.shape} in [{_low(t.data):.3g}, {_high(t.data):.3g}]" for t in tensors)
        raise problem(
            AnomalyError, f"{op.name} made NaN of arguments without NaN: {shown}", "look at the range of the arguments"
        )


def _low(a):
    return host(a).min() if a.size else np.nan


def _high(a):
    return host(a).max() if a.size else np.nan


def _backward(node, index, g):
    if _has_nan(g.data):
        name = node.op.params[index] if index < len(node.op.params) else index
        raise problem(
            AnomalyError,
            f"the backward of {node.op.name} made NaN in the gradient of {name}, shape {g.shape}",
            "look for an infinite value or a division by zero in this op's arguments",
            node.where,
        )
