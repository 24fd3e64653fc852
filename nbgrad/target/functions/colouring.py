"""Colouring of the columns of a sparse pattern: columns of one colour share no row, so that they can be summed up and told apart."""

import functools

import numpy as np


def colouring(pattern):
    """Return a colour for each column of a pattern, and how many colours there are.

    Columns are taken greedily, those that share rows with most entries first; each gets the smallest colour that no
    column with which it shares a row has.

    Parameters
    ----------
    pattern : scipy.sparse array or matrix
        Of shape (m, n); what is stored counts, whatever its value.

    Returns
    -------
    (int64 array of n, int)

    >>> from scipy.sparse import diags_array
    >>> colours, count = colouring(diags_array([1.0, 1.0, 1.0], offsets=[-1, 0, 1], shape=(9, 9)))
    >>> count, colours
    (3, array([1, 2, 0, 1, 2, 0, 1, 2, 0]))
    """
    rows, columns = pattern.tocsr(), pattern.tocsc()
    per_row = np.diff(rows.indptr)
    weight = np.add.reduceat(np.append(per_row[columns.indices], 0), columns.indptr[:-1]) if columns.shape[1] else np.zeros(0, int)
    weight = np.where(np.diff(columns.indptr) > 0, weight, 0)
    order = np.argsort(-weight, kind="stable")
    colours = _greedy()(order, *(a.astype(np.int64) for a in (rows.indptr, rows.indices, columns.indptr, columns.indices)))
    return colours, int(colours.max(initial=-1)) + 1


@functools.cache
def _greedy():
    from numba import njit

    return njit(cache=True)(greedy)


def greedy(order, row_starts, row_columns, column_starts, column_rows):
    """Return the colour of each column; taken in the given order."""
    colours = np.full(order.size, -1)
    seen = np.full(order.size + 1, -1)  # colour -> the last column that may not have it
    for column in order:
        for k in range(column_starts[column], column_starts[column + 1]):
            row = column_rows[k]
            for j in range(row_starts[row], row_starts[row + 1]):
                other = colours[row_columns[j]]
                if other >= 0:
                    seen[other] = column
        colour = 0
        while seen[colour] == column:
            colour += 1
        colours[column] = colour
    return colours
