"""Copies from any strided layout to any other: the loop of place, overwrite and concat, and the start of scatter."""


def place(args, tile):
    """Write `v` into the cells of `out` that the strides name; columns of the rectangle are the innermost axis.

    S0: lanes of a vector of a row; S1: whether the elements of a row are neighbours in both.
    """
    v, out = at0(args), at1(args)
    row, high, first, last = rectangle(tile, word(args, 3), word(args, 4), word(args, 5), word(args, 6))
    step, out_step, axes = word(args, 7), word(args, 8), word(args, 9)
    while row < high:
        a, b, rest = first * step, word(args, 2) + first * out_step, row
        for d in range(axes - 1, -1, -1):
            extent = word(args, 10 + d)
            at = rest % extent
            rest = rest // extent
            a += at * word(args, 10 + axes + d)
            b += at * word(args, 10 + 2 * axes + d)
        rows, row_step, out_row_step = 1, 0, 0
        if axes:
            # Rows along the last row axis follow at fixed distances: the way to the first of them is computed once.
            extent, row_step, out_row_step = word(args, 9 + axes), word(args, 9 + 2 * axes), word(args, 9 + 3 * axes)
            rows = min(extent - row % extent, high - row)
        for _ in range(rows):
            if S1:
                put_row(S0, out, b, v, a, last - first)
            else:
                for i in range(last - first):
                    out[b + i * out_step] = v[a + i * step]
            a += row_step
            b += out_row_step
        row += rows


def fill(args, tile):
    """Set all elements to one value."""
    out = at0(args)
    total, grain, value = word(args, 1), word(args, 2), T0(word(args, 3))
    for e in range(tile * grain, min(total, (tile + 1) * grain)):
        out[e] = value


HELPERS = {"place": ("lanes.py",)}
