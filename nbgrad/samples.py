"""A few calls of every row of the table: small arrays from its domain, and attributes. What is checked per row begins here."""

import zlib
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from .base.dtypes import is_float

SHAPE = (5, 7)
CHANNELS, LABELS = (3, 4, 5), (6, 5)


class Sample(NamedTuple):
    """One call of a row: `table[name](*arrays, **attrs)`."""

    arrays: tuple
    attrs: dict


class Draw:
    """Random numbers of one dtype for the samples of a row, the same ones every time."""

    def __init__(self, name, dtype):
        self.dtype, self.rng = np.dtype(dtype), np.random.default_rng(zlib.crc32(name.encode()))
        self.float = self.dtype if is_float(self.dtype) else np.dtype("float64")

    def numbers(self, *shape, low=-3.0, high=3.0, dtype=None):
        """Return numbers of the dtype between two."""
        dtype = np.dtype(dtype or self.dtype)
        if dtype.kind == "b":
            return self.rng.random(shape) < 0.5
        if dtype.kind in "iu":
            low, high = (max(0, low) if dtype.kind == "u" else low), max(high, 1)
            return self.rng.integers(round(low), round(high), shape, endpoint=True).astype(dtype)
        return self.rng.uniform(low, high, shape).astype(dtype)

    def floats(self, *shape, low=-3.0, high=3.0):
        """Return floats, for rows that take no other numbers."""
        return self.numbers(*shape, low=low, high=high, dtype=self.float)

    def wide(self, *shape, low=0.5, high=2.0):
        """Return float64 numbers, as rows keep beside their results."""
        return self.numbers(*shape, low=low, high=high, dtype="float64")

    def below(self, n, *shape):
        """Return indices below `n`."""
        return self.rng.integers(0, n, shape)


def samples(op, dtype="float32") -> Iterator[Sample]:
    """Give the sample calls of a row.

    Parameters
    ----------
    op : Op
    dtype : str
        Of the numbers, where the row has a choice.

    Examples
    --------
    >>> from nbgrad.ops.table import table
    >>> [[a.shape for a in s.arrays] for s in samples(table["add"])]
    [[(5, 7), (5, 7)], [(5, 7), (7,)]]
    """
    draw = Draw(op.name, dtype)
    if op.kind == "elementwise":
        yield from _elementwise(op, draw)
        return
    if op.kind == "reduction":
        for axis in (None, 0, 1):
            yield Sample((_held(op, 0, op.params[0], draw, SHAPE),), {"axis": axis, "keepdims": axis == 0})
        return
    for arrays, attrs in CALLS[op.name](draw):
        yield Sample(arrays, attrs)


def _elementwise(op, draw):
    shapes = [(SHAPE,) * op.arity] + ([(SHAPE, SHAPE[1:])] if op.name in ("add", "mul") else [])
    for each in shapes:
        yield Sample(tuple([_held(op, i, name, draw, s) for i, (name, s) in enumerate(zip(op.params, each))]), {})


def _held(op, i, name, draw, shape):
    """Return an array that parameter `i` of a row may be."""
    low, high = op.domain[name] if isinstance(op.domain, dict) else op.domain
    accepts = op.accepts[i]
    if accepts == "bool":
        return draw.numbers(*shape, dtype="bool")
    if accepts == "index":
        return draw.below(5, *shape)
    if accepts == "integer":
        return draw.numbers(*shape, low=low, high=high, dtype=draw.dtype if draw.dtype.kind in "iub" else "int64")
    return (draw.floats if accepts == "float" else draw.numbers)(*shape, low=low, high=high)


def _entropy(d):
    options = {"axis": 1, "spread": 0.1, "ignored": None, "reduction": "mean", "logs": False}
    call = d.floats(*LABELS), d.below(LABELS[1], LABELS[0]), d.floats(LABELS[1], low=0.5)
    return [(call, options), (call, options | {"reduction": "none", "ignored": 2, "spread": 0.0})]


def _entropy_grad(d):
    for (x, labels, weight), options in _entropy(d):
        u = d.floats(*(() if options["reduction"] == "mean" else labels.shape))
        stats = np.concatenate([np.log(np.exp(x.astype("float64")).sum(1)), [5.0, 0.0]])
        yield (u, x, labels, weight, stats), options


def _windows(**rest):
    return {"stride": (2, 1), "padding": ((1, 0), (1, 1)), "dilation": (1, 2), **rest}


def _pool(d, *first):
    options = _windows(window=(2, 2))
    return [((*[d.floats(*s) for s in first], d.floats(2, 3, 5, 6)), options)]


def _standardize(d, *lines):
    """Over the last axes, and over groups of channels."""
    for groups, scales in ((0, 5), (2, 4)):
        options = {"axis": 1 if groups else 2, "groups": groups, "eps": 1e-5, "centered": True}
        yield (*[d.floats(*(CHANNELS if s == "x" else (scales,))) for s in lines], ), options


KEY = np.array([7, 1, 0])
CALLS = {
    # movement
    "reshape": lambda d: [((d.numbers(*SHAPE),), {"shape": (7, 5)})],
    "permute": lambda d: [((d.numbers(*CHANNELS),), {"axes": (2, 0, 1)})],
    "broadcast_to": lambda d: [((d.numbers(1, 7),), {"shape": (3, 5, 7)})],
    "slice_": lambda d: [((d.numbers(*SHAPE),), {"cuts": ((1, 2, 2), (6, -1, 4))})],
    "diagonal_": lambda d: [((d.numbers(*SHAPE),), {"offset": 1, "axis1": 0, "axis2": 1})],
    "as_view": lambda d: [((d.numbers(12),), {"shape": (5, 3), "strides": s, "offset": 1}) for s in ((2, 1), (1, 0))],
    # normalization
    "batch_standardize": lambda d: [((d.floats(*CHANNELS), d.floats(4), d.floats(4)), {"axis": 1, "eps": 1e-5})],
    "batch_standardize_grad": lambda d: [
        ((d.floats(*CHANNELS), d.floats(*CHANNELS), d.floats(4), d.wide(4), d.wide(4)), {"axis": 1, "eps": 1e-5})
    ],
    "batch_rescale": lambda d: [
        ((d.floats(*CHANNELS), d.floats(4), d.floats(4, low=0.5), d.floats(4), d.floats(4)), {"axis": 1, "eps": 1e-5})
    ],
    "channel_sums": lambda d: [((d.floats(*CHANNELS), d.floats(*CHANNELS), d.floats(4)), {"axis": 1})],
    "standardize": lambda d: _standardize(d, "x"),
    "standardize_grad": lambda d: _standardize(d, "x", "x"),
    "standardize_scaled": lambda d: _standardize(d, "x", "weight", "bias"),
    "standardize_scaled_grad": lambda d: _standardize(d, "x", "x", "weight"),
    # cross entropy
    "class_entropy": _entropy,
    "class_entropy_grad": _entropy_grad,
    "soft_entropy": lambda d: [((d.floats(*LABELS), d.floats(*LABELS, low=0.0)), {})],
    "soft_entropy_grad": lambda d: [
        ((d.floats(6), d.floats(*LABELS), d.floats(*LABELS, low=0.0), d.wide(6)), {"both": True})
    ],
    # lines
    "softmax": lambda d: [((d.floats(*CHANNELS),), {"axes": axes}) for axes in ((2,), (1,))],
    "log_softmax": lambda d: [((d.floats(*CHANNELS),), {"axes": axes}) for axes in ((2,), (1,))],
    "softmax_grad": lambda d: [((d.floats(*SHAPE), d.floats(*SHAPE)), {"axes": (1,)})],
    "log_softmax_grad": lambda d: [((d.floats(*SHAPE), d.floats(*SHAPE)), {"axes": (1,)})],
    "logsumexp": lambda d: [((d.floats(*SHAPE),), {"axes": (1,)})],
    "logsumexp_grad": lambda d: [((d.floats(5), d.floats(*SHAPE), d.wide(5, low=2.0, high=3.0)), {"axes": (1,)})],
    "arg_extreme": lambda d: [((d.numbers(*SHAPE),), {"axis": axis, "largest": axis == 0}) for axis in (0, 1)],
    "running_sum": lambda d: [((d.numbers(*SHAPE),), {"axis": axis, "reverse": axis == 0}) for axis in (0, 1)],
    "running_arg": lambda d: [((d.numbers(*SHAPE),), {"axis": axis, "largest": axis == 0}) for axis in (0, 1)],
    "recurrence": lambda d: [
        ((d.floats(*SHAPE), d.floats(*SHAPE)), {"axis": axis, "reverse": axis == 0}) for axis in (0, 1)
    ],
    "order": lambda d: [((d.numbers(*SHAPE),), {"count": n, "descending": n == 3}) for n in (7, 3)],
    # places
    "take_rows": lambda d: [((d.numbers(*SHAPE), d.below(5, 2, 3)), {"axis": 0})],
    "scatter_sum": lambda d: [((d.numbers(2, 3, 4), d.below(5, 2, 3)), {"axis": 0, "size": 5})],
    "scatter_set": lambda d: [((d.numbers(*SHAPE), d.below(5, 4), d.numbers(4, 7)), {"axis": 0})],
    "scatter_extreme": lambda d: [((d.numbers(9, 2), d.below(4, 9)), {"axis": 0, "size": 4, "largest": True})],
    "take_each": lambda d: [((d.numbers(*SHAPE), d.below(5, 3, 7)), {"axis": 0})],
    "add_each": lambda d: [((d.numbers(3, 7), d.below(5, 3, 7)), {"axis": 0, "size": 5})],
    "outside": lambda d: [((d.below(9, 40),), {"low": 0, "stop": 7, "block": 16})],
    "last_at": lambda d: [((d.below(5, 9),), {"size": 5})],
    "occurrences": lambda d: [((d.below(5, 9),), {"size": 5})],
    "search": lambda d: [((np.sort(d.numbers(9)), d.numbers(*SHAPE)), {"side": side}) for side in ("left", "right")],
    "place": lambda d: [((d.numbers(2, 3),), {"shape": (4, 6), "strides": (12, 2), "offset": 1})],
    "overwrite": lambda d: [((d.numbers(4, 6), d.numbers(2, 3)), {"strides": (12, 2), "offset": 1})],
    "concat": lambda d: [((d.numbers(*SHAPE), d.numbers(2, 7), d.numbers(1, 7)), {"axis": 0})],
    # products and windows
    "matmul": lambda d: [
        ((d.numbers(*a), d.numbers(*b)), {}) for a, b in (((9, 5), (5, 9)), ((2, 9, 5), (5, 6)))
    ],
    "linear": lambda d: [((d.numbers(n, 6), d.numbers(9, 6), d.numbers(9)), {}) for n in (2, 9)],
    "conv_output": lambda d: [((d.floats(2, 4, 5, 6), d.floats(4, 2, 2, 2)), _windows(groups=2))],
    "conv_input_grad": lambda d: [((d.floats(2, 4, 3, 6), d.floats(4, 2, 2, 2)), _windows(groups=2, size=(5, 6)))],
    "conv_weight_grad": lambda d: [((d.floats(2, 4, 5, 6), d.floats(2, 4, 3, 6)), _windows(groups=2, window=(2, 2)))],
    "conv_biased": lambda d: [((d.floats(2, 4, 5, 6), d.floats(4, 2, 2, 2), d.floats(4)), _windows(groups=2))],
    "pool_max": lambda d: _pool(d),
    "pool_pick": lambda d: _pool(d, (2, 3, 5, 6)),
    "pool_unpick": lambda d: _pool(d, (2, 3, 3, 6)),
    # random numbers
    "random_bits": lambda d: [((KEY,), {"shape": SHAPE})],
    "random_float32": lambda d: [((KEY,), {"shape": SHAPE})],
    "random_float64": lambda d: [((KEY,), {"shape": SHAPE})],
    "random_integers": lambda d: [((KEY,), {"shape": SHAPE, "low": -2, "count": 9})],
    "random_permutation": lambda d: [((KEY,), {"n": 23})],
}

