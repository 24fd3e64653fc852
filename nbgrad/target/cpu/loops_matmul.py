"""Products of matrices: blocks of the result, each a sum of panels (see panel.py) and an epilogue that stores them."""


def matmul(args, tile):
    """Batches of (m, k) @ (k, n), any strides; blocks of b are packed into rows first where word 23 says so.

    A unit is one block of rows and columns of one product. Its scratch: six rows of sums, then the packed block.
    """
    a, b, out, work, table = at0(args), at1(args), at2(args), at3(args), at4(args)
    m, k, n = word(args, 5), word(args, 6), word(args, 7)
    a_row, a_step, b_step, b_column = word(args, 8), word(args, 9), word(args, 10), word(args, 11)
    row_block, k_block, n_block, pitch = word(args, 12), word(args, 13), word(args, 14), word(args, 15)
    row_blocks, n_blocks, units = word(args, 16), word(args, 17), word(args, 18)
    grain, batch_axes = word(args, 19), word(args, 20)
    space, table_space, packed = word(args, 21), word(args, 22), word(args, 23) != 0
    sums, rows = tile * space, tile * table_space
    pack, steps = sums + 6 * pitch, rows + row_block + 6
    right = work if packed else b
    for unit in range(tile * grain, min(units, (tile + 1) * grain)):
        first, rest = (unit % n_blocks) * n_block, unit // n_blocks
        top, batch = (rest % row_blocks) * row_block, rest // row_blocks
        a0, b0, c0, rest = 0, 0, batch * m * n, batch
        for axis in range(batch_axes - 1, -1, -1):
            at = 24 + 3 * axis
            i = rest % word(args, at)
            rest = rest // word(args, at)
            a0 += i * word(args, at + 1)
            b0 += i * word(args, at + 2)
        b0 += first * b_column
        count, columns = min(row_block, m - top), min(n_block, n - first)
        for r in range(count + 6):
            table[rows + r] = a0 + (top + min(r, count - 1)) * a_row
        for start in range(0, k, k_block):
            depth = min(k_block, k - start)
            for p in range(depth):
                table[steps + p] = (start + p) * a_step
                table[steps + depth + p] = pack + p * pitch if packed else b0 + (start + p) * b_step
            if packed:
                pack_columns(b, b0 + start * b_step, b_step, b_column, work, pack, pitch, depth, columns)
            for r in range(0, count, 6):
                height = min(6, count - r)
                panel(a, right, work, table, height, rows + r, steps, depth, 0, sums, pitch, columns)
                for h in range(height):
                    c = c0 + (top + r + h) * n + first
                    s = sums + h * pitch
                    if start == 0:
                        for j in range(columns):
                            out[c + j] = work[s + j]
                    else:
                        for j in range(columns):
                            out[c + j] = T2(out[c + j] + work[s + j])


def pack_columns(b, start, step, column, work, to, pitch, depth, columns):
    """Copy `depth` rows of `columns` numbers into rows of `pitch`, four columns at a time."""
    for j in range(0, columns, 4):
        last = columns - 1
        b0 = start + j * column
        b1 = start + min(j + 1, last) * column
        b2 = start + min(j + 2, last) * column
        b3 = start + min(j + 3, last) * column
        for p in range(depth):
            w = to + p * pitch + j
            q = p * step
            work[w] = b[b0 + q]
            work[w + 1] = b[b1 + q]
            work[w + 2] = b[b2 + q]
            work[w + 3] = b[b3 + q]


def matmul_dots(args, tile):
    """Rows of a times a few vectors, all contiguous along k: (m, k) by (n, k) -> out[i * row + j * column]."""
    a, b, out = at0(args), at1(args), at2(args)
    m, k, n = word(args, 3), word(args, 4), word(args, 5)
    a_row, b_row, row, column = word(args, 6), word(args, 7), word(args, 8), word(args, 9)
    units, grain, batch_axes = word(args, 10), word(args, 11), word(args, 12)
    for unit in range(tile * grain, min(units, (tile + 1) * grain)):
        i, rest = unit % m, unit // m
        a0, b0, c0 = i * a_row, 0, rest * m * n + i * row
        for axis in range(batch_axes - 1, -1, -1):
            at = 13 + 3 * axis
            step = rest % word(args, at)
            rest = rest // word(args, at)
            a0 += step * word(args, at + 1)
            b0 += step * word(args, at + 2)
        for j in range(n):
            out[c0 + j * column] = dot(a, a0, b, b0 + j * b_row, k)


HELPERS = {"matmul": ("panel.py", pack_columns), "matmul_dots": ("panel.py",)}
