"""Channels of an array (outer, channels, inner): their means and spreads, sums with a gradient, and what those give.

A block of threads takes a channel of a chunk of the outer axis; where inner is 1 (S3), some channels that lie side by side,
S0 threads each. A thread has S1 numbers under way at once; sums over more are in float64. Memory bounds them, and every
array is read once per pass.
"""

import math

from .grids import Blocks, Each
from .loops_lines import finite_or_zero, first_of, line_of, over_line, take
from .loops_threads import SUM


def channel_moments(args, x, parts):
    """Sums over a chunk of x - pivot and of its square, of each channel, whose first number is the pivot.

    The square is that of the numbers around the mean of those under way, and of that mean: nothing cancels in the dtype.
    """
    outer, channels, inner, per, blocks, first = args[3], args[4], args[5], args[6], args[7], first_of()
    held, box = cuda.local.array(S1, T0), cuda.shared.array(THREADS, np.float64)
    for unit in range(cuda.blockIdx.x, args[2], cuda.gridDim.x):
        chunk, c = unit // blocks, channel_of(unit % blocks, channels)
        start, n = chunk * per, (min(outer, (chunk + 1) * per) - chunk * per) * inner
        pivot, plain, square = finite_or_zero(x[args[0] + c * inner]), np.float64(0.0), np.float64(0.0)
        for begin in range(0, n, S0 * S1):
            take_channel(held, x, args[0], begin, n, start, channels, c, inner)
            p, q, count = T0(0.0), T0(0.0), 0
            for k in range(S1):
                if begin + first + k * S0 < n:
                    held[k] = held[k] - pivot
                    p, count = p + held[k], count + 1
            if count > 0:
                mean = p / T0(count)
                for k in range(S1):
                    if begin + first + k * S0 < n:
                        q = q + (held[k] - mean) * (held[k] - mean)
                plain = plain + np.float64(p)
                square = square + (np.float64(q) + np.float64(p) * np.float64(p) / np.float64(count))
        plain, square = over_line(plain, box, SUM), over_line(square, box, SUM)
        if first == 0:
            parts[args[1] + 2 * chunk * channels + c], parts[args[1] + (2 * chunk + 1) * channels + c] = plain, square


def channel_products(args, u, x, mean, parts):
    """Sums over a chunk of u and of u * (x - mean), of each channel.

    S4: of u * z instead, z being x normalised by what `mean` holds for each of the `groups` of channels of an outer part,
    with `runs` channels: mean, factor, shift.
    """
    outer, channels, inner, per, blocks, first = args[5], args[6], args[7], args[8], args[9], first_of()
    groups, runs = args[10], args[11]
    xs, us, box = cuda.local.array(S1, T0), cuda.local.array(S1, T0), cuda.shared.array(THREADS, np.float64)
    for unit in range(cuda.blockIdx.x, args[4], cuda.gridDim.x):
        chunk, c = unit // blocks, channel_of(unit % blocks, channels)
        start, n = chunk * per, (min(outer, (chunk + 1) * per) - chunk * per) * inner
        about, plain, along = T0(0.0) if S4 else T0(mean[args[2] + c]), np.float64(0.0), np.float64(0.0)
        known = args[2] + 3 * (start * groups + c // runs)
        for begin in range(0, n, S0 * S1):
            take_channel(xs, x, args[1], begin, n, start, channels, c, inner)
            take_channel(us, u, args[0], begin, n, start, channels, c, inner)
            p, q = T0(0.0), T0(0.0)
            for k in range(S1):
                i = begin + first + k * S0
                if i < n:
                    z = xs[k] - about
                    if S4:
                        line = known + 3 * groups * (i if S3 else i // inner)
                        z = (z - mean[line]) * mean[line + 1] + mean[line + 2]
                    p, q = p + us[k], q + us[k] * z
            plain, along = plain + np.float64(p), along + np.float64(q)
        plain, along = over_line(plain, box, SUM), over_line(along, box, SUM)
        if not S4:  # what rounding took from the mean is put back
            along = along + (np.float64(about) - np.float64(mean[args[2] + c])) * plain
        if first == 0:
            parts[args[3] + 2 * chunk * channels + c], parts[args[3] + (2 * chunk + 1) * channels + c] = plain, along


def channel_of(block, channels):
    """Return the channel of a thread."""
    side = THREADS // S0
    return min(block * side + cuda.threadIdx.x % side, channels - 1) if S3 else block


def take_channel(held, x, at, begin, n, start, channels, c, inner):
    """Put numbers of a channel, counted through a chunk that begins at `start`, into registers; behind the end the first one."""
    i = begin + first_of()
    row = i // inner  # a division for all of them
    column, more_rows, more = i - row * inner, S0 // inner, S0 % inner
    for k in range(S1):
        if S3:
            held[k] = x[at + (start + min(i + k * S0, n - 1)) * channels + c]
        else:
            inside = i + k * S0 < n
            held[k] = x[at + ((start + (row if inside else 0)) * channels + c) * inner + (column if inside else 0)]
            row, column = row + more_rows, column + more
            if column >= inner:
                row, column = row + 1, column - inner


def chunk_sum(parts, at, chunks, channels, box):
    """Return the sum of a number over all chunks, which lie 2 * channels apart."""
    total = np.float64(0.0)
    for k in range(first_of(), chunks, S0):
        total = total + parts[at + 2 * k * channels]
    return over_line(total, box, SUM)


def join_moments(args, x, parts, weight, bias, mean, scale, variance, factors):
    """Means and spreads of channels, of `n` numbers each, and the factors of `channel_scale`."""
    channels, chunks, inner, eps = args[9], args[10], args[13], number(args[14])
    n, box, to = np.float64(args[12] * inner), cuda.shared.array(THREADS, np.float64), args[7]
    for unit in range(cuda.blockIdx.x, args[8], cuda.gridDim.x):
        c = line_of(unit, channels)
        plain = chunk_sum(parts, args[1] + c, chunks, channels, box)
        square = chunk_sum(parts, args[1] + channels + c, chunks, channels, box)
        if first_of() == 0:
            off = plain / n
            middle, spread = np.float64(finite_or_zero(x[args[0] + c * inner])) + off, (square - plain * off) / n
            spread = spread if spread > 0.0 or spread != spread else np.float64(0.0)
            r, about = np.float64(1.0) / math.sqrt(spread + eps), T0(middle)
            mean[args[4] + c], scale[args[5] + c], variance[args[6] + c] = middle, r, spread
            factor = r * np.float64(weight[args[2] + c])
            factors[to + c], factors[to + channels + c] = about, T0(factor)
            factors[to + 2 * channels + c] = T0((np.float64(about) - middle) * factor + np.float64(bias[args[3] + c]))


def join_products(args, parts, weight, mean, scale, of_weight, of_bias, factors):
    """The gradients of weight and bias, and factors of `channel_grad`."""
    channels, chunks, n, to = args[8], args[9], np.float64(args[11] * args[12]), args[6]
    box = cuda.shared.array(THREADS, np.float64)
    for unit in range(cuda.blockIdx.x, args[7], cuda.gridDim.x):
        c = line_of(unit, channels)
        plain = chunk_sum(parts, args[0] + c, chunks, channels, box)
        along = chunk_sum(parts, args[0] + channels + c, chunks, channels, box)
        if first_of() == 0:
            r, middle = scale[args[3] + c], mean[args[2] + c]
            of_bias[args[5] + c], of_weight[args[4] + c] = T1(plain), T1(along * r)
            factor, about = r * np.float64(weight[args[1] + c]), T1(middle)
            slope = -factor * r * r * along / n
            factors[to + c], factors[to + channels + c], factors[to + 2 * channels + c] = about, T1(factor), T1(slope)
            factors[to + 3 * channels + c] = T1((np.float64(about) - middle) * slope - factor * plain / n)


def join_sums(args, parts, plain, along):
    """Join the chunks' two sums of each channel."""
    channels, chunks, box = args[4], args[5], cuda.shared.array(THREADS, np.float64)
    for unit in range(cuda.blockIdx.x, args[3], cuda.gridDim.x):
        c = line_of(unit, channels)
        p = chunk_sum(parts, args[0] + c, chunks, channels, box)
        q = chunk_sum(parts, args[0] + channels + c, chunks, channels, box)
        if first_of() == 0:
            plain[args[1] + c], along[args[2] + c] = T1(p), T1(q)


def channel_factors(args, mean, variance, weight, bias, factors):
    """The factors of `channel_scale` from given means and variances."""
    channels, eps, to = args[5], number(args[6]), args[4]
    for c in range(cuda.grid(1), channels, cuda.gridsize(1)):
        factors[to + c] = mean[args[0] + c]
        factors[to + channels + c] = T0(np.float64(weight[args[2] + c]) / math.sqrt(np.float64(variance[args[1] + c]) + eps))
        factors[to + 2 * channels + c] = bias[args[3] + c]


def channel_scale(args, x, factors, out):
    """out = (x - middle) * factor + shift, the three of each channel in `factors`."""
    outer, channels, inner, per, blocks, first, known, to = args[4], args[5], args[6], args[7], args[8], first_of(), args[1], args[2]
    held = cuda.local.array(S1, T0)
    for unit in range(cuda.blockIdx.x, args[3], cuda.gridDim.x):
        c, at, n, step = run_of(unit, outer, channels, inner, per, blocks)
        middle, factor, shift = factors[known + c], factors[known + channels + c], factors[known + 2 * channels + c]
        for begin in range(0, n, S0 * S1):
            take(held, x, args[0] + at, begin, n, step)
            for k in range(S1):
                i = begin + first + k * S0
                if i < n:
                    out[to + at + i * step] = (held[k] - middle) * factor + shift


def channel_grad(args, u, x, factors, out):
    """out = u * factor + (x - middle) * slope + shift, the four of each channel in `factors`."""
    outer, channels, inner, per, blocks, first, known, to = args[5], args[6], args[7], args[8], args[9], first_of(), args[2], args[3]
    xs, us = cuda.local.array(S1, T0), cuda.local.array(S1, T0)
    for unit in range(cuda.blockIdx.x, args[4], cuda.gridDim.x):
        c, at, n, step = run_of(unit, outer, channels, inner, per, blocks)
        middle, factor = factors[known + c], factors[known + channels + c]
        slope, shift = factors[known + 2 * channels + c], factors[known + 3 * channels + c]
        for begin in range(0, n, S0 * S1):
            take(xs, x, args[1] + at, begin, n, step)
            take(us, u, args[0] + at, begin, n, step)
            for k in range(S1):
                i = begin + first + k * S0
                if i < n:
                    out[to + at + i * step] = us[k] * factor + (xs[k] - middle) * slope + shift


def run_of(unit, outer, channels, inner, per, blocks):
    """Return (channel, first number, how many, how far apart) of what a thread goes over."""
    if S3:
        start, c = unit // blocks * per, channel_of(unit % blocks, channels)
        return c, start * channels + c, min(outer, start + per) - start, channels
    line = line_of(unit, outer * channels)
    return line % channels, line * inner, inner, np.int64(1)


SUMS = (first_of, over_line, channel_of, take_channel)
JOINS = (first_of, line_of, chunk_sum)
HELPERS = {
    "channel_moments": (*SUMS, finite_or_zero), "channel_products": SUMS, "join_moments": (*JOINS, finite_or_zero),
    "join_products": JOINS, "join_sums": JOINS, "channel_scale": (first_of, run_of, take), "channel_grad": (first_of, run_of, take),
}  # fmt: skip
LAUNCH = {loop: lambda words: Blocks(words[0]) for loop in HELPERS} | {"channel_factors": lambda words: Each(words[0])}
