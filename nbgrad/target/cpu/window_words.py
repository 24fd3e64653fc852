"""Convolution in words: which rows are copied, where each cell of a window reads, which block of sums comes next.

Forwards, and for the gradient of the input, a unit of work is a block of positions of one image and group. For a block
of channels, `copy_planes` lays the rows that it sees side by side, so that what one cell sees at successive positions is
contiguous; then each cell is a row of the right factor at its own offset, and `positions` multiplies it with all weights.
"""

from .words import call, get, put, quotient, room, variables

# The innermost loops, and bytes of a number (see window_blocks.py and window_rows.py).
POSITIONS, CELLS, DOTS, FRAME, CLEAR, PUT, ZERO, ADD_PARTS, TURN, BYTES = variables(10)
LAY, ROW, APART, PARTS, FIRST_PART, PART = 29, 49, 54, 57, 58, 13  # words of what is copied, and of the parts
OPERANDS = 12  # pointers of the kernel that finishes a block, as in plan/finishing.py


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
    products(args, tile, 0)


def conv_finished(args, tile):
    """As `conv_product`; then a kernel of elementwise rows is run on each part of the result while it is in cache.

    The pointers of its OPERANDS come first (a pointer that is not needed is any of them), and behind the words of the
    parts stand those of `finish`. One part is finished panel by panel; several fill a block together.
    """
    products(args + 8 * OPERANDS, tile, 1)


def products(args, tile, finishes):
    """Add up blocks of positions, and finish each where that is asked for."""
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
                last = finishes != 0 and word(args, PARTS) == 1 and c0 + many == channels
                multiply(args, part, a, b, b0, sums, table, out, c0, many, image, group, top, d0, h0, w0, last)
            c0 += c_block
        if finishes != 0 and word(args, PARTS) > 1:
            finish(args, image, group * word(args, 6) + top, least(word(args, 6) - top, word(args, 7)), d0, h0, w0)


def multiply(args, part, a, b, b0, sums, table, out, c0, many, image, group, top, d0, h0, w0, last):
    """Add up one part of a block: straight into the result where its rows are as long, else by way of `sums`.

    The sums of a panel are done behind the `last` channels.
    """
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
        if last != 0:
            finish(args, image, group * m + top + i * rows, height, d0, h0, w0)
        start += panel
        to += rows * out_c


def finish(args, image, channel, channels, d0, h0, w0):
    """Run a kernel of elementwise rows (`map` in templates.py) on some channels of a block: a box of the result.

    Words: the kernel, how many operands, how many of the axes channel, d, h are walked as one with those behind them; for
    d, h, w: how many places a position stands for, places of the result; then for each operand: bytes of a number,
    strides of image, channel, d, h, w, and of the innermost axis that is walked.
    """
    at = FIRST_PART + PART * word(args, PARTS)
    count, joined, operand, block = word(args, at + 1), word(args, at + 2), at + 9, room(72)
    d0, h0, w0 = d0 * word(args, at + 3), h0 * word(args, at + 4), w0 * word(args, at + 5)
    dn = least(word(args, at + 3), word(args, at + 6) - d0)
    hn = least(word(args, 11) * word(args, at + 4), word(args, at + 7) - h0)
    n = least(word(args, 12) * word(args, at + 5), word(args, at + 8) - w0)
    inner = block + 8 * (count + 6)
    outer = inner + 8 * (count + 3)
    for i in range(count):
        place = image * word(args, operand + 1) + channel * word(args, operand + 2)
        place += d0 * word(args, operand + 3) + h0 * word(args, operand + 4) + w0 * word(args, operand + 5)
        put(block, 8 * i, word(args, i - OPERANDS) + place * word(args, operand))
        put(inner, 8 * i, word(args, operand + 6))
        put(outer, 24 * i, word(args, operand + 2))
        put(outer, 24 * i + 8, word(args, operand + 3))
        put(outer, 24 * i + 16, word(args, operand + 4))
        operand += 7
    if joined > 0:
        n, hn = n * hn, 1
    if joined > 1:
        n, dn = n * dn, 1
    if joined > 2:
        n, channels = n * channels, 1
    rows, words = channels * dn * hn, block + 8 * count
    put(words, 0, n)
    put(words, 8, n)
    put(words, 16, 1)
    put(words, 24, rows)
    put(words, 32, rows)
    put(words, 40, 3)
    put(outer, -24, channels)
    put(outer, -16, dn)
    put(outer, -8, hn)
    call(word(args, at), block, 0)


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
    row = word(args, ROW)
    runs = word(args, w + 1) * w_step == 1 and word(args, h + 3) == 1 and word(args, h + 1) == row and word(args, w) == row
    if runs != 0 and planes == 1 and d0 >= 0 and d0 < word(args, d):
        for copy in range(copies):
            to, far = copy * word(args, ROW + 2), copy * word(args, w + 4)
            copy_runs(args, x, source + d0 * word(args, d + 1), b, to, h0, w0 + far, lines, many)
        return 0
    for number in range(many * planes):
        channel, plane = quotient(number, planes), modulo(number, planes)
        place = d0 + plane * word(args, d + 4)
        at = source + channel * word(args, 14) + place * word(args, d + 1)
        for copy in range(copies):
            to, far = number * word(args, ROW + 3) + copy * word(args, ROW + 2), copy * word(args, w + 4)
            if place < 0 or place >= word(args, d):
                call(FRAME, b, to, 0, x, source, 0, 1, 0, 0, word(args, ROW + 2), 1)
            elif runs != 0:
                copy_runs(args, x, at, b, to, h0, w0 + far, lines, 1)
            else:
                copy_plane(args, x, at, b, to, h0, w0 + (far if word(args, w + 6) != 0 else modulo(far, w_step)), lines)
    return 0


def copy_runs(args, x, at, b, to, h0, w0, lines, many):
    """Copy the planes of channels, whose rows are as long as those of the copy: one run each, shifted, its ends cleared.

    All channels at once: calls for each of them take longer than to copy 4 x 4 places.
    """
    row, pitch, start = word(args, ROW), word(args, ROW + 4), h0 * word(args, ROW) + w0
    first = steps_to(0, w0, 1, row)
    last = largest(first, steps_to(row, w0, 1, row))
    size = word(args, LAY + 6) * row
    call(FRAME, b, to, pitch, x, at + start, word(args, 14), 1, largest(0, -start), size - start, lines * row, many)
    call(CLEAR, b, to, row, first, last, lines, pitch, many)


def copy_plane(args, x, at, b, to, h0, w0, lines):
    """Copy the lines of one plane for one cell or phase along w."""
    h, w, row = LAY + 6, LAY + 13, word(args, ROW)
    h_step, w_step = word(args, h + 3), word(args, w + 3)
    step = word(args, w + 1) * w_step
    first = steps_to(0, w0, w_step, row)
    last = largest(first, steps_to(word(args, w), w0, w_step, row))
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
