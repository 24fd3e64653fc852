"""How threads share lines, rows or columns of an array (outer, n, inner): helpers of the loops over lines, none of its own.

Such a loop has the static choices of `plans_rows.team`: S0 threads take a line, each S1 numbers of it at once, which stay in
registers where that is all of it (S2); S3: lines are columns, so that neighbouring threads take neighbouring lines, and not
neighbours of one. Its words begin with units (what a block takes at once), lines, n, inner. All threads of a block go
through the same units; where lines run out, they take the last one once more and write the same.
"""

import math

from .loops_threads import MOST, SUM, joined, over_block, over_lanes

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


def over_line(value, box, how):
    """Join the numbers of the threads of a line; `box` is shared memory for a number of each thread."""
    if not S3 or S0 == 1:
        return over_block(value, box, how) if S0 > LANES else over_lanes(value, S0, how)
    side, me = THREADS // S0, cuda.threadIdx.x
    cuda.syncthreads()  # what was read there before has been read
    box[me] = value
    cuda.syncthreads()
    total = box[me % side]
    for k in range(1, S0):
        total = joined(total, box[me % side + k * side], how)
    return total


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
    whole = over_line(top, tops, MOST)
    if top != whole:
        total = total * np.float64(math.exp(top - whole))
    return whole, over_line(total, sums, SUM)


def finite_or_zero(x):
    """Return a number, or 0 for an infinite one."""
    return x if math.isfinite(x) else T0(0.0)
