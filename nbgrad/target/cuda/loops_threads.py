"""What threads do together: the sum or an extreme of their numbers, to all of them. Helpers of other loops, none of its own.

All threads of a block call them at once. `box` is shared memory for a number of each warp, such as
`cuda.shared.array(32, T0)`; it may be used again at once. The order of sums is fixed by LANES and THREADS.
"""

LAUNCH: dict = {}


def most(a, b):
    """Return the larger of two numbers; NaN wins."""
    return b if b > a or b != b else a


def least(a, b):
    """Return the smaller of two numbers; NaN wins."""
    return b if b < a or b != b else a


def warp_sum(value):
    """Return the sum over the lanes of a warp."""
    by = LANES // 2
    while by > 0:
        value = value + lane_across(value, by)
        by //= 2
    return value


def warp_max(value):
    """Return the largest number of the lanes of a warp; NaN wins."""
    by = LANES // 2
    while by > 0:
        value = most(value, lane_across(value, by))
        by //= 2
    return value


def warp_min(value):
    """Return the smallest number of the lanes of a warp; NaN wins."""
    by = LANES // 2
    while by > 0:
        value = least(value, lane_across(value, by))
        by //= 2
    return value


def boxed(value, box):
    """Put a number of each warp into the box, for all threads to read."""
    cuda.syncthreads()  # what was read there before has been read
    if cuda.threadIdx.x % LANES == 0:
        box[cuda.threadIdx.x // LANES] = value
    cuda.syncthreads()


def block_sum(value, box):
    """Return the sum over the threads of a block."""
    boxed(warp_sum(value), box)
    total = box[0]
    for warp in range(1, THREADS // LANES):
        total = total + box[warp]
    return total


def block_max(value, box):
    """Return the largest number of the threads of a block; NaN wins."""
    boxed(warp_max(value), box)
    total = box[0]
    for warp in range(1, THREADS // LANES):
        total = most(total, box[warp])
    return total


def block_min(value, box):
    """Return the smallest number of the threads of a block; NaN wins."""
    boxed(warp_min(value), box)
    total = box[0]
    for warp in range(1, THREADS // LANES):
        total = least(total, box[warp])
    return total
