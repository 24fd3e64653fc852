"""Pooling: a thread takes one window; the adjoint has a thread per number of the input, which adds up in the CPU's order.

Neighbouring threads read neighbouring windows, whose common numbers come from the cache; memory bounds them.
"""

from .grids import Each


def pool_max(args, x, out):
    """Largest value of each window; words from 2 on as in `largest`."""
    width = args[27]
    for window in range(cuda.grid(1), args[2] * width, cuda.gridsize(1)):
        out[args[1] + window] = largest(args, 4, x, args[0], window)[0]


def pool_pick(args, v, x, out):
    """The value of v where x is largest in each window; v lies plane by plane."""
    windows = args[14] * args[21] * args[28]
    for window in range(cuda.grid(1), args[3], cuda.gridsize(1)):
        place = largest(args, 5, x, args[1], window)[1]
        out[args[2] + window] = v[args[0] + window // windows * args[4] + place]


def pool_places(args, x, places):
    """Where in its plane each window is largest."""
    for window in range(cuda.grid(1), args[2], cuda.gridsize(1)):
        places[args[1] + window] = largest(args, 4, x, args[0], window)[1]


def pool_collect(args, g, places, out):
    """Zeros with every g added where its window is largest."""
    size, h_size, w_size = args[4], args[16], args[23]
    nd, nh, nw = args[14], args[21], args[28]
    for cell in range(cuda.grid(1), args[3], cuda.gridsize(1)):
        plane = cell // size
        place = cell - plane * size
        w, h, d = place % w_size, place // w_size % h_size, place // (w_size * h_size)
        total, windows = T2(0), plane * nd * nh * nw
        for a in range(first_window(args, 9, d), last_window(args, 9, d)):
            for b in range(first_window(args, 16, h), last_window(args, 16, h)):
                for c in range(first_window(args, 23, w), last_window(args, 23, w)):
                    window = windows + (a * nh + b) * nw + c
                    if places[args[1] + window] == place:
                        total = T2(total + g[args[0] + window])
        out[args[2] + cell] = total


def first_window(args, axis, at):
    """Return the first window that may hold a place of an axis, whose words begin before `axis` with the stride of x."""
    window, step, before, apart = args[axis + 1], args[axis + 2], args[axis + 3], args[axis + 4]
    return max(np.int64(0), -(((window - 1) * apart - at - before) // step))


def last_window(args, axis, at):
    """Return the first window behind those that may hold a place."""
    return min(args[axis + 5], (at + args[axis + 3]) // args[axis + 2] + 1)


def largest(args, first_word, x, from_x, window):
    """Return (largest value, its place in the plane) of a window: NaN is the largest, of equal values the first counts.

    From `first_word`: channels, strides of x over images and channels, then for each axis stride, length, window, step,
    cells before it, distance of cells, positions.
    """
    channels, xn, xc = args[first_word], args[first_word + 1], args[first_word + 2]
    d, h, w = first_word + 3, first_word + 10, first_word + 17
    xd, d_size, d_window, d_apart = args[d], args[d + 1], args[d + 2], args[d + 5]
    xh, h_size, h_window, h_apart = args[h], args[h + 1], args[h + 2], args[h + 5]
    xw, w_size, w_window, w_apart = args[w], args[w + 1], args[w + 2], args[w + 5]
    nd, nh, nw = args[d + 6], args[h + 6], args[w + 6]
    row = window // nw
    rest = row // nh
    plane = rest // nd
    d0 = (rest - plane * nd) * args[d + 3] - args[d + 4]
    h0 = (row - rest * nh) * args[h + 3] - args[h + 4]
    w0 = (window - row * nw) * args[w + 3] - args[w + 4]
    start = from_x + plane // channels * xn + plane % channels * xc
    best, place = x[start], np.int64(-1)
    for i in range(d_window):
        at_d = d0 + i * d_apart
        if at_d >= 0 and at_d < d_size:
            for j in range(h_window):
                at_h = h0 + j * h_apart
                if at_h >= 0 and at_h < h_size:
                    for k in range(w_window):
                        at_w = w0 + k * w_apart
                        if at_w >= 0 and at_w < w_size:
                            v = x[start + at_d * xd + at_h * xh + at_w * xw]
                            take = place < 0 or ((v > best or v != v) and best == best)
                            best = v if take else best
                            place = (at_d * h_size + at_h) * w_size + at_w if take else place
    return best, place


def pool_max_tiled(args, x, out):
    """Largest value of each window, where windows of S0 by S1 cells tile planes that lie in one piece."""
    nw, size, from_x, to = args[4], args[5], args[0], args[1]
    for window in range(cuda.grid(1), args[2] * nw, cuda.gridsize(1)):
        row = window // nw
        out[to + window] = largest_tile(x, from_x + row * S0 * size + (window - row * nw) * S1, size)[0]


def pool_unpick_tiled(args, g, x, out):
    """Adjoint of `pool_pick`, where windows of S0 by S1 cells tile planes that lie in one piece."""
    nw, size, to = args[5], args[6], args[2]
    for window in range(cuda.grid(1), args[3] * nw, cuda.gridsize(1)):
        row = window // nw
        at = row * S0 * size + (window - row * nw) * S1
        place, value = largest_tile(x, args[1] + at, size)[1], g[args[0] + window]
        for cell in range(S0 * S1):
            out[to + at + cell // S1 * size + cell % S1] = T2(value) if cell == place else T2(0)


def largest_tile(x, at, size):
    """Return (largest value, its cell) of a window whose first cell is at `at`."""
    best, place = x[at], 0
    for cell in range(1, S0 * S1):
        v = x[at + cell // S1 * size + cell % S1]
        take = (v > best or v != v) and best == best
        best = v if take else best
        place = cell if take else place
    return best, place


HELPERS = {
    "pool_max": (largest,), "pool_pick": (largest,), "pool_places": (largest,), "pool_collect": (first_window, last_window),
    "pool_max_tiled": (largest_tile,), "pool_unpick_tiled": (largest_tile,),
}  # fmt: skip
LAUNCH = {
    "pool_max": lambda words: Each(words[0] * words[25]),
    "pool_max_tiled": lambda words: Each(words[0] * words[2]), "pool_unpick_tiled": lambda words: Each(words[0] * words[2]),
    "pool_pick": lambda words: Each(words[0]), "pool_places": lambda words: Each(words[0]), "pool_collect": lambda words: Each(words[0]),
}  # fmt: skip
