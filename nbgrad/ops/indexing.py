"""Indexing by NumPy's rules, read and written: views where an index allows it, one take or scatter where it does not.

An index is read once into entries (what it does to each axis) and from them into a `Road`: slices of the array, a reshape
that drops and adds axes, then at most one gather along one (merged) axis, then the order of axes that NumPy prescribes.
"""

import operator
from math import prod
from typing import Any, NamedTuple

import numpy as np

from ..base.errors import ArgumentError, IndexRangeError, ShapeError, problem
from ..base.shapes import broadcast_shapes
from . import views
from .arithmetic import where
from .gather import check_indices, like, scatter_set, take_rows
from .movement import broadcast_to, moveaxis
from .table import lift


class Entry(NamedTuple):
    """What one part of an index does. kind: "int", "slice", "new" or "array"; cut: (start, step, count) of the axis."""

    kind: str
    cut: tuple = (0, 1, 1)
    indices: Any = None


class Road(NamedTuple):
    """How an indexed array is reached.

    cuts : the slice of every axis; shape : lengths after axes were dropped and added (a gathered axis in full);
    axes : the gathered axes in `shape`, () for a basic index; indices : one array per gathered axis;
    place : where in the result the axes of the gathered part stand.
    """

    cuts: tuple
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
    return i is None or i is Ellipsis or isinstance(i, slice) or _is_integer(i)


def _is_integer(i):
    if isinstance(i, (bool, np.bool_)):
        return False
    return isinstance(i, (int, np.integer)) or (hasattr(i, "__index__") and not hasattr(i, "ndim"))


def basic(index, shape) -> Road:
    """Return the road of a basic index into an array of `shape`.

    Raises
    ------
    IndexRangeError
        For an integer out of range, too many parts, parts that are no index.

    Examples
    --------
    >>> basic((slice(1, None), 0), (3, 4)).shape
    (2,)
    """
    return road(index, shape)


def road(index, shape) -> Road:
    """Return the road of any index into an array of `shape`; indices are checked."""
    shape = tuple(shape)
    entries = _entries(_expanded(index, shape), shape)
    cuts = tuple(e.cut for e in entries if e.kind != "new")
    kept = [e for e in entries if e.kind != "int"]
    out = tuple(1 if e.kind == "new" else e.cut[2] for e in kept)
    axes = tuple(a for a, e in enumerate(kept) if e.kind == "array")
    if not axes:
        return Road(cuts, out)
    # Integers beside arrays count as arrays of their own when NumPy asks whether the arrays stand together.
    pointed = [p for p, e in enumerate(entries) if e.kind in ("int", "array")]
    together = pointed == list(range(pointed[0], pointed[-1] + 1)) and not _parted(index)
    place = sum(1 for e in entries[: pointed[0]] if e.kind != "int") if together else 0
    return Road(cuts, out, axes, tuple(kept[a].indices for a in axes), place)


def _parted(index):
    """Say whether an Ellipsis that stands for no axis parts two pointed entries, as it does for NumPy."""
    parts = index if isinstance(index, tuple) else (index,)
    at = [k for k, i in enumerate(parts) if i is Ellipsis]
    pointed = lambda i: i is not None and not isinstance(i, slice)
    return bool(at) and any(map(pointed, parts[: at[0]])) and any(map(pointed, parts[at[0] + 1 :]))


def _expanded(index, shape):
    """Return the parts of an index with masks as integer arrays, and Ellipsis and missing axes as full slices."""
    parts: list = []
    for i in index if isinstance(index, tuple) else (index,):
        parts += [i] if _is_basic_part(i) else _arrays(i, shape, sum(1 for p in parts if p is not None and p is not Ellipsis), parts)
    dots = [k for k, p in enumerate(parts) if p is Ellipsis]
    if len(dots) > 1:
        raise problem(IndexRangeError, "an index has one Ellipsis ('...') at most", "one '...'")
    named = sum(1 for p in parts if p is not None and p is not Ellipsis and not isinstance(p, Entry))
    named += sum(1 for p in parts if isinstance(p, Entry) and p.kind == "array")
    return parts, dots, named
