"""Functions that join arrays, cut them up, and repeat them, as NumPy names them."""

import operator

import numpy as np

from ..base.arguments import integer
from ..base.errors import ArgumentError, ShapeError, problem
from ..base.shapes import normalize_axis
from . import views
from .gather import take
from .movement import atleast_1d, atleast_2d, axis_part, broadcast_to, expand_dims, ravel, reshape
from .table import lift

TAKEN = ("edge", "reflect", "symmetric", "wrap")  # pad modes that only repeat elements of the array


def listed(op, arrays):
    """Return the arrays to join; raise ArgumentError for a single number."""
    if not hasattr(arrays, "__iter__") or getattr(arrays, "ndim", 1) == 0:
        raise problem(ArgumentError, f"{op}(arrays): {arrays!r} is no sequence of arrays", f"{op}([a, b])")
    return arrays


def concatenate(arrays, axis=0):
    """Join arrays along an axis they have, as `numpy.concatenate`.

    Parameters
    ----------
    arrays : sequence of arrays
        Of one shape but for `axis`; dtypes are promoted.
    axis : int, optional
        None flattens the arrays first.

    Raises
    ------
    ShapeError
        For no arrays, 0-d arrays, and shapes that do not fit.

    Examples
    --------
    >>> concatenate([[1, 2], [3]]).tolist()
    [1, 2, 3]
    """
    arrays = [lift(a) for a in listed("concatenate", arrays)]
    if not arrays:
        raise problem(ShapeError, "concatenate: there are no arrays", "one array or more")
    if axis is None:
        arrays, axis = [ravel(a) for a in arrays], 0
    if arrays[0].ndim == 0:
        raise problem(ShapeError, "concatenate: 0-d arrays have no axis to join along", "stack(arrays), or axis=None")
    return views.concat(*arrays, axis=normalize_axis(axis, arrays[0].ndim))


def stack(arrays, axis=0):
    """Join arrays of one shape along a new axis, as `numpy.stack`.

    >>> stack([[1, 2], [3, 4]], axis=1).tolist()
    [[1, 3], [2, 4]]
    """
    arrays = [lift(a) for a in listed("stack", arrays)]
    shapes = {a.shape for a in arrays}
    if len(shapes) != 1:
        raise problem(ShapeError, f"stack: shapes {[a.shape for a in arrays]} are not one", "one array or more, all of one shape")
    return concatenate([expand_dims(a, axis) for a in arrays], axis)


def hstack(arrays):
    """Join arrays along axis 1 (axis 0 if they have only that), as `numpy.hstack`.

    >>> hstack([1, [2, 3]]).tolist()
    [1, 2, 3]
    """
    arrays = [atleast_1d(a) for a in listed("hstack", arrays)]
    return concatenate(arrays, 0 if arrays and arrays[0].ndim == 1 else 1)


def vstack(arrays):
    """Join arrays along axis 0, vectors as rows, as `numpy.vstack`.

    >>> vstack([[1, 2], [3, 4]]).tolist()
    [[1, 2], [3, 4]]
    """
    return concatenate([atleast_2d(a) for a in listed("vstack", arrays)], 0)


def split(x, indices_or_sections, axis=0):
    """Cut an array into parts along an axis, as `numpy.split`; views.

    Parameters
    ----------
    x : array of one axis or more
    indices_or_sections : int or sequence of int
        A number of equal parts, or the places to cut.
    axis : int

    Returns
    -------
    list of Tensor

    Raises
    ------
    ShapeError
        When a number of parts does not divide the axis.

    Examples
    --------
    >>> [p.tolist() for p in split([1, 2, 3, 4], 2)]
    [[1, 2], [3, 4]]
    """
    x = lift(x)
    n = x.shape[normalize_axis(axis, x.ndim)]
    parts = None if np.ndim(indices_or_sections) else integer(indices_or_sections, "indices_or_sections", 1)
    if parts and n % parts:
        raise problem(ShapeError, f"split(x, {indices_or_sections}): axis {axis} of x {x.shape} has length {n}, which does not divide",
                      "array_split for parts of unequal length")
    return array_split(x, indices_or_sections, axis)


def array_split(x, indices_or_sections, axis=0):
    """Cut an array into parts along an axis, the first ones longer by one where needed, as `numpy.array_split`; views.

    >>> [p.tolist() for p in array_split([1, 2, 3], 2)]
    [[1, 2], [3]]
    """
    x = lift(x)
    axis = normalize_axis(axis, x.ndim)
    n = x.shape[axis]
    if np.ndim(indices_or_sections):
        bounds = [0, *(integer(i, "a place to cut") for i in indices_or_sections), n]
    else:
        parts = integer(indices_or_sections, "indices_or_sections", 1)
        short, longer = divmod(n, parts)
        bounds = [i * short + min(i, longer) for i in range(parts + 1)]
    cuts = [slice(a, b).indices(n) for a, b in zip(bounds, bounds[1:])]
    return [axis_part(x, axis, start, stop) for start, stop, _ in cuts]


def pad(x, pad_width, mode="constant", constant_values=0):
    """Widen an array at both ends of its axes, as `numpy.pad`.

    Parameters
    ----------
    x : array, any shape and dtype
    pad_width : int, (before, after), or one pair per axis
        How many elements are added; not negative.
    mode : {"constant", "edge", "reflect", "symmetric", "wrap"}
    constant_values : scalar, (before, after), or one pair per axis
        For mode "constant".

    Raises
    ------
    ArgumentError
        For a negative width, values that want a gradient, an unknown mode, and modes that need an element where there is none.

    Examples
    --------
    >>> pad([1, 2, 3], (1, 2), mode="reflect").tolist()
    [2, 1, 2, 3, 2, 1]
    """
    x = lift(x)
    if tracked(constant_values):
        raise problem(ArgumentError, "pad: constant_values want a gradient; pad is differentiated in x alone",
                      "constant_values.detach(), or concatenate")
    widths = _pairs("pad_width", pad_width, x.ndim, operator.index)
    if any(w < 0 for pair in widths for w in pair):
        raise problem(ArgumentError, f"pad(x, pad_width={pad_width}): a width is negative", "x[...] to cut")
    if mode == "constant":
        return _pad_constant(x, widths, _pairs("constant_values", constant_values, x.ndim, lambda v: v))
    if mode not in TAKEN:
        raise problem(ArgumentError, f"pad: mode={mode!r} is unknown", f"one of {', '.join(map(repr, ('constant', *TAKEN)))}")
    for axis, width in enumerate(widths):
        if any(width):
            x = take(x, _taken(x.shape, axis, width, mode), axis)
    return x


def tracked(values) -> bool:
    """Say whether a tensor, or one within nested tuples and lists, wants a gradient."""
    if isinstance(values, (tuple, list)):
        return any(map(tracked, values))
    return getattr(values, "requires_grad", False)


def _taken(shape, axis, width, mode):
    """Return which elements of an axis its padded form shows, by NumPy's own rule."""
    if shape[axis] == 0:
        raise problem(ArgumentError, f"pad(x, mode={mode!r}): axis {axis} of x {shape} is empty", 'mode="constant"')
    return np.pad(np.arange(shape[axis]), width, mode=mode)


def _pairs(name, given, ndim, convert):
    """Return one (before, after) per axis from a scalar, one pair, or a pair per axis."""
    try:
        grid = np.broadcast_to(np.asarray(given), (ndim, 2))
        return [(convert(a), convert(b)) for a, b in grid.tolist()]
    except (ValueError, TypeError):
        raise problem(ArgumentError, f"pad: {name}={given!r} fits no array of {ndim} axes",
                      "a number, a pair (before, after), or one pair per axis") from None


def _pad_constant(x, widths, values):
    first = values[0][0] if values else 0
    shape = tuple(n + a + b for n, (a, b) in zip(x.shape, widths))
    if all(v == first for pair in values for v in pair):
        view = views.slice_.forward(views.whole(shape), cuts=tuple((a, 1, n) for (a, _), n in zip(widths, x.shape)))
        if first == 0:
            return views.place_view(x, shape, view)
        return views.overwrite(views.constant(first, shape, x.dtype), x, strides=view.strides, offset=view.offset)
    for axis, (counts, pair) in enumerate(zip(widths, values)):
        ends = [views.constant(v, tuple(c if a == axis else n for a, n in enumerate(x.shape)), x.dtype) for c, v in zip(counts, pair)]
        x = views.concat(ends[0], x, ends[1], axis=axis)
    return x


def tile(x, reps):
    """Repeat the whole array `reps` times along each axis, as `numpy.tile`.

    >>> tile([1, 2], 2).tolist()
    [1, 2, 1, 2]
    """
    x = lift(x)
    reps = tuple(integer(r, "reps", 0) for r in (reps if np.ndim(reps) else (reps,)))
    ndim = max(x.ndim, len(reps))
    reps = (1,) * (ndim - len(reps)) + reps
    shape = (1,) * (ndim - x.ndim) + x.shape
    spaced = reshape(x, tuple(n for length in shape for n in (1, length)))
    repeated = broadcast_to(spaced, tuple(n for pair in zip(reps, shape) for n in pair))
    return reshape(repeated, tuple(r * n for r, n in zip(reps, shape)))


def repeat(x, repeats, axis=None):
    """Repeat each element, as `numpy.repeat`.

    Parameters
    ----------
    x : array, any shape and dtype
    repeats : int or vector of int
        One count, or one for each element along the axis; not negative.
    axis : int, optional
        None repeats the elements of the flattened array.

    Examples
    --------
    >>> repeat([1, 2], [2, 1]).tolist()
    [1, 1, 2]
    """
    x = lift(x)
    if axis is None:
        x, axis = ravel(x), 0
    axis = normalize_axis(axis, x.ndim)
    n, counts = x.shape[axis], lift(repeats).numpy()
    if counts.dtype.kind not in "iu" or counts.ndim > 1 or (counts < 0).any() or counts.size not in (1, n):
        raise problem(ArgumentError, f"repeat(x, repeats={repeats}): axis {axis} of x {x.shape} has length {n}",
                      "one count, or one per element; integers, not negative")
    if counts.size == 1:
        return _repeat_all(x, int(counts.reshape(())), axis)
    return take(x, np.repeat(np.arange(n), counts), axis)


def _repeat_all(x, count, axis):
    """Repeat every element `count` times: a new axis behind `axis`, broadcast and merged."""
    shape = x.shape
    wide = broadcast_to(expand_dims(x, axis + 1), (*shape[: axis + 1], count, *shape[axis + 1 :]))
    return reshape(wide, (*shape[:axis], shape[axis] * count, *shape[axis + 1 :]))
