"""Products of matrices: blocks of the result, each a sum of what the micro-kernel (see micro.py) adds up in registers.

S0, S1, S2 are the block of the micro-kernel: rows, vectors, bytes of a vector; S3 is its columns, the width of a sliver
of the right factor. `finish` is the epilogue (see epilogue.py), applied to a part of the result while it is in cache.
"""

from . import host, micro, turning  # noqa: F401 - one tells the plans what this machine is, two what kernels call
from .epilogue import epilogue_text

FEW = 256  # numbers of a right factor that are turned one by one


def matmul(args, tile):
    """Blocks of rows and columns of the products of a batch; the factors are read where they lie, or packed.

    Words: m k n; what is added to a place in a for the next row, step, block of steps, panel of rows; in b for the next
    step, block of steps, sliver; in c for the next row, matrix, part of k; rows of a panel, rows, steps and columns of a
    block; number of blocks of rows and of columns, parts of k, steps of a part; units, grain; whether to add to what c
    holds; places where a and b start, number of the first matrix of c; batch axes, then length, stride in a, stride in
    b of each, and the words of `finish`.
    """
    a, b, c = at0(args), at1(args), at2(args)
    m, k, n = word(args, P), word(args, P + 1), word(args, P + 2)
    a_row, a_step, a_far, a_panel = word(args, P + 3), word(args, P + 4), word(args, P + 5), word(args, P + 6)
    b_step, b_far, b_sliver = word(args, P + 7), word(args, P + 8), word(args, P + 9)
    c_row, c_matrix, c_part = word(args, P + 10), word(args, P + 11), word(args, P + 12)
    panel, row_block, depth, n_block = word(args, P + 13), word(args, P + 14), word(args, P + 15), word(args, P + 16)
    part_steps, grain, onto = word(args, P + 20), word(args, P + 22), word(args, P + 23)
    axes = word(args, P + 27)
    for unit in range(tile * grain, min(word(args, P + 21), (tile + 1) * grain)):
        row, first, part, batch, left, right = unit_place(args, P, unit)
        left += row // panel * a_panel
        right += first // S3 * b_sliver
        rows, last = min(row_block, m - row), min(k, (part + 1) * part_steps)
        to = batch * c_matrix + part * c_part + row * c_row + first
        for start in range(part * part_steps, max(last, 1), depth):
            steps, add = min(depth, last - start), onto if start == part * part_steps else 1
            y = right + start // depth * b_far
            for j in range(0, min(n_block, n - first), S3):
                width, x = min(S3, n - first - j), left + start // depth * a_far
                for r in range(0, rows, panel):
                    o, count = to + r * c_row + j, min(panel, rows - r)
                    micro(a, x, a_row, a_step, b, y, b_step, steps, c, o, c_row, count, width, add, S0, S1, S2)
                    x += a_panel
                y += b_sliver
                if start + steps == last:
                    finish(args, c, to + j, c_row, P + 28 + 3 * axes, batch, row, first + j, rows, width)


def matmul_turned(args, tile):
    """As `matmul`, for a right factor whose columns lie along k: each sliver is turned first, on the stack.

    Here the words of b are those for the next column, block of steps, sliver.
    """
    a, b, c = at0(args), at1(args), at2(args)
    m, k, n = word(args, P), word(args, P + 1), word(args, P + 2)
    a_row, a_step, a_far = word(args, P + 3), word(args, P + 4), word(args, P + 5)
    b_column, b_far, b_sliver = word(args, P + 7), word(args, P + 8), word(args, P + 9)
    c_row, c_matrix, c_part = word(args, P + 10), word(args, P + 11), word(args, P + 12)
    row_block, depth, n_block = word(args, P + 14), word(args, P + 15), word(args, P + 16)
    part_steps, grain, onto = word(args, P + 20), word(args, P + 22), word(args, P + 23)
    axes = word(args, P + 27)
    sliver = stack(c, depth * S3)
    for unit in range(tile * grain, min(word(args, P + 21), (tile + 1) * grain)):
        row, first, part, batch, left, right = unit_place(args, P, unit)
        left += row * a_row
        right += first // S3 * b_sliver
        rows, last = min(row_block, m - row), min(k, (part + 1) * part_steps)
        to = batch * c_matrix + part * c_part + row * c_row + first
        for j in range(0, min(n_block, n - first), S3):
            width = min(S3, n - first - j)
            for start in range(part * part_steps, max(last, 1), depth):
                steps, add = min(depth, last - start), onto if start == part * part_steps else 1
                x, y = left + start // depth * a_far, right + start // depth * b_far
                if steps * width > FEW:
                    turn(sliver, 0, S3, b, y, b_column, width, steps, S2)
                else:
                    for i in range(width):
                        for p in range(steps):
                            sliver[p * S3 + i] = b[y + i * b_column + p]
                micro(a, x, a_row, a_step, sliver, 0, S3, steps, c, to + j, c_row, rows, width, add, S0, S1, S2)
            right += b_sliver
            finish(args, c, to + j, c_row, P + 28 + 3 * axes, batch, row, first + j, rows, width)


def unit_place(args, at, unit):
    """Return row, column, part, matrix of a unit of `matmul`, whose words start at `at`, and where its factors start."""
    row_blocks, n_blocks, parts = word(args, at + 17), word(args, at + 18), word(args, at + 19)
    row, first, part, rest = 0, 0, 0, unit
    if row_blocks > 1:
        row, rest = rest % row_blocks * word(args, at + 14), rest // row_blocks
    if n_blocks > 1:
        first, rest = rest % n_blocks * word(args, at + 16), rest // n_blocks
    if parts > 1:
        part, rest = rest % parts, rest // parts
    left, right, batch = word(args, at + 24), word(args, at + 25), rest + word(args, at + 26)
    for axis in range(word(args, at + 27) - 1, -1, -1):
        words = at + 28 + 3 * axis
        i = rest % word(args, words)
        rest = rest // word(args, words)
        left += i * word(args, words + 1)
        right += i * word(args, words + 2)
    return row, first, part, batch, left, right


def matmul_batch(args, tile):
    """Many small products: no block but the matrix, no division but where an axis of the batch ends.

    Words: m k n; strides of a, b, c; c of the next matrix; products, grain; whether to add; batch axes (at least one),
    then length, stride in a, stride in b of each, and the words of `finish`.
    """
    a, b, c = at0(args), at1(args), at2(args)
    m, k, n = word(args, P), word(args, P + 1), word(args, P + 2)
    a_row, a_step, b_step, c_row, c_matrix = (
        word(args, P + 3), word(args, P + 4), word(args, P + 5), word(args, P + 6), word(args, P + 7))
    units, grain, onto, axes = word(args, P + 8), word(args, P + 9), word(args, P + 10), word(args, P + 11)
    length, a_next, b_next = word(args, P + 9 + 3 * axes), word(args, P + 10 + 3 * axes), word(args, P + 11 + 3 * axes)
    batch, stop = tile * grain, min(units, (tile + 1) * grain)
    while batch < stop:
        left, right, rest = 0, 0, batch
        for axis in range(axes - 1, -1, -1):
            at = P + 12 + 3 * axis
            i = rest % word(args, at)
            rest = rest // word(args, at)
            left += i * word(args, at + 1)
            right += i * word(args, at + 2)
        for last in range(min(stop, batch + length - batch % length) - batch):
            to = (batch + last) * c_matrix
            for j in range(0, n, S3):
                width = min(S3, n - j)
                micro(a, left, a_row, a_step, b, right + j, b_step, k, c, to + j, c_row, m, width, onto, S0, S1, S2)
                finish(args, c, to + j, c_row, P + 12 + 3 * axes, batch + last, 0, j, m, width)
            left += a_next
            right += b_next
        batch += min(stop - batch, length - batch % length)


def matmul_pack(args, tile):
    """Copy the rows of a factor into slivers: the rows of a few columns one behind the other.

    Rows are read a few at a time and whole, which the memory likes best. S0, S1 are the vectors of a sliver and their
    bytes, S2 its columns. Words: rows, columns, stride of the rows, where they start; rows of a tile.
    """
    x, out = at0(args), at1(args)
    rows, columns, step, start = word(args, 2), word(args, 3), word(args, 4), word(args, 5)
    top = tile * word(args, 6)
    last = min(rows, top + word(args, 6))
    for first in range(0, columns, S2):
        at, to = start + top * step + first, first * rows + top * S2
        if first + S2 <= columns:
            for _ in range(top, last):
                copy_vectors(out, to, x, at, S0, S1)
                at += step
                to += S2
        else:
            for _ in range(top, last):
                for j in range(columns - first):
                    out[to + j] = x[at + j]
                at += step
                to += S2


def matmul_turn(args, tile):
    """Copy columns that lie along k into slivers, as `matmul_pack` does with rows.

    Words: steps k, columns, stride of the columns, where they start; blocks of steps, steps of a block.
    """
    x, out = at0(args), at1(args)
    k, columns, column, start = word(args, 2), word(args, 3), word(args, 4), word(args, 5)
    blocks, block = word(args, 6), word(args, 7)
    first, top = tile // blocks * S3, tile % blocks * block
    at, to = start + first * column + top, first * k + top * S3
    turn(out, to, S3, x, at, column, min(S3, columns - first), min(block, k - top), S2)


def matmul_join(args, tile):
    """Add the parts of a product in order: parts[part][matrix][row][column] to c, a few rows per tile.

    Words: parts, rows of all matrices, columns, rows of a matrix, rows per tile, whether to add to what c holds, number of
    the first matrix of c; then the words of `finish`.
    """
    c, given = at0(args), at1(args)
    parts, rows, n, m = word(args, P), word(args, P + 1), word(args, P + 2), word(args, P + 3)
    grain, onto, first_matrix = word(args, P + 4), word(args, P + 5), word(args, P + 6)
    for row in range(tile * grain, min(rows, (tile + 1) * grain)):
        at, to = row * n, (first_matrix * m + row) * n
        if onto != 0:
            for j in range(n):
                c[to + j] = T0(c[to + j] + given[at + j])
        else:
            for j in range(n):
                c[to + j] = given[at + j]
        for _ in range(1, parts):
            at += rows * n
            for j in range(n):
                c[to + j] = T0(c[to + j] + given[at + j])
        finish(args, c, to, n, P + 7, first_matrix + row // m, row % m, 0, 1, n)


def matmul_rows(args, tile):
    """A few rows times a large right factor that is read once, whole lines at a time: a block of columns and a part of k.

    Words: m k n; strides of a; stride of the rows of b; c of the next row, part, matrix; columns of a block, blocks,
    parts, steps of a part; whether to add; batch axes, then length, stride in a, stride in b of each.
    """
    a, b, c = at0(args), at1(args), at2(args)
    m, k, n = word(args, 3), word(args, 4), word(args, 5)
    a_row, a_step, b_step = word(args, 6), word(args, 7), word(args, 8)
    c_row, c_part, c_matrix = word(args, 9), word(args, 10), word(args, 11)
    n_block, blocks, parts, part_steps = word(args, 12), word(args, 13), word(args, 14), word(args, 15)
    onto, axes = word(args, 16), word(args, 17)
    first, rest = tile % blocks * n_block, tile // blocks
    part, batch = rest % parts, rest // parts
    left, right, rest = 0, first, batch
    for axis in range(axes - 1, -1, -1):
        at = 18 + 3 * axis
        i = rest % word(args, at)
        rest = rest // word(args, at)
        left += i * word(args, at + 1)
        right += i * word(args, at + 2)
    to, columns = batch * c_matrix + part * c_part + first, min(n_block, n - first)
    for r in range(m):
        if onto == 0:
            for j in range(columns):
                c[to + r * c_row + j] = T2(0)
    for p in range(part * part_steps, min(k, (part + 1) * part_steps), 4):
        # Past the end the last row is read again, times zero: but zero times infinity is not zero, so skip it.
        count = min(4, min(k, (part + 1) * part_steps) - p)
        y = right + p * b_step
        for r in range(m):
            o, x = to + r * c_row, left + r * a_row + p * a_step
            if count == 4:
                x0, x1, x2, x3 = a[x], a[x + a_step], a[x + 2 * a_step], a[x + 3 * a_step]
                y1, y2, y3 = y + b_step, y + 2 * b_step, y + 3 * b_step
                for j in range(columns):
                    c[o + j] = T2(c[o + j] + x0 * b[y + j] + x1 * b[y1 + j] + x2 * b[y2 + j] + x3 * b[y3 + j])
            else:
                for q in range(count):
                    x0, y1 = a[x + q * a_step], y + q * b_step
                    for j in range(columns):
                        c[o + j] = T2(c[o + j] + x0 * b[y1 + j])


def matmul_dots(args, tile):
    """Rows of a times a few vectors, all contiguous along k: (m, k) by (n, k) -> out[i * row + j * column].

    Words: m k n; strides of the rows of a and b; of out over i, j, parts of k; units, grain; parts, steps of a part;
    batch axes, then length, stride in a, stride in b of each.
    """
    a, b, out = at0(args), at1(args), at2(args)
    m, k, n = word(args, 3), word(args, 4), word(args, 5)
    a_row, b_row, row, column, c_part = word(args, 6), word(args, 7), word(args, 8), word(args, 9), word(args, 10)
    units, grain, parts, part_steps = word(args, 11), word(args, 12), word(args, 13), word(args, 14)
    for unit in range(tile * grain, min(units, (tile + 1) * grain)):
        i, rest = unit % m, unit // m
        part, rest = rest % parts, rest // parts
        start = part * part_steps
        a0, b0, c0 = i * a_row + start, start, rest * m * n + i * row + part * c_part
        for axis in range(word(args, 15) - 1, -1, -1):
            at = 16 + 3 * axis
            step = rest % word(args, at)
            rest = rest // word(args, at)
            a0 += step * word(args, at + 1)
            b0 += step * word(args, at + 2)
        for j in range(n):
            out[c0 + j * column] = dot(a, a0, b, b0 + j * b_row, min(part_steps, k - start))


FINISH = ("finish", epilogue_text)
HELPERS = {
    "matmul": ("micro_call.py", FINISH, unit_place),
    "matmul_turned": ("micro_call.py", FINISH, unit_place),
    "matmul_batch": ("micro_call.py", FINISH), "matmul_pack": ("micro_call.py",), "matmul_turn": ("micro_call.py",),
    "matmul_join": (FINISH,), "matmul_dots": ("dot.py",),
}  # fmt: skip
