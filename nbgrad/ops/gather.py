"""Reading and writing where integers say: take, scatter, their kin along an axis, and search in sorted arrays.

Indices are checked before anything runs. The order of sums over repeated indices depends on sizes alone, not on the number
of threads; where the sums are few or short it is the order of the indices.
"""

from math import prod

import numpy as np

from ..base.arguments import integer
from ..base.dtypes import BOOL, check_dtype
from ..base.errors import ArgumentError, DtypeError, IndexRangeError, ShapeError, problem
from ..base.shapes import broadcast_shapes, normalize_axis
from . import views
from .arithmetic import clip, where
from .compare import equal, greater
from .movement import broadcast_to, expand_dims, ravel, reshape
from .table import ZERO, lift, primitive

BLOCK = 16384  # indices that one tile checks


@primitive(
    vjp={"x": lambda g, indices, x_shape, axis: scatter_sum(g, indices, axis=axis, size=x_shape[axis]), "indices": ZERO},
    accepts=("any", "index"), ref=np.take,
)  # fmt: skip
def take_rows(x, indices, *, axis):
    """Parts of `x` along an axis by index; the axes of `indices` stand where the axis was."""
    return x.shape[:axis] + indices.shape + x.shape[axis + 1 :]


@primitive(vjp={"v": lambda g, indices, axis: take_rows(g, indices, axis=axis), "indices": ZERO}, accepts=("number", "index"))
def scatter_sum(v, indices, *, axis, size):
    """Zeros with parts of `v` added at their indices along an axis of length `size`; the adjoint of take."""
    return v.shape[:axis] + (size,) + v.shape[axis + indices.ndim :]


@primitive(
    vjp={
        "x": lambda g, indices, axis: where(along(written(indices, g.shape[axis]), axis, g.ndim), 0.0, g),
        "indices": ZERO,
        "v": lambda g, indices, axis: where(
            along(winners(indices, g.shape[axis]), axis, g.ndim - 1 + indices.ndim), take_rows(g, indices, axis=axis), 0.0
        ),
    },
    accepts=("any", "index", "any"),
)
def scatter_set(x, indices, v, *, axis):
    """A copy of `x` with parts of `v` written at their indices along an axis; the last of equal indices stays."""
    return x.shape


@primitive(
    vjp={"x": lambda g, indices, x_shape, axis: add_each(g, indices, axis=axis, size=x_shape[axis]), "indices": ZERO},
    accepts=("any", "index"), ref=np.take_along_axis,
)  # fmt: skip
def take_each(x, indices, *, axis):
    """One element of `x` along an axis for each index, the other axes alike."""
    return indices.shape


@primitive(vjp={"v": lambda g, indices, axis: take_each(g, indices, axis=axis), "indices": ZERO}, accepts=("number", "index"))
def add_each(v, indices, *, axis, size):
    """Zeros with each element of `v` added at its index along an axis of length `size`; the adjoint of take_each."""
    return (*v.shape[:axis], size, *v.shape[axis + 1 :])


@primitive(vjp={"indices": ZERO}, accepts="integer", dtype="int64")
def outside(indices, *, low, stop, block):
    """How many of each `block` indices are not from `low` to `stop` - 1."""
    return (-(-indices.size // block),)


@primitive(vjp={"indices": ZERO}, accepts="integer", dtype="int64")
def last_at(indices, *, size):
    """For each of `size` cells, 1 + the position of the last int64 index that names it; 0 where none does."""
    return (size,)


@primitive(vjp={"a": ZERO, "v": ZERO}, accepts="any", dtype="int64")
def search(a, v, *, side):
    """How many elements of the sorted vector `a` come before each element of `v`."""
    return v.shape


def along(mask, axis, ndim):
    """Return `mask` with axes of length 1 behind it, so that its first axis broadcasts as `axis` of `ndim`."""
    return reshape(mask, mask.shape + (1,) * (ndim - axis - mask.ndim))


def written(indices, size):
    """Return which of `size` cells are named by an index."""
    return greater(last_at(indices, size=size), 0)


def winners(indices, size):
    """Return which indices are the last to name their cell."""
    last = take_rows(last_at(indices, size=size), indices, axis=0)
    return equal(last, np.arange(1, prod(indices.shape) + 1).reshape(indices.shape))


def like(v, x):
    """Return `v` lifted; a Python number takes the dtype of `x` where that holds it."""
    fits = type(v) in (bool, int) or (type(v) is float and x.dtype.kind == "f")
    return views.constant(v, (), x.dtype) if fits and not (x.dtype.kind == "b" and type(v) is int) else lift(v)


def check_indices(op, indices, size, axis, negative=True, beside=None):
    """Return `indices` lifted to integers that name elements of an axis of length `size`.

    Parameters
    ----------
    op : str
        What the message begins with.
    negative : bool
        Whether indices below 0 count from the end.
    beside : array, optional
        What they are indices of: those that go to its device only now are looked at before, also where a program is recorded.

    Raises
    ------
    DtypeError, IndexRangeError
        For indices that are no integers, or name nothing.
    """
    indices = lift(indices)
    if indices.dtype.kind not in "iu":
        raise problem(DtypeError, f"{op}: indices are {indices.dtype}; they must be integers", "indices.astype(int)")
    low = -size if negative and indices.dtype.kind == "i" else 0

    def explain(values):
        place = tuple(int(i) for i in np.argwhere((values < low) | (values >= size))[0])
        where_ = f" (at {place if len(place) > 1 else place[0]})" if place else ""
        raise problem(IndexRangeError, f"{op}: index {values[place]}{where_} is out of range for axis {axis} of length {size}",
                      f"indices from {low} to {size - 1}" if size else "an axis that is not empty")

    if not indices.size:
        return indices
    sent = beside is not None and beside.device != "cpu" and getattr(indices, "loose", False)
    if getattr(indices, "_recorded", False) and not sent:
        indices._stop_if(outside(indices, low=low, stop=size, block=BLOCK).any(), explain)
    elif _any_outside(indices, low, size, sent):
        explain(indices.numpy())
    return indices


def _any_outside(indices, low, size, sent) -> bool:
    """Say whether an index is not from `low` to `size` - 1; NumPy is faster on few (and on those `sent`), all threads on many.

    Where the indices are on a device, this waits for it: few of them are read back, of many only the counts.
    """
    if indices.size >= BLOCK and not sent:
        return bool(outside(indices, low=low, stop=size, block=BLOCK).numpy().any())
    values = indices.numpy()
    return bool(values.min() < low or values.max() >= size)


def _flat(x, axis):
    """Return `x` and its axis, flattened for axis None."""
    x = lift(x)
    return (ravel(x), 0) if axis is None else (x, normalize_axis(axis, x.ndim))


def take(x, indices, axis=None, mode="raise"):
    """Return elements along an axis by index, as `numpy.take`.

    Parameters
    ----------
    x : array (..., n, ...), any dtype
    indices : int, array of int
        Any shape; its axes stand where `axis` was. Negative ones count from the end.
    axis : int, optional
        None takes from the flattened array.
    mode : {"raise", "wrap", "clip"}
        What an index out of range does: raises, counts modulo `n`, or is moved to the nearest end.

    Returns
    -------
    Tensor
        Repeated indices add up in the gradient.

    Raises
    ------
    IndexRangeError
        For an index out of range, when `mode` is "raise".

    Examples
    --------
    >>> take([10, 20, 30], [[2, 0]]).tolist()
    [[30, 10]]
    """
    x, axis = _flat(x, axis)
    n = x.shape[axis]
    if mode not in ("raise", "wrap", "clip"):
        raise problem(ArgumentError, f"take: mode={mode!r} is unknown", "'raise', 'wrap' or 'clip'")
    if mode != "raise" and n:
        indices = clip(lift(indices, x), 0, n - 1) if mode == "clip" else lift(indices, x) % n
    return take_rows(x, check_indices("take(x, indices)", indices, n, axis, beside=x), axis=axis)


def scatter_add(x, indices, v, axis=0):
    """Return `x` with `v` added at the indices along an axis; equal indices add up, as `numpy.add.at`.

    Parameters
    ----------
    x : array (..., n, ...) of numbers
    indices : array of int
        Any shape.
    v : array
        Broadcasts to `x.shape[:axis] + indices.shape + x.shape[axis + 1:]`.
    axis : int

    Raises
    ------
    IndexRangeError, ShapeError
        For an index out of range, a `v` that does not fit.

    Examples
    --------
    >>> scatter_add([1.0, 2.0], [0, 0], [10.0, 20.0]).tolist()
    [31.0, 2.0]
    """
    x, axis = _flat(x, axis)
    indices = check_indices("scatter_add(x, indices, v)", indices, x.shape[axis], axis, beside=x)
    v = _spread("scatter_add", x, indices, lift(like(v, x), x), axis)
    return x + scatter_sum(v, indices, axis=axis, size=x.shape[axis])


def scatter(x, indices, v, axis=0):
    """Return `x` with `v` written at the indices along an axis; the last of equal indices stays.

    Arguments and errors as `scatter_add`; `v` is cast to the dtype of `x`. A gradient reaches only the parts of `v` that
    stayed, and the parts of `x` that were not written over.

    Examples
    --------
    >>> scatter([1.0, 2.0], [0, 0], [10.0, 20.0]).tolist()
    [20.0, 2.0]
    """
    x, axis = _flat(x, axis)
    indices = check_indices("scatter(x, indices, v)", indices, x.shape[axis], axis, beside=x)
    v = _spread("scatter", x, indices, like(v, x).astype(x.dtype), axis)
    return scatter_set(x, indices, v, axis=axis)


def _spread(op, x, indices, v, axis):
    """Return `v` broadcast to one part per index."""
    shape = x.shape[:axis] + indices.shape + x.shape[axis + 1 :]
    if v.shape == shape:
        return v
    try:
        return broadcast_to(v, shape)
    except ShapeError:
        raise problem(ShapeError, f"{op}(x, indices, v): v is {v.shape}; x of {x.shape} with indices of {indices.shape} "
                      f"along axis {axis} takes {shape}", f"v of shape {shape}, or one that broadcasts to it") from None


def _matched(op, x, indices, axis):
    """Return (x, checked indices, axis) with every axis but one broadcast to common lengths."""
    x, indices = lift(x), lift(indices, lift(x))
    if axis is None:
        x, axis = ravel(x), 0
    axis = normalize_axis(axis, x.ndim)
    if indices.ndim != x.ndim:
        raise problem(ShapeError, f"{op}: x of {x.shape} and indices of {indices.shape} must have the same number of axes",
                      "expand_dims(indices, axis)")
    n, m = x.shape[axis], indices.shape[axis]
    indices = check_indices(op, indices, n, axis)
    rest = [s[:axis] + s[axis + 1 :] for s in (x.shape, indices.shape)]
    if rest[0] != rest[1]:
        common = broadcast_shapes(*rest)
        x = broadcast_to(x, (*common[:axis], n, *common[axis:]))
        indices = broadcast_to(indices, (*common[:axis], m, *common[axis:]))
    return x, indices, axis


def take_along_axis(x, indices, axis=-1):
    """Return one element along an axis for each index, as `numpy.take_along_axis`.

    Parameters
    ----------
    x : array (..., n, ...), any dtype
    indices : array of int (..., m, ...)
        As many axes as `x`; axes other than `axis` broadcast.
    axis : int, optional
        None takes from the flattened array; `indices` is then a vector.

    Raises
    ------
    IndexRangeError, ShapeError
        For an index out of range, shapes that do not fit.

    Examples
    --------
    >>> take_along_axis([[1, 2], [3, 4]], [[1], [0]]).tolist()
    [[2], [3]]
    """
    x, indices, axis = _matched("take_along_axis(x, indices)", x, indices, axis)
    return take_each(x, indices, axis=axis)


def add_along_axis(x, indices, v, axis=-1):
    """Return `x` with each element of `v` added at its index along an axis; equal indices add up.

    Parameters
    ----------
    x : array (..., n, ...) of numbers
    indices : array of int (..., m, ...)
        As many axes as `x`; axes other than `axis` broadcast.
    v : array
        Broadcasts to the indices.
    axis : int

    Examples
    --------
    >>> add_along_axis([[0.0, 0.0]], [[1, 1]], 5.0).tolist()
    [[0.0, 10.0]]
    """
    x, indices, axis = _matched("add_along_axis(x, indices, v)", x, indices, axis)
    v = broadcast_to(like(v, x), indices.shape)
    return x + add_each(v, indices, axis=axis, size=x.shape[axis])


def one_hot(indices, num_classes, dtype="float32", axis=-1):
    """Return 1 at each index along a new axis of length `num_classes`, 0 elsewhere.

    Parameters
    ----------
    indices : array of int
        From 0 to `num_classes - 1`.
    num_classes : int
    dtype : dtype
    axis : int
        Place of the new axis in the result.

    Raises
    ------
    IndexRangeError
        For an index that is no class.

    Examples
    --------
    >>> one_hot([2, 0], 3, dtype="int64").tolist()
    [[0, 0, 1], [1, 0, 0]]
    """
    indices = check_indices("one_hot(indices, num_classes)", indices, integer(num_classes, "num_classes", 0), axis, negative=False)
    axis, indices = normalize_axis(axis, indices.ndim + 1), lift(indices)
    cells, kind = expand_dims(indices, axis), check_dtype(dtype)
    if kind == BOOL:
        return equal(cells, np.arange(num_classes).reshape((-1,) + (1,) * (indices.ndim - axis)))
    return add_each(views.constant(1, cells.shape, kind), cells, axis=axis, size=num_classes)


def searchsorted(a, v, side="left", sorter=None):
    """Return where to insert elements into a sorted vector, as `numpy.searchsorted` (int64); NaN is the largest number.

    Parameters
    ----------
    a : vector
        Ascending, or made so by `sorter`.
    v : array, any shape
    side : {"left", "right"}
        Before or behind equal elements.
    sorter : vector of int, optional
        Indices that sort `a`.

    Examples
    --------
    >>> searchsorted([1.0, 2.0, 2.0, 5.0], [2.0, 9.0], side="right").tolist()
    [3, 4]
    """
    a = lift(a)
    v = lift(v, a)
    if side not in ("left", "right"):
        raise problem(ArgumentError, f"searchsorted: side={side!r} is unknown", "'left' or 'right'")
    if a.ndim != 1:
        raise problem(ShapeError, f"searchsorted(a, v): a is {a.shape}", "a vector")
    if sorter is not None:
        a = take(a, sorter)
    return search(a, v, side=side)
