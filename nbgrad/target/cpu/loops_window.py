"""Sliding windows as products of matrices, without writing the windows out.

A padded copy of the input (or the input itself) is cut into phases, one per remainder of the stride, so that what one
cell of the window sees at successive positions lies side by side. Then each cell is a row of the right factor that
starts at its own offset, and `panel` (see panel.py) multiplies the weights with a block of positions at once.
"""


def window_pad(args, tile):
    """Copy planes (n, c) of x into zeros, by phases: out[plane][phases d h w][cells d h w].

    From word 10, six words for each axis d, h, w: length, stride, dilation, cells before it, phases, cells per phase.
    Phase number i holds the places that are i * dilation (modulo the stride) from the start of the padding.
    """
    x, out = at0(args), at1(args)
    planes, grain, channels = word(args, 2), word(args, 3), word(args, 4)
    xn, xc, xd, xh, xw = word(args, 5), word(args, 6), word(args, 7), word(args, 8), word(args, 9)
    d_size, d_step, d_apart, d_before, d_phases, d_cells = (
        word(args, 10), word(args, 11), word(args, 12), word(args, 13), word(args, 14), word(args, 15))
    h_size, h_step, h_apart, h_before, h_phases, h_cells = (
        word(args, 16), word(args, 17), word(args, 18), word(args, 19), word(args, 20), word(args, 21))
    w_size, w_step, w_apart, w_before, w_phases, w_cells = (
        word(args, 22), word(args, 23), word(args, 24), word(args, 25), word(args, 26), word(args, 27))
    for plane in range(tile * grain, min(planes, (tile + 1) * grain)):
        start = plane // channels * xn + plane % channels * xc
        to = plane * d_phases * h_phases * w_phases * d_cells * h_cells * w_cells
        for phase in range(d_phases * h_phases * w_phases):
            pd = phase // (h_phases * w_phases) * d_apart % d_step - d_before
            ph = phase // w_phases % h_phases * h_apart % h_step - h_before
            pw = phase % w_phases * w_apart % w_step - w_before
            first = min(max(0, -(pw // w_step)), w_cells)
            last = max(first, min(w_cells, -((pw - w_size) // w_step)))
            for row in range(d_cells * h_cells):
                i = row // h_cells * d_step + pd
                j = row % h_cells * h_step + ph
                inside = i >= 0 and i < d_size and j >= 0 and j < h_size
                a = first if inside else w_cells
                z = last if inside else w_cells
                source = start + i * xd + j * xh + pw * xw
                for q in range(a):
                    out[to + q] = T1(0)
                if xw * w_step == 1:
                    for q in range(a, z):
                        out[to + q] = x[source + q]
                else:
                    for q in range(a, z):
                        out[to + q] = x[source + q * w_step * xw]
                for q in range(z, w_cells):
                    out[to + q] = T1(0)
                to += w_cells


def window_transpose(args, tile):
    """Copy y (n, groups, o, d, h, w) to out[n][group][position][o]: four channels of one row of positions at a time."""
    y, out = at0(args), at1(args)
    rows, grain, groups, channels, pitch = word(args, 2), word(args, 3), word(args, 4), word(args, 5), word(args, 6)
    d_size, h_size, w_size = word(args, 7), word(args, 8), word(args, 9)
    yn, yg, yc = word(args, 10), word(args, 11), word(args, 12)
    yd, yh, yw = word(args, 13), word(args, 14), word(args, 15)
    for row in range(tile * grain, min(rows, (tile + 1) * grain)):
        h, rest = row % h_size, row // h_size
        d, rest = rest % d_size, rest // d_size
        start = rest // groups * yn + rest % groups * yg + d * yd + h * yh
        to = row * w_size * pitch
        for c in range(0, channels, 4):
            y0 = start + c * yc
            y1 = start + min(c + 1, channels - 1) * yc
            y2 = start + min(c + 2, channels - 1) * yc
            y3 = start + min(c + 3, channels - 1) * yc
            for w in range(w_size):
                o = to + w * pitch + c
                q = w * yw
                out[o] = y[y0 + q]
                out[o + 1] = y[y1 + q]
                out[o + 2] = y[y2 + q]
                out[o + 3] = y[y3 + q]


def window_product(args, tile):
    """Sum over (channel, cell of the window): weights times the positions of one image, block by block.

    Positions are counted through rows of `w_cells`, of which the first `nw` are wanted: the sums between the end of one
    row and the start of the next are computed and left out.

    From word 36: where a and b start, cells of the window along d, h, w; then for each axis what a cell adds to the
    place in a, its distance and stride in b, the phases, and what a phase and a step within it add to the place in b
    (see `window_pad`).
    """
    a, b, out, work, table = at0(args), at1(args), at2(args), at3(args), at4(args)
    units, grain, blocks, row_blocks, groups = word(args, 5), word(args, 6), word(args, 7), word(args, 8), word(args, 9)
    m, row_block, k, block, pitch = word(args, 10), word(args, 11), word(args, 13), word(args, 14), word(args, 15)
    a_start, a_group, a_row, a_channel = word(args, 36), word(args, 16), word(args, 17), word(args, 18)
    b_start, b_n, b_group, b_channel = word(args, 37), word(args, 19), word(args, 20), word(args, 21)
    out_n, out_group, out_row, out_start = word(args, 22), word(args, 23), word(args, 24), word(args, 25)
    out_d, out_h, out_w = word(args, 26), word(args, 27), word(args, 28)
    h_cells, w_cells, nh, nw, n = word(args, 29), word(args, 30), word(args, 31), word(args, 32), word(args, 33)
    space, table_space = word(args, 34), word(args, 35)
    sums, rows = tile * space, tile * table_space
    steps = rows + row_block + 6
    pieces, p = steps + 2 * k, steps
    for d in range(word(args, 38)):
        for h in range(word(args, 39)):
            for w in range(word(args, 40)):
                left, right = a_start, b_start
                for axis in range(3):
                    at = 41 + 6 * axis
                    i = d if axis == 0 else h if axis == 1 else w
                    left += i * word(args, at)
                    right += i % word(args, at + 3) * word(args, at + 4)
                    right += i * word(args, at + 1) // word(args, at + 2) * word(args, at + 5)
                table[p] = left
                table[p + k] = right
                p += 1
    cells = p - steps
    for p in range(steps + cells, steps + k):
        table[p] = table[p - cells] + a_channel
        table[p + k] = table[p + k - cells] + b_channel
    for unit in range(tile * grain, min(units, (tile + 1) * grain)):
        first, rest = unit % blocks * block, unit // blocks
        top, rest = rest % row_blocks * row_block, rest // row_blocks
        group, image = rest % groups, rest // groups
        count, columns = min(row_block, m - top), min(block, n - first)
        for r in range(count + 6):
            table[rows + r] = group * a_group + (top + min(r, count - 1)) * a_row
        found, t = pieces, first
        while t < first + columns:
            line, w = t // w_cells, t % w_cells
            length = min(w_cells - w, first + columns - t)
            if w < nw and line % h_cells < nh:
                table[found] = t - first
                table[found + 1] = out_start + line // h_cells * out_d + line % h_cells * out_h + w * out_w
                table[found + 2] = min(length, nw - w)
                found += 3
            t += length
        start = image * b_n + group * b_group + first
        for r in range(0, count, 6):
            height = min(6, count - r)
            panel(a, b, work, table, height, rows + r, steps, k, start, sums, pitch, columns)
            for i in range(height):
                o = image * out_n + group * out_group + (top + r + i) * out_row
                s = sums + i * pitch
                for piece in range(pieces, found, 3):
                    at, to, length = s + table[piece], o + table[piece + 1], table[piece + 2]
                    if out_w == 1:
                        for j in range(length):
                            out[to + j] = work[at + j]
                    else:
                        for j in range(length):
                            out[to + j * out_w] = work[at + j]


def window_weight_product(args, tile):
    """Sum over (image, position): cells of x times output channels, out[chunk][group][(channel, cell)][o].

    Each chunk of images has its own sums, in rows of `length`, which `window_join` adds in order.
    """
    x, y, out, work, table = at0(args), at1(args), at2(args), at3(args), at4(args)
    units, grain, blocks, row_blocks, groups = word(args, 5), word(args, 6), word(args, 7), word(args, 8), word(args, 9)
    images, chunk, m = word(args, 10), word(args, 11), word(args, 12)
    row_block, channels_out, block = word(args, 13), word(args, 14), word(args, 15)
    n_positions, depth, nh = word(args, 16), word(args, 17), word(args, 18)
    nw, cells, pitch = word(args, 19), word(args, 20), word(args, 21)
    xn, x_group, xc = word(args, 22), word(args, 23), word(args, 24)
    xd, xh, xw = word(args, 25), word(args, 26), word(args, 27)
    yn, y_group, y_step = word(args, 28), word(args, 29), word(args, 30)
    space, table_space = word(args, 31), word(args, 32)
    length, h_window, w_window = word(args, 33), word(args, 34), word(args, 35)
    cd, ch, cw = word(args, 36), word(args, 37), word(args, 38)
    sums, rows = tile * space, tile * table_space
    steps = rows + row_block + 6
    for unit in range(tile * grain, min(units, (tile + 1) * grain)):
        first, rest = unit % blocks * block, unit // blocks
        top, rest = rest % row_blocks * row_block, rest // row_blocks
        group, part = rest % groups, rest // groups
        count, columns = min(row_block, m - top), min(block, channels_out - first)
        target = ((part * groups + group) * m + top) * length + first
        for t in range(0, n_positions, depth):
            k = min(depth, n_positions - t)
            for p in range(k):
                line = (t + p) // nw
                table[steps + p] = line // nh * xd + line % nh * xh + (t + p) % nw * xw
                table[steps + k + p] = (t + p) * y_step
            for image in range(part * chunk, min(images, (part + 1) * chunk)):
                for r in range(count + 6):
                    row = top + min(r, count - 1)
                    cell = row % cells
                    place = cell // (h_window * w_window) * cd + cell // w_window % h_window * ch + cell % w_window * cw
                    table[rows + r] = image * xn + group * x_group + row // cells * xc + place
                start = image * yn + group * y_group + first
                fresh = t == 0 and image == part * chunk
                for r in range(0, count, 6):
                    height = min(6, count - r)
                    panel(x, y, work, table, height, rows + r, steps, k, start, sums, pitch, columns)
                    for i in range(height):
                        o = target + (r + i) * length
                        s = sums + i * pitch
                        if fresh:
                            for j in range(columns):
                                out[o + j] = work[s + j]
                        else:
                            for j in range(columns):
                                out[o + j] = T2(out[o + j] + work[s + j])


def window_weight_groups(args, tile):
    """Weight gradient of many small groups, side by side: x and y have their groups last, and so have the sums.

    out[chunk][o][(channel, cell)][group], in rows of `length`, which `window_join` adds and turns.
    """
    x, y, out = at0(args), at1(args), at2(args)
    units, grain, images, chunk, groups = word(args, 3), word(args, 4), word(args, 5), word(args, 6), word(args, 7)
    channels_in, channels_out, cells = word(args, 8), word(args, 9), word(args, 10)
    nd, nh, nw = word(args, 11), word(args, 12), word(args, 13)
    xn, xc, xd, xh, xw = word(args, 14), word(args, 15), word(args, 16), word(args, 17), word(args, 18)
    yn, yc, step, length = word(args, 19), word(args, 20), word(args, 21), word(args, 22)
    h_window, w_window, cd, ch, cw = word(args, 23), word(args, 24), word(args, 25), word(args, 26), word(args, 27)
    rows = channels_in * cells
    for unit in range(tile * grain, min(units, (tile + 1) * grain)):
        row, part = unit % rows, unit // rows
        cell = row % cells
        place = cell // (h_window * w_window) * cd + cell // w_window % h_window * ch + cell % w_window * cw
        for o in range(channels_out):
            to = ((part * channels_out + o) * rows + row) * length
            for g in range(groups):
                out[to + g] = T2(0)
            for image in range(part * chunk, min(images, (part + 1) * chunk)):
                a = image * xn + row // cells * xc + place
                b = image * yn + o * yc
                for line in range(nd * nh):
                    at = a + line // nh * xd + line % nh * xh
                    for w in range(0, nw - 1, 2):
                        a0, a1 = at + w * xw, at + (w + 1) * xw
                        b1 = b + step
                        for g in range(groups):
                            out[to + g] = T2(out[to + g] + x[a0 + g] * y[b + g] + x[a1 + g] * y[b1 + g])
                        b += 2 * step
                    if nw % 2 == 1:
                        a0 = at + (nw - 1) * xw
                        for g in range(groups):
                            out[to + g] = T2(out[to + g] + x[a0 + g] * y[b + g])
                        b += step


def window_join(args, tile):
    """Add the parts of a weight gradient in order: parts[part][group][row][o] to out[group][o][row].

    By blocks of 16 by 64, whose lines stay in the first-level cache while they are turned.
    """
    parts, out = at0(args), at1(args)
    count, groups, m, channels, grain = word(args, 2), word(args, 3), word(args, 4), word(args, 5), word(args, 6)
    length, out_group, out_channel = word(args, 7), word(args, 8), word(args, 9)
    blocks = (channels + 15) // 16
    for unit in range(tile * grain, min(groups * blocks, (tile + 1) * grain)):
        group, first = unit // blocks, unit % blocks * 16
        for top in range(0, m, 64):
            for o in range(first, min(channels, first + 16)):
                to = group * out_group + o * out_channel
                for r in range(top, min(m, top + 64)):
                    source = (group * m + r) * length + o
                    total = parts[source]
                    for part in range(1, count):
                        total = T1(total + parts[source + part * groups * m * length])
                    out[to + r] = total


def pool_argmax(args, tile):
    """First place of the largest value of each window, one row of positions at a time; NaN is the largest."""
    x, out, best = at0(args), at1(args), at2(args)
    rows, grain, channels, xn, xc = word(args, 3), word(args, 4), word(args, 5), word(args, 6), word(args, 7)
    xd, d_size, d_window, d_step = word(args, 8), word(args, 9), word(args, 10), word(args, 11)
    d_before, d_apart, nd = word(args, 12), word(args, 13), word(args, 14)
    xh, h_size, h_window, h_step = word(args, 15), word(args, 16), word(args, 17), word(args, 18)
    h_before, h_apart, nh = word(args, 19), word(args, 20), word(args, 21)
    xw, w_size, w_window, w_step = word(args, 22), word(args, 23), word(args, 24), word(args, 25)
    w_before, w_apart, nw = word(args, 26), word(args, 27), word(args, 28)
    top = tile * nw
    for row in range(tile * grain, min(rows, (tile + 1) * grain)):
        h0, rest = row % nh * h_step - h_before, row // nh
        d0, plane = rest % nd * d_step - d_before, rest // nd
        start, to = plane // channels * xn + plane % channels * xc, row * nw
        for j in range(nw):
            best[top + j] = T2(0)
            out[to + j] = -1
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
                v, b, known = x[source + j * w_step * xw], best[top + j], out[to + j]
                take = (known < 0) | (((v > b) | (v != v)) & (b == b))
                best[top + j] = v if take else b
                out[to + j] = place + j * w_step if take else known


HELPERS = {"window_product": ("panel.py",), "window_weight_product": ("panel.py",)}
