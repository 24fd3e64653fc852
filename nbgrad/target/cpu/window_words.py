"""Convolution in words: which rows are copied, where each cell of a window reads, which block of sums comes next.

Forwards, and for the gradient of the input, a unit of work is a block of positions of one image and group. For a block
of channels, `copy_planes` lays the rows that it sees side by side, so that what one cell sees at successive positions is
contiguous; then each cell is a row of the right factor at its own offset, and `positions` multiplies it with all weights.
"""

from .words import call, get, put, quotient, room, variables

# The innermost loops, and bytes of a number (see window_blocks.py and window_rows.py).
POSITIONS, CELLS, DOTS, FRAME, CLEAR, PUT, ZERO, ADD_PARTS, TURN, BYTES = variables(10)
LAY, ROW, APART, PARTS, FIRST_PART, PART = 29, 49, 54, 57, 58, 13  # words of what is copied, and of the parts


def word(args, i):
    return get(args, 8 * i)


def modulo(a, b):
    return a - quotient(a, b) * b


def least(a, b):
    return a if a < b else b


def largest(a, b):
    return a if a > b else b


def words_of(count):
    """Return how many words hold as many numbers. Scratch is on the stack: in the thread's own cache from tile to tile."""
    return quotient(count * BYTES + 7, 8)


def conv_weights(args, tile):
    """Pack weights for `positions`: out[group][panel][1 + k][rows], the first of each panel the bias; then a row of zeros.

    Steps k run over four axes, whose lengths and strides are words 7 to 14; rows past the end are zero.
    """
    w, bias, out = word(args, 0), word(args, 1), word(args, 2)
    panels, m, k, with_bias = word(args, 3), word(args, 4), word(args, 5), word(args, 6)
    n1, n2, n3, w_row, rows = word(args, 8), word(args, 9), word(args, 10), word(args, 17), word(args, 21)
    last, grain = word(args, 18), word(args, 19)
    for number in range(tile * grain, least(last, (tile + 1) * grain)):
        group, row = quotient(number, panels), modulo(number, panels) * rows
        to, height = word(args, 20) + number * (1 + k) * rows, least(rows, m - row)
        if height < rows:
            call(ZERO, out, to, (1 + k) * rows)
        call(ZERO, out, to, rows)
        if with_bias != 0:
            call(PUT, out, to, 0, 1, bias, group * m + row, 0, 1, height, 0, 1)
        to += rows
        for line in range(word(args, 7) * n1 * n2):
            i, rest = quotient(line, n1 * n2), modulo(line, n1 * n2)
            at = word(args, 15) + group * word(args, 16) + row * w_row
            at += i * word(args, 11) + quotient(rest, n2) * word(args, 12) + modulo(rest, n2) * word(args, 13)
            if word(args, 14) == 1 and n3 > 1:
                call(TURN, out, to, rows, w, at, w_row, height, n3)
            else:
                for q in range(n3):
                    call(PUT, out, to + q * rows, 0, 1, w, at + q * word(args, 14), 0, w_row, height, 0, 1)
            to += n3 * rows
        if number == last - 1:
            call(ZERO, out, to, rows)


def conv_product(args, tile):
    """Sum over (channel, cell of the window): weights times positions, block by block.

    Words from LAY say what is copied and how it lies (see `copy_planes`), or how x lies where nothing is copied; from
    APART what a cell adds along d (planes), h and w (places). Then PART words for each part (one, or one per remainder
    of the stride): cells, first plane and places, positions, start in out, its weights and their zeros, its table.
    Copies and tables are on the stack; those of very large windows lie behind the weights, from byte number 28.
    """
    a, x, out = word(args, 0), word(args, 1), word(args, 2)
    channels, c_block = word(args, 8), word(args, 9)
    copies, entries, memory = words_of(word(args, 17)), word(args, 19), word(args, 28)
    sums = room(words_of(word(args, 18)))
    table = a + memory + tile * (copies + entries) * 8 if memory != 0 else room(entries)
    b = x
    if word(args, 10) == 0:
        b = table + entries * 8 if memory != 0 else room(copies)
    conv_table(args, table)
    grain, h_blocks, w_blocks, m_blocks = word(args, 4), word(args, 21), word(args, 22), word(args, 23)
    for unit in range(tile * grain, least(word(args, 3), (tile + 1) * grain)):
        rest, top = quotient(unit, m_blocks), modulo(unit, m_blocks) * word(args, 7)
        rest, w0 = quotient(rest, w_blocks), modulo(rest, w_blocks) * word(args, 12)
        rest, h0 = quotient(rest, h_blocks), modulo(rest, h_blocks) * word(args, 11)
        rest, d0 = quotient(rest, word(args, 20)), modulo(rest, word(args, 20))
        image, group = quotient(rest, word(args, 5)), modulo(rest, word(args, 5))
        lines = least(word(args, 11), word(args, FIRST_PART + 7) - h0) + word(args, LAY + 12)
        c0 = 0
        while c0 < channels:
            many = least(c_block, channels - c0)
            source = image * word(args, 13) + (group * channels + c0) * word(args, 14)
            b0 = copy_planes(args, x, source, b, many, d0, h0, w0, lines)
            for part in range(word(args, PARTS)):
                multiply(args, part, a, b, b0, sums, table, out, c0, many, image, group, top, d0, h0, w0)
            c0 += c_block


def multiply(args, part, a, b, b0, sums, table, out, c0, many, image, group, top, d0, h0, w0):
    """Add up one part of a block: straight into the result where its rows are as long, else by way of `sums`."""
    at, m, rows, row = FIRST_PART + PART * part, word(args, 6), word(args, 27), word(args, ROW)
    hn, wn = least(word(args, 11), word(args, at + 7) - h0), least(word(args, 12), word(args, at + 8) - w0)
    if hn <= 0 or wn <= 0 or d0 >= word(args, at + 6):
        return 0
    out_c, out_h, out_w = word(args, 16), word(args, 25), word(args, 26)
    cells, n = word(args, at) * word(args, at + 1) * word(args, at + 2), (hn - 1) * row + wn
    panel = (1 + word(args, 8) * cells) * rows
    start = word(args, at + 10) + (group * quotient(m + rows - 1, rows) + quotient(top, rows)) * panel
    to = image * word(args, 15) + (group * m + top) * out_c + word(args, at + 9)
    to += d0 * word(args, 24) + h0 * out_h + w0 * out_w
    direct = out_w == 1 and (hn == 1 or (row == out_h and row == wn))
    for i in range(quotient(least(m - top, word(args, 7)) + rows - 1, rows)):
        height, weights = least(rows, m - top - i * rows), start + (1 + c0 * cells) * rows
        first = start if c0 == 0 else word(args, at + 11)
        k, entries = many * cells, table + 8 * word(args, at + 12)
        if direct:
            call(POSITIONS, a, weights, first, b, b0, entries, k, out, to, out_c, height, n, c0, rows)
        else:
            call(POSITIONS, a, weights, first, b, b0, entries, k, sums, 0, n, height, n, 0, rows)
            for r in range(height):
                call(PUT, out, to + r * out_c, out_h, out_w, sums, r * n, row, 1, wn, c0, hn)
        start += panel
        to += rows * out_c


def conv_table(args, table):
    """Set where each (channel, cell d, h, w) of each part reads, from where the block starts."""
    h_phases, copies, own = word(args, LAY + 11), word(args, LAY + 18), word(args, LAY + 19)
    p = table
    for part in range(word(args, PARTS)):
        at = FIRST_PART + PART * part
        for c in range(word(args, 9)):
            for d in range(word(args, at)):
                plane = c * word(args, ROW + 4) + (word(args, at + 3) + d * word(args, APART)) * word(args, ROW + 3)
                for h in range(word(args, at + 1)):
                    far = word(args, at + 4) + h * word(args, APART + 1)
                    line = plane + modulo(h, h_phases) * word(args, ROW + 1)
                    line += quotient(far, word(args, LAY + 9)) * word(args, ROW)
                    for w in range(word(args, at + 2)):
                        far = word(args, at + 5) + w * word(args, APART + 2)
                        if own != 0:
                            put(p, 0, line + w * word(args, ROW + 2))
                        else:
                            column = quotient(far, word(args, LAY + 16))
                            put(p, 0, line + modulo(w, copies) * word(args, ROW + 2) + column)
                        p += 8


def copy_planes(args, x, source, b, many, d0, h0, w0, lines):
    """Copy the rows that a block of positions sees, b[channel][plane d][copy w][phase h][line][place], zero outside.

    Words for d: length, stride, place of the first position, step, places between planes, planes; for h: length,
    stride, place, step, places between phases, phases, lines beyond those of the positions; for w: length, stride,
    place, step, places between copies, copies, whether each is one cell's own (else they are phases); then the strides
    of b: line, phase, copy, plane, channel. Return where the block starts: in x, if it is read in place.
    """
    d, h, w = LAY, LAY + 6, LAY + 13
    d0 = word(args, d + 2) + d0 * word(args, d + 3)
    h0 = word(args, h + 2) + h0 * word(args, h + 3)
    w0 = word(args, w + 2) + w0 * word(args, w + 3)
    if word(args, 10) != 0:
        return source + d0 * word(args, d + 1) + h0 * word(args, h + 1) + w0
    planes, copies, w_step = word(args, d + 5), word(args, w + 5), word(args, w + 3)
    for number in range(many * planes):
        channel, plane = quotient(number, planes), modulo(number, planes)
        place = d0 + plane * word(args, d + 4)
        at = source + channel * word(args, 14) + place * word(args, d + 1)
        for copy in range(copies):
            to, far = number * word(args, ROW + 3) + copy * word(args, ROW + 2), copy * word(args, w + 4)
            if place < 0 or place >= word(args, d):
                call(FRAME, b, to, 0, x, source, 0, 1, 0, 0, word(args, ROW + 2), 1)
            else:
                copy_plane(args, x, at, b, to, h0, w0 + (far if word(args, w + 6) != 0 else modulo(far, w_step)), lines)
    return 0


def copy_plane(args, x, at, b, to, h0, w0, lines):
    """Copy the lines of one plane for one cell or phase along w."""
    h, w, row = LAY + 6, LAY + 13, word(args, ROW)
    h_step, w_size, w_step = word(args, h + 3), word(args, w), word(args, w + 3)
    step = word(args, w + 1) * w_step
    first = steps_to(0, w0, w_step, row)
    last = largest(first, steps_to(w_size, w0, w_step, row))
    if step == 1 and h_step == 1 and word(args, h + 1) == row and w_size == row:
        # Rows of x are as long as those of the copy: all of them are one run, shifted, whose ends are then cleared.
        start = h0 * row + w0
        call(FRAME, b, to, 0, x, at + start, 0, 1, largest(0, -start), word(args, h) * row - start, lines * row, 1)
        call(CLEAR, b, to, row, first, last, lines)
        return 0
    for phase in range(word(args, h + 5)):
        place = h0 + modulo(phase * word(args, h + 4), h_step)
        top = steps_to(0, place, h_step, lines)
        end = largest(top, steps_to(word(args, h), place, h_step, lines))
        start = at + (place + top * h_step) * word(args, h + 1) + w0 * word(args, w + 1)
        frame_lines(b, to, x, start, h_step * word(args, h + 1), step, first, last, row, top, end, lines)
        to += word(args, ROW + 1)


def steps_to(stop, place, step, most):
    """Return how many of the places from `place` on, `step` apart and `most` in all, lie before `stop`."""
    return least(most, quotient(largest(0, stop - place + step - 1), step))


def frame_lines(out, to, x, start, x_row, step, first, last, row, top, end, lines):
    """Copy lines `top` to `end` of a plane, the first of which is at `start`; the others are zero."""
    call(FRAME, out, to, row, x, start, 0, 1, 0, 0, row, top)
    call(FRAME, out, to + top * row, row, x, start, x_row, step, first, last, row, end - top)
    call(FRAME, out, to + end * row, row, x, start, 0, 1, 0, 0, row, lines - end)


def conv_weight_sums(args, tile):
    """Weight gradient, summed over positions of chunks of images: out[chunk][group][(channel, cell)][o].

    Block by block of positions, the gradient of the output is turned, so that its channels lie side by side; then every
    cell of a window is a row of scalars, read where x lies (or from a copy with its padding). Words from 22 for each axis:
    length, stride of x, cells, first place, step, place of the next cell, positions, stride of y. Copies and tables are on
    the stack; those of very large windows lie behind the sums, from byte number 47.
    """
    x, y, out, rows = word(args, 0), word(args, 1), word(args, 2), word(args, 46)
    channels, c_block, m_out, length = word(args, 8), word(args, 9), word(args, 11), word(args, 13)
    h_block, w_block, in_place = word(args, 14), word(args, 15), word(args, 16)
    kd, kh, kw = word(args, 24), word(args, 32), word(args, 40)
    cells, pitch = kd * kh * kw, quotient(word(args, 12) + 15, 16) * 16
    h_blocks, w_blocks = quotient(word(args, 36) + h_block - 1, h_block), quotient(word(args, 44) + w_block - 1, w_block)
    c_blocks, o_blocks = quotient(channels + c_block - 1, c_block), quotient(m_out + word(args, 12) - 1, word(args, 12))
    steps, copies, memory = word(args, 10) * cells + rows, words_of(word(args, 17)), word(args, 47)
    entries = steps + h_block * w_block
    b = room(words_of(h_block * w_block * pitch))
    table = out + memory + tile * (copies + entries) * 8 if memory != 0 else room(entries)
    a = x
    if in_place == 0:
        a = table + entries * 8 if memory != 0 else room(copies)
    blocks, known, known_width = word(args, 28) * h_blocks * w_blocks, 0, 0
    for unit in range(tile * word(args, 4), least(word(args, 3), (tile + 1) * word(args, 4))):
        rest, c_first = quotient(unit, c_blocks), modulo(unit, c_blocks) * c_block
        rest, o = quotient(rest, o_blocks), modulo(rest, o_blocks) * word(args, 12)
        part, group = quotient(rest, word(args, 5)), modulo(rest, word(args, 5))
        many, c_last = least(word(args, 12), m_out - o), least(channels, c_first + c_block)
        target = (part * word(args, 5) + group) * channels * cells * length + o
        first = part * word(args, 7) * blocks
        for block in range(first, least(word(args, 6), (part + 1) * word(args, 7)) * blocks):
            rest, w0 = quotient(block, w_blocks), modulo(block, w_blocks) * w_block
            rest, h0 = quotient(rest, h_blocks), modulo(rest, h_blocks) * h_block
            image, d0 = quotient(rest, word(args, 28)), modulo(rest, word(args, 28))
            hn, wn = least(h_block, word(args, 36) - h0), least(w_block, word(args, 44) - w0)
            if hn != known or wn != known_width:
                weight_table(args, table, steps, hn, wn)
                known, known_width = hn, wn
            at = image * word(args, 20) + (group * m_out + o) * word(args, 21)
            at += d0 * word(args, 29) + h0 * word(args, 37) + w0 * word(args, 45)
            turn_block(args, y, at, b, pitch, many, hn, wn)
            place_d, place_h = word(args, 25) + d0 * word(args, 26), word(args, 33) + h0 * word(args, 34)
            place_w = word(args, 41) + w0 * word(args, 42)
            c0 = c_first
            while c0 < c_last:
                now = least(word(args, 10), c_last - c0)
                a0 = image * word(args, 18) + (group * channels + c0) * word(args, 19)
                if in_place != 0:
                    a0 += place_d * word(args, 23) + place_h * word(args, 31) + place_w * word(args, 39)
                else:
                    a0 = copy_padded(args, x, a0, a, now, place_d, place_h, place_w, hn, wn)
                r = 0
                while r < now * cells:
                    call(
                        CELLS, a, a0, table + 8 * r, table + 8 * steps, hn * wn, b, pitch, out,
                        target + (c0 * cells + r) * length, length, least(rows, now * cells - r), many, block - first, rows,
                    )  # fmt: skip
                    r += rows
                c0 += word(args, 10)


def copied_rows(args, hn):
    return (hn - 1) * word(args, 34) + (word(args, 32) - 1) * word(args, 35) + 1


def copied_row(args, wn):
    return (wn - 1) * word(args, 42) + (word(args, 40) - 1) * word(args, 43) + 1


def weight_table(args, table, steps, hn, wn):
    """Set where each (channel, cell) starts, and what each position adds."""
    kd, kh, kw, c_copy, in_place = word(args, 24), word(args, 32), word(args, 40), word(args, 10), word(args, 16)
    row, across = word(args, 31) if in_place != 0 else copied_row(args, wn), word(args, 39) if in_place != 0 else 1
    plane = copied_rows(args, hn) * row
    for r in range(steps):
        c, cell = quotient(r, kd * kh * kw), modulo(r, kd * kh * kw)
        c, d, rest = least(c, c_copy - 1), quotient(cell, kh * kw), modulo(cell, kh * kw)
        at = quotient(rest, kw) * word(args, 35) * row + modulo(rest, kw) * word(args, 43) * across
        if in_place != 0:
            at += c * word(args, 19) + d * word(args, 27) * word(args, 23)
        else:
            at += (c * kd + d) * plane
        put(table, 8 * r, at)
    table += 8 * steps
    for h in range(hn):
        for w in range(wn):
            put(table, 0, h * word(args, 34) * row + w * word(args, 42) * across)
            table += 8


def turn_block(args, y, at, b, pitch, many, hn, wn):
    """Set b[position][o] from `many` planes of y: hn rows of wn positions."""
    y_c, y_h, y_w = word(args, 21), word(args, 37), word(args, 45)
    if y_w == 1 and (y_h == wn or hn == 1):
        call(TURN, b, 0, pitch, y, at, y_c, many, hn * wn)
        return 0
    for h in range(hn):
        if y_w == 1:
            call(TURN, b, h * wn * pitch, pitch, y, at + h * y_h, y_c, many, wn)
        else:
            for w in range(wn):
                call(PUT, b, (h * wn + w) * pitch, 0, 1, y, at + h * y_h + w * y_w, 0, y_c, many, 0, 1)


def copy_padded(args, x, source, a, many, d0, h0, w0, hn, wn):
    """Copy the part of planes that a block of positions sees, a[channel][cell d][rows][row], zero outside."""
    rows, row = copied_rows(args, hn), copied_row(args, wn)
    first = steps_to(0, w0, 1, row)
    last = largest(first, steps_to(word(args, 38), w0, 1, row))
    top = steps_to(0, h0, 1, rows)
    end = largest(top, steps_to(word(args, 30), h0, 1, rows))
    to, kd = 0, word(args, 24)
    for number in range(many * kd):
        channel, d = quotient(number, kd), d0 + modulo(number, kd) * word(args, 27)
        at = source + channel * word(args, 19) + d * word(args, 23) + w0 * word(args, 39)
        inside = d >= 0 and d < word(args, 22)
        start = at + (h0 + top) * word(args, 31)
        frame_lines(a, to, x, start, word(args, 31), word(args, 39), first, last if inside else first, row, top, end, rows)
        to += rows * row
    return 0


def conv_weight_join(args, tile):
    """Add the chunks of a weight gradient in order and turn them: parts[chunk][group][row][o] to out[group][o][row]."""
    parts, out, m, channels, length = word(args, 0), word(args, 1), word(args, 5), word(args, 6), word(args, 7)
    sums = room(words_of(64 * 16))
    blocks, o_blocks, grain = quotient(m + 63, 64), quotient(channels + 15, 16), word(args, 8)
    for unit in range(tile * grain, least(word(args, 2), (tile + 1) * grain)):
        rest, top = quotient(unit, blocks), modulo(unit, blocks) * 64
        group, o = quotient(rest, o_blocks), modulo(rest, o_blocks) * 16
        rows, many = least(64, m - top), least(16, channels - o)
        for r in range(rows):
            at = (group * m + top + r) * length + o
            call(ADD_PARTS, sums, r * 16, parts, at, word(args, 4) * m * length, word(args, 3), many)
        call(TURN, out, (group * channels + o) * m + top, m, sums, 0, 16, rows, many)


def conv_weight_dots(args, tile):
    """Weight gradient of few channels per group, as dot products over positions: out[chunk][group][o][(channel, cell)].

    Words 8 to 14, and from LAY on, are those of `conv_product`.
    """
    x, y, out, channels, c_block = word(args, 0), word(args, 1), word(args, 2), word(args, 8), word(args, 9)
    cells = word(args, FIRST_PART) * word(args, FIRST_PART + 1) * word(args, FIRST_PART + 2)
    h_block, w_block, groups, m_out = word(args, 11), word(args, 12), word(args, 5), word(args, 15)
    nd, h_blocks, w_blocks, m, y_c = word(args, 20), word(args, 21), word(args, 22), channels * cells, word(args, 23)
    b = x if word(args, 10) != 0 else room(words_of(word(args, 17)))
    table = room(word(args, 19))
    conv_table(args, table)
    for unit in range(tile * word(args, 4), least(word(args, 3), (tile + 1) * word(args, 4))):
        part, group = quotient(unit, groups), modulo(unit, groups)
        first = part * word(args, 7) * nd * h_blocks * w_blocks
        for block in range(first, least(word(args, 6), (part + 1) * word(args, 7)) * nd * h_blocks * w_blocks):
            rest, w0 = quotient(block, w_blocks), modulo(block, w_blocks) * w_block
            rest, h0 = quotient(rest, h_blocks), modulo(rest, h_blocks) * h_block
            image, d0 = quotient(rest, nd), modulo(rest, nd)
            hn, wn = least(h_block, word(args, FIRST_PART + 7) - h0), least(w_block, word(args, FIRST_PART + 8) - w0)
            c0 = 0
            while c0 < channels:
                now = least(c_block, channels - c0)
                source = image * word(args, 13) + (group * channels + c0) * word(args, 14)
                b0 = copy_planes(args, x, source, b, now, d0, h0, w0, hn + word(args, LAY + 12))
                o = 0
                while o < m_out:
                    a0 = image * word(args, 16) + (group * m_out + o) * y_c
                    a0 += d0 * word(args, 24) + h0 * word(args, 25) + w0
                    c, q = ((part * groups + group) * m_out + o) * m + c0 * cells, 0
                    while q < now * cells:
                        call(
                            DOTS, y, a0, y_c, word(args, 25), b, b0, table + 8 * q, word(args, ROW), hn, wn, out, c + q, m,
                            least(word(args, 26), m_out - o), least(word(args, 27), now * cells - q), block - first,
                        )  # fmt: skip
                        q += word(args, 27)
                    o += word(args, 26)
                c0 += c_block


def conv_weight_add(args, tile):
    """Add the chunks of a weight gradient in order."""
    at, grain = tile * word(args, 4), word(args, 4)
    call(ADD_PARTS, word(args, 1), at, word(args, 0), at, word(args, 3), word(args, 2), least(grain, word(args, 3) - at))

