"""Convolution: weights times positions, read from copies of a few rows that lie in the cache of the thread.

A unit of work is a block of positions of one image and group. For a block of channels, `copy_planes` lays the rows
that the block sees side by side, so that what one cell of the window sees at successive positions is contiguous; then
each cell is a row of the right factor at its own offset, and `position_panel` multiplies it with all weights.
"""


def conv_weights(args, tile):
    """Pack weights for `position_panel`: out[group][panel][1 + k][S0], the first of each panel the bias; then S0 zeros.

    Steps k run over four axes, whose lengths and strides are words 7 to 14; rows past the end are zero.
    """
    w, bias, out = at0(args), at1(args), at2(args)
    panels, m, k, with_bias = word(args, 3), word(args, 4), word(args, 5), word(args, 6)
    n0, n1, n2, n3 = word(args, 7), word(args, 8), word(args, 9), word(args, 10)
    w0, w1, w2, w3 = word(args, 11), word(args, 12), word(args, 13), word(args, 14)
    w_start, w_group, w_row = word(args, 15), word(args, 16), word(args, 17)
    last, grain = word(args, 18), word(args, 19)
    for number in range(tile * grain, min(last, (tile + 1) * grain)):
        group, row, to = number // panels, number % panels * S0, number * (1 + k) * S0
        height = min(S0, m - row)
        for i in range(S0):
            at = group * m + row + min(i, height - 1)
            out[to + i] = bias[at] if with_bias != 0 and i < height else T2(0)
        to += S0
        if height < S0:
            for i in range(k * S0):
                out[to + i] = T2(0)
        for line in range(n0 * n1 * n2):
            at = w_start + group * w_group + row * w_row
            at += line // (n1 * n2) * w0 + line // n2 % n1 * w1 + line % n2 * w2
            if w3 == 1 and n3 > 1:
                turn(out, to, S0, w, at, w_row, height, n3, S1)
            elif w_row == 1 and height == S0:
                for q in range(n3):
                    for i in range(S0):
                        out[to + q * S0 + i] = w[at + q * w3 + i]
            else:
                for q in range(n3):
                    for i in range(height):
                        out[to + q * S0 + i] = w[at + q * w3 + i * w_row]
            to += n3 * S0
        if number == last - 1:
            for i in range(S0):
                out[to + i] = T2(0)


def conv_product(args, tile):
    """Sum over (channel, cell of the window): weights times positions, block by block.

    Words from 23 for each axis d, h, w: input length, stride of x, cells, first place, step, place of the next cell,
    positions, stride of out. From 44: how cells are laid out along h and w: phases, and whether every cell along w has
    a copy of its own.
    """
    a, x, out = at0(args), at1(args), at2(args)
    units, grain, groups, m, m_block = word(args, 3), word(args, 4), word(args, 5), word(args, 6), word(args, 7)
    channels, c_block, in_place = word(args, 8), word(args, 9), word(args, 10) != 0
    h_block, w_block = word(args, 11), word(args, 12)
    x_n, x_group, x_c = word(args, 13), word(args, 14), word(args, 15)
    out_n, out_c, out_start = word(args, 16), word(args, 17), word(args, 18)
    space, sums_space, a_start = word(args, 19), word(args, 20), word(args, 21)
    zeros = word(args, 22)
    d_step, d_cells, d_first, d_apart = word(args, 27), word(args, 25), word(args, 26), word(args, 28)
    nd, out_d, x_d = word(args, 29), word(args, 30), word(args, 24)
    x_h, kh, h_first, h_step, h_apart = word(args, 32), word(args, 33), word(args, 34), word(args, 35), word(args, 36)
    nh, out_h = word(args, 37), word(args, 38)
    x_w, kw, w_first, w_step, w_apart = word(args, 40), word(args, 41), word(args, 42), word(args, 43), word(args, 44)
    nw, out_w = word(args, 45), word(args, 46)
    h_phases, w_phases, own_copies = word(args, 47), word(args, 48), word(args, 49) != 0
    cells = d_cells * kh * kw
    h_blocks, w_blocks, m_blocks = -(-nh // h_block), -(-nw // w_block), -(-m // m_block)
    b = x if in_place else stack(out, space)
    sums = stack(out, sums_space)
    table = stack_words(c_block * cells)
    # Cells run backwards in the gradient of the input: then the last of them is the lowest.
    h_low, w_low = min(0, (kh - 1) * h_apart), min(0, (kw - 1) * w_apart)
    h_more = abs((kh - 1) * h_apart) // h_step
    w_more = 0 if own_copies else abs((kw - 1) * w_apart) // w_step
    panels, panel = -(-m // S0), (1 + channels * cells) * S0
    known_rows, known_pitch = -1, -1
    for unit in range(tile * grain, min(units, (tile + 1) * grain)):
        top, rest = unit % m_blocks * m_block, unit // m_blocks
        w0, rest = rest % w_blocks * w_block, rest // w_blocks
        h0, rest = rest % h_blocks * h_block, rest // h_blocks
        d0, rest = rest % nd, rest // nd
        group, image = rest % groups, rest // groups
        hn, wn = min(h_block, nh - h0), min(w_block, nw - w0)
        rows, pitch = hn + h_more, x_h if in_place else wn + w_more
        n = (hn - 1) * pitch + wn
        if rows != known_rows or pitch != known_pitch:
            known_rows, known_pitch = rows, pitch
            p = 0
            for c in range(c_block):
                for d in range(d_cells):
                    for h in range(kh):
                        for w in range(kw):
                            if in_place:
                                table[p] = c * x_c + d * d_apart * x_d + h * h_apart * x_h + w * w_apart
                            else:
                                far_h, far_w = h * h_apart - h_low, w * w_apart - w_low
                                copy = w if own_copies else w % w_phases
                                at = ((c * d_cells + d) * w_phases + copy) * h_phases + h % h_phases
                                at = at * rows + far_h // h_step
                                table[p] = at * pitch + (0 if own_copies else far_w // w_step)
                            p += 1
        to = image * out_n + group * m * out_c + out_start + d0 * out_d + h0 * out_h + w0 * out_w
        direct = out_w == 1 and (hn == 1 or (pitch == out_h and pitch == wn))
        source = image * x_n + group * x_group
        b0 = 0
        if in_place:
            b0 = source + (d_first + d0 * d_step) * x_d + (h_first + h0) * x_h + w_first + w0
        for c0 in range(0, channels, c_block):
            many = min(c_block, channels - c0)
            if in_place:
                b0 += min(c0, c_block) * x_c
            else:
                copy_planes(
                    args, x, source + c0 * x_c, b, many, d_first + d0 * d_step, h_first + h_low + h0 * h_step,
                    w_first + w0 * w_step, rows, pitch, w_low,
                )
            for row in range(top, min(m, top + m_block), S0):
                height = min(S0, m - row)
                weights = (group * panels + row // S0) * panel
                start = weights if c0 == 0 else zeros
                weights += (1 + c0 * cells) * S0
                if direct:
                    position_panel(
                        a, weights, start, b, b0, table, 0, many * cells, out, to + row * out_c, out_c, height, n, c0,
                        S0, S1, S2,
                    )
                else:
                    line = n
                    position_panel(
                        a, weights, start, b, b0, table, 0, many * cells, sums, 0, line, height, n, 0, S0, S1, S2
                    )
                    for i in range(height):
                        for h in range(hn):
                            s, o = i * line + h * pitch, to + (row + i) * out_c + h * out_h
                            if c0 == 0:
                                for j in range(wn):
                                    out[o + j * out_w] = sums[s + j]
                            else:
                                for j in range(wn):
                                    out[o + j * out_w] = T2(out[o + j * out_w] + sums[s + j])


def copy_planes(args, x, source, b, many, d0, h0, w0, rows, pitch, w_low):
    """Copy the rows that a block of positions sees: b[channel][cell d][copy w][phase h][rows][pitch], zero outside."""
    d_size, x_d, d_cells, d_apart = word(args, 23), word(args, 24), word(args, 25), word(args, 28)
    h_size, x_h, h_step, h_apart = word(args, 31), word(args, 32), word(args, 35), word(args, 36)
    w_size, x_w, w_step, w_apart = word(args, 39), word(args, 40), word(args, 43), word(args, 44)
    h_phases, w_phases, own_copies = word(args, 47), word(args, 48), word(args, 49) != 0
    x_c, step = word(args, 15), x_w * w_step
    # Where rows of x are as long as those of the copy, all of them are one run, shifted; its ends are then cleared.
    runs = step == 1 and h_step == 1 and x_h == pitch and w_size == pitch
    to = 0
    for plane in range(many * d_cells):
        d = d0 + plane % d_cells * d_apart
        at = source + plane // d_cells * x_c + d * x_d
        for copy in range(w_phases):
            w = w0 + copy * w_apart if own_copies else w0 + w_low + copy * abs(w_apart) % w_step
            first = min(pitch, max(0, -(w // w_step)))
            last = max(first, min(pitch, -((w - w_size) // w_step)))
            if d < 0 or d >= d_size:
                copy_row(b, to, x, source, 1, 0, 0, h_phases * rows * pitch, S2)
                to += h_phases * rows * pitch
            elif runs:
                start = h0 * pitch + w
                copy_row(b, to, x, at + start, 1, max(0, -start), h_size * pitch - start, rows * pitch, S2)
                if first > 0 or last < pitch:
                    for row in range(rows):
                        for j in range(first):
                            b[to + row * pitch + j] = T2(0)
                        for j in range(last, pitch):
                            b[to + row * pitch + j] = T2(0)
                to += rows * pitch
            else:
                for phase in range(h_phases):
                    h = h0 + phase * abs(h_apart) % h_step
                    for row in range(rows):
                        if h < 0 or h >= h_size:
                            copy_row(b, to, x, source, 1, 0, 0, pitch, S2)
                        elif step == 1 or step == 2:
                            copy_row(b, to, x, at + h * x_h + w * x_w, step, first, last, pitch, S2)
                        else:
                            start = at + h * x_h + w * x_w
                            for j in range(first):
                                b[to + j] = T2(0)
                            for j in range(first, last):
                                b[to + j] = x[start + j * step]
                            for j in range(last, pitch):
                                b[to + j] = T2(0)
                        h += h_step
                        to += pitch


FILES = ("window_panel.py", "stack.py")
HELPERS = {"conv_weights": ("turn.py",), "conv_product": (*FILES, copy_planes)}
