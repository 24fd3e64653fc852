"""Scans along an axis. A unit is a block of columns of one outer index; the last static choice says: one column only.

Lines of one column keep the running value in a register; blocks of columns are vectors that read the row before.
"""


def running_sum(args, tile):
    """out[i] = out[i - 1] + x[i]."""
    x, out = at0(args), at1(args)
    units, per_tile, blocks, block = word(args, 2), word(args, 3), word(args, 4), word(args, 5)
    n, inner, start, step = word(args, 6), word(args, 7), word(args, 8), word(args, 9)
    for unit in range(tile * per_tile, min(units, (tile + 1) * per_tile)):
        if S0:
            e = unit * n + start
            total = T1(0)
            for _ in range(n):
                total = T1(total + x[e])
                out[e] = total
                e += step
        else:
            i = unit // blocks
            first = (unit - i * blocks) * block
            count = min(block, inner - first)
            e = i * n * inner + start + first
            for k in range(count):
                out[e + k] = x[e + k]
            for _ in range(n - 1):
                before = e
                e += step
                for k in range(count):
                    out[e + k] = T1(out[before + k] + x[e + k])


def linear_recurrence(args, tile):
    """out[i] = a[i] * out[i - 1] + b[i]; a[0] is not read."""
    a, b, out = at0(args), at1(args), at2(args)
    units, per_tile, blocks, block = word(args, 3), word(args, 4), word(args, 5), word(args, 6)
    n, inner, start, step = word(args, 7), word(args, 8), word(args, 9), word(args, 10)
    for unit in range(tile * per_tile, min(units, (tile + 1) * per_tile)):
        if S0:
            e = unit * n + start
            state = b[e]
            out[e] = state
            for _ in range(n - 1):
                e += step
                state = T2(a[e] * state + b[e])
                out[e] = state
        else:
            i = unit // blocks
            first = (unit - i * blocks) * block
            count = min(block, inner - first)
            e = i * n * inner + start + first
            for k in range(count):
                out[e + k] = b[e + k]
            for _ in range(n - 1):
                before = e
                e += step
                for k in range(count):
                    out[e + k] = T2(a[e + k] * out[before + k] + b[e + k])


def running_arg(args, tile):
    """out[i] = where along the axis the largest (S0 "max") or smallest of x[0..i] was first met; a NaN beats all."""
    x, out = at0(args), at1(args)
    units, per_tile, blocks, block = word(args, 2), word(args, 3), word(args, 4), word(args, 5)
    n, inner = word(args, 6), word(args, 7)
    for unit in range(tile * per_tile, min(units, (tile + 1) * per_tile)):
        i = unit // blocks
        first = (unit - i * blocks) * block
        for k in range(first, min(first + block, inner)):
            e = i * n * inner + k
            best, where = x[e], 0
            for j in range(n):
                y = x[e + j * inner]
                if best == best and ((y > best if S0 == "max" else y < best) or y != y):
                    best, where = y, j
                out[e + j * inner] = where
