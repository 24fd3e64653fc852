"""Thin products of matrices: the long factor is read once, which bounds them; products of both kinds leave parts of k to be added.

Where both factors lie along k, threads share k; where the long one lies across it, each thread sums columns of its own.
"""

from .grids import Blocks, Each, Warps
from .loops_threads import SUM, over_block, over_lanes

LAUNCH = {
    "product_dots": lambda words: Blocks(words[7]),
    "product_short_dots": lambda words: Warps(words[7]),
    "product_columns": lambda words: Each(words[7]),
}


def batch_places(args, at, number):
    """Return where product `number` of a batch finds its factors; at word `at` stand the axes: length, stride in each factor."""
    x, y = args[0], args[1]
    for axis in range(args[at] - 1, -1, -1):
        n = args[at + 1 + 3 * axis]
        x += number % n * args[at + 2 + 3 * axis]
        y += number % n * args[at + 3 + 3 * axis]
        number = number // n
    return x, y


HELPERS = {
    "product_dots": (batch_places, over_block),
    "product_short_dots": (batch_places, over_lanes),
    "product_columns": (batch_places,),
}


def product_dots(args, x, y, out):
    """Block per row of x and part of k, lying along k in both: products with the S0 rows of y."""
    box = cuda.shared.array(32, T2)
    sums = cuda.local.array(S0, T2)
    m, k, x_row, y_row = args[3], args[4], args[5], args[6]
    units, parts, part = args[10], args[11], args[12]
    for unit in range(cuda.blockIdx.x, units, cuda.gridDim.x):
        row = unit % m
        share = unit // m % parts
        batch = unit // m // parts
        at, to = batch_places(args, 15, batch)
        at += row * x_row
        for j in range(S0):
            sums[j] = T2(0)
        last = min(k, (share + 1) * part)
        first = share * part + cuda.threadIdx.x
        ahead = last - 3 * THREADS
        for i in range(first, ahead, 4 * THREADS):
            a, b, c, d = x[at + i], x[at + i + THREADS], x[at + i + 2 * THREADS], x[at + i + 3 * THREADS]
            for j in range(S0):
                o = to + i + j * y_row
                sums[j] = T2(sums[j] + a * y[o] + b * y[o + THREADS] + c * y[o + 2 * THREADS] + d * y[o + 3 * THREADS])
        first += max(0, (ahead - first + 4 * THREADS - 1) // (4 * THREADS)) * (4 * THREADS)
        for i in range(first, last, THREADS):
            a = x[at + i]
            for j in range(S0):
                sums[j] = T2(sums[j] + a * y[to + i + j * y_row])
        o = args[2] + share * args[9] + batch * args[13] + row * args[7]
        for j in range(S0):
            total = over_block(sums[j], box, SUM)
            if cuda.threadIdx.x == 0:
                out[o + j * args[8]] = T2(total)
        cuda.syncthreads()


def product_short_dots(args, x, y, out):
    """The same, a warp per row."""
    sums = cuda.local.array(S0, T2)
    m, k, x_row, y_row = args[3], args[4], args[5], args[6]
    units, parts, part = args[10], args[11], args[12]
    warps = THREADS // LANES
    lane, warp = cuda.threadIdx.x % LANES, cuda.threadIdx.x // LANES
    for begin in range(cuda.blockIdx.x * warps, units, cuda.gridDim.x * warps):
        unit = min(begin + warp, units - 1)
        row = unit % m
        share = unit // m % parts
        batch = unit // m // parts
        at, to = batch_places(args, 15, batch)
        at += row * x_row
        for j in range(S0):
            sums[j] = T2(0)
        for i in range(share * part + lane, min(k, (share + 1) * part), LANES):
            a = x[at + i]
            for j in range(S0):
                sums[j] = T2(sums[j] + a * y[to + i + j * y_row])
        o = args[2] + share * args[9] + batch * args[13] + row * args[7]
        for j in range(S0):
            total = over_lanes(sums[j], LANES, SUM)
            if lane == 0 and begin + warp < units:
                out[o + j * args[8]] = T2(total)


def product_columns(args, x, y, out):
    """Thread per column of x (k, m) and part of k, neighbours reading neighbouring numbers: products with the S0 rows of y."""
    sums = cuda.local.array(S0, T2)
    m, k, x_step, y_row = args[3], args[4], args[5], args[6]
    parts, part, y_step = args[11], args[12], args[14]
    for unit in range(cuda.grid(1), args[10], cuda.gridsize(1)):
        column = unit % m
        share = unit // m % parts
        batch = unit // m // parts
        at, to = batch_places(args, 15, batch)
        at += column
        for j in range(S0):
            sums[j] = T2(0)
        first, last = share * part, min(k, (share + 1) * part)
        whole = first + max(0, last - first) // 4 * 4
        for i in range(first, whole, 4):
            o = at + i * x_step
            a, b, c, d = x[o], x[o + x_step], x[o + 2 * x_step], x[o + 3 * x_step]
            for j in range(S0):
                o = to + i * y_step + j * y_row
                sums[j] = T2(sums[j] + a * y[o] + b * y[o + y_step] + c * y[o + 2 * y_step] + d * y[o + 3 * y_step])
        for i in range(whole, last):
            for j in range(S0):
                sums[j] = T2(sums[j] + x[at + i * x_step] * y[to + i * y_step + j * y_row])
        o = args[2] + share * args[9] + batch * args[13] + column * args[7]
        for j in range(S0):
            out[o + j * args[8]] = sums[j]
