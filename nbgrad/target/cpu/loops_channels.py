"""Channels of an array (outer, channels, inner): their means and spreads, sums with a gradient, and what those give.

Sums are taken over chunks of the outer axis, joined in float64 and in order. Where inner is 1 (S0), channels lie side by
side and are lanes; else a channel is a run of neighbours in every outer part. `work` holds what the lanes of a chunk
have added up: `middle`, the means rounded to the array's dtype, and two sums of some rows.
"""

import math

BLOCK = 2048  # neighbours that lanes add up before the sums are joined in float64
LEAVES = 32  # rows that a lane adds up before that


def channel_moments(args, tile):
    """Mean of each channel of a chunk, and sum of squares around it."""
    x, parts, work = at0(args), at1(args), at2(args)
    outer, channels, inner, per = word(args, 3), word(args, 4), word(args, 5), word(args, 6)
    block, blocks = word(args, 7), word(args, 8)
    chunk, first = tile // blocks, tile % blocks * block
    count, start, stop = min(block, channels - first), chunk * per, min(outer, (chunk + 1) * per)
    n, means = float((stop - start) * inner), 2 * chunk * channels + first
    squares = means + channels
    if S0:
        middle = tile * 3 * block
        lane_sums(x, start, stop, channels, first, count, work, middle + block, parts, means)
        for c in range(count):
            work[middle + c] = T0(parts[means + c] / n)
        lane_spreads(x, start, stop, channels, first, count, work, middle, block, parts, means, squares)
        for c in range(count):
            rest = parts[means + c] / n
            parts[means + c] = work[middle + c] + rest
            parts[squares + c] -= rest * rest * n
    else:
        for c in range(count):
            total, rest, square = 0.0, 0.0, 0.0
            for o in range(start, stop):
                at = (o * channels + first + c) * inner
                for b in range(0, inner, BLOCK):
                    p = T0(0.0)
                    for i in range(at + b, at + min(b + BLOCK, inner)):
                        p = plus(p, x[i])
                    total += p
            about = T0(total / n)
            for o in range(start, stop):
                at = (o * channels + first + c) * inner
                for b in range(0, inner, BLOCK):
                    p, q = T0(0.0), T0(0.0)
                    for i in range(at + b, at + min(b + BLOCK, inner)):
                        d = x[i] - about
                        p = plus(p, d)
                        q = plus(q, d * d)
                    rest += p
                    square += q
            rest /= n
            parts[means + c] = about + rest
            parts[squares + c] = square - rest * rest * n


def channel_products(args, tile):
    """Sums over a chunk of u and of u * (x - mean), of each channel."""
    u, x, mean, parts, work = at0(args), at1(args), at2(args), at3(args), at4(args)
    outer, channels, inner, per = word(args, 5), word(args, 6), word(args, 7), word(args, 8)
    block, blocks = word(args, 9), word(args, 10)
    chunk, first = tile // blocks, tile % blocks * block
    count, start, stop = min(block, channels - first), chunk * per, min(outer, (chunk + 1) * per)
    plain = 2 * chunk * channels + first
    along = plain + channels
    if S0:
        middle = tile * 3 * block
        for c in range(count):
            work[middle + c] = T0(mean[first + c])
        lane_products(u, x, start, stop, channels, first, count, work, middle, block, parts, plain, along)
    else:
        for c in range(count):
            about = T0(mean[first + c])
            parts[plain + c] = 0.0
            parts[along + c] = 0.0
            for o in range(start, stop):
                at = (o * channels + first + c) * inner
                for b in range(0, inner, BLOCK):
                    p, q = T0(0.0), T0(0.0)
                    for i in range(at + b, at + min(b + BLOCK, inner)):
                        p = plus(p, u[i])
                        q = plus(q, u[i] * (x[i] - about))
                    parts[plain + c] += p
                    parts[along + c] += q
    for c in range(count):
        rounded = np.float64(T0(mean[first + c]))
        parts[along + c] += (rounded - mean[first + c]) * parts[plain + c]


def lane_sums(x, start, stop, channels, first, count, work, p, sums, to):
    """Add up rows of neighbouring channels."""
    for c in range(count):
        sums[to + c] = 0.0
    for b in range(start, stop, LEAVES):
        for c in range(count):
            work[p + c] = 0.0
        for row in range(b, min(b + LEAVES, stop)):
            at = row * channels + first
            for c in range(count):
                work[p + c] += x[at + c]
        for c in range(count):
            sums[to + c] += work[p + c]


def lane_spreads(x, start, stop, channels, first, count, work, middle, block, sums, to, to_squares):
    """Add up rows of d = x - middle, and of d * d."""
    p = middle + block
    q = p + block
    for c in range(count):
        sums[to + c] = 0.0
        sums[to_squares + c] = 0.0
    for b in range(start, stop, LEAVES):
        for c in range(count):
            work[p + c] = 0.0
            work[q + c] = 0.0
        for row in range(b, min(b + LEAVES, stop)):
            at = row * channels + first
            for c in range(count):
                d = x[at + c] - work[middle + c]
                work[p + c] += d
                work[q + c] += d * d
        for c in range(count):
            sums[to + c] += work[p + c]
            sums[to_squares + c] += work[q + c]


def lane_products(u, x, start, stop, channels, first, count, work, middle, block, sums, to, to_products):
    """Add up rows of u, and of u * (x - middle)."""
    p = middle + block
    q = p + block
    for c in range(count):
        sums[to + c] = 0.0
        sums[to_products + c] = 0.0
    for b in range(start, stop, LEAVES):
        for c in range(count):
            work[p + c] = 0.0
            work[q + c] = 0.0
        for row in range(b, min(b + LEAVES, stop)):
            at = row * channels + first
            for c in range(count):
                work[p + c] += u[at + c]
                work[q + c] += u[at + c] * (x[at + c] - work[middle + c])
        for c in range(count):
            sums[to + c] += work[p + c]
            sums[to_products + c] += work[q + c]


def join_moments(args, tile):
    """Join the chunks' means and squares (Chan, Golub and LeVeque 1979) into the first; the factors of `channel_scale`."""
    parts, weight, bias, mean, scale, variance, factors = at0(args), at1(args), at2(args), at3(args), at4(args), at5(args), at6(args)
    chunks, channels, outer, inner, per = word(args, 7), word(args, 8), word(args, 9), word(args, 10), word(args, 11)
    eps, grain = number(word(args, 12)), word(args, 13)
    first, last = tile * grain, min(channels, (tile + 1) * grain)
    n = float(min(per, outer) * inner)
    for chunk in range(1, chunks):
        more, at = float((min(outer, (chunk + 1) * per) - chunk * per) * inner), 2 * chunk * channels
        share, cross = more / (n + more), n * more / (n + more)
        for c in range(first, last):
            d = parts[at + c] - parts[c]
            parts[c] += d * share
            parts[channels + c] += parts[at + channels + c] + d * d * cross
        n += more
    for c in range(first, last):
        mean[c], variance[c] = parts[c], max(0.0, parts[channels + c] / n)
        scale[c] = 1.0 / math.sqrt(variance[c] + eps)
        factor, about = scale[c] * weight[c], T1(parts[c])
        factors[c], factors[channels + c] = about, T1(factor)
        factors[2 * channels + c] = T1((about - parts[c]) * factor + bias[c])


def channel_factors(args, tile):
    """The factors of `channel_scale` from given means and variances."""
    mean, variance, weight, bias, factors = at0(args), at1(args), at2(args), at3(args), at4(args)
    channels, eps = word(args, 5), number(word(args, 6))
    for c in range(channels):
        factors[c] = mean[c]
        factors[channels + c] = T0(weight[c] / math.sqrt(variance[c] + eps))
        factors[2 * channels + c] = bias[c]


def channel_scale(args, tile):
    """out = (x - middle) * factor + shift, the three of each channel in `factors`; a unit is a row, or a run."""
    x, factors, out = at0(args), at1(args), at2(args)
    units, channels, inner, grain = word(args, 3), word(args, 4), word(args, 5), word(args, 6)
    for unit in range(tile * grain, min(units, (tile + 1) * grain)):
        if S0:
            at = unit * channels
            for c in range(channels):
                out[at + c] = (x[at + c] - factors[c]) * factors[channels + c] + factors[2 * channels + c]
        else:
            c = unit % channels
            middle, factor, shift = factors[c], factors[channels + c], factors[2 * channels + c]
            for i in range(unit * inner, (unit + 1) * inner):
                out[i] = (x[i] - middle) * factor + shift


def join_products(args, tile):
    """Join the chunks' sums of u and u * (x - mean); the gradients of weight and bias, and factors of `channel_grad`."""
    parts, weight, mean, scale, of_weight, of_bias, factors = at0(args), at1(args), at2(args), at3(args), at4(args), at5(args), at6(args)
    chunks, channels, n, grain = word(args, 7), word(args, 8), float(word(args, 9)), word(args, 10)
    first, last = tile * grain, min(channels, (tile + 1) * grain)
    join_chunks(parts, chunks, channels, first, last)
    for c in range(first, last):
        plain, along, r = parts[c], parts[channels + c], scale[c]
        of_bias[c], of_weight[c] = T1(plain), T1(along * r)
        factor, about = r * weight[c], T1(mean[c])
        slope = -factor * r * r * along / n
        factors[c], factors[channels + c], factors[2 * channels + c] = about, T1(factor), T1(slope)
        factors[3 * channels + c] = T1((about - mean[c]) * slope - factor * plain / n)


def join_chunks(parts, chunks, channels, first, last):
    """Add the two sums of all chunks to those of the first, which are zero where there is none."""
    if chunks == 0:
        for c in range(first, last):
            parts[c] = 0.0
            parts[channels + c] = 0.0
    for chunk in range(1, chunks):
        at = 2 * chunk * channels
        for c in range(first, last):
            parts[c] += parts[at + c]
        for c in range(channels + first, channels + last):
            parts[c] += parts[at + c]


def channel_grad(args, tile):
    """out = u * factor + (x - middle) * slope + shift, the four of each channel in `factors`."""
    u, x, factors, out = at0(args), at1(args), at2(args), at3(args)
    units, channels, inner, grain = word(args, 4), word(args, 5), word(args, 6), word(args, 7)
    for unit in range(tile * grain, min(units, (tile + 1) * grain)):
        if S0:
            at = unit * channels
            for c in range(channels):
                slope, shift = factors[2 * channels + c], factors[3 * channels + c]
                out[at + c] = u[at + c] * factors[channels + c] + (x[at + c] - factors[c]) * slope + shift
        else:
            c = unit % channels
            middle, factor = factors[c], factors[channels + c]
            slope, shift = factors[2 * channels + c], factors[3 * channels + c]
            for i in range(unit * inner, (unit + 1) * inner):
                out[i] = u[i] * factor + (x[i] - middle) * slope + shift


def join_sums(args, tile):
    """Join the chunks' two sums of each channel."""
    parts, plain, along = at0(args), at1(args), at2(args)
    chunks, channels, grain = word(args, 3), word(args, 4), word(args, 5)
    first, last = tile * grain, min(channels, (tile + 1) * grain)
    join_chunks(parts, chunks, channels, first, last)
    for c in range(first, last):
        plain[c], along[c] = T1(parts[c]), T1(parts[channels + c])


HELPERS = {
    "channel_moments": ("folds.py", lane_sums, lane_spreads), "channel_products": ("folds.py", lane_products),
    "join_moments": ("folds.py",), "channel_factors": ("folds.py",),
    "join_products": (join_chunks,), "join_sums": (join_chunks,),
}  # fmt: skip
