"""Loops that write where integers say, and add up what meets there. Indices out of range are not written.

S0 says what happens to what is there: "add", "set" (written over), "max" and "min" (NaN wins), and for single elements
"count"; S1 is how many lanes a vector of rows has. No two tiles write the same cell, and each meets the rows in the order of the indices.
"""


def scatter(args, tile):
    """Write the rows v[i, j, :] to out[i, index[j], :]; rows of the rectangle are the i, so that a tile owns whole columns."""
    v, index, out = at0(args), at1(args), at2(args)
    low, high, first, last = rectangle(tile, word(args, 3), word(args, 4), word(args, 5), word(args, 6))
    n, size, inner = word(args, 7), word(args, 8), word(args, 9)
    for i in range(low, high):
        for j in range(n):
            at = counted(index, j, size)
            if inside(at, size):
                to, source = (i * size + at) * inner + first, (i * n + j) * inner + first
                if S0 == "set":
                    put_row(S1, out, to, v, source, last - first)
                else:
                    join_row(S1, S0, out, to, v, source, last - first)


def scatter_flat(args, tile):
    """Write v[i, j] to out[i, index[i * step + j]]: inner rows of one element; a tile owns some i.

    The cell that was met last stays in a register: neighbours that meet in it do not wait for memory.
    """
    v, index, out = at0(args), at1(args), at2(args)
    outer, grain, n, size, step = word(args, 3), word(args, 4), word(args, 5), word(args, 6), word(args, 7)
    cell, held = -1, T2(0)
    for i in range(tile * grain, min(outer, (tile + 1) * grain)):
        shift = i * (step - n)
        for e in range(i * n, (i + 1) * n):
            at = counted(index, e + shift, size)
            if inside(at, size):
                to = i * size + at
                if to != cell:
                    if cell >= 0:
                        out[cell] = held
                    cell, held = to, out[to]
                held = join(S0, held, v[e])
    if cell >= 0:
        out[cell] = held


def scatter_along(args, tile):
    """Add v[i, j, k] to out[i, index[i, j, k], k]; rows of the rectangle are the i, so that a tile owns whole columns."""
    v, index, out = at0(args), at1(args), at2(args)
    low, high, first, last = rectangle(tile, word(args, 3), word(args, 4), word(args, 5), word(args, 6))
    n, size, inner = word(args, 7), word(args, 8), word(args, 9)
    for i in range(low, high):
        for j in range(n):
            row = (i * n + j) * inner
            for k in range(first, last):
                at = counted(index, row + k, size)
                if inside(at, size):
                    to = (i * size + at) * inner + k
                    out[to] = T2(out[to] + v[row + k])


def bucket_count(args, tile):
    """Add to zeros how many indices of one chunk fall into each bucket: neighbouring cells, 2**shift of them."""
    index, counts = at0(args), at1(args)
    n, chunk, size, shift, buckets = word(args, 2), word(args, 3), word(args, 4), word(args, 5), word(args, 6)
    own = tile * buckets
    for j in range(tile * chunk, min(n, (tile + 1) * chunk)):
        at = counted(index, j, size)
        if inside(at, size):
            counts[own + (at >> shift)] += 1


def bucket_start(args, tile):
    """Turn the counts of all chunks into where each begins; the start of every bucket follows, and the end of the last."""
    counts = at0(args)
    chunks, buckets = word(args, 1), word(args, 2)
    total = 0
    for b in range(buckets):
        counts[chunks * buckets + b] = total
        for c in range(chunks):
            count = counts[c * buckets + b]
            counts[c * buckets + b] = total
            total += count
    counts[(chunks + 1) * buckets] = total


def bucket_place(args, tile):
    """Write the positions of one chunk's indices behind one another, bucket by bucket."""
    index, counts, order = at0(args), at1(args), at2(args)
    n, chunk, size, shift, buckets = word(args, 3), word(args, 4), word(args, 5), word(args, 6), word(args, 7)
    own = tile * buckets
    for j in range(tile * chunk, min(n, (tile + 1) * chunk)):
        at = counted(index, j, size)
        if inside(at, size):
            b = own + (at >> shift)
            order[counts[b]] = j
            counts[b] += 1


def scatter_buckets(args, tile):
    """Write the rows v[j, :] of one bucket to out[index[j], :]; rows of the rectangle are the buckets."""
    v, index, order, starts, out = at0(args), at1(args), at2(args), at3(args), at4(args)
    low, high, first, last = rectangle(tile, word(args, 5), word(args, 6), word(args, 7), word(args, 8))
    size, inner, begin = word(args, 9), word(args, 10), word(args, 11)
    for s in range(starts[begin + low], starts[begin + high]):
        j = order[s]
        to, source = counted(index, j, size) * inner + first, j * inner + first
        if S0 == "set":
            put_row(S1, out, to, v, source, last - first)
        else:
            join_row(S1, S0, out, to, v, source, last - first)


def scatter_parts(args, tile):
    """Join the rows v[j, :] of one chunk in a copy of the output of its own."""
    v, index, copies = at0(args), at1(args), at2(args)
    n, chunk, size, inner = word(args, 3), word(args, 4), word(args, 5), word(args, 6)
    own, cell, held = tile * size * inner, -1, T2(0)
    for j in range(tile * chunk, min(n, (tile + 1) * chunk)):
        at = counted(index, j, size)
        if inside(at, size) and inner > 1:
            join_row(S1, S0, copies, own + at * inner, v, j * inner, inner)
        elif inside(at, size):
            if at != cell:
                if cell >= 0:
                    copies[own + cell] = held
                cell, held = at, copies[own + at]
            held = join(S0, held, v[j])
    if cell >= 0:
        copies[own + cell] = held


def join_parts(args, tile):
    """Join the copies of the output, first to last."""
    copies, out = at0(args), at1(args)
    total, grain, parts = word(args, 2), word(args, 3), word(args, 4)
    first = tile * grain
    count = min(total - first, grain)
    put_row(S1, out, first, copies, first, count)
    for p in range(1, parts):
        join_row(S1, S0, out, first, copies, p * total + first, count)


def last_at(args, tile):
    """out[c] = 1 + the last j with index[j] == c, in zeros."""
    index, out = at0(args), at1(args)
    n, size = word(args, 2), word(args, 3)
    for j in range(n):
        at = counted(index, j, size)
        if inside(at, size):
            out[at] = j + 1


HELPERS = dict.fromkeys(
    ("scatter", "scatter_flat", "scatter_along", "bucket_count", "bucket_place", "scatter_buckets", "scatter_parts",
     "join_parts", "last_at"),
    ("lanes.py",),
)  # fmt: skip
