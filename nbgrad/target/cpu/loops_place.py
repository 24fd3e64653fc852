"""Copies from any strided layout to any other: the loop of place, overwrite and concat, and the start of scatter."""


def place_offset(args, row, axes, strides):
    """Return how far `row` lies from the start; lengths of the row axes stand at word 11, their strides at `strides`."""
    total = 0
    for d in range(axes - 1, -1, -1):
        extent = word(args, 11 + d)
        rest = row // extent
        total += (row - rest * extent) * word(args, strides + d)
        row = rest
    return total


def place(args, tile):
    """Write `v` into the cells of `out` that the strides name. A unit is a block of one innermost row."""
    v, out = at0(args), at1(args)
    start = word(args, 2)
    units, per_tile, blocks, block = word(args, 3), word(args, 4), word(args, 5), word(args, 6)
    n, step, out_step, axes = word(args, 7), word(args, 8), word(args, 9), word(args, 10)
    unit, stop = tile * per_tile, min(units, (tile + 1) * per_tile)
    while unit < stop:
        row = unit // blocks
        first = (unit - row * blocks) * block
        count = min(n - first, block)
        a, b = first * step, start + first * out_step
        rows, row_step, out_row_step = 1, 0, 0
        if axes:
            # Rows along the last row axis follow at fixed distances: the way to the first of them is computed once.
            extent, row_step, out_row_step = word(args, 10 + axes), word(args, 10 + 2 * axes), word(args, 10 + 3 * axes)
            rows = min(extent - row % extent, stop - unit) if blocks == 1 else 1
            a += place_offset(args, row, axes, 11 + axes)
            b += place_offset(args, row, axes, 11 + 2 * axes)
        for _ in range(rows):
            if step == 1 and out_step == 1:
                for i in range(count):
                    out[b + i] = v[a + i]
            else:
                for i in range(count):
                    out[b + i * out_step] = v[a + i * step]
            a += row_step
            b += out_row_step
        unit += rows


HELPERS = {"place": (place_offset,)}
