"""Loops that read where integers say. Negative indices count from the end; others out of range read nothing.

Indices are checked before a kernel is launched; where a program is replayed with new ones, an element that is not there
reads as the fill value (NaN for floats, 0 for integers). Words are those of the CPU's plans, tiles not asked for. All are
bound by memory: threads next to one another write neighbours, and read neighbours where rows are longer than one element.
"""

from ..searching import before
from .grids import Blocks, Each
from .loops_index import copy_row, counted, sharing
from .loops_threads import SUM, over_block


def take(args, x, index, out):
    """out[i, j, :] = x[i, index[j], :]; rows are the pairs (i, j), each shared by some threads."""
    rows, n, size, inner, fill = args[3], args[7], args[8], args[9], T2(args[10])
    x0, index0, out0 = args[0], args[1], args[2]
    shift = sharing(rows, inner)
    by = 1 << shift
    for t in range(cuda.grid(1), rows << shift, cuda.gridsize(1)):
        row = t >> shift
        i = row // n
        at = counted(index[index0 + row - i * n], size)
        first, to = t - (row << shift), out0 + row * inner
        if 0 <= at < size:
            copy_row(out, to, 1, x, x0 + (i * size + at) * inner, 1, first, by, inner)
        else:
            for k in range(first, inner, by):
                out[to + k] = fill


def take_flat(args, x, index, out):
    """out[i, j] = x[i, index[i * step + j]]: inner rows of one element. A thread takes four, a grid apart, so that it waits
    for four indices at a time, and then for four elements."""
    n, size, step, fill = args[5], args[8], args[9], T2(args[10])
    x0, index0, out0 = args[0], args[1], args[2]
    total, by, e = args[3] * n, cuda.gridsize(1), cuda.grid(1)
    while e + 3 * by < total:
        i, j, k, l = e // n, (e + by) // n, (e + 2 * by) // n, (e + 3 * by) // n
        a = counted(index[index0 + e + i * (step - n)], size)
        b = counted(index[index0 + e + by + j * (step - n)], size)
        c = counted(index[index0 + e + 2 * by + k * (step - n)], size)
        d = counted(index[index0 + e + 3 * by + l * (step - n)], size)
        u = x[x0 + i * size + a] if 0 <= a < size else fill
        v = x[x0 + j * size + b] if 0 <= b < size else fill
        w = x[x0 + k * size + c] if 0 <= c < size else fill
        y = x[x0 + l * size + d] if 0 <= d < size else fill
        out[out0 + e] = u
        out[out0 + e + by] = v
        out[out0 + e + 2 * by] = w
        out[out0 + e + 3 * by] = y
        e += 4 * by
    while e < total:
        i = e // n
        a = counted(index[index0 + e + i * (step - n)], size)
        out[out0 + e] = x[x0 + i * size + a] if 0 <= a < size else fill
        e += by


def take_along(args, x, index, out):
    """out[i, j, k] = x[i, index[i, j, k], k]; rows are the pairs (i, j), each shared by some threads."""
    rows, n, size, inner, fill = args[3], args[7], args[8], args[9], T2(args[10])
    x0, index0, out0 = args[0], args[1], args[2]
    shift = sharing(rows, inner)
    for t in range(cuda.grid(1), rows << shift, cuda.gridsize(1)):
        row = t >> shift
        base, own = x0 + row // n * size * inner, row * inner
        for k in range(t - (row << shift), inner, 1 << shift):
            at = counted(index[index0 + own + k], size)
            out[out0 + own + k] = x[base + at * inner + k] if 0 <= at < size else fill


def outside(args, index, out):
    """Count the indices of each block of so many that are not from `low` to `stop` - 1; a block of threads counts one.

    Who called reads the counts back, and so waits for the device: that is what an error at the user's line costs.
    """
    total, block, low, stop = args[2], args[3], args[4], args[5]
    index0, out0 = args[0], args[1]
    box = cuda.shared.array(32, np.int64)
    for unit in range(cuda.blockIdx.x, (total + block - 1) // block, cuda.gridDim.x):
        count = 0
        for e in range(unit * block + cuda.threadIdx.x, min(total, (unit + 1) * block), THREADS):
            at = np.int64(index[index0 + e])
            count += 1 if at < low or at >= stop else 0
        count = over_block(np.int64(count), box, SUM)
        if cuda.threadIdx.x == 0:
            out[out0 + unit] = count


def searchsorted(args, a, v, out):
    """out[e] = how many of the sorted a are smaller than v[e] (S0), or not larger.

    Bound by the time that reads of `a` take, of which each waits for the one before: the first few are in the cache.
    """
    for e in range(cuda.grid(1), args[3], cuda.gridsize(1)):
        out[args[2] + e] = before(a, args[0], args[5], v[args[1] + e], S0)


HELPERS = {
    "take": (counted, copy_row, sharing),
    "take_flat": (counted,),
    "take_along": (counted, sharing),
    "outside": (over_block,),
    "searchsorted": (before,),
}
LAUNCH = {
    "take": lambda words: Each(words[0] << sharing(words[0], words[2])),
    "take_flat": lambda words: Each(-(-words[0] * words[2] // 4)),
    "take_along": lambda words: Each(words[0] << sharing(words[0], words[2])),
    "outside": lambda words: Blocks(-(-words[0] // words[1])),
    "searchsorted": lambda words: Each(words[0]),
}
