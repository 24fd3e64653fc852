"""Loops that write where integers say, and join what meets there, always in the order of the indices.

Nobody adds to memory that others add to: the indices are put in order first, and then every cell asks who names it. So
results are the same bits from run to run, and those of sums one after the other, but for cells that more than some dozens
name, whose sources are joined in pieces of that many. Threads share the rows of a cell as they do in `loops_gather`.

S0 says what happens in a cell: "add", "max" and "min" (NaN wins), "set" (the last stays), "count", or "last" (1 + where the
last stands). Cells that nobody names are 0 by "add", "count" and "last", and otherwise stay as they were.
"""

from .grids import Each
from .loops_index import copy_row, counted, sharing
from .loops_sort import cell_of


def joined(a, b):
    """Return two numbers joined."""
    if S0 == "add":
        return a + b
    if S0 == "max":
        return b if b > a or b != b else a
    return b if b < a or b != b else a


def in_order(v, first, order, low, high, inner):
    """Return the sources from `low` to `high` - 1 of an order joined; eight are read before they are joined."""
    acc, s = T0(0), low
    if S0 != "add":
        acc, s = v[first + order[low] * inner], low + 1
    while s + 7 < high:
        i, j, k, l = order[s], order[s + 1], order[s + 2], order[s + 3]
        a, b, c, d = v[first + i * inner], v[first + j * inner], v[first + k * inner], v[first + l * inner]
        i, j, k, l = order[s + 4], order[s + 5], order[s + 6], order[s + 7]
        e, f, g, h = v[first + i * inner], v[first + j * inner], v[first + k * inner], v[first + l * inner]
        acc = joined(joined(joined(joined(acc, a), b), c), d)
        acc = joined(joined(joined(joined(acc, e), f), g), h)
        s += 8
    while s < high:
        acc = joined(acc, v[first + order[s] * inner])
        s += 1
    return acc


def four_in_order(v, first, by, order, low, high, inner):
    """Return the same for four columns, each `by` behind the one before."""
    a, b, c, d, s = T0(0), T0(0), T0(0), T0(0), low
    if S0 != "add":
        at, s = first + order[low] * inner, low + 1
        a, b, c, d = v[at], v[at + by], v[at + 2 * by], v[at + 3 * by]
    while s < high:
        at = first + order[s] * inner
        w, x, y, z = v[at], v[at + by], v[at + 2 * by], v[at + 3 * by]
        a, b, c, d = joined(a, w), joined(b, x), joined(c, y), joined(d, z)
        s += 1
    return a, b, c, d


def join_row(out, to, v, first, k, by, order, low, high, inner):
    """Write one thread's columns, `k` and every `by` behind it, of the row at `to` by the rows in an order."""
    while k + 3 * by < inner:
        a, b, c, d = four_in_order(v, first + k, by, order, low, high, inner)
        out[to + k], out[to + k + by], out[to + k + 2 * by], out[to + k + 3 * by] = a, b, c, d
        k += 4 * by
    while k < inner:
        out[to + k] = in_order(v, first + k, order, low, high, inner)
        k += by


def cell_starts(args, index, order, starts):
    """starts[cell] = how many of the ordered indices name smaller cells, found by bisection; one more for the end."""
    total, cells, n, size, inner = args[3], args[4], args[5], args[6], args[7]
    for cell in range(cuda.grid(1), cells + 1, cuda.gridsize(1)):
        low, high = 0, total
        while low < high:
            middle = (low + high) // 2
            if cell_of(index, args[0], order[args[1] + middle], n, size, inner) < cell:
                low = middle + 1
            else:
                high = middle
        starts[args[2] + cell] = low


def long_cell(starts, first, size, half, slot):
    """Return the last cell whose list begins at `slot` pieces of half a length (2**half) or before.

    A list longer than a piece begins two slots or more before the next one's, and has as many slots as pieces: each slot up
    to the end is a piece of one such list at most, of this cell's.
    """
    low, high = 0, size - 1
    while low < high:
        middle = (low + high + 1) // 2
        if starts[first + middle] >> half <= slot:
            low = middle
        else:
            high = middle - 1
    return low


def scatter_cells(args, v, order, starts, parts, out):
    """Write the rows out[i, cell, :] by the rows v[i, j, :] of the j in order that name the cell; lists longer than a piece,
    2**(half + 1), are joined piece by piece into parts[i, slot, :], which `join_pieces` joins.

    Bound by memory: every row of `v` is read once, in pieces as long as rows are, and every cell is written once.
    """
    outer, n, size, inner, half, slots = args[5], args[6], args[7], args[8], args[9], args[10]
    v0, order0, starts0, out0 = args[0], args[1], args[2], args[4]
    shift, cells = sharing(outer * (size + slots), inner), outer * size
    by = 1 << shift
    for t in range(cuda.grid(1), outer * (size + slots) << shift, cuda.gridsize(1)):
        row, first = t >> shift, t & (by - 1)
        if row < cells:
            i = row // size
            cell = row - i * size
            low, high = order0 + starts[starts0 + cell], order0 + starts[starts0 + cell + 1]
            to, source = out0 + row * inner, v0 + i * n * inner
            if S0 == "count":
                out[to] = high - low
            elif S0 == "last":
                out[to] = order[high - 1] + 1 if high > low else 0
            elif S0 == "set":
                if high > low:
                    copy_row(out, to, 1, v, source + order[high - 1] * inner, 1, first, by, inner)
            elif (slots == 0 or high - low <= 2 << half) and (S0 == "add" or high > low):
                join_row(out, to, v, source, first, by, order, low, high, inner)
        elif S0 == "add" or S0 == "max" or S0 == "min":
            i = (row - cells) // slots
            slot = row - cells - i * slots
            cell = long_cell(starts, starts0, size, half, slot)
            start, stop = starts[starts0 + cell], starts[starts0 + cell + 1]
            low = start + (slot - (start >> half) << half + 1)
            if stop - start > 2 << half and start <= low < stop:
                high, to = min(stop, low + (2 << half)), args[3] + (row - cells) * inner
                join_row(parts, to, v, v0 + i * n * inner, first, by, order, order0 + low, order0 + high, inner)


def join_pieces(args, starts, parts, out):
    """Join the parts of each long list, first to last; the slot of the first does it."""
    outer, size, inner, half, slots = args[3], args[4], args[5], args[6], args[7]
    shift = sharing(outer * slots, inner)
    for t in range(cuda.grid(1), outer * slots << shift, cuda.gridsize(1)):
        row = t >> shift
        i = row // slots
        slot = row - i * slots
        cell = long_cell(starts, args[0], size, half, slot)
        start, stop = starts[args[0] + cell], starts[args[0] + cell + 1]
        if stop - start > 2 << half and start >> half == slot:
            count = (stop - start + (2 << half) - 1) >> half + 1
            for k in range(t - (row << shift), inner, 1 << shift):
                source = args[1] + row * inner + k
                acc = parts[source]
                for p in range(1, count):
                    acc = joined(acc, parts[source + p * inner])
                out[args[2] + (i * size + cell) * inner + k] = acc


def scatter_few(args, v, index, out):
    """The same as `scatter_cells` for few indices, all of which every cell looks at: one launch. S1: out[i, cell, k] has
    indices of its own, index[i, :, k]."""
    outer, n, size, inner = args[3], args[4], args[5], args[6]
    v0, index0, out0 = args[0], args[1], args[2]
    shift = sharing(outer * size, inner)
    for t in range(cuda.grid(1), outer * size << shift, cuda.gridsize(1)):
        row = t >> shift
        i = row // size
        cell, base = row - i * size, i * n * inner
        for k in range(t - (row << shift), inner, 1 << shift):
            acc, found = T2(0), 0
            for j in range(n):
                e = j * inner + k
                if counted(index[index0 + (base + e if S1 else j)], size) == cell:
                    found += 1
                    if S0 == "count":
                        acc = found
                    elif S0 == "last":
                        acc = j + 1
                    elif S0 == "set":
                        acc = v[v0 + base + e]
                    elif found == 1 and S0 != "add":
                        acc = v[v0 + base + e]
                    else:
                        acc = joined(acc, v[v0 + base + e])
            if found > 0 or S0 == "add" or S0 == "count" or S0 == "last":
                out[out0 + row * inner + k] = acc


def scatter_along(args, v, index, out):
    """Add v[i, j, k] to out[i, index[i, j, k], k], which begins with zeros: a thread owns a column (i, k), and waits for memory at
    each of its n numbers; for many columns."""
    outer, n, size, inner = args[3], args[4], args[5], args[6]
    v0, index0, out0 = args[0], args[1], args[2]
    for t in range(cuda.grid(1), outer * inner, cuda.gridsize(1)):
        i = t // inner
        k = t - i * inner
        for j in range(n):
            e = (i * n + j) * inner + k
            at = counted(index[index0 + e], size)
            if 0 <= at < size:
                out[out0 + (i * size + at) * inner + k] += v[v0 + e]


HELPERS = {
    "cell_starts": (cell_of,),
    "scatter_cells": (copy_row, join_row, long_cell, sharing),
    "join_pieces": (joined, long_cell, sharing),
    "scatter_few": (counted, joined, sharing),
    "scatter_along": (counted,),
}
LAUNCH = {
    "cell_starts": lambda words: Each(words[1] + 1),
    "scatter_cells": lambda words: Each(words[0] * (words[2] + words[5]) << sharing(words[0] * (words[2] + words[5]), words[3])),
    "join_pieces": lambda words: Each(words[0] * words[4] << sharing(words[0] * words[4], words[2])),
    "scatter_few": lambda words: Each(words[0] * words[2] << sharing(words[0] * words[2], words[3])),
    "scatter_along": lambda words: Each(words[0] * words[3]),
}
