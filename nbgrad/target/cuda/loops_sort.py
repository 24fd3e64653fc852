"""Sorting of rows by index: stable, NaN as the largest number; and the order of indices, for what is written by them.

Short rows are sorted by one block in shared memory, several rows a block; long ones four bits at a time from the lowest on
(a radix sort: tiles count their digits, the counts say where each tile's numbers of a digit go, and every tile puts them
there in order). Numbers are compared as integers in the same order, as on the CPU. Nothing depends on the order of threads.

S0 says what `x` holds: "float" (its bits), "int" (of either sign), "index" or "cell" (indices, whose keys are the cells they
name; "index" where all are of one axis) or "key"; S1 whether the largest comes first.
"""

from ..cpu.loops_sort import ordered
from .grids import Blocks
from .loops_index import counted

DIGITS = 16  # values of four bits
NOWHERE = (1 << 62) - 1  # the cell of what is not there: its low bits are those of the largest number


def cell_of(index, first, e, n, size, inner):
    """Return the cell of (outer, size, inner) that index e of (outer, n, inner) names; NOWHERE if it names none."""
    at = counted(index[first + e], size)
    if at < 0 or at >= size:
        return NOWHERE
    if S0 == "index":
        return at
    return (e // (n * inner) * size + at) * inner + e % inner


def key_at(x, first, e, a, b, c):
    """Return the key of element e of a row: for floats and integers a, b, c are the limits of `ordered`, for cells (n, size, inner)."""
    if S0 == "key":
        return np.int64(x[first + e])
    if S0 == "index" or S0 == "cell":
        key = cell_of(x, first, e, a, b, c)
    else:
        key = ordered(np.int64(x[first + e]), S0 == "float", a, b, c)
    return ~key if S1 else key


def block_before(value, box):
    """Return the sum of the values of the threads before this one; all threads of a block call, `box` holds two numbers of each."""
    me = cuda.threadIdx.x
    warp = me // LANES
    cuda.syncthreads()
    box[0, me] = value
    cuda.syncthreads()
    before = 0 * value
    for other in range(warp * LANES, me):
        before += box[0, other]
    if me % LANES == LANES - 1:
        box[1, warp] = before + value
    cuda.syncthreads()
    for other in range(warp):
        before += box[1, other]
    return before


def sort_short(args, x, source, out):
    """Write the places of the `count` first numbers of each segment in order; a segment is a run of a row of `m` places: the
    row's own, or (S3) those that `source` names; -1 is no place. A block sorts a group of segments by exchanges in a fixed
    pattern (Batcher's bitonic sort), each in 2**bits cells of shared memory, of which it has S2.

    Bound by shared memory: bits * (bits + 1) / 2 times a thread reads two keys and their places.
    """
    segments, chunks, run, bits, group = args[3], args[4], args[5], args[6], args[7]
    m, n, count, largest, nowhere = args[8], args[9], args[10], args[11], args[12]
    a, b, c = args[13], args[14], args[15]
    keys = cuda.shared.array(S2, T0)
    places = cuda.shared.array(S2, T1)
    for unit in range(cuda.blockIdx.x, (segments + group - 1) // group, cuda.gridDim.x):
        first = unit * group
        span = min(group, segments - first) << bits
        for e in range(cuda.threadIdx.x, span, THREADS):
            segment = first + (e >> bits)
            row, i = segment // chunks, e & ((1 << bits) - 1)
            at, place = (segment - row * chunks) * run + i, nowhere
            if i < run and at < m:
                place = np.int64(source[args[1] + row * m + at]) if S3 else at
            if place < 0:
                place = nowhere
            key = largest
            if place < nowhere:
                key = key_at(x, args[0] + row * n, place, a, b, c)
            keys[e], places[e] = T0(key), T1(place)
        cuda.syncthreads()
        for grown in range(1, bits + 1):
            for half in range(grown - 1, -1, -1):
                for pair in range(cuda.threadIdx.x, span >> 1, THREADS):
                    low = ((pair >> half) << (half + 1)) + (pair & ((1 << half) - 1))
                    high = low + (1 << half)
                    key, other, place, behind = keys[low], keys[high], places[low], places[high]
                    after = key > other or (key == other and place > behind)
                    if after == ((low & ((1 << bits) - 1)) >> grown & 1 == 0):
                        keys[low], keys[high], places[low], places[high] = other, key, behind, place
                cuda.syncthreads()
        for e in range(cuda.threadIdx.x, span, THREADS):
            i = e & ((1 << bits) - 1)
            if i < count:
                out[args[2] + (first + (e >> bits)) * count + i] = places[e] if places[e] < nowhere else -1
        cuda.syncthreads()


def radix_count(args, x, counts):
    """counts[row, digit, tile] = how many keys of a tile have a digit; a tile is S2 numbers of each thread of a block."""
    rows, tiles, n, shift, flip = args[2], args[3], args[4], args[5], args[6]
    a, b, c = args[8], args[9], args[10]
    own = cuda.shared.array((DIGITS, THREADS), np.int32)
    me = cuda.threadIdx.x
    for unit in range(cuda.blockIdx.x, rows * tiles, cuda.gridDim.x):
        row = unit // tiles
        tile = unit - row * tiles
        for d in range(DIGITS):
            own[d, me] = 0
        for m in range(S2):
            e = tile * THREADS * S2 + m * THREADS + me
            if e < n:
                own[key_at(x, args[0] + row * n, e, a, b, c) >> shift & (DIGITS - 1) ^ flip, me] += 1
        cuda.syncthreads()
        half = THREADS // 2
        while half > 0:
            if me < half:
                for d in range(DIGITS):
                    own[d, me] += own[d, me + half]
            cuda.syncthreads()
            half //= 2
        for d in range(me, DIGITS, THREADS):
            counts[args[1] + (row * DIGITS + d) * tiles + tile] = own[d, 0]
        cuda.syncthreads()


def radix_scan(args, counts, totals):
    """Turn the counts of each (row, digit) into sums over the tiles before; totals[row, digit] are the sums over all."""
    units, tiles = args[2], args[3]
    box = cuda.shared.array((2, THREADS), np.int64)
    each = (tiles + THREADS - 1) // THREADS
    for unit in range(cuda.blockIdx.x, units, cuda.gridDim.x):
        first = args[0] + unit * tiles + cuda.threadIdx.x * each
        stop = min(first + each, args[0] + (unit + 1) * tiles)
        total = np.int64(0)
        for e in range(first, stop):
            total += counts[e]
        before = block_before(total, box)
        if cuda.threadIdx.x == THREADS - 1:
            totals[args[1] + unit] = before + total
        for e in range(first, stop):
            count = counts[e]
            counts[e] = before
            before += count
        cuda.syncthreads()


def radix_place(args, x, places, counts, totals, keys, out):
    """Put keys and their places where their digits belong: before them all smaller digits of the row, the same digit of the
    tiles before, and of its own tile. S3, the last time: only the places, and of these the first `count`. S4: the counts are
    sums already (`radix_scan`); of few tiles every block adds them up itself.

    A thread holds S2 numbers that follow one another, so that its counts of digits are those of numbers before its own.
    """
    rows, tiles, n, shift, flip, count = args[6], args[7], args[8], args[9], args[10], args[11]
    a, b, c = args[12], args[13], args[14]
    own = cuda.shared.array((DIGITS, THREADS), np.int32)
    box = cuda.shared.array((2, THREADS), np.int32)
    bases = cuda.shared.array(DIGITS, np.int64)
    held = cuda.local.array(S2, np.int64)
    me = cuda.threadIdx.x
    for unit in range(cuda.blockIdx.x, rows * tiles, cuda.gridDim.x):
        row = unit // tiles
        tile = unit - row * tiles
        first = (tile * THREADS + me) * S2
        for d in range(DIGITS):
            own[d, me] = 0
        for m in range(S2):
            held[m] = key_at(x, args[0] + row * n, first + m, a, b, c) if first + m < n else 0
        for m in range(S2):
            if first + m < n:
                own[held[m] >> shift & (DIGITS - 1) ^ flip, me] += 1
        cuda.syncthreads()
        # Sums over all counts before, digit by digit and thread by thread; each thread takes as many as there are digits.
        total = np.int32(0)
        for d in range(DIGITS):
            total += own[(me * DIGITS + d) // THREADS, (me * DIGITS + d) % THREADS]
        before = block_before(total, box)
        for d in range(DIGITS):
            digit, thread = (me * DIGITS + d) // THREADS, (me * DIGITS + d) % THREADS
            number = own[digit, thread]
            own[digit, thread] = before
            before += number
        cuda.syncthreads()
        start = args[2] + row * DIGITS * tiles
        if S4:
            for d in range(me, DIGITS, THREADS):
                base = counts[start + d * tiles + tile] - own[d, 0]
                for smaller in range(d):
                    base += totals[args[3] + row * DIGITS + smaller]
                bases[d] = base
        else:
            each = (DIGITS * tiles + THREADS - 1) // THREADS
            low, high = me * each, min((me + 1) * each, DIGITS * tiles)
            total = np.int32(0)
            for e in range(low, high):
                total += np.int32(counts[start + e])
            before = block_before(total, box)
            for e in range(low, high):
                if e % tiles == tile:
                    bases[e // tiles] = before - own[e // tiles, 0]
                before += np.int32(counts[start + e])
        cuda.syncthreads()
        for m in range(S2):
            if first + m < n:
                d = held[m] >> shift & (DIGITS - 1) ^ flip
                to = bases[d] + own[d, me]
                own[d, me] += 1
                if not S3:
                    keys[args[4] + row * n + to] = T4(held[m])
                if to < count:
                    out[args[5] + row * count + to] = places[args[1] + row * n + first + m] if S0 == "key" else first + m
        cuda.syncthreads()


HELPERS = {
    "sort_short": (key_at,),
    "radix_count": (key_at,),
    "radix_scan": (block_before,),
    "radix_place": (key_at, block_before),
}
LAUNCH = {
    "sort_short": lambda words: Blocks(-(-words[0] // words[4])),
    "radix_count": lambda words: Blocks(words[0] * words[1]),
    "radix_scan": lambda words: Blocks(words[0]),
    "radix_place": lambda words: Blocks(words[0] * words[1]),
}
