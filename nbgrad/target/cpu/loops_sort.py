"""Sorting of rows by index: stable, NaN as the largest number.

Numbers become integers in the same order (their keys), which compare in one cycle whatever the dtype and direction. Short
runs are sorted in one tile each, then merged two by two; keys travel with their indices, so that memory is read in order.
Where a tile of a merge starts is found by bisection (the merge path of Odeh, Green, Mwassi, Shmueli and Birk, 2012,
doi:10.1109/IPDPSW.2012.202), so that one long row is work for all threads.
"""


def ordered(bits, floating, top, infinity, sign):
    """Return the key of a number given as bits: `top` for NaN; a float below zero is minus its magnitude, so -0.0 is 0.0."""
    if floating:
        magnitude = bits & top
        key = bits if bits >= 0 else -magnitude
        return top if magnitude > infinity else key
    return bits ^ sign


def merge_two(keys, source, new_keys, target, left, middle, right, start, stop):
    """Merge [left:middle] and [middle:right] of keys and source: ranks `start` to `stop` of the result, from target[left]."""
    low, high = max(0, start - (right - middle)), min(start, middle - left)
    while low < high:
        probe = (low + high) // 2
        if keys[middle + start - probe - 1] < keys[left + probe]:
            high = probe
        else:
            low = probe + 1
    i, j, e, last = left + low, middle + start - low, left + start, left + stop
    while i < middle and j < right and e < last:
        x, y = keys[i], keys[j]
        # Computed, not branched on: which of two is smaller cannot be predicted.
        second = y < x
        new_keys[e] = y if second else x
        target[e] = source[j if second else i]
        i += 1 - int(second)
        j += int(second)
        e += 1
    rest = i if i < middle else j
    for k in range(last - e):
        new_keys[e + k] = keys[rest + k]
        target[e + k] = source[rest + k]


def sort_runs(args, tile):
    """Sort the runs of each row into `keys` and `out`, with `work_keys` and `work` as the other half of every merge.

    A unit is one run. S0: whether `x` holds the bits of floats; S1 "down": largest first.
    """
    x, keys, out, work_keys, work = at0(args), at1(args), at2(args), at3(args), at4(args)
    units, per_tile, runs, run, n = word(args, 5), word(args, 6), word(args, 7), word(args, 8), word(args, 9)
    top, infinity, sign = word(args, 10), word(args, 11), word(args, 12)
    for unit in range(tile * per_tile, min(units, (tile + 1) * per_tile)):
        row = unit // runs
        base = row * n
        first = (unit - row * runs) * run
        begin, end = base + first, base + min(n, first + run)
        for left in range(begin, end, 8):
            for e in range(left, min(end, left + 8)):
                key = ordered(x[e], S0, top, infinity, sign)
                key = ~key if S1 == "down" else key
                to = e
                while to > left and key < keys[to - 1]:
                    keys[to] = keys[to - 1]
                    out[to] = out[to - 1]
                    to -= 1
                keys[to] = T1(key)
                out[to] = e - base
        width = 8
        in_out = True
        while width < end - begin:
            for left in range(begin, end, 2 * width):
                middle, right = min(end, left + width), min(end, left + 2 * width)
                if in_out:
                    merge_two(keys, out, work_keys, work, left, middle, right, 0, right - left)
                else:
                    merge_two(work_keys, work, keys, out, left, middle, right, 0, right - left)
            in_out = not in_out
            width *= 2
        if not in_out:
            for e in range(begin, end):
                keys[e] = work_keys[e]
                out[e] = work[e]


def merge_runs(args, tile):
    """Merge neighbouring runs of `width` of each row. A unit is a piece of the result."""
    keys, source, new_keys, out = at0(args), at1(args), at2(args), at3(args)
    units, per_tile, pieces, piece = word(args, 4), word(args, 5), word(args, 6), word(args, 7)
    n, width = word(args, 8), word(args, 9)
    for unit in range(tile * per_tile, min(units, (tile + 1) * per_tile)):
        row = unit // pieces
        first = (unit - row * pieces) * piece
        base = row * n
        left = first // (2 * width) * (2 * width)
        middle, right = min(n, left + width), min(n, left + 2 * width)
        start, stop = first - left, min(n, first + piece) - left
        merge_two(keys, source, new_keys, out, base + left, base + middle, base + right, start, stop)


def goes_before(x, y, down):
    """Say whether x must stand before y, equal numbers not."""
    # "Not larger" is true where one of both is NaN.
    if down:
        return y == y and not x <= y
    return x == x and not y <= x


def select_first(args, tile):
    """The first `count` of the order of each row, kept sorted while the row is read. A unit is one row; S0 as S1 above."""
    x, out = at0(args), at1(args)
    rows, per_tile, n, count = word(args, 2), word(args, 3), word(args, 4), word(args, 5)
    down = S0 == "down"
    for row in range(tile * per_tile, min(rows, (tile + 1) * per_tile)):
        base, best = row * n, row * count
        found = 0
        for e in range(n):
            key = x[base + e]
            if found < count or goes_before(key, x[base + out[best + count - 1]], down):
                to = best + min(found, count - 1)
                while to > best and goes_before(key, x[base + out[to - 1]], down):
                    out[to] = out[to - 1]
                    to -= 1
                out[to] = e
                found = min(found + 1, count)


HELPERS = {
    "sort_runs": (ordered, merge_two),
    "merge_runs": (merge_two,),
    "select_first": (goes_before,),
}
