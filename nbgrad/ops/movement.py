"""Functions that move axes and elements without arithmetic, as NumPy names them. Rows are in `views.py`."""

import numpy as np

from ..base.arguments import integer, lengths
from ..base.errors import ArgumentError, ShapeError, problem
from ..base.shapes import infer_shape, normalize_axes, normalize_axis
from . import views
from .arithmetic import where
from .cast import copy
from .table import lift, table
from .views import as_view as as_view
from .views import overwrite as overwrite


def reshape(x, shape):
    """Return the elements in row-major order in another shape, as `numpy.reshape`; a view where memory allows it.

    Parameters
    ----------
    x : array, any shape and dtype
    shape : int or tuple of int
        One length may be -1: what is left over.

    Raises
    ------
    ShapeError
        When the number of elements differs.

    Examples
    --------
    >>> reshape([1, 2, 3, 4], (2, -1)).tolist()
    [[1, 2], [3, 4]]
    """
    x = lift(x)
    return views.reshape(x, shape=infer_shape(shape if hasattr(shape, "__iter__") else (shape,), x.size))


def ravel(x):
    """Return the elements in row-major order along one axis, as `numpy.ravel`; a view where memory allows it.

    >>> ravel([[1, 2], [3, 4]]).tolist()
    [1, 2, 3, 4]
    """
    return reshape(x, -1)


def flatten(x):
    """Return a copy with one axis, as `numpy.ndarray.flatten`.

    >>> flatten([[1, 2], [3, 4]]).tolist()
    [1, 2, 3, 4]
    """
    return copy(reshape(x, -1))


def permute(x, axes):
    """Return the axes in another order, as `numpy.permute_dims`: axis i of the result is axis axes[i] of `x`.

    >>> permute(np.zeros((2, 3, 4)), (2, 0, 1)).shape
    (4, 2, 3)
    """
    x = lift(x)
    order = normalize_axes(axes, x.ndim)
    if len(order) != x.ndim:
        raise problem(ShapeError, f"transpose(x, axes={tuple(axes)}): x of {x.shape} has {x.ndim} axes", "every axis once")
    return views.permute(x, axes=order)


def transpose(x, axes=None):
    """Return the axes reversed, or in the order `axes`, as `numpy.transpose`.

    >>> transpose(np.zeros((2, 3, 4))).shape
    (4, 3, 2)
    """
    x = lift(x)
    return permute(x, tuple(range(x.ndim))[::-1] if axes is None else axes)


def swapaxes(x, axis1, axis2):
    """Return two axes swapped, as `numpy.swapaxes`.

    >>> swapaxes(np.zeros((2, 3, 4)), 0, -1).shape
    (4, 3, 2)
    """
    x = lift(x)
    axis1, axis2 = normalize_axis(axis1, x.ndim), normalize_axis(axis2, x.ndim)
    order = list(range(x.ndim))
    order[axis1], order[axis2] = axis2, axis1
    return views.permute(x, axes=tuple(order))


def moveaxis(x, source, destination):
    """Return the axes `source` at the places `destination`, the others in order, as `numpy.moveaxis`.

    >>> moveaxis(np.zeros((2, 3, 4)), 0, -1).shape
    (3, 4, 2)
    """
    x = lift(x)
    source, destination = normalize_axes(source, x.ndim), normalize_axes(destination, x.ndim)
    if len(source) != len(destination):
        raise problem(ArgumentError, f"moveaxis: {len(source)} axes to {len(destination)} places", "one place per axis")
    order = [a for a in range(x.ndim) if a not in source]
    for place, axis in sorted(zip(destination, source)):
        order.insert(place, axis)
    return views.permute(x, axes=tuple(order))


def broadcast_to(x, shape):
    """Return `x` repeated along new axes and axes of length 1, as `numpy.broadcast_to`; takes no memory.

    Raises
    ------
    ShapeError
        When the shapes do not fit.

    Examples
    --------
    >>> broadcast_to([1, 2], (2, 2)).tolist()
    [[1, 2], [1, 2]]
    """
    return views.broadcast_to(lift(x), shape=lengths(shape))


def squeeze(x, axis=None):
    """Leave out axes of length 1, all of them or those named, as `numpy.squeeze`.

    Raises
    ------
    ShapeError
        When a named axis is longer.

    Examples
    --------
    >>> squeeze([[[1, 2]]], 0).shape
    (1, 2)
    """
    x = lift(x)
    gone = [a for a, n in enumerate(x.shape) if n == 1] if axis is None else normalize_axes(axis, x.ndim)
    for a in gone:
        if x.shape[a] != 1:
            raise problem(ShapeError, f"squeeze(x, axis={axis}): axis {a} of x {x.shape} has length {x.shape[a]}, not 1",
                          "only axes of length 1")
    return views.reshape(x, shape=tuple(n for a, n in enumerate(x.shape) if a not in gone))


def expand_dims(x, axis):
    """Add axes of length 1 at the places `axis` of the result, as `numpy.expand_dims`.

    >>> expand_dims([1, 2], (0, -1)).shape
    (1, 2, 1)
    """
    x = lift(x)
    count = len(axis) if isinstance(axis, (tuple, list)) else 1
    new = normalize_axes(axis, x.ndim + count)
    lengths = iter(x.shape)
    return views.reshape(x, shape=tuple(1 if a in new else next(lengths) for a in range(x.ndim + count)))


def flip(x, axis=None):
    """Return the elements in reverse order along one axis, several or all, as `numpy.flip`; a view.

    >>> flip([1, 2, 3]).tolist()
    [3, 2, 1]
    """
    x = lift(x)
    axes = normalize_axes(axis, x.ndim)
    cuts = tuple((n - 1 if n else 0, -1, n) if a in axes else (0, 1, n) for a, n in enumerate(x.shape))
    return views.slice_(x, cuts=cuts)


def fliplr(x):
    """Reverse axis 1, as `numpy.fliplr`.

    >>> fliplr([[1, 2], [3, 4]]).tolist()
    [[2, 1], [4, 3]]
    """
    return flip(x, 1)


def flipud(x):
    """Reverse axis 0, as `numpy.flipud`.

    >>> flipud([[1, 2], [3, 4]]).tolist()
    [[3, 4], [1, 2]]
    """
    return flip(x, 0)


def roll(x, shift, axis=None):
    """Shift elements along axes, those at the end to the start, as `numpy.roll`.

    Parameters
    ----------
    x : array, any shape and dtype
    shift : int or tuple of int
        One for each axis, or one for all.
    axis : int or tuple of int, optional
        None rolls the flattened array and gives it its shape back.

    Examples
    --------
    >>> roll([1, 2, 3], 1).tolist()
    [3, 1, 2]
    """
    x = lift(x)
    shifts = tuple(integer(s, "shift") for s in (shift if isinstance(shift, (tuple, list)) else (shift,)))
    if axis is None:
        return reshape(roll(ravel(x), sum(shifts), 0), x.shape)
    axes = tuple(normalize_axis(a, x.ndim) for a in (axis if isinstance(axis, (tuple, list)) else (axis,)))
    try:
        pairs = [(int(a), int(s)) for a, s in np.broadcast(axes, shifts)]
    except ValueError:
        raise problem(ArgumentError, f"roll: {len(shifts)} shifts for {len(axes)} axes", "one shift per axis, or one for all") from None
    for a, s in pairs:
        x = _rolled(x, s, a)
    return x


def _rolled(x, shift, axis):
    n = x.shape[axis]
    cut = -shift % n if n else 0
    return views.concat(axis_part(x, axis, cut, n), axis_part(x, axis, 0, cut), axis=axis) if cut else x


def axis_part(x, axis, start, stop, step=1):
    """Return the view x[..., start:stop:step, ...] along one axis; bounds within the axis.

    >>> axis_part(lift([1, 2, 3]), 0, 1, 3).tolist()
    [2, 3]
    """
    cut = (start, step, len(range(start, stop, step)))
    return views.slice_(x, cuts=tuple(cut if a == axis else (0, 1, n) for a, n in enumerate(x.shape)))


def diagonal(x, offset=0, axis1=0, axis2=1):
    """Return the diagonals of the planes of two axes as a new last axis, as `numpy.diagonal`; a view.

    Parameters
    ----------
    x : array of two axes or more
    offset : int
        Above the main diagonal when positive, below when negative.
    axis1, axis2 : int
        Axes of the planes.

    Examples
    --------
    >>> diagonal([[1, 2], [3, 4]]).tolist()
    [1, 4]
    """
    x = lift(x)
    if x.ndim < 2:
        raise problem(ShapeError, f"diagonal(x): x of shape {x.shape} has no planes", "an array of two axes or more")
    axis1, axis2 = normalize_axes((axis1, axis2), x.ndim)
    return views.diagonal_(x, offset=integer(offset, "offset"), axis1=axis1, axis2=axis2)


def diag(x, k=0):
    """Return diagonal `k` of a matrix, or a square matrix with the vector `x` on diagonal `k`, as `numpy.diag`.

    >>> diag([1, 2]).tolist()
    [[1, 0], [0, 2]]
    """
    x = lift(x)
    if x.ndim == 2:
        return diagonal(x, k)
    if x.ndim != 1:
        raise problem(ShapeError, f"diag(x): x of shape {x.shape} is neither a vector nor a matrix", "diagonal(x) for stacks")
    n = x.shape[0] + abs(int(k))
    return views.place_diagonal(x, (n, n), int(k))


def trace(x, offset=0, axis1=0, axis2=1):
    """Return the sums of the diagonals of the planes of two axes, as `numpy.trace`.

    >>> int(trace([[1, 2], [3, 4]]))
    5
    """
    return table["sum"](diagonal(x, offset, axis1, axis2), -1, False)


def tril(x, k=0):
    """Return matrices with zeros above diagonal `k`, as `numpy.tril`.

    >>> tril([[1, 2], [3, 4]]).tolist()
    [[1, 0], [3, 4]]
    """
    return _triangle("tril", x, k, lower=True)


def triu(x, k=0):
    """Return matrices with zeros below diagonal `k`, as `numpy.triu`.

    >>> triu([[1, 2], [3, 4]]).tolist()
    [[1, 2], [0, 4]]
    """
    return _triangle("triu", x, k - 1, lower=False)


def _triangle(op, x, k, lower):
    x = lift(x)
    if x.ndim < 1:
        raise problem(ShapeError, f"{op}(x): x is 0-d", "an array of matrices")
    mask = np.tri(*x.shape[-2:], k=k, dtype=bool)
    return where(mask if lower else ~mask, x, views.constant(0, (), x.dtype))


def meshgrid(*xs, indexing="xy", sparse=False):
    """Return the coordinates of a grid, one array per axis, as `numpy.meshgrid`; views, unless copied.

    Parameters
    ----------
    xs : vectors (or scalars)
    indexing : {"xy", "ij"}
        "xy" lays the first vector along axis 1, the second along axis 0.
    sparse : bool
        Leave the repeated axes at length 1.

    Examples
    --------
    >>> [g.shape for g in meshgrid([1, 2, 3], [4, 5])]
    [(2, 3), (2, 3)]
    """
    if indexing not in ("xy", "ij"):
        raise problem(ArgumentError, f"meshgrid: indexing={indexing!r} is unknown", "'xy' or 'ij'")
    xs = [ravel(x) for x in xs]
    places = list(range(len(xs)))
    if indexing == "xy" and len(xs) > 1:
        places[:2] = 1, 0
    lines = [reshape(x, tuple(x.size if a == p else 1 for a in range(len(xs)))) for x, p in zip(xs, places)]
    if sparse:
        return tuple(lines)
    shape = [0] * len(xs)
    for x, p in zip(xs, places):
        shape[p] = x.shape[0]
    return tuple(broadcast_to(line, shape) for line in lines)


def atleast_1d(*xs):
    """Return arrays with one axis or more, as `numpy.atleast_1d`: one array, or a tuple of them.

    >>> atleast_1d(3.0).shape
    (1,)
    """
    out = tuple(reshape(x, 1) if x.ndim == 0 else x for x in map(lift, xs))
    return out[0] if len(out) == 1 else out


def atleast_2d(*xs):
    """Return arrays with two axes or more, new ones in front, as `numpy.atleast_2d`: one array, or a tuple of them.

    >>> atleast_2d([1, 2]).shape
    (1, 2)
    """
    out = tuple(reshape(x, (1,) * (2 - x.ndim) + x.shape) if x.ndim < 2 else x for x in map(lift, xs))
    return out[0] if len(out) == 1 else out
