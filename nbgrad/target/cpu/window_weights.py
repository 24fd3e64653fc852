"""The gradient of a convolution in its weight, in words: cells of the input times channels of the output, over positions."""

from .window_words import (
    ADD_PARTS,
    CELLS,
    DOTS,
    FIRST_PART,
    LAY,
    PUT,
    ROW,
    TURN,
    conv_table,
    copy_planes,
    frame_lines,
    largest,
    least,
    modulo,
    steps_to,
    word,
    words_of,
)
from .words import call, put, quotient, room


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
