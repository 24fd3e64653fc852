"""Pooling: the largest value of each window, and where it is. A unit of work is a row of positions, or a plane."""

ROWS = 16  # rows of windows that each loop of `pool_unpick_tiled` goes over before the next one


def pool_max(args, tile):
    """Largest value of each window of x, row by row of positions; from word 6, axes as in `largest_places`."""
    x, out = at0(args), at1(args)
    rows, grain, channels, xn, xc = word(args, 2), word(args, 3), word(args, 4), word(args, 5), word(args, 6)
    xd, d_size, d_window, d_step = word(args, 7), word(args, 8), word(args, 9), word(args, 10)
    d_before, d_apart, nd = word(args, 11), word(args, 12), word(args, 13)
    xh, h_size, h_window, h_step = word(args, 14), word(args, 15), word(args, 16), word(args, 17)
    h_before, h_apart, nh = word(args, 18), word(args, 19), word(args, 20)
    xw, w_size, w_window, w_step = word(args, 21), word(args, 22), word(args, 23), word(args, 24)
    w_before, w_apart, nw = word(args, 25), word(args, 26), word(args, 27)
    # A step known to the compiler makes vectors of the loop.
    step = S1 if S1 > 0 else xw * w_step
    for row in range(tile * grain, min(rows, (tile + 1) * grain)):
        h0, rest = row % nh * h_step - h_before, row // nh
        d0, plane = rest % nd * d_step - d_before, rest // nd
        start, to = plane // channels * xn + plane % channels * xc, row * nw
        for j in range(nw):
            out[to + j] = LOWEST
        for cell in range(d_window * h_window * w_window):
            d = d0 + cell // (h_window * w_window) * d_apart
            h = h0 + cell // w_window % h_window * h_apart
            w = cell % w_window * w_apart - w_before
            first = max(0, -(w // w_step))
            last = min(nw, -((w - w_size) // w_step))
            if d < 0 or d >= d_size or h < 0 or h >= h_size:
                last = 0
            source = start + d * xd + h * xh + w * xw
            for j in range(first, last):
                v, b = x[source + j * step], out[to + j]
                out[to + j] = v if (v > b) | (v != v) else b


def largest_places(args, first_word, x, row, best, places, top):
    """Set `places` (counted through size) and `best` of one row of positions, from where `top` says.

    From `first_word`: channels, strides of x over images and channels, then for each axis stride, length, window, step,
    cells before it, distance of cells, positions.
    """
    channels, xn, xc = word(args, first_word), word(args, first_word + 1), word(args, first_word + 2)
    a = first_word + 3
    xd, d_size, d_window, d_step = word(args, a), word(args, a + 1), word(args, a + 2), word(args, a + 3)
    d_before, d_apart, nd = word(args, a + 4), word(args, a + 5), word(args, a + 6)
    xh, h_size, h_window, h_step = word(args, a + 7), word(args, a + 8), word(args, a + 9), word(args, a + 10)
    h_before, h_apart, nh = word(args, a + 11), word(args, a + 12), word(args, a + 13)
    xw, w_size, w_window, w_step = word(args, a + 14), word(args, a + 15), word(args, a + 16), word(args, a + 17)
    w_before, w_apart, nw = word(args, a + 18), word(args, a + 19), word(args, a + 20)
    step = S1 if S1 > 0 else xw * w_step
    h0, rest = row % nh * h_step - h_before, row // nh
    d0, plane = rest % nd * d_step - d_before, rest // nd
    start = plane // channels * xn + plane % channels * xc
    for j in range(nw):
        best[top + j] = LOWEST
        places[top + j] = -1
    for cell in range(d_window * h_window * w_window):
        d = d0 + cell // (h_window * w_window) * d_apart
        h = h0 + cell // w_window % h_window * h_apart
        w = cell % w_window * w_apart - w_before
        first = max(0, -(w // w_step))
        last = min(nw, -((w - w_size) // w_step))
        if d < 0 or d >= d_size or h < 0 or h >= h_size:
            last = 0
        source, place = start + d * xd + h * xh + w * xw, (d * h_size + h) * w_size + w
        # Without branches (& and |), so that neighbouring windows are compared at once.
        for j in range(first, last):
            v, b, known = x[source + j * step], best[top + j], places[top + j]
            take = (known < 0) | (((v > b) | (v != v)) & (b == b))
            best[top + j] = v if take else b
            places[top + j] = place + j * w_step if take else known


def pool_pick(args, tile):
    """The value of v where x is largest in each window; v lies plane by plane, row by row."""
    v, x, out, best, places = at0(args), at1(args), at2(args), at3(args), at4(args)
    rows, grain, size, plane_rows, nw = word(args, 5), word(args, 6), word(args, 7), word(args, 8), word(args, 9)
    top = tile * nw
    for row in range(tile * grain, min(rows, (tile + 1) * grain)):
        largest_places(args, 10, x, row, best, places, top)
        source, to = row // plane_rows * size, row * nw
        for j in range(nw):
            out[to + j] = v[source + places[top + j]]


def pool_unpick(args, tile):
    """Zeros with every g added where x is largest in its window; a plane is one thread's, so that sums keep their order."""
    g, x, out, best, places = at0(args), at1(args), at2(args), at3(args), at4(args)
    planes, grain, size, plane_rows, nw = word(args, 5), word(args, 6), word(args, 7), word(args, 8), word(args, 9)
    top = tile * nw
    for plane in range(tile * grain, min(planes, (tile + 1) * grain)):
        to = plane * size
        for i in range(size):
            out[to + i] = T2(0)
        for row in range(plane * plane_rows, (plane + 1) * plane_rows):
            largest_places(args, 10, x, row, best, places, top)
            source = row * nw
            for j in range(nw):
                out[to + places[top + j]] += g[source + j]


def pool_max_tiled(args, tile):
    """Largest value of each window, where windows of S0 by S1 cells tile planes that lie in one piece."""
    x, out = at0(args), at1(args)
    rows, grain, nw, size = word(args, 2), word(args, 3), word(args, 4), word(args, 5)
    for row in range(tile * grain, min(rows, (tile + 1) * grain)):
        top, to = row * S0 * size, row * nw
        for j in range(nw):
            best = x[top + j * S1]
            for cell in range(1, S0 * S1):
                v = x[top + cell // S1 * size + j * S1 + cell % S1]
                best = v if (v > best) | (v != v) else best
            out[to + j] = best


def pool_unpick_tiled(args, tile):
    """Adjoint of `pool_pick`, where windows of S0 (2 or more) by S1 cells tile planes that lie in one piece.

    For a few rows of windows at once, the number of the largest cell is written below all cells of the first row of the
    window, g below those of the second; then each cell is g or zero. Loops that do one thing each become vectors, and what
    one of them wrote has left the store buffer when the next one reads it.
    """
    g, x, out = at0(args), at1(args), at2(args)
    rows, grain, nw, size = word(args, 3), word(args, 4), word(args, 5), word(args, 6)
    last = min(rows, (tile + 1) * grain)
    for some in range(tile * grain, last, ROWS):
        stop = min(last, some + ROWS)
        for row in range(some, stop):
            top = row * S0 * size
            for j in range(nw):
                best, place = x[top + j * S1], T2(0)
                for cell in range(1, S0 * S1):
                    v = x[top + cell // S1 * size + j * S1 + cell % S1]
                    take = ((v > best) | (v != v)) & (best == best)
                    best = v if take else best
                    place = T2(cell) if take else place
                for column in range(S1):
                    out[top + j * S1 + column] = place
        for row in range(some, stop):
            top, source = (row * S0 + 1) * size, row * nw
            for j in range(nw):
                for column in range(S1):
                    out[top + j * S1 + column] = g[source + j]
        for row in range(some, stop):
            top = row * S0 * size
            for i in range(size):
                place, value = out[top + i], out[top + size + i]
                for line in range(S0):
                    out[top + line * size + i] = value if place == T2(line * S1 + i % S1) else T2(0)


def lowest(kernel):
    """Return the text of what no value of x is below."""
    dtype = "uint8" if kernel.static[0] == "bool" else kernel.static[0]
    return f"LOWEST = np.{dtype}({'-np.inf' if 'float' in dtype else f'np.iinfo(np.{dtype}).min'})"


START = ("lowest", lowest)
HELPERS = {"pool_max": (START,), "pool_pick": (START, largest_places), "pool_unpick": (START, largest_places)}
