"""Loops that read where integers say. Negative indices count from the end; others out of range read nothing.

Indices are checked before a kernel is launched; where a program is replayed with new ones, an element that is not there
reads as the fill value (NaN for floats, 0 for integers).
"""

from ..searching import before


def take(args, tile):
    """out[i, j, :] = x[i, index[j], :] in vectors of S0 lanes; rows are the pairs (i, j)."""
    x, index, out = at0(args), at1(args), at2(args)
    row, high, first, last = rectangle(tile, word(args, 3), word(args, 4), word(args, 5), word(args, 6))
    n, size, inner, fill = word(args, 7), word(args, 8), word(args, 9), T2(word(args, 10))
    while row < high:
        i = row // n
        stop = min(high, (i + 1) * n)
        for r in range(row, stop):
            at = counted(index, r - i * n, size)
            if inside(at, size):
                put_row(S0, out, r * inner + first, x, (i * size + at) * inner + first, last - first)
            else:
                for k in range(r * inner + first, r * inner + last):
                    out[k] = fill
        row = stop


def take_flat(args, tile):
    """out[i, j] = x[i, index[i * step + j]]: inner rows of one element; the rectangle is that of i and j."""
    x, index, out = at0(args), at1(args), at2(args)
    low, high, first, last = rectangle(tile, word(args, 3), word(args, 4), word(args, 5), word(args, 6))
    n, size, step, fill = word(args, 7), word(args, 8), word(args, 9), T2(word(args, 10))
    for i in range(low, high):
        for j in range(first, last):
            at = counted(index, i * step + j, size)
            if inside(at, size):
                out[i * n + j] = x[i * size + at]
            else:
                out[i * n + j] = fill


def take_along(args, tile):
    """out[i, j, k] = x[i, index[i, j, k], k]; rows are the pairs (i, j)."""
    x, index, out = at0(args), at1(args), at2(args)
    row, high, first, last = rectangle(tile, word(args, 3), word(args, 4), word(args, 5), word(args, 6))
    n, size, inner, fill = word(args, 7), word(args, 8), word(args, 9), T2(word(args, 10))
    for r in range(row, high):
        base = r // n * size * inner
        for k in range(first, last):
            at = counted(index, r * inner + k, size)
            if inside(at, size):
                out[r * inner + k] = x[base + at * inner + k]
            else:
                out[r * inner + k] = fill


def outside(args, tile):
    """Count the indices of one block that are not from `low` to `stop` - 1."""
    index, out = at0(args), at1(args)
    total, block, low, stop = word(args, 2), word(args, 3), word(args, 4), word(args, 5)
    count = 0
    for e in range(tile * block, min(total, (tile + 1) * block)):
        at = np.int64(index[e])
        count += 1 if at < low or at >= stop else 0
    out[tile] = count


def searchsorted(args, tile):
    """out[e] = how many of the sorted a are smaller than v[e] (S0), or not larger."""
    a, v, out = at0(args), at1(args), at2(args)
    total, grain, n = word(args, 3), word(args, 4), word(args, 5)
    for e in range(tile * grain, min(total, (tile + 1) * grain)):
        out[e] = before(a, 0, n, v[e], S0)


HELPERS = dict.fromkeys(("take", "take_flat", "take_along"), ("lanes.py",)) | {"searchsorted": (before,)}
