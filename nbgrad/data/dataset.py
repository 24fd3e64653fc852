"""Data sets: arrays of equal length, row i of each is example i."""

import numpy as np

from ..base.errors import ArgumentError, IndexRangeError, ShapeError, problem
from .order import permutation


class ArrayDataset:
    """Arrays of equal length; row i of each belongs to example i.

    Parameters
    ----------
    *arrays : array_like, shape (n, ...)
        Arrays, memory maps (which stay on the disk) or Tensors, of any dtype.

    Raises
    ------
    ShapeError
        When the lengths differ or an array has no axes.
    ArgumentError
        When there are no arrays.

    Examples
    --------
    >>> data = ArrayDataset([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]], [0, 1, 0])
    >>> len(data)
    3
    >>> data[1][0]
    array([2., 3.])
    """

    def __init__(self, *arrays):
        self.arrays = tuple(np.asarray(a) for a in arrays)
        if not arrays:
            raise problem(ArgumentError, "ArrayDataset(): no arrays given", "ArrayDataset(x, y)")
        shapes = [a.shape for a in self.arrays]
        if any(not s for s in shapes) or len({s[0] for s in shapes}) > 1:
            raise problem(
                ShapeError,
                f"ArrayDataset: arrays of shapes {', '.join(map(str, shapes))} have no common length",
                "arrays with one row for each example",
            )

    def __len__(self):
        return len(self.arrays[0])

    def __getitem__(self, index):
        """Return a tuple with these rows of every array.

        Parameters
        ----------
        index : int, slice, or array of int or bool
            A number gives one example, a slice gives views, an array gives copies.
        """
        if not isinstance(index, (int, np.integer, slice)):
            return self.take(index)
        try:
            return tuple(a[index] for a in self.arrays)
        except IndexError:
            raise problem(
                IndexRangeError, f"example {index} of a data set of {len(self)}", f"an index below {len(self)}"
            ) from None

    def take(self, index):
        """Return a tuple with copies of the rows `index`: integers, or one bool for each example."""
        index = np.asarray(index)
        if index.dtype.kind == "b" and index.shape == (len(self),):
            index = np.flatnonzero(index)
        if index.dtype.kind not in "iu" and index.size:
            raise problem(
                ArgumentError,
                f"index of shape {index.shape} and dtype {index.dtype} into a data set of {len(self)}",
                "integers, or one bool for each example",
            )
        try:
            return tuple(a.take(index.astype(np.intp), axis=0) for a in self.arrays)
        except IndexError:
            raise problem(
                IndexRangeError,
                f"indices from {index.min()} to {index.max()} into a data set of {len(self)}",
                f"indices below {len(self)}",
            ) from None

    def split(self, fractions, seed=0, labels=None):
        """Return disjoint parts with the given fractions of the examples, each in the order of this data set.

        Parameters
        ----------
        fractions : sequence of float
            One positive number for each part; the sum is at most 1. With the sum 1 each example is in exactly one part.
        seed : int, from 0 to 2**64 - 1
            Which examples go where; the same seed gives the same parts on every machine.
        labels : array of shape (n,), optional
            When given, each part has about the same share of every label.

        Returns
        -------
        tuple of ArrayDataset
            Copies of the rows.

        Examples
        --------
        >>> import numpy as np
    >>> train, test = ArrayDataset(np.arange(10)).split((0.8, 0.2))
        >>> len(train), len(test)
        (8, 2)
        """
        ends = part_ends(fractions, len(self))
        order = permutation(len(self), seed)
        if labels is not None:
            labels = np.asarray(labels)
            if labels.shape != (len(self),):
                raise problem(
                    ShapeError, f"split: labels of shape {labels.shape} for {len(self)} examples", "one label each"
                )
            order = interleave(order, labels)
        parts = np.split(order[: ends[-1]], ends[:-1])
        return tuple(ArrayDataset(*self.take(np.sort(p))) for p in parts)

    def __repr__(self):
        return f"ArrayDataset({len(self)} examples: {', '.join(f'{a.dtype}{a.shape[1:]}' for a in self.arrays)})"


def part_ends(fractions, n):
    """Return where each part ends among n examples, rounded so that errors do not add up."""
    fractions = np.asarray(fractions, dtype=np.float64)
    good = fractions.ndim == 1 and fractions.size and np.all(fractions > 0) and fractions.sum() <= 1 + 1e-9
    if not good:
        what = f"split: fractions {fractions.tolist()} must be positive numbers with a sum of at most 1"
        raise problem(ArgumentError, what, "(0.8, 0.2)")
    return np.minimum(np.rint(np.cumsum(fractions) * n), n).astype(np.intp)


def interleave(order, labels):
    """Return `order` rearranged so that every run of it has each label in nearly the share of the whole.

    Member j of the k members of a label stands at (j + 1/2) / k of the way.
    """
    codes = np.unique(labels, return_inverse=True)[1][order]
    by_label = np.argsort(codes, kind="stable")
    sizes = np.bincount(codes)
    first = np.cumsum(sizes) - sizes
    place = np.empty(len(order))
    place[by_label] = (np.arange(len(order)) - first[codes[by_label]] + 0.5) / sizes[codes[by_label]]
    return order[np.argsort(place, kind="stable")]
