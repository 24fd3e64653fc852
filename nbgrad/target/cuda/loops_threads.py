"""What threads make together of a number of each: their sum, or an extreme; all of them get it. Helpers of other loops, none of its own.

All threads of a block call them at once. `box` is shared memory for a number of each warp, such as
`cuda.shared.array(32, T0)`; it may be used again at once. The order of sums is fixed by LANES and THREADS.
"""

LAUNCH: dict = {}
SUM, MOST, LEAST = 0, 1, 2


def joined(a, b, how):
    """Return the sum of two numbers, the larger or the smaller; NaN wins."""
    if how == SUM:
        return a + b
    return b if (b > a if how == MOST else b < a) or b != b else a


def over_lanes(value, count, how):
    """Join the numbers of `count` neighbouring lanes of a warp, a power of two."""
    by = count // 2
    while by > 0:
        value = joined(value, lane_across(value, by), how)
        by //= 2
    return value


def over_block(value, box, how):
    """Join the numbers of the threads of a block."""
    value = over_lanes(value, LANES, how)
    cuda.syncthreads()  # what was read there before has been read
    if cuda.threadIdx.x % LANES == 0:
        box[cuda.threadIdx.x // LANES] = value
    cuda.syncthreads()
    total = box[0]
    for warp in range(1, THREADS // LANES):
        total = joined(total, box[warp], how)
    return total
