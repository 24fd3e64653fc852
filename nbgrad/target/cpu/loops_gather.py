"""Loops that read or write where integers say. Negative indices count from the end; others out of range touch nothing.

Indices are checked before a kernel is launched; where a program is replayed with new ones, an element that is not there
reads as the fill value (NaN for floats, 0 for integers) and is not written.
"""


def take(args, tile):
    """out[i, j, :] = x[i, index[j], :]; a unit is a block of one inner row."""
    x, index, out = at0(args), at1(args), at2(args)
    units, per_tile, blocks, block = word(args, 3), word(args, 4), word(args, 5), word(args, 6)
    n, size, inner, fill = word(args, 7), word(args, 8), word(args, 9), T2(word(args, 10))
    unit, stop = tile * per_tile, min(units, (tile + 1) * per_tile)
    while unit < stop:
        row = unit // blocks
        first = (unit - row * blocks) * block
        last = min(first + block, inner)
        i = row // n
        count = min((i + 1) * n - row, stop - unit) if blocks == 1 else 1
        for r in range(row, row + count):
            at = index[r - i * n]
            at += size if at < 0 else 0
            to = r * inner
            if 0 <= at < size:
                source = (i * size + at) * inner
                for k in range(first, last):
                    out[to + k] = x[source + k]
            else:
                for k in range(first, last):
                    out[to + k] = fill
        unit += count


def take_flat(args, tile):
    """out[i, j] = x[i, index[j]]: the loop of take where an inner row is one element and `x` is not empty."""
    x, index, out = at0(args), at1(args), at2(args)
    total, grain, n, size, fill = word(args, 3), word(args, 4), word(args, 5), word(args, 6), T2(word(args, 7))
    e, last = tile * grain, min(total, (tile + 1) * grain)
    while e < last:
        i = e // n
        stop = min(last, (i + 1) * n)
        for to in range(e, stop):
            at = index[to - i * n]
            at += size if at < 0 else 0
            inside = 0 <= at < size
            value = x[i * size + (at if inside else 0)]
            out[to] = value if inside else fill
        e = stop


def scatter(args, tile):
    """Add to (S0 "add") or write over (S0 "set") out[i, index[j], :] the rows v[i, j, :], in the order of j.

    A unit is a block of columns of one i, so that no two units write the same cell.
    """
    v, index, out = at0(args), at1(args), at2(args)
    units, per_tile, blocks, block = word(args, 3), word(args, 4), word(args, 5), word(args, 6)
    n, size, inner = word(args, 7), word(args, 8), word(args, 9)
    for unit in range(tile * per_tile, min(units, (tile + 1) * per_tile)):
        i = unit // blocks
        first = (unit - i * blocks) * block
        last = min(first + block, inner)
        for j in range(n):
            at = index[j]
            at += size if at < 0 else 0
            if 0 <= at < size:
                to = (i * size + at) * inner
                source = (i * n + j) * inner
                for k in range(first, last):
                    out[to + k] = T2(out[to + k] + v[source + k]) if S0 == "add" else v[source + k]


def take_along(args, tile):
    """out[i, j, k] = x[i, index[i, j, k], k]; a unit is a block of the plane (j, k) of one i."""
    x, index, out = at0(args), at1(args), at2(args)
    units, per_tile, blocks, block = word(args, 3), word(args, 4), word(args, 5), word(args, 6)
    plane, size, inner, fill = word(args, 7), word(args, 8), word(args, 9), T2(word(args, 10))
    for unit in range(tile * per_tile, min(units, (tile + 1) * per_tile)):
        i = unit // blocks
        first = (unit - i * blocks) * block
        k = first % inner
        source = i * size * inner
        for e in range(i * plane + first, i * plane + min(first + block, plane)):
            at = index[e]
            at += size if at < 0 else 0
            out[e] = x[source + at * inner + k] if 0 <= at < size else fill
            k += 1
            if k == inner:
                k = 0


def scatter_along(args, tile):
    """Add v[i, j, k] to out[i, index[i, j, k], k] (S0 "add"), or write it there (S0 "set"), in the order of j."""
    v, index, out = at0(args), at1(args), at2(args)
    units, per_tile, blocks, block = word(args, 3), word(args, 4), word(args, 5), word(args, 6)
    n, size, inner = word(args, 7), word(args, 8), word(args, 9)
    for unit in range(tile * per_tile, min(units, (tile + 1) * per_tile)):
        i = unit // blocks
        first = (unit - i * blocks) * block
        last = min(first + block, inner)
        for j in range(n):
            row = (i * n + j) * inner
            for k in range(first, last):
                at = index[row + k]
                at += size if at < 0 else 0
                if 0 <= at < size:
                    to = (i * size + at) * inner + k
                    out[to] = T2(out[to] + v[row + k]) if S0 == "add" else v[row + k]


def last_at(args, tile):
    """out[c] = 1 + the last j with index[j] == c, in zeros."""
    index, out = at0(args), at1(args)
    n, size = word(args, 2), word(args, 3)
    for j in range(n):
        at = index[j]
        at += size if at < 0 else 0
        if 0 <= at < size:
            out[at] = j + 1


def searchsorted(args, tile):
    """out[e] = how many of the sorted a are smaller than v[e] (S0 "left"), or not larger (S0 "right"); NaN is largest."""
    a, v, out = at0(args), at1(args), at2(args)
    total, grain, n = word(args, 3), word(args, 4), word(args, 5)
    for e in range(tile * grain, min(total, (tile + 1) * grain)):
        x = v[e]
        low, length = 0, n
        while length > 0:
            half = length // 2
            y = a[low + half]
            if S0 == "left":
                before = y < x or (x != x and y == y)
            else:
                before = y <= x or x != x
            low += half + 1 if before else 0
            length = length - half - 1 if before else half
        out[e] = low
