"""The arithmetic of sliding windows: options per axis, paddings, positions. Tuples in, tuples out."""

import functools
import operator
from math import prod

import numpy as np

from ..base.errors import ArgumentError, ShapeError, problem

LONGEST = 2**48  # positions: beyond the addresses of a processor


def spread(value, ndim, name, least) -> tuple:
    """Return an option as one int per spatial axis, none below `least`."""
    try:
        out = tuple(operator.index(v) for v in value) if hasattr(value, "__iter__") else (operator.index(value),) * ndim
    except TypeError:
        out = ()
    if len(out) != ndim or any(v < least for v in out):
        raise problem(
            ArgumentError,
            f"{name}={value!r} for {ndim} spatial axes; an int or one per axis, at least {least}",
            f"{name}={(max(1, least),) * ndim}",
        )
    return out


def as_windows(window, stride, dilation, groups) -> dict:
    """Return the options of the convolution rows, but for the padding."""
    ndim = len(window)
    return {
        "stride": spread(stride, ndim, "stride", 1),
        "dilation": spread(dilation, ndim, "dilation", 1),
        "groups": spread(groups, 1, "groups", 1)[0],
    }


def extent(window, dilation) -> int:
    """Return how many cells a window spans."""
    return dilation * (window - 1) + 1


def pairs(padding, ndim) -> tuple:
    """Return a padding of numbers as (before, after) per axis."""
    if hasattr(padding, "__iter__") and any(hasattr(p, "__iter__") for p in padding):
        both = [spread(p, 2, "padding", 0) for p in padding]
        if len(both) != ndim:
            raise problem(
                ArgumentError,
                f"padding={padding!r} for {ndim} spatial axes; a pair per axis",
                f"padding={((1, 1),) * ndim}",
            )
        return tuple(both)
    return tuple((p, p) for p in spread(padding, ndim, "padding", 0))


def same_padding(padding, size, window, options) -> tuple:
    """Return (before, after) per axis for any way to say it."""
    if padding == "valid":
        return ((0, 0),) * len(window)
    if isinstance(padding, str) and padding != "same":
        raise problem(ArgumentError, f"padding={padding!r}", 'padding="same", "valid", or numbers')
    if not isinstance(padding, str):
        return pairs(padding, len(window))
    out = []
    for n, k, s, d in zip(size, window, options["stride"], options["dilation"]):
        total = max(0, (-(-n // s) - 1) * s + extent(k, d) - n)
        out.append((total // 2, total - total // 2))
    return tuple(out)


def adjoint_size(padding, positions, window, options, extra) -> tuple:
    """Return (padding, size) of the convolution that a transposed one is the adjoint of."""
    lengths = [
        (t - 1) * s + extent(k, d) for t, k, s, d in zip(positions, window, options["stride"], options["dilation"])
    ]
    if padding == "same":
        wanted = [t * s for t, s in zip(positions, options["stride"])]
        total = [max(0, n - m) for n, m in zip(lengths, wanted)]
        return tuple((t // 2, t - t // 2) for t in total), tuple(wanted)
    padding = same_padding(padding, positions, window, options)
    size = tuple(n - sum(p) + e for n, p, e in zip(lengths, padding, extra))
    if any(n < 1 for n in size):
        raise problem(
            ShapeError, f"conv_transpose: padding={padding} leaves nothing of {tuple(lengths)} cells", "less padding"
        )
    return padding, size


@functools.lru_cache(maxsize=4096)
def positions(size, window, stride, padding, dilation) -> tuple:
    """Return how many windows fit along each axis.

    Raises
    ------
    ShapeError
        When a window is larger than the padded axis, and for more positions than any memory holds.

    >>> positions((5,), (3,), (2,), ((0, 0),), (1,))
    (2,)
    """
    out = []
    for n, k, s, (before, after), d in zip(size, window, stride, padding, dilation):
        room = n + before + after - extent(k, d)
        if room < 0 or k < 1:
            raise problem(
                ShapeError,
                f"a window of {window} (dilation {dilation}) does not fit into {tuple(size)} cells padded by {padding}",
                "more padding, or a smaller window",
            )
        out.append(room // s + 1)
    if prod(out) > LONGEST:
        raise problem(
            ShapeError,
            f"windows of {window} on {tuple(size)} cells padded by {padding} have {tuple(out)} positions",
            "less padding",
        )
    return tuple(out)


@functools.lru_cache(maxsize=4096)
def valid_cells(size, window, stride, padding, dilation, count=False):
    """Return how many cells of each window lie inside of the axis; without `count`, whether every window has one."""
    (t,) = positions((size,), (window,), (stride,), (padding,), (dilation,))
    at = np.arange(t)[:, None] * stride + np.arange(window) * dilation - padding[0]
    inside = ((at >= 0) & (at < size)).sum(1)
    return inside if count else bool((inside > 0).all())
