"""Pooling: windows that slide over 1 to 3 spatial axes, and give their largest value or their mean.

`pool_pick(v, x)` takes from v where x is largest in each window, and `pool_unpick(g, x)` is its adjoint in v: they are
the derivatives of `pool_max`, and of each other.
"""

from math import prod

import numpy as np

from ..base.errors import ShapeError, problem
from .movement import reshape
from .sliding import as_windows, positions, same_padding, spread, valid_cells
from .table import ZERO, lift, primitive
from .window import channels_back, channels_first, conv_output, fixed_axes


@primitive(
    accepts="any",
    vjp={
        "x": lambda g, x, window, stride, padding, dilation: pool_unpick(
            g, x, window=window, stride=stride, padding=padding, dilation=dilation
        )
    },
)
def pool_max(x, *, window, stride, padding, dilation):
    """Largest value of each window of (n, c, *size); NaN is the largest, padding never is."""
    return _positions(x, window, stride, padding, dilation)


@primitive(
    accepts="any",
    vjp={
        "v": lambda g, x, window, stride, padding, dilation: pool_unpick(
            g, x, window=window, stride=stride, padding=padding, dilation=dilation
        ),
        "x": ZERO,
    },
)
def pool_pick(v, x, *, window, stride, padding, dilation):
    """The value of v (n, c, *size) where x is largest in each window; of equal values at the first."""
    return _positions(x, window, stride, padding, dilation)


@primitive(
    accepts="number",
    vjp={
        "g": lambda g, x, window, stride, padding, dilation: pool_pick(
            g, x, window=window, stride=stride, padding=padding, dilation=dilation
        ),
        "x": ZERO,
    },
)
def pool_unpick(g, x, *, window, stride, padding, dilation):
    """Zeros of x's shape with each g (n, c, *positions) added where x is largest in its window; adjoint of pool_pick."""
    if g.shape != _positions(x, window, stride, padding, dilation):
        raise problem(ShapeError, f"pool_unpick(g, x): g is {g.shape}, which are not the positions of the windows on {x.shape}")
    return x.shape


def _positions(x, window, stride, padding, dilation):
    """Return the shape of one value per window, each of which sees at least one cell."""
    out = positions(x.shape[2:], window, stride, padding, dilation)
    if not all(map(valid_cells, x.shape[2:], window, stride, padding, dilation)):
        raise problem(
            ShapeError,
            f"max_pool: with window {window}, stride {stride}, padding {padding} and dilation {dilation} on "
            f"{x.shape}, a window lies in the padding alone",
            "a padding of at most half the window",
        )
    return (*x.shape[:2], *out)


def max_pool(x, window, stride=None, padding=0, dilation=1, layout=None):
    """Largest value of each window, over 1 to 3 spatial axes.

    Parameters
    ----------
    x : array (n, c, *size), or as `layout` says
        Any real dtype. NaN is the largest, as in NumPy; of equal values the first gets the gradient.
    window : int or tuple of int
    stride : int or tuple of int, optional
        As `window` when left out.
    padding : int, "valid", "same", tuple of int, or tuple of pairs
        Cells around x that are never the largest.
    dilation : int or tuple of int
    layout : str, optional
        As in `conv`.

    Returns
    -------
    Tensor (n, c, *positions)

    Examples
    --------
    >>> max_pool1d([[[1.0, 3.0, 2.0, 0.0]]], 2).tolist()
    [[[3.0, 2.0]]]
    """
    x, options = _pooled(x, window, stride, padding, dilation, layout)
    return channels_back(pool_max(x, **options), layout)


def avg_pool(x, window, stride=None, padding=0, dilation=1, layout=None, count_include_pad=True):
    """Mean of each window, over 1 to 3 spatial axes.

    Parameters not listed are those of max pooling.

    Parameters
    ----------
    count_include_pad : bool
        Whether padding counts as zeros; otherwise the mean is over the cells of x alone.

    Examples
    --------
    >>> avg_pool1d([[[1.0, 3.0, 2.0, 0.0]]], 2).tolist()
    [[[2.0, 1.0]]]
    """
    x, options = _pooled(x, window, stride, padding, dilation, layout)
    if x.dtype.kind != "f":
        x = x.astype("float64")
    n, c, *size = x.shape
    window = options.pop("window")
    cells = prod(window)
    weight = np.full((1, 1, *window), 1.0 / cells if count_include_pad else 1.0, x.dtype)
    y = conv_output(reshape(x, (n * c, 1, *size)), lift(weight), groups=1, **options)
    if not count_include_pad:
        counts = [
            valid_cells(s, k, *o, count=True)
            for s, k, *o in zip(size, window, *map(options.get, ("stride", "padding", "dilation")))
        ]
        total = counts[0]
        for along in counts[1:]:
            total = np.multiply.outer(total, along)
        y = y / lift(np.asarray(total, x.dtype))
    return channels_back(reshape(y, (n, c, *y.shape[2:])), layout)


def _pooled(x, window, stride, padding, dilation, layout):
    """Return (x with channels first, options of the rows) of a pooling."""
    x = lift(x)
    if not 3 <= x.ndim <= 5:
        raise problem(
            ShapeError,
            f"pooling: x is {x.shape}; it has a batch axis, a channel axis, and 1 to 3 spatial axes",
            "x[None]",
        )
    x = channels_first(x, layout, x.ndim)
    window = spread(window, x.ndim - 2, "window", 1)
    options = as_windows(window, window if stride is None else stride, dilation, 1)
    padding = same_padding(padding, x.shape[2:], window, options)
    del options["groups"]
    positions(x.shape[2:], window, options["stride"], padding, options["dilation"])
    return x, {"window": window, "padding": padding, **options}


max_pool1d, max_pool2d, max_pool3d = (fixed_axes(max_pool, n, "Largest value of each window") for n in (1, 2, 3))
avg_pool1d, avg_pool2d, avg_pool3d = (fixed_axes(avg_pool, n, "Mean of each window") for n in (1, 2, 3))
