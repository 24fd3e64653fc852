"""Indexing by NumPy's rules, read and written: views where an index allows it, one take or scatter where it does not.

An index is read once into entries (what it does to each axis) and from them into a `Road`: slices of the array, a reshape
that drops and adds axes, then at most one gather along one (merged) axis, then the order of axes that NumPy prescribes.
"""

from itertools import accumulate
from math import prod
from operator import mul
from typing import Any, NamedTuple

import numpy as np

from ..base.errors import ArgumentError, IndexRangeError, ShapeError, problem
from ..base.shapes import broadcast_shapes
from . import views
from .arithmetic import where
from .gather import check_indices, like, scatter_set, take_rows
from .movement import broadcast_to, moveaxis
from .table import ZERO, elementwise, lift


@elementwise(df=ZERO, accepts="index")
def flat_index(i, n, j, m):
    """Number of the cell at indices `i` and `j` of axes of lengths `n` and `m`; negative indices count from the end."""
    return (i + n if i < 0 else i) * m + (j + m if j < 0 else j)


class Entry(NamedTuple):
    """What one part of an index does. kind: "int", "slice", "new", "array", "mask" (of no axes) or "gap" (an Ellipsis of no
    axes); cut: (start, step, count) of its axis."""

    kind: str
    cut: tuple = (0, 1, 1)
    indices: Any = None


class Road(NamedTuple):
    """How an indexed part of an array is reached.

    cuts : the slice of every axis; keep : the axes that are left, -1 for a new one; shape : their lengths (a gathered axis
    in full); axes : which of these are gathered, () for a basic index; indices : one array per gathered axis;
    place : where in the result the axes of the gathered part stand.
    """

    cuts: tuple
    keep: tuple
    shape: tuple
    axes: tuple = ()
    indices: tuple = ()
    place: int = 0


def is_basic(index) -> bool:
    """Say whether an index is made of integers, slices, None and Ellipsis only: its result is then a view.

    >>> is_basic((0, slice(None), ...)), is_basic([0, 1])
    (True, False)
    """
    return all(_is_basic_part(i) for i in (index if isinstance(index, tuple) else (index,)))


def _is_basic_part(i):
    if type(i) in (int, slice):
        return True
    if i is None or i is Ellipsis or isinstance(i, slice):
        return True
    if isinstance(i, np.ndarray):
        return i.ndim == 0 and i.dtype.kind in "iu"
    return hasattr(i, "__index__") and not isinstance(i, (bool, np.bool_)) and not hasattr(i, "_bind")


def basic(index, shape) -> Road:
    """Return the road of a basic index into an array of `shape`; errors as `road`.

    >>> basic((slice(1, None), 0), (3, 4)).shape
    (2,)
    """
    if not is_basic(index):
        raise problem(IndexRangeError, f"the index {index!r} is not basic", "integers, slices, None and ...")
    cuts: list = []
    keep, out = [], []
    for part in _filled(index if isinstance(index, tuple) else (index,), shape):
        if part is None:
            keep.append(-1)
            out.append(1)
        elif isinstance(part, slice):
            cut = _cut(part, shape[len(cuts)])
            keep.append(len(cuts))
            out.append(cut[2])
            cuts.append(cut)
        elif part is not Ellipsis:
            cuts.append((_whole(part, shape, len(cuts)), 1, 1))
    return Road(tuple(cuts), tuple(keep), tuple(out))


def road(index, shape, beside=None) -> Road:
    """Return the road of any index into an array of `shape`, its integers checked (`beside`: see `check_indices`).

    Raises
    ------
    IndexRangeError
        For an integer out of range, too many parts, a mask or arrays of shapes that do not fit, parts that are no index.
    ArgumentError
        For a slice with step 0.
    """
    shape = tuple(shape)
    if is_basic(index):
        return basic(index, shape)
    parts = [i if _is_basic_part(i) else _array(i) for i in (index if isinstance(index, tuple) else (index,))]
    entries = _entries(_filled(parts, shape), shape, beside)
    cuts = tuple(e.cut for e in entries if e.kind in ("int", "slice", "array"))
    kept = [e for e in entries if e.kind not in ("int", "gap")]
    axes = tuple(a for a, e in enumerate(kept) if e.kind in ("array", "mask"))
    out = tuple(e.cut[2] for e in kept)
    numbers = iter(range(len(cuts)))
    named = [(e, next(numbers) if e.kind in ("int", "slice", "array") else -1) for e in entries]
    keep = tuple(a for e, a in named if e.kind not in ("int", "gap"))
    # NumPy asks whether the arrays stand together: integers count as arrays, and an Ellipsis of no axes parts them.
    pointed = [p for p, e in enumerate(entries) if e.kind in ("int", "array", "mask")]
    together = pointed[-1] - pointed[0] == len(pointed) - 1
    place = sum(e.kind != "gap" for e in entries[: pointed[0]]) if together else 0
    return Road(cuts, keep, out, axes, tuple(kept[a].indices for a in axes), place)


def _array(i):
    """Return a part of an index that is no basic one as an array of integers or a mask."""
    a = i if hasattr(i, "_bind") or isinstance(i, np.ndarray) else lift(i).numpy() if isinstance(i, (list, tuple)) else np.asarray(i)
    if isinstance(i, (list, tuple)) and a.size == 0:
        a = a.astype(np.int64)
    if a.dtype.kind not in "iub":
        raise problem(IndexRangeError, f"{i!r} is no index", "integers, slices, None, ..., and arrays of integers or booleans")
    return a


def _axes_of(part) -> int:
    """Return how many axes a part of an index speaks of."""
    if type(part) in (int, slice):
        return 1
    if part is None or part is Ellipsis:
        return 0
    return part.ndim if hasattr(part, "dtype") and part.dtype.kind == "b" else 1


def _filled(parts, shape):
    """Return the parts with full slices in place of Ellipsis, or at the end, for the axes left over, if there are any."""
    left = len(shape) - sum(map(_axes_of, parts))
    dots = [k for k, p in enumerate(parts) if p is Ellipsis]
    if left < 0:
        raise problem(IndexRangeError, f"an index for {len(shape) - left} axes, of an array of shape {shape}", f"{len(shape)} axes at most")
    if len(dots) > 1:
        raise problem(IndexRangeError, "an index with two Ellipses", "one '...'")
    at = dots[0] if dots else len(parts)
    return parts if dots and not left else [*parts[:at], *[slice(None)] * left, *parts[at + 1 :]]


def _entries(parts, shape, beside) -> list:
    entries: list = []
    axis = 0
    for part in parts:
        if part is None:
            entries.append(Entry("new"))
        elif part is Ellipsis:
            entries.append(Entry("gap"))
        elif isinstance(part, slice):
            entries.append(Entry("slice", _cut(part, shape[axis])))
        elif _is_basic_part(part):
            entries.append(Entry("int", (_whole(part, shape, axis), 1, 1)))
        elif part.dtype.kind == "b":
            entries += _mask(part, shape, axis)
        else:
            check_indices(f"x[...] of shape {shape}", part, shape[axis], axis, beside=beside)
            entries.append(Entry("array", (0, 1, shape[axis]), part))
        axis += _axes_of(part)
    return entries


def _cut(part, n):
    try:
        start, stop, step = part.indices(n)
    except ValueError:
        raise problem(ArgumentError, f"the slice {part} has step 0", "a step other than 0") from None
    return (start, step, len(range(start, stop, step)))


def _whole(part, shape, axis):
    i, n = part.__index__(), shape[axis]
    if not -n <= i < n:
        raise problem(IndexRangeError, f"index {i} is out of range for axis {axis} of an array of shape {shape}",
                      f"an index from {-n} to {n - 1}" if n else "an axis that is not empty")
    return i % n


def _mask(mask, shape, axis) -> list:
    """Return one entry per axis of a mask: the integers of its true cells."""
    values = np.asarray(mask.numpy() if hasattr(mask, "_bind") else mask)
    if values.shape != shape[axis : axis + values.ndim]:
        raise problem(IndexRangeError, f"a mask of shape {values.shape} for axes {shape[axis:axis + values.ndim]} of an array of {shape}",
                      "a mask of the lengths that it masks")
    if values.ndim == 0:
        return [Entry("mask", (0, 1, 1), np.zeros(int(values), np.int64))]
    return [Entry("array", (0, 1, n), i) for n, i in zip(values.shape, np.nonzero(values))]


def _all(r, x) -> bool:
    """Say whether the slices of a road leave `x` as it is."""
    return r.cuts == tuple([(0, 1, n) for n in x.shape])


def _reached(x, r):
    """Return the view of `x` that slices, dropped and added axes leave."""
    return x if r.shape == x.shape and _all(r, x) else views.slice_(x, cuts=r.cuts, keep=r.keep)


def _order(r) -> tuple:
    """Return the order of axes that brings gathered axes together: in front, unless they are neighbours."""
    rest = tuple(a for a in range(len(r.shape)) if a not in r.axes)
    first = r.axes[0] if r.axes[-1] - r.axes[0] == len(r.axes) - 1 else 0
    return rest[:first] + r.axes + rest[first:]


def _merged(y, r):
    """Return (`y` with its gathered axes merged into one, that axis, the indices along it)."""
    if len(r.axes) == 1:
        return y, r.axes[0], lift(r.indices[0], y)
    try:
        broadcast_shapes(*(tuple(i.shape) for i in r.indices))
    except ShapeError:
        shapes = " and ".join(str(tuple(i.shape)) for i in r.indices)
        raise problem(IndexRangeError, f"index arrays of shapes {shapes} do not broadcast", "arrays of one shape, or np.ix_") from None
    order = _order(r)
    axis, lengths = order.index(r.axes[0]), [y.shape[a] for a in r.axes]
    flat, *rest = r.indices if y.device == "cpu" else [lift(i, y) for i in r.indices]
    for i, n, m in zip(rest, accumulate(lengths, mul), lengths[1:]):
        flat = flat_index(flat, n, i, m)
    y = y if order == tuple(range(y.ndim)) else views.permute(y, axes=order)
    y = views.reshape(y, shape=(*y.shape[:axis], prod(lengths), *y.shape[axis + len(lengths) :]))
    return y, axis, lift(flat)


def getitem(x, index):
    """Return the part of `x` that an index names, as `numpy.ndarray.__getitem__`.

    Parameters
    ----------
    x : array, any shape and dtype
    index : int, slice, None, Ellipsis, array of int or bool, or a tuple of them

    Returns
    -------
    Tensor
        A view for a basic index; a copy where arrays or masks gather. Elements named several times add up in the
        gradient.

    Raises
    ------
    IndexRangeError, ArgumentError
        As `road`.

    Examples
    --------
    >>> getitem([[1, 2], [3, 4]], (slice(None), [1, 0])).tolist()
    [[2, 1], [4, 3]]
    """
    x = lift(x)
    if is_basic(index):
        return _reached(x, basic(index, x.shape))
    if x.ndim and not isinstance(index, tuple):
        index = _array(index)
        if index.dtype.kind != "b":
            return take_rows(x, check_indices(f"x[...] of shape {x.shape}", index, x.shape[0], 0, beside=x), axis=0)
    x, index = _flattened(x, index)
    r = road(index, x.shape, x)
    y = _reached(x, r)
    merged, axis, flat = _merged(y, r)
    out = take_rows(merged, flat, axis=axis)
    return _moved(out, flat.ndim, axis, r.place)


def _flattened(x, index):
    """Return `x` and the index with the axes of a lone mask merged into one: its true cells are then found in one pass."""
    parts = index if isinstance(index, tuple) else (index,)
    arrays = [k for k, p in enumerate(parts) if not _is_basic_part(p)]
    if len(arrays) != 1:
        return x, index
    k, mask = arrays[0], parts[arrays[0]]
    if getattr(mask, "ndim", 0) < 2 or mask.dtype.kind != "b":
        return x, index
    before, behind = (sum(map(_axes_of, p)) for p in (parts[:k], parts[k + 1 :]))
    first = x.ndim - behind - mask.ndim if any(p is Ellipsis for p in parts[:k]) else before
    if first < before or x.shape[first : first + mask.ndim] != mask.shape:
        return x, index
    values = (mask.numpy() if hasattr(mask, "_bind") else mask).reshape(-1)
    merged = views.reshape(x, shape=(*x.shape[:first], values.size, *x.shape[first + mask.ndim :]))
    return merged, (*parts[:k], values, *parts[k + 1 :])


def _moved(x, count, source, destination):
    """Move `count` neighbouring axes from one place to another."""
    if source == destination or not count:
        return x
    return moveaxis(x, tuple(range(source, source + count)), tuple(range(destination, destination + count)))


def index_put(x, index, v):
    """Return `x` with `v` written where an index points: what `x[index] = v` leaves in `x`.

    Parameters
    ----------
    x : array, any shape and dtype
    index : as in `getitem`
    v : array or scalar
        Broadcasts to the indexed part; cast to the dtype of `x`. Of elements named several times the last one stays, and
        only it gets a gradient.

    Raises
    ------
    IndexRangeError, ArgumentError, ShapeError
        As `road`; for a `v` that does not fit.

    Examples
    --------
    >>> index_put([1.0, 2.0, 3.0], [0, 2], 9.0).tolist()
    [9.0, 2.0, 9.0]
    """
    x = lift(x)
    v = like(v, x).astype(x.dtype)
    mask = index[0] if isinstance(index, tuple) and len(index) == 1 else index
    if v.ndim == 0 and hasattr(mask, "dtype") and mask.dtype.kind == "b" and mask.shape == x.shape[: mask.ndim]:
        return where(views.reshape(lift(mask), shape=mask.shape + (1,) * (x.ndim - mask.ndim)), v, x)
    shape = x.shape
    x, index = _flattened(x, index)
    r = road(index, x.shape, x)
    written = _fitted(v, r.shape) if not r.axes else _scattered(_reached(x, r), r, v)
    if not r.axes or not _all(r, x):
        view = views.slice_.forward(views.whole(x.shape), cuts=r.cuts)
        written = views.overwrite(x, views.reshape(written, shape=view.shape), strides=view.strides, offset=view.offset)
    return views.reshape(written, shape=shape)


def _scattered(y, r, v):
    """Return `y` with `v` at the gathered cells, in the shape of `y`."""
    merged, axis, flat = _merged(y, r)
    rest = merged.shape[:axis] + merged.shape[axis + 1 :]
    v = _moved(_fitted(v, rest[: r.place] + flat.shape + rest[r.place :]), flat.ndim, r.place, axis)
    out = scatter_set(merged, flat, v, axis=axis)
    if len(r.axes) == 1:
        return out
    order = _order(r)
    return views.permute(views.reshape(out, shape=tuple(y.shape[a] for a in order)), axes=views.inverse(order))


def _fitted(v, shape):
    """Return `v` broadcast to the indexed part; leading axes of length 1 may be too many."""
    extra = v.ndim - len(shape)
    if extra > 0 and v.shape[:extra] == (1,) * extra:
        v = views.reshape(v, shape=v.shape[extra:])
    try:
        return broadcast_to(v, shape)
    except ShapeError:
        raise problem(ShapeError, f"x[index] = v: v of shape {v.shape} does not fit the indexed part, {shape}",
                      f"v of shape {shape}, or one that broadcasts to it") from None
