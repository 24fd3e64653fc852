"""Scans along an axis. S0 threads go over a line, or a segment of one, with S1 numbers of each under way at once.

Columns: a thread goes from number to number, its neighbours beside it. Rows: the lanes of a warp scan neighbours together, the
first number in the last lane, so that each lane asks those behind it; the warps of a block then pass their sums on. S2 is 0
for whole lines, 1 where the sums of segments alone are wanted, 2 where segments go on from such sums. Memory bounds them: two
accesses per number, three where lines are cut. Sums of rows are taken in another order than one number after the other.
"""

from .grids import Blocks


def running_sum_columns(args, x, out, sums):
    """out[i] = out[i - 1] + x[i]."""
    lines, n, step, segments, per, from_x, to = args[4], args[5], args[8], args[9], args[10], args[0], args[1]
    held = cuda.local.array(S1, T1)
    for unit in range(cuda.blockIdx.x, args[3], cuda.gridDim.x):
        line, segment = line_and_segment(unit, lines, segments)
        at, end, total = first_number(line, n, args[6], args[7]), min(n, (segment + 1) * per), T1(0)
        if S2 == 2 and segment > 0:
            total = sums[args[2] + line * segments + segment - 1]
        for begin in range(segment * per, end, S1):
            for k in range(S1):
                held[k] = x[from_x + at + min(begin + k, end - 1) * step]
            for k in range(S1):
                if begin + k < end:
                    total = T1(total + held[k])
                    if S2 != 1:
                        out[to + at + (begin + k) * step] = total
        if S2 == 1:
            sums[args[2] + line * segments + segment] = total


def running_sum_rows(args, x, out, sums):
    """The same; sums over lanes are in a dtype that lanes can exchange."""
    lines, n, step, segments, per, from_x, to = args[4], args[5], args[8], args[9], args[10], args[0], args[1]
    held, warp, box = cuda.local.array(S1, WIDE), cuda.threadIdx.x % S0 // LANES, cuda.shared.array(THREADS, WIDE)
    for unit in range(cuda.blockIdx.x, args[3], cuda.gridDim.x):
        line, segment = line_and_segment(unit, lines, segments)
        at, end, carry = first_number(line, n, args[6], args[7]), min(n, (segment + 1) * per), WIDE(0)
        if S2 == 2 and segment > 0:
            carry = WIDE(sums[args[2] + line * segments + segment - 1])
        for begin in range(0, per, S0 * S1):
            first = segment * per + begin + place_of_lane()
            for k in range(S1):
                held[k] = WIDE(x[from_x + at + min(first + k * LANES, end - 1) * step])
            run = WIDE(0)
            for k in range(S1):
                held[k] = run + lanes_sum(held[k] if first + k * LANES < end else WIDE(0))
                run = lane_first(held[k])
            before = carry
            if S0 > LANES:
                box[cuda.threadIdx.x] = run
                cuda.syncthreads()
                for w in range(S0 // LANES):
                    before = carry if w == warp else before
                    carry = carry + box[w * LANES]
                cuda.syncthreads()
            else:
                carry = carry + run
            for k in range(S1):
                i = first + k * LANES
                if S2 != 1 and i < end:
                    out[to + at + i * step] = T1(before + held[k])
        if S2 == 1 and cuda.threadIdx.x % S0 == 0:
            sums[args[2] + line * segments + segment] = T1(carry)


def linear_recurrence_columns(args, a, b, out):
    """out[i] = a[i] * out[i - 1] + b[i]; a[0] is not read."""
    lines, n, step, from_a, from_b, to = args[4], args[5], args[8], args[0], args[1], args[2]
    ps, ss = cuda.local.array(S1, T2), cuda.local.array(S1, T2)
    for unit in range(cuda.blockIdx.x, args[3], cuda.gridDim.x):
        line, _ = line_and_segment(unit, lines, np.int64(1))
        at, state = first_number(line, n, args[6], args[7]), T2(0)
        for begin in range(0, n, S1):
            for k in range(S1):
                i = at + min(begin + k, n - 1) * step
                ps[k], ss[k] = a[from_a + i], b[from_b + i]
            for k in range(S1):
                i = begin + k
                if i < n:
                    state = T2(ps[k] * state + ss[k]) if i > 0 else ss[k]
                    out[to + at + i * step] = state


def linear_recurrence_rows(args, a, b, out):
    """The same, one number after the other too: products of many `a` overflow where states do not. A block loads and stores."""
    n, step, from_a, from_b, to, me = args[5], args[8], args[0], args[1], args[2], cuda.threadIdx.x
    ps = cuda.shared.array(BATCH, T2)
    ss = cuda.shared.array(BATCH, T2)
    for unit in range(cuda.blockIdx.x, args[3], cuda.gridDim.x):
        at, state = first_number(unit, n, args[6], args[7]), T2(0)
        for begin in range(0, n, BATCH):
            for k in range(S1):
                i = me + k * THREADS
                if begin + i < n:
                    ps[i], ss[i] = a[from_a + at + (begin + i) * step], b[from_b + at + (begin + i) * step]
            cuda.syncthreads()
            if me == 0:
                if begin > 0:
                    ss[0] = T2(ps[0] * state + ss[0])
                state = ss[0]
                for i in range(1, min(np.int64(BATCH), n - begin)):
                    state = T2(ps[i] * state + ss[i])
                    ss[i] = state
            cuda.syncthreads()
            for k in range(S1):
                i = me + k * THREADS
                if begin + i < n:
                    out[to + at + (begin + i) * step] = ss[i]
            cuda.syncthreads()


def running_arg_columns(args, x, out):
    """out[i] = where along the axis the largest (S3 "max") or smallest of x[0..i] was first met; a NaN beats all."""
    lines, n, step, from_x, to = args[3], args[4], args[7], args[0], args[1]
    held = cuda.local.array(S1, T0)
    for unit in range(cuda.blockIdx.x, args[2], cuda.gridDim.x):
        line, _ = line_and_segment(unit, lines, np.int64(1))
        at = first_number(line, n, args[5], args[6])
        best, where = x[from_x + at], np.int64(0)
        for begin in range(0, n, S1):
            for k in range(S1):
                held[k] = x[from_x + at + min(begin + k, n - 1) * step]
            for k in range(S1):
                if begin + k < n:
                    later = beaten(best, held[k])
                    best, where = held[k] if later else best, begin + k if later else where
                    out[to + at + (begin + k) * step] = where


def running_arg_rows(args, x, out):
    """The same over rows."""
    lines, n, step, from_x, to, warp = args[3], args[4], args[7], args[0], args[1], cuda.threadIdx.x % S0 // LANES
    bests, wheres = cuda.local.array(S1, T0), cuda.local.array(S1, np.int64)
    best_box = cuda.shared.array(THREADS, T0)
    where_box = cuda.shared.array(THREADS, np.int64)
    for unit in range(cuda.blockIdx.x, args[2], cuda.gridDim.x):
        line, _ = line_and_segment(unit, lines, np.int64(1))
        at = first_number(line, n, args[5], args[6])
        best, where = x[from_x + at], np.int64(0)
        for begin in range(0, n, S0 * S1):
            first = begin + place_of_lane()
            for k in range(S1):  # behind the end the last number once more: nothing is beaten by its equal
                wheres[k] = min(first + k * LANES, n - 1)
                bests[k] = x[from_x + at + wheres[k] * step]
            top, place = best, where
            for k in range(S1):
                b, p = lanes_extreme(bests[k], wheres[k])
                later = beaten(top, b)
                bests[k], wheres[k] = b if later else top, p if later else place
                top, place = T0(lane_first(WIDE(bests[k]))), lane_first(wheres[k])
            if S0 > LANES:
                best_box[cuda.threadIdx.x], where_box[cuda.threadIdx.x] = top, place
                cuda.syncthreads()
                before, place = best, where
                for w in range(S0 // LANES):
                    before, place = best if w == warp else before, where if w == warp else place
                    later = beaten(best, best_box[w * LANES])
                    best, where = best_box[w * LANES] if later else best, where_box[w * LANES] if later else where
                cuda.syncthreads()
                for k in range(S1):
                    wheres[k] = wheres[k] if beaten(before, bests[k]) else place
            else:
                best, where = top, place
            for k in range(S1):
                if first + k * LANES < n:
                    out[to + at + (first + k * LANES) * step] = wheres[k]


def line_and_segment(unit, lines, segments):
    """Return which line is this thread's, and which segment of it; where they run out, the last once more."""
    i = min(unit * (THREADS // S0) + cuda.threadIdx.x // S0, lines * segments - 1)
    segment = i // lines
    return i - segment * lines, segment


def first_number(line, n, inner, first):
    """Return where a line begins."""
    if inner == 1:
        return line * n + first
    outer = line // inner
    return outer * n * inner + line - outer * inner + first


def place_of_lane():
    """Return which number of those that threads take at once is the first of this thread; its others follow LANES apart."""
    me = cuda.threadIdx.x % S0
    return me // LANES * (S1 * LANES) + LANES - 1 - me % LANES


def lanes_sum(value):
    """Return the sum over this lane and all behind it."""
    lane, by = cuda.threadIdx.x % LANES, 1
    while by < LANES:
        other = lane_down(value, by)
        value = value + other if lane + by < LANES else value
        by *= 2
    return value


def lanes_extreme(best, where):
    """Return the extreme over this lane and all behind it, which come before it, and where it is."""
    by = 1
    while by < LANES:  # where there is no other lane, its own number does not beat itself
        other, place = T0(lane_down(WIDE(best), by)), lane_down(where, by)
        if not beaten(other, best):
            best, where = other, place
        by *= 2
    return best, where


def beaten(best, y):
    """Say whether a number is left behind by a later one; a NaN by none."""
    return best == best and ((y > best if S3 == "max" else y < best) or y != y)


def wide(kernel):
    """Return the text of the dtype in which lanes exchange numbers."""
    return f"WIDE = {'T0' if 'float' in kernel.dtypes[0] else 'np.int64'}"


def batch(kernel):
    """Return the text of how many numbers a block takes at once."""
    return f"BATCH = {kernel.static[0] * kernel.static[1]}"


WIDE_DTYPE, MINE = ("wide", wide), (line_and_segment, first_number)
HELPERS = {
    "running_sum_columns": MINE, "running_sum_rows": (WIDE_DTYPE, *MINE, place_of_lane, lanes_sum),
    "linear_recurrence_columns": MINE, "linear_recurrence_rows": (("batch", batch), first_number),
    "running_arg_columns": (*MINE, beaten), "running_arg_rows": (WIDE_DTYPE, *MINE, place_of_lane, lanes_extreme, beaten),
}  # fmt: skip
LAUNCH = {loop: lambda words: Blocks(words[0]) for loop in HELPERS}
