"""Shapes, axes and strides: tuples in, tuples out."""

import operator
from math import prod
from typing import NamedTuple

from .errors import ArgumentError, ShapeError, problem


class View(NamedTuple):
    """An index map onto a block of memory; strides and offset count elements."""

    shape: tuple
    strides: tuple
    offset: int = 0


def contiguous_strides(shape) -> tuple:
    """Return the row-major strides of `shape`, in elements.

    >>> contiguous_strides((2, 3, 4))
    (12, 4, 1)
    """
    strides, step = [], 1
    for n in reversed(shape):
        strides.append(step)
        step *= n
    return tuple(reversed(strides))


def is_contiguous(shape, strides) -> bool:
    """Say whether `strides` (in elements) are row-major for `shape`; axes of length 1 may have any stride."""
    step = 1
    for n, s in zip(reversed(shape), reversed(strides)):
        if n != 1:
            if s != step and n != 0:
                return False
            step *= n
    return True


def broadcast_shapes(*shapes) -> tuple:
    """Return the shape that `shapes` broadcast to, by NumPy's rule.

    Raises
    ------
    ShapeError
        When two lengths differ and neither is 1.

    >>> broadcast_shapes((3, 1), (4,))
    (3, 4)
    """
    first = shapes[0]
    if all(s == first for s in shapes[1:]):
        return tuple(first)
    ndim = max(map(len, shapes))
    out = []
    for axis in range(-ndim, 0):
        lengths = {s[axis] for s in shapes if len(s) >= -axis} - {1}
        if len(lengths) > 1:
            text = " and ".join(str(tuple(s)) for s in shapes)
            raise problem(
                ShapeError,
                f"shapes {text} do not broadcast: axis {axis} has lengths {sorted(lengths)}",
                "make the lengths equal, or 1 where a value is to be repeated (x[:, None], reshape)",
            )
        out.append(lengths.pop() if lengths else 1)
    return tuple(out)


def normalize_axis(axis, ndim: int) -> int:
    """Return `axis` counted from the front; raise ShapeError when it is out of range.

    >>> normalize_axis(-1, 3)
    2
    """
    try:
        index = axis.__index__()
    except AttributeError:
        raise problem(ArgumentError, f"axis must be an integer, not {axis!r}", "axis=0") from None
    if not -ndim <= index < ndim:
        allowed = f"between {-ndim} and {ndim - 1}" if ndim else "left out for a 0-d array"
        raise problem(
            ShapeError, f"axis {index} is out of range for an array of {ndim} dimensions", f"an axis {allowed}"
        )
    return index % ndim


def normalize_axes(axes, ndim: int) -> tuple:
    """Return a tuple of distinct non-negative axes; None means all of them, in order."""
    if axes is None:
        return tuple(range(ndim))
    if not isinstance(axes, (tuple, list)):
        axes = (axes,)
    out = tuple(normalize_axis(a, ndim) for a in axes)
    if len(set(out)) != len(out):
        raise problem(ShapeError, f"axes {tuple(axes)} name one axis twice", "each axis once")
    return out


def reduced_shape(shape, axes, keepdims: bool) -> tuple:
    """Return `shape` with `axes` left out, or of length 1 when `keepdims`.

    >>> reduced_shape((2, 3, 4), (1,), True)
    (2, 1, 4)
    """
    if keepdims:
        return tuple(1 if i in axes else n for i, n in enumerate(shape))
    return tuple(n for i, n in enumerate(shape) if i not in axes)


def infer_shape(shape, size: int) -> tuple:
    """Return `shape` as a tuple with its one -1 filled in so that it holds `size` elements.

    Raises
    ------
    ArgumentError, ShapeError
        For lengths that are no integers, and another number of elements.

    >>> infer_shape((2, -1), 6)
    (2, 3)
    """
    try:
        shape = tuple(map(operator.index, shape))
    except TypeError:
        raise problem(ArgumentError, f"a shape is an int or a tuple of ints, not {shape!r}", "shape=(2, -1)") from None
    known = prod(n for n in shape if n != -1)
    unknown = shape.count(-1)
    if unknown == 1 and known and size % known == 0:
        shape = tuple(size // known if n == -1 else n for n in shape)
    if unknown > 1 or -1 in shape or any(n < -1 for n in shape) or prod(shape) != size:
        raise problem(
            ShapeError,
            f"cannot give {size} elements the shape {shape}",
            "a shape with the same number of elements, at most one of them -1",
        )
    return shape


def view_strides(shape, strides, new_shape):
    """Return strides that show memory of `shape`, `strides` as `new_shape` without copying, or None."""
    if prod(shape) == 0:
        return contiguous_strides(new_shape)
    old = [(n, s) for n, s in zip(shape, strides) if n != 1]
    out, i, j = [0] * len(new_shape), 0, 0
    new = [k for k, n in enumerate(new_shape) if n != 1]
    while i < len(old) and j < len(new):
        block_old, block_new, first_old, first_new = old[i][0], new_shape[new[j]], i, j
        while block_old != block_new:
            if block_old < block_new:
                i += 1
                block_old *= old[i][0]
            else:
                j += 1
                block_new *= new_shape[new[j]]
        for k in range(first_old, i):
            if old[k][1] != old[k + 1][0] * old[k + 1][1]:
                return None
        step = old[i][1]
        for k in range(j, first_new - 1, -1):
            out[new[k]] = step
            step *= new_shape[new[k]]
        i, j = i + 1, j + 1
    return tuple(out)


def collapse(shape, *strides):
    """Merge neighbouring axes that every operand walks in one stride, and drop axes of length 1.

    Returns
    -------
    tuple
        (shape, strides of the first operand, strides of the second, ...), outermost axis first.

    >>> collapse((2, 3, 4), (12, 4, 1), (0, 0, 1))
    ((6, 4), (4, 1), (0, 1))
    """
    dims = []
    for n, *steps in zip(shape, *strides):
        if n == 1:
            continue
        if dims and all(before == step * n for before, step in zip(dims[-1][1], steps)):
            dims[-1] = (dims[-1][0] * n, steps)
        else:
            dims.append((n, steps))
    return (tuple(n for n, _ in dims), *(tuple(steps[k] for _, steps in dims) for k in range(len(strides))))
