"""How threads share lines, rows or columns of an array (outer, n, inner): helpers of the loops over lines, none of its own.

Such a loop has the static choices of `plans_rows.team`: S0 threads take a line, each S1 numbers of it at once, which stay in
registers where that is all of it (S2); S3: lines are columns, so that neighbouring threads take neighbouring lines, and not
neighbours of one. Its words begin with units (what a block takes at once), lines, n, inner. All threads of a block go
through the same units; where lines run out, they take the last one once more and write the same.
"""

import math

from .loops_threads import block_max, block_sum

LAUNCH: dict = {}


def line_of(unit, lines):
    """Return which line of a unit is this thread's."""
    me, side = cuda.threadIdx.x, THREADS // S0
    return min(unit * side + (me % side if S3 else me // S0), lines - 1)


def first_of():
    """Return the first number of its line that is this thread's; the others follow S0 apart."""
    return cuda.threadIdx.x // (THREADS // S0) if S3 else cuda.threadIdx.x % S0


def start_of(line, n, inner):
    """Return where a line begins."""
    return line // inner * n * inner + line % inner if S3 else line * n


def take(held, x, at, begin, n, step):
    """Put the numbers of this thread from `begin` on into its registers, behind the end the last one: all are loaded at once."""
    first = first_of()
    for k in range(S1):
        held[k] = x[at + min(begin + first + k * S0, n - 1) * step]


def line_sum(value, box):
    """Return the sum over the threads of a line; `box` is shared memory for a number of each thread."""
    if S3 and S0 > 1:
        return column_fold(value, box, False)
    if S0 > LANES:
        return block_sum(value, box)
    by = S0 // 2
    while by > 0:
        value = value + lane_across(value, by)
        by //= 2
    return value


def line_max(value, box):
    """Return the largest number of the threads of a line, NaN or not: who asks has seen to NaN."""
    if S3 and S0 > 1:
        return column_fold(value, box, True)
    if S0 > LANES:
        return block_max(value, box)
    by = S0 // 2
    while by > 0:
        other = lane_across(value, by)
        value = other if other > value else value
        by //= 2
    return value


def column_fold(value, box, largest):
    """Return the sum, or the largest, of the threads of a column."""
    side = THREADS // S0
    cuda.syncthreads()  # what was read there before has been read
    box[cuda.threadIdx.x] = value
    cuda.syncthreads()
    value = box[cuda.threadIdx.x % side]
    for k in range(1, S0):
        other = box[cuda.threadIdx.x % side + k * side]
        if largest:
            value = other if other > value else value
        else:
            value = value + other
    return value


def exp_sum(x, at, n, step, held, tops, sums):
    """Return (largest number of a line, sum of exp(x - largest)); of an infinite one the sum of exp(x).

    Each thread shifts its sum when it meets a larger number, so that the line is read once. `held` gets the numbers that the
    thread met last.
    """
    first, top, total = first_of(), T0(-math.inf), np.float64(0.0)
    for begin in range(0, n, S0 * S1):
        take(held, x, at, begin, n, step)
        peak, part = top, T0(0.0)
        for k in range(S1):
            peak = held[k] if held[k] > peak else peak
        if peak > top:
            total = total * np.float64(math.exp(top - peak))
            top = peak
        shift = finite_or_zero(top)
        for k in range(S1):
            if begin + first + k * S0 < n:
                part = part + math.exp(held[k] - shift)
        total = total + np.float64(part)
    whole = line_max(top, tops)
    if top != whole:
        total = total * np.float64(math.exp(top - whole))
    return whole, line_sum(total, sums)


def finite_or_zero(x):
    """Return a number, or 0 for an infinite one."""
    return x if math.isfinite(x) else T0(0.0)
