"""Sorting of rows by index: stable, NaN as the largest number. S0 "down" turns the order round, NaN first.

Short runs are sorted in one tile each, then merged two by two. Where a tile of a merge starts is found by bisection (the
merge path of Odeh, Green, Mwassi, Shmueli and Birk, 2012, doi:10.1109/IPDPSW.2012.202), so that one long row is work for
all threads.
"""


def goes_before(x, y, down):
    """Say whether x must stand before y, equal numbers not."""
    if down:
        return x > y or (x != x and y == y)
    return x < y or (y != y and x == x)


def merge_runs_of(x, base, source, target, left, middle, right, start, stop, down):
    """Merge source[left:middle] and source[middle:right], ranks `start` to `stop` of the result, into target[left:right]."""
    low, high = max(0, start - (right - middle)), min(start, middle - left)
    while low < high:
        probe = (low + high) // 2
        if goes_before(x[base + source[middle + start - probe - 1]], x[base + source[left + probe]], down):
            high = probe
        else:
            low = probe + 1
    i, j = left + low, middle + start - low
    for e in range(left + start, left + stop):
        if j >= right or (i < middle and not goes_before(x[base + source[j]], x[base + source[i]], down)):
            target[e] = source[i]
            i += 1
        else:
            target[e] = source[j]
            j += 1


def sort_runs(args, tile):
    """Sort the runs of each row into `out`, with `work` as the other half of every merge. A unit is one run."""
    x, out, work = at0(args), at1(args), at2(args)
    units, per_tile, runs, run, n = word(args, 3), word(args, 4), word(args, 5), word(args, 6), word(args, 7)
    down = S0 == "down"
    for unit in range(tile * per_tile, min(units, (tile + 1) * per_tile)):
        row = unit // runs
        base = row * n
        first = (unit - row * runs) * run
        begin, end = base + first, base + min(n, first + run)
        for left in range(begin, end, 16):
            for e in range(left, min(end, left + 16)):
                key = x[e]
                to = e
                while to > left and goes_before(key, x[base + out[to - 1]], down):
                    out[to] = out[to - 1]
                    to -= 1
                out[to] = e - base
        width = 16
        in_out = True
        while width < end - begin:
            for left in range(begin, end, 2 * width):
                middle, right = min(end, left + width), min(end, left + 2 * width)
                if in_out:
                    merge_runs_of(x, base, out, work, left, middle, right, 0, right - left, down)
                else:
                    merge_runs_of(x, base, work, out, left, middle, right, 0, right - left, down)
            in_out = not in_out
            width *= 2
        if not in_out:
            for e in range(begin, end):
                out[e] = work[e]


def merge_runs(args, tile):
    """Merge neighbouring runs of `width` of each row. A unit is a piece of the result."""
    x, source, out = at0(args), at1(args), at2(args)
    units, per_tile, pieces, piece = word(args, 3), word(args, 4), word(args, 5), word(args, 6)
    n, width = word(args, 7), word(args, 8)
    for unit in range(tile * per_tile, min(units, (tile + 1) * per_tile)):
        row = unit // pieces
        first = (unit - row * pieces) * piece
        base = row * n
        left = first // (2 * width) * (2 * width)
        middle, right = min(n, left + width), min(n, left + 2 * width)
        start, stop = first - left, min(n, first + piece) - left
        merge_runs_of(x, base, source, out, base + left, base + middle, base + right, start, stop, S0 == "down")


def select_first(args, tile):
    """The first `count` of the order of each row, kept sorted while the row is read. A unit is one row."""
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
    "sort_runs": (goes_before, merge_runs_of),
    "merge_runs": (goes_before, merge_runs_of),
    "select_first": (goes_before,),
}
