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
    last, grain, out_start = word(args, 18), word(args, 19), word(args, 20)
    for number in range(tile * grain, least(last, (tile + 1) * grain)):
        group, row, to = quotient(number, panels), modulo(number, panels) * S0, out_start + number * (1 + k) * S0
        height = least(S0, m - row)
        for i in range(S0):
            at = group * m + row + least(i, height - 1)
            out[to + i] = bias[at] if with_bias != 0 and i < height else T2(0)
        to += S0
        if height < S0:
            for i in range(k * S0):
                out[to + i] = T2(0)
        for line in range(n0 * n1 * n2):
            at = w_start + group * w_group + row * w_row
            i0, rest = quotient(line, n1 * n2), modulo(line, n1 * n2)
            at += i0 * w0 + quotient(rest, n2) * w1 + modulo(rest, n2) * w2
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

    Words 27 to 51 say what is copied and how it lies (see `copy_planes`), or how x lies where nothing is copied. From
    52: what a cell adds along d (planes), h and w (places). From 56, thirteen for each part (one, or one per remainder
    of the stride): cells, first plane and places, positions, start in out, its weights and their zeros, its table.
    """
    a, x, out = at0(args), at1(args), at2(args)
    units, grain, groups, m, m_block = word(args, 3), word(args, 4), word(args, 5), word(args, 6), word(args, 7)
    channels, c_block, in_place = word(args, 8), word(args, 9), word(args, 10) != 0
    h_block, w_block, x_n, x_c = word(args, 11), word(args, 12), word(args, 13), word(args, 14)
    out_n, out_c, out_d, out_h, out_w = word(args, 15), word(args, 16), word(args, 24), word(args, 25), word(args, 26)
    nd, h_blocks, w_blocks, m_blocks = word(args, 20), word(args, 21), word(args, 22), word(args, 23)
    row, parts = word(args, 47), word(args, 55)
    b = x if in_place else stack(out, word(args, 17))
    sums, table = stack(out, word(args, 18)), stack_words(word(args, 19))
    conv_table(args, table)
    panels = quotient(m + S0 - 1, S0)
    for unit in range(tile * grain, least(units, (tile + 1) * grain)):
        rest, top = quotient(unit, m_blocks), modulo(unit, m_blocks) * m_block
        rest, w0 = quotient(rest, w_blocks), modulo(rest, w_blocks) * w_block
        rest, h0 = quotient(rest, h_blocks), modulo(rest, h_blocks) * h_block
        rest, d0 = quotient(rest, nd), modulo(rest, nd)
        image, group = quotient(rest, groups), modulo(rest, groups)
        place_d = word(args, 29) + d0 * word(args, 30)
        place_h, place_w = word(args, 35) + h0 * word(args, 36), word(args, 42) + w0 * word(args, 43)
        lines = least(h_block, word(args, 63) - h0) + word(args, 39)
        for c0 in range(0, channels, c_block):
            many, source = least(c_block, channels - c0), image * x_n + (group * channels + c0) * x_c
            b0 = 0
            if in_place:
                b0 = source + place_d * word(args, 28) + place_h * word(args, 34) + place_w
            else:
                copy_planes(args, x, source, b, many, place_d, place_h, place_w, lines)
            for part in range(parts):
                at = 56 + 13 * part
                cells = word(args, at) * word(args, at + 1) * word(args, at + 2)
                hn, wn = least(h_block, word(args, at + 7) - h0), least(w_block, word(args, at + 8) - w0)
                panel, packed = (1 + channels * cells) * S0, word(args, at + 10) + (1 + c0 * cells) * S0
                n = (hn - 1) * row + wn
                to = image * out_n + group * m * out_c + word(args, at + 9) + d0 * out_d + h0 * out_h + w0 * out_w
                direct = out_w == 1 and (hn == 1 or (row == out_h and row == wn))
                if hn > 0 and wn > 0 and d0 < word(args, at + 6):
                    for r in range(top, least(m, top + m_block), S0):
                        height, weights = least(S0, m - r), packed + (group * panels + quotient(r, S0)) * panel
                        start = weights - S0 if c0 == 0 else word(args, at + 11)
                        if direct:
                            position_panel(
                                a, weights, start, b, b0, table, word(args, at + 12), many * cells, out, to + r * out_c,
                                out_c, height, n, c0, S0, S1, S2,
                            )
                        else:
                            position_panel(
                                a, weights, start, b, b0, table, word(args, at + 12), many * cells, sums, 0,
                                n, height, n, 0, S0, S1, S2,
                            )
                            for i in range(height):
                                for h in range(hn):
                                    put_sums(
                                        out, to + (r + i) * out_c + h * out_h, out_w, sums, i * n + h * row, wn, c0, S2
                                    )


def conv_table(args, table):
    """Set where each (channel, cell d, h, w) of each part reads, from where the block starts."""
    c_block, h_step, h_phases = word(args, 9), word(args, 36), word(args, 38)
    w_step, copies, own = word(args, 43), word(args, 45), word(args, 46) != 0
    row, of_phase, of_copy = word(args, 47), word(args, 48), word(args, 49)
    p = 0
    for part in range(word(args, 55)):
        at = 56 + 13 * part
        for c in range(c_block):
            for d in range(word(args, at)):
                plane = c * word(args, 51) + (word(args, at + 3) + d * word(args, 52)) * word(args, 50)
                for h in range(word(args, at + 1)):
                    far = word(args, at + 4) + h * word(args, 53)
                    line = plane + modulo(h, h_phases) * of_phase + quotient(far, h_step) * row
                    for w in range(word(args, at + 2)):
                        far = word(args, at + 5) + w * word(args, 54)
                        table[p] = line + (w * of_copy if own else modulo(w, copies) * of_copy + quotient(far, w_step))
                        p += 1


def copy_planes(args, x, source, b, many, d0, h0, w0, lines):
    """Copy the rows that a block of positions sees: b[channel][plane d][copy w][phase h][line][place], zero outside.

    Words for d: length, stride, place of the first position, step, places between planes, planes; for h: length,
    stride, place, step, places between phases, phases, lines beyond those of the positions; for w: length, stride,
    place, step, places between copies, copies, whether each is one cell's own (else they are phases); then the strides
    of b: line, phase, copy, plane, channel.
    """
    d_size, x_d, d_unit, planes = word(args, 27), word(args, 28), word(args, 31), word(args, 32)
    h_size, x_h, h_step, h_unit, phases = word(args, 33), word(args, 34), word(args, 36), word(args, 37), word(args, 38)
    w_size, x_w, w_step, w_unit, copies = word(args, 40), word(args, 41), word(args, 43), word(args, 44), word(args, 45)
    own, row, of_phase, of_copy = word(args, 46) != 0, word(args, 47), word(args, 48), word(args, 49)
    step = x_w * w_step
    # Where rows of x are as long as those of the copy, all of them are one run, shifted; its ends are then cleared.
    runs = step == 1 and h_step == 1 and x_h == row and w_size == row
    for number in range(many * planes):
        c, plane = quotient(number, planes), modulo(number, planes)
        d = d0 + plane * d_unit
        at = source + c * word(args, 14) + d * x_d
        for copy in range(copies):
            to = number * word(args, 50) + copy * of_copy
            w = w0 + (copy * w_unit if own else modulo(copy * w_unit, w_step))
            first = least(row, quotient(largest(0, w_step - 1 - w), w_step))
            last = largest(first, least(row, quotient(largest(0, w_size - w + w_step - 1), w_step)))
            if d < 0 or d >= d_size:
                copy_row(b, to, x, source, 1, 0, 0, of_copy, S2)
            elif runs:
                start = h0 * row + w
                copy_row(b, to, x, at + start, 1, largest(0, -start), h_size * row - start, lines * row, S2)
                for j in range(first):
                    for line in range(lines):
                        b[to + line * row + j] = T2(0)
                for j in range(last, row):
                    for line in range(lines):
                        b[to + line * row + j] = T2(0)
            else:
                for phase in range(phases):
                    h = h0 + modulo(phase * h_unit, h_step)
                    o = to + phase * of_phase
                    for line in range(lines):
                        inside = h >= 0 and h < h_size
                        copy_row(b, o, x, at + h * x_h + w * x_w, step, first, last if inside else first, row, S2)
                        h += h_step
                        o += row


FILES = ("window_panel.py", "stack.py", "rows.py")
HELPERS = {"conv_weights": ("stack.py", "turn.py"), "conv_product": (*FILES, copy_planes, conv_table)}
