"""Rows that move no number (index maps on memory), and their adjoints, which write a view back into its place."""

import functools
from math import prod

import numpy as np

from ..base.errors import ShapeError, problem
from ..base.shapes import View, contiguous_strides, is_contiguous, reduced_shape, view_strides
from .table import lift, movement, primitive, table


@movement(vjp=lambda g, x_shape: reshape(g, shape=x_shape), ref=np.reshape)
def reshape(view, *, shape):
    """The same elements, in row-major order, in another shape."""
    strides = view_strides(view.shape, view.strides, shape)
    return None if strides is None else View(shape, strides, view.offset)


@movement(vjp=lambda g, axes: permute(g, axes=inverse(axes)), ref=np.transpose)
def permute(view, *, axes):
    """The axes in another order: axis i of the result is axis axes[i] of `x`."""
    return View(tuple(view.shape[a] for a in axes), tuple(view.strides[a] for a in axes), view.offset)


# The tape sums a gradient over the axes that were repeated, as it does for every op.
@movement(vjp=lambda g: g, ref=np.broadcast_to)
def broadcast_to(view, *, shape):
    """The elements repeated along new axes and axes of length 1."""
    new = len(shape) - len(view.shape)
    if new < 0 or any(n not in (1, m) for n, m in zip(view.shape, shape[new:])):
        raise problem(ShapeError, f"broadcast_to(x, shape): x of {view.shape} does not broadcast to {tuple(shape)}",
                      "axes of length 1 where values are to be repeated")
    strides = (0,) * new + tuple(s if n == m else 0 for n, m, s in zip(view.shape, shape[new:], view.strides))
    return View(tuple(shape), strides, view.offset)


@movement(vjp=lambda g, x_shape, cuts: place_cuts(reshape(g, shape=tuple(c for _, _, c in cuts)), x_shape, cuts))
def slice_(view, *, cuts, keep=None):
    """Part of every axis, (start, step, count) for each; `keep` lists the axes of the result, -1 for a new one."""
    offset = view.offset + sum(start * s for (start, _, _), s in zip(cuts, view.strides))
    axes = range(len(cuts)) if keep is None else keep
    shape = tuple(1 if a < 0 else cuts[a][2] for a in axes)
    return View(shape, tuple(0 if a < 0 else cuts[a][1] * view.strides[a] for a in axes), offset)


@movement(vjp=lambda g, x_shape, offset, axis1, axis2: place_diagonal(g, x_shape, offset, axis1, axis2), ref=np.diagonal)
def diagonal_(view, *, offset, axis1, axis2):
    """The diagonals of the planes of two axes, as a new last axis."""
    down, right = max(-offset, 0), max(offset, 0)
    count = max(0, min(view.shape[axis1] - down, view.shape[axis2] - right))
    rest = [a for a in range(len(view.shape)) if a not in (axis1, axis2)]
    step1, step2 = view.strides[axis1], view.strides[axis2]
    start = view.offset + (down * step1 + right * step2 if count else 0)
    return View((*(view.shape[a] for a in rest), count), (*(view.strides[a] for a in rest), step1 + step2), start)


@movement(vjp=lambda g, x_shape, strides, offset: gather_view(g, x_shape, strides, offset))
def as_view(view, *, shape, strides, offset):
    """Any index map on row-major memory; strides and offset in elements."""
    if not is_contiguous(view.shape, view.strides):
        return None
    return View(shape, strides, view.offset + offset)


@primitive(
    vjp={"x": lambda g, x_shape, strides, offset: as_view(g, shape=x_shape, strides=strides, offset=offset)},
    accepts="any", linear=("x",),
)  # fmt: skip
def place(x, *, shape, strides, offset):
    """Zeros of `shape` with `x` written where an index map says; the adjoint of a view without overlaps."""
    return shape


@primitive(
    vjp={
        "x": lambda g, v_shape, strides, offset: overwrite(g, constant(0, v_shape, g.dtype), strides=strides, offset=offset),
        "v": lambda g, v_shape, strides, offset: as_view(g, shape=v_shape, strides=strides, offset=offset),
    },
    accepts="any",
)
def overwrite(x, v, *, strides, offset):
    """A copy of `x` with `v` written where an index map says; what an in-place write through a view means."""
    return x.shape


@primitive(vjp={"xs": lambda g, index, xs_shapes, axis: part(g, index, xs_shapes, axis)}, accepts="any", ref=np.concatenate)
def concat(*xs, axis):
    """Arrays one after the other along an axis."""
    first = xs[0].shape
    for i, x in enumerate(xs):
        if x.ndim != len(first) or any(n != m and a != axis for a, (n, m) in enumerate(zip(x.shape, first))):
            raise problem(ShapeError, f"concatenate along axis {axis}: array 0 is {first} and array {i} is {x.shape}; "
                          "only that axis may differ", "reshape, or stack for a new axis")
    return (*first[:axis], sum(x.shape[axis] for x in xs), *first[axis + 1 :])


@functools.lru_cache(maxsize=4096)
def numpy_index(cuts, keep=None) -> tuple:
    """Return the index with which NumPy takes the view of `slice_`; its Ellipsis keeps a single element an array.

    >>> numpy_index(((2, -1, 3), (1, 1, 1)), (-1, 0))
    (None, slice(2, None, -1), 1, Ellipsis)
    """
    index: list = []
    axis = 0
    for k in (*(range(len(cuts)) if keep is None else keep), len(cuts)):
        while 0 <= axis < k:
            index.append(cuts[axis][0])
            axis += 1
        if k < 0:
            index.append(None)
        elif k < len(cuts):
            start, step, count = cuts[k]
            stop = start + step * count
            index.append(slice(start, stop if stop >= 0 else None, step) if count else slice(0, 0))
            axis += 1
    return (*index, ...)


def inverse(axes) -> tuple:
    """Return the permutation that undoes `axes`.

    >>> inverse((2, 0, 1))
    (1, 2, 0)
    """
    return tuple(axes.index(i) for i in range(len(axes)))


def constant(value, shape, dtype):
    """Return one number repeated to `shape`, without memory for it."""
    return broadcast_to(lift(np.asarray(value, dtype)), shape=tuple(shape))


def place_view(x, shape, view):
    """Return zeros of `shape` with `x` written at `view`, an index map on its row-major memory."""
    return place(x, shape=tuple(shape), strides=view.strides, offset=view.offset)


def place_cuts(x, shape, cuts):
    """Return zeros of `shape` with `x` at the slices `cuts`."""
    return place_view(x, shape, slice_.forward(whole(shape), cuts=cuts))


def place_diagonal(x, shape, offset=0, axis1=0, axis2=1):
    """Return zeros of `shape` with `x` on the diagonals of two axes."""
    return place_view(x, shape, diagonal_.forward(whole(shape), offset=offset, axis1=axis1, axis2=axis2))


def whole(shape) -> View:
    """Return the index map of all of a row-major array."""
    return View(tuple(shape), contiguous_strides(shape), 0)


def gather_view(g, x_shape, strides, offset):
    """Adjoint of `as_view`: repeated axes are summed, cells that appear several times add up."""
    repeated = tuple(a for a, (n, s) in enumerate(zip(g.shape, strides)) if s == 0 and n != 1)
    if repeated:
        g = reshape(table["sum"](g, repeated, False), shape=reduced_shape(g.shape, repeated, True))
    if not overlaps(g.shape, strides):
        return place(g, shape=x_shape, strides=strides, offset=offset)
    cells = lift(cell_numbers(g.shape, strides, offset).reshape(-1))
    flat = table["scatter_sum"](reshape(g, shape=cells.shape), cells, axis=0, size=prod(x_shape))
    return reshape(flat, shape=x_shape)


def cell_numbers(shape, strides, offset):
    """Return the element number of every cell of an index map.

    >>> cell_numbers((2, 3), (1, 1), 5)
    array([[5, 6, 7],
           [6, 7, 8]])
    """
    cells = np.full(shape, offset, np.int64)
    for axis, (n, s) in enumerate(zip(shape, strides)):
        cells += (np.arange(n) * s).reshape((n,) + (1,) * (len(shape) - axis - 1))
    return cells


def overlaps(shape, strides) -> bool:
    """Say whether an index map may name a cell twice (never wrongly False).

    >>> overlaps((3, 2), (1, 1)), overlaps((3, 2), (2, 1))
    (True, False)
    """
    reach = 0
    for step, n in sorted((abs(s), n) for n, s in zip(shape, strides) if n != 1):
        if step <= reach:
            return True
        reach += (n - 1) * step
    return False


def part(g, index, shapes, axis):
    """Return the part of `g` that array number `index` of a concatenation gave."""
    start = sum(s[axis] for s in shapes[:index])
    cuts = tuple((start, 1, shapes[index][axis]) if a == axis else (0, 1, n) for a, n in enumerate(g.shape))
    return slice_(g, cuts=cuts)
