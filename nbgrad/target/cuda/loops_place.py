"""Copies from any strided layout to any other: the loop of place, overwrite and concat, and the start of scatter."""

from .grids import Each
from .loops_index import copy_row, sharing


def place(args, v, out):
    """Write `v` into the cells of `out` that the strides name, each row of the innermost axis shared by some threads.

    Bound by memory where the innermost axis lies in one piece in both. S1: whether it does.
    """
    rows, columns, step, out_step, axes = args[3], args[5], args[7], args[8], args[9]
    v0, out0 = args[0], args[1] + args[2]
    shift = sharing(rows, columns)
    for t in range(cuda.grid(1), rows << shift, cuda.gridsize(1)):
        row = t >> shift
        a, b, rest = v0, out0, row
        for d in range(axes - 1, -1, -1):
            extent = args[10 + d]
            at = rest % extent
            rest = rest // extent
            a += at * args[10 + axes + d]
            b += at * args[10 + 2 * axes + d]
        if S1:
            copy_row(out, b, 1, v, a, 1, t - (row << shift), 1 << shift, columns)
        else:
            copy_row(out, b, out_step, v, a, step, t - (row << shift), 1 << shift, columns)


def fill(args, out):
    """Set all elements to one value."""
    total, value, out0 = args[1], T0(args[3]), args[0]
    for e in range(cuda.grid(1), total, cuda.gridsize(1)):
        out[out0 + e] = value


HELPERS = {"place": (copy_row, sharing)}
LAUNCH = {
    "place": lambda words: Each(words[1] << sharing(words[1], words[3])),
    "fill": lambda words: Each(words[0]),
}
