"""The gradient of a convolution in its weight: cells of the input times channels of the output, over all positions.

A unit of work is a block of weights and a chunk of images. Block by block of positions, the gradient of the output is
turned, so that its channels lie side by side; then every cell of a window is a row of scalars, read where the input
lies (or from a copy with its padding), and `cell_panel` multiplies it with all channels. Chunks are added by
`conv_weight_join`, in order.
"""

from .loops_conv import FILES, conv_table, copy_planes


def conv_weight_sums(args, tile):
    """Sum over images and positions: out[chunk][group][(channel, cell)][o], in rows of `length`.

    Words from 22 for each axis d, h, w: input length, stride of x, cells, first place, step, place of the next cell,
    positions, stride of y.
    """
    x, y, out = at0(args), at1(args), at2(args)
    units, grain, groups, images, chunk = word(args, 3), word(args, 4), word(args, 5), word(args, 6), word(args, 7)
    channels, c_block, c_copy = word(args, 8), word(args, 9), word(args, 10)
    m_out, o_block, length = word(args, 11), word(args, 12), word(args, 13)
    h_block, w_block, in_place, space = word(args, 14), word(args, 15), word(args, 16) != 0, word(args, 17)
    x_n, x_c, y_n, y_c = word(args, 18), word(args, 19), word(args, 20), word(args, 21)
    d_size, x_d, kd, d_first = word(args, 22), word(args, 23), word(args, 24), word(args, 25)
    d_step, d_apart, nd, y_d = word(args, 26), word(args, 27), word(args, 28), word(args, 29)
    h_size, x_h, kh, h_first = word(args, 30), word(args, 31), word(args, 32), word(args, 33)
    h_step, h_apart, nh, y_h = word(args, 34), word(args, 35), word(args, 36), word(args, 37)
    w_size, x_w, kw, w_first = word(args, 38), word(args, 39), word(args, 40), word(args, 41)
    w_step, w_apart, nw, y_w = word(args, 42), word(args, 43), word(args, 44), word(args, 45)
    cells, pitch = kd * kh * kw, -(-o_block // 16) * 16
    m = channels * cells
    c_blocks, o_blocks = -(-channels // c_block), -(-m_out // o_block)
    h_blocks, w_blocks = -(-nh // h_block), -(-nw // w_block)
    a = x if in_place else stack(out, space)
    b = stack(out, h_block * w_block * pitch)
    steps = c_copy * cells + S0
    table = stack_words(steps + h_block * w_block)
    known, known_width = -1, -1
    for unit in range(tile * grain, min(units, (tile + 1) * grain)):
        c_first, rest = unit % c_blocks * c_block, unit // c_blocks
        o, rest = rest % o_blocks * o_block, rest // o_blocks
        group, part = rest % groups, rest // groups
        c_last, many = min(channels, c_first + c_block), min(o_block, m_out - o)
        target = (part * groups + group) * m * length + o
        first = part * chunk * nd * h_blocks * w_blocks
        last = min(images, (part + 1) * chunk) * nd * h_blocks * w_blocks
        for block in range(first, last):
            w0, rest = block % w_blocks * w_block, block // w_blocks
            h0, rest = rest % h_blocks * h_block, rest // h_blocks
            d0, image = rest % nd, rest // nd
            hn, wn = min(h_block, nh - h0), min(w_block, nw - w0)
            rows, row = (hn - 1) * h_step + (kh - 1) * h_apart + 1, x_h
            if not in_place:
                row = (wn - 1) * w_step + (kw - 1) * w_apart + 1
            if hn != known or wn != known_width:
                known, known_width = hn, wn
                across = x_w if in_place else 1
                for r in range(steps):
                    cell, c = r % cells, min(r // cells, c_copy - 1)
                    d, h, w = cell // (kh * kw), cell // kw % kh, cell % kw
                    at = h * h_apart * row + w * w_apart * across
                    if in_place:
                        table[r] = at + c * x_c + d * d_apart * x_d
                    else:
                        table[r] = at + (c * kd + d) * rows * row
                for h in range(hn):
                    for w in range(wn):
                        table[steps + h * wn + w] = h * h_step * row + w * w_step * across
            turn_block(args, y, image * y_n + (group * m_out + o) * y_c + d0 * y_d + h0 * y_h + w0 * y_w,
                       b, pitch, many, hn, wn)
            place_d, place_h, place_w = d_first + d0 * d_step, h_first + h0 * h_step, w_first + w0 * w_step
            for c0 in range(c_first, c_last, c_copy):
                now = min(c_copy, c_last - c0)
                source = image * x_n + (group * channels + c0) * x_c
                if in_place:
                    a0 = source + place_d * x_d + place_h * x_h + place_w * x_w
                else:
                    a0 = 0
                    copy_padded(args, x, source, a, now, place_d, place_h, place_w, rows, row)
                for r in range(0, now * cells, S0):
                    cell_panel(
                        a, a0, table, r, steps, hn * wn, b, 0, pitch, out, target + (c0 * cells + r) * length, length,
                        min(S0, now * cells - r), many, block - first, S0, S1, S2,
                    )


def turn_block(args, y, at, b, pitch, many, hn, wn):
    """Set b[position][o] from `many` planes of y: hn rows of wn positions."""
    y_c, y_h, y_w = word(args, 21), word(args, 37), word(args, 45)
    if y_w == 1 and (y_h == wn or hn == 1):
        turn(b, 0, pitch, y, at, y_c, many, hn * wn, S2)
        return
    for h in range(hn):
        if y_w == 1:
            turn(b, h * wn * pitch, pitch, y, at + h * y_h, y_c, many, wn, S2)
        else:
            for w in range(wn):
                to, start = (h * wn + w) * pitch, at + h * y_h + w * y_w
                if y_c == 1:
                    for o in range(many):
                        b[to + o] = y[start + o]
                else:
                    for o in range(many):
                        b[to + o] = y[start + o * y_c]


def copy_padded(args, x, source, a, many, d0, h0, w0, rows, row):
    """Copy the part of planes that a block of positions sees: a[channel][cell d][rows][row], zero outside."""
    x_c = word(args, 19)
    d_size, x_d, kd, d_apart = word(args, 22), word(args, 23), word(args, 24), word(args, 27)
    h_size, x_h, w_size, x_w = word(args, 30), word(args, 31), word(args, 38), word(args, 39)
    first = min(row, max(0, -w0))
    last = max(first, min(row, w_size - w0))
    to = 0
    for plane in range(many * kd):
        d = d0 + plane % kd * d_apart
        at = source + plane // kd * x_c + d * x_d
        for h in range(h0, h0 + rows):
            start = at + h * x_h + w0 * x_w
            inside = 0 <= d and d < d_size and 0 <= h and h < h_size
            if x_w == 1:
                copy_row(a, to, x, start, 1, first, last if inside else first, row, S2)
            else:
                for j in range(row):
                    a[to + j] = x[start + j * x_w] if inside and first <= j and j < last else T2(0)
            to += row


def conv_weight_dots(args, tile):
    """Few output channels per group: out[chunk][group][o][(channel, cell)], each a dot product over all positions.

    Words 9 to 14 and from 27 are those of `conv_product`.
    """
    x, y, out = at0(args), at1(args), at2(args)
    units, grain, groups, images, chunk = word(args, 3), word(args, 4), word(args, 5), word(args, 6), word(args, 7)
    channels, c_block, in_place = word(args, 8), word(args, 9), word(args, 10) != 0
    h_block, w_block, x_n, x_c = word(args, 11), word(args, 12), word(args, 13), word(args, 14)
    m_out, nd, h_blocks, w_blocks = word(args, 15), word(args, 20), word(args, 21), word(args, 22)
    y_n, y_c, y_d, y_h, row = word(args, 16), word(args, 23), word(args, 24), word(args, 25), word(args, 47)
    cells = word(args, 56) * word(args, 57) * word(args, 58)
    blocks, m = nd * h_blocks * w_blocks, channels * cells
    b = x if in_place else stack(out, word(args, 17))
    table = stack_words(word(args, 19))
    conv_table(args, table)
    for unit in range(tile * grain, least(units, (tile + 1) * grain)):
        part, group = quotient(unit, groups), modulo(unit, groups)
        first = part * chunk * blocks
        for block in range(first, least(images, (part + 1) * chunk) * blocks):
            rest, w0 = quotient(block, w_blocks), modulo(block, w_blocks) * w_block
            rest, h0 = quotient(rest, h_blocks), modulo(rest, h_blocks) * h_block
            image, d0 = quotient(rest, nd), modulo(rest, nd)
            hn, wn = least(h_block, word(args, 63) - h0), least(w_block, word(args, 64) - w0)
            place_d = word(args, 29) + d0 * word(args, 30)
            place_h, place_w = word(args, 35) + h0 * word(args, 36), word(args, 42) + w0 * word(args, 43)
            for c0 in range(0, channels, c_block):
                now, source = least(c_block, channels - c0), image * x_n + (group * channels + c0) * x_c
                b0 = 0
                if in_place:
                    b0 = source + place_d * word(args, 28) + place_h * word(args, 34) + place_w
                else:
                    copy_planes(args, x, source, b, now, place_d, place_h, place_w, hn + word(args, 39))
                for o in range(0, m_out, S0):
                    a0 = image * y_n + (group * m_out + o) * y_c + d0 * y_d + h0 * y_h + w0
                    c = ((part * groups + group) * m_out + o) * m + c0 * cells
                    for q in range(0, now * cells, S1):
                        dot_panel(
                            y, a0, y_c, y_h, b, b0, table, q, row, hn, wn, out, c + q, m, least(S0, m_out - o),
                            least(S1, now * cells - q), block - first, S0, S1, S2,
                        )


def conv_weight_add(args, tile):
    """Add the chunks of a weight gradient in order."""
    parts, out = at0(args), at1(args)
    count, size, grain = word(args, 2), word(args, 3), word(args, 4)
    for i in range(tile * grain, min(size, (tile + 1) * grain)):
        total = parts[i]
        for part in range(1, count):
            total = T1(total + parts[part * size + i])
        out[i] = total


def conv_weight_join(args, tile):
    """Add the chunks of a weight gradient in order and turn them: parts[chunk][group][row][o] to out[group][o][row]."""
    parts, out = at0(args), at1(args)
    units, count, groups, m, channels = word(args, 2), word(args, 3), word(args, 4), word(args, 5), word(args, 6)
    length, blocks = word(args, 7), -(-word(args, 5) // 64)
    sums = stack(out, 64 * 16)
    part = groups * m * length
    o_blocks = -(-channels // 16)
    for unit in range(tile * S0, min(units, (tile + 1) * S0)):
        top, rest = unit % blocks * 64, unit // blocks
        o, group = rest % o_blocks * 16, rest // o_blocks
        rows, many = min(64, m - top), min(16, channels - o)
        for r in range(rows):
            at, to = (group * m + top + r) * length + o, r * 16
            for j in range(16):
                sums[to + j] = parts[at + j]
            for i in range(1, count):
                at += part
                for j in range(16):
                    sums[to + j] = T1(sums[to + j] + parts[at + j])
        for r in range(rows):
            to = (group * channels + o) * m + top + r
            for j in range(many):
                out[to + j * m] = sums[r * 16 + j]


HELPERS = {
    "conv_weight_sums": (*FILES, "turn.py", turn_block, copy_padded),
    "conv_weight_dots": (*FILES, copy_planes, conv_table),
    "conv_weight_join": ("stack.py",),
}
