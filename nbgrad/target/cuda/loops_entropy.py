"""Cross entropy of lines of scores, and the gradient: scores are read once where registers hold a line; see `loops_lines`.

S4: scores are logarithms of probabilities already, so their sum is not taken. S5: part of the target is spread over all
classes. `whole` keeps, per sample, the logarithm of the sum of exponentials in float64; behind it the sum of the weights, and
one more than the place of the first label that is no class.
"""

import math

from .grids import Blocks
from .loops_lines import exp_sum, first_of, line_of, over_line, start_of, take
from .loops_threads import LEAST, SUM, over_block


def entropy_lines(args, x, labels, weight, losses, whole):
    """Losses of lines, a label each."""
    lines, n, step, first = args[6], args[7], args[8] if S3 else np.int64(1), first_of()
    ignored, skip, spread, from_x, from_weight = args[9], args[10], number(args[11]), args[0], args[2]
    held, tops = cuda.local.array(S1, T0), cuda.shared.array(THREADS, T0)
    sums = cuda.shared.array(THREADS, np.float64)
    for unit in range(cuda.blockIdx.x, args[5], cuda.gridDim.x):
        line = line_of(unit, lines)
        at, label = start_of(line, n, step), labels[args[1] + line]
        top, rest, even, every = T0(0.0), np.float64(0.0), np.float64(0.0), np.float64(0.0)
        if not S4:
            top, rest = exp_sum(x, from_x + at, n, step, held, tops, sums)
            rest = math.log(rest) if math.isfinite(top) else np.float64(math.nan)
        if S5 and not S4:
            for begin in range(0, n, S0 * S1):
                part, part_weight = T0(0.0), T0(0.0)
                if not S2:
                    take(held, x, from_x + at, begin, n, step)
                for k in range(S1):
                    i = begin + first + k * S0
                    if i < n:
                        share = weight[from_weight + i]
                        part = part + share * (held[k] - top)
                        part_weight = part_weight + share
                even, every = even + np.float64(part), every + np.float64(part_weight)
            even, every = over_line(even, sums, SUM), over_line(every, sums, SUM)
        if first == 0:
            loss, result = np.float64(0.0), np.float64(0.0)
            if label >= 0 and label < n and not (skip != 0 and label == ignored):
                score, share = x[from_x + at + label * step], np.float64(weight[from_weight + label])
                loss = (-np.float64(score) if S4 else rest - np.float64(score - top)) * share
                if not S4:
                    result = np.float64(top) + rest
                if S5 and not S4:
                    loss = (1.0 - spread) * loss + spread * (every * rest - even) / np.float64(n)
            elif not (skip != 0 and label == ignored):
                result = np.float64(math.nan)
            losses[args[3] + line], whole[args[4] + line] = T3(loss), result


def entropy_sums(args, losses, labels, weight, sums, wrong, loss, whole):
    """Sums over parts of the samples: of losses and weights; and one more than the place of the first label that is no class.

    Where there is one part alone (S2) these are the results; S0 and S1 as of `entropy_join`.
    """
    samples, n, ignored, skip, size = args[8], args[9], args[10], args[11], args[12]
    box = cuda.shared.array(THREADS, np.float64)
    places = cuda.shared.array(THREADS, np.int64)
    for part in range(cuda.blockIdx.x, args[7], cuda.gridDim.x):
        p, q, bad = np.float64(0.0), np.float64(0.0), np.int64(samples)
        for i in range(part * size + cuda.threadIdx.x, min(samples, (part + 1) * size), THREADS):
            label = labels[args[1] + i]
            p += np.float64(losses[args[0] + i])
            if label >= 0 and label < n and not (skip != 0 and label == ignored):
                q += np.float64(weight[args[2] + label])
            elif not (skip != 0 and label == ignored):
                bad = min(bad, np.int64(i))
        p, q, bad = over_block(p, box, SUM), over_block(q, box, SUM), over_block(bad, places, LEAST)
        bad = bad + 1 if bad < samples else np.int64(0)
        if cuda.threadIdx.x == 0:
            if S2:
                if S1:
                    loss[args[5]] = T5(p / q if S0 else p)
                whole[args[6] + samples], whole[args[6] + samples + 1] = q, np.float64(bad)
            else:
                sums[args[3] + 2 * part], sums[args[3] + 2 * part + 1], wrong[args[4] + part] = p, q, bad


def entropy_join(args, sums, wrong, loss, whole):
    """Join the parts in order: the loss (S1; S0: divided by the weights), the weights, the first label that is no class."""
    parts, samples, last = args[4], args[5], np.int64(1 << 62)
    box = cuda.shared.array(THREADS, np.float64)
    places = cuda.shared.array(THREADS, np.int64)
    p, q, bad = np.float64(0.0), np.float64(0.0), last
    for i in range(cuda.threadIdx.x, parts, THREADS):
        p += sums[args[0] + 2 * i]
        q += sums[args[0] + 2 * i + 1]
        bad = min(bad, wrong[args[1] + i] if wrong[args[1] + i] > 0 else last)
    p, q, bad = over_block(p, box, SUM), over_block(q, box, SUM), over_block(bad, places, LEAST)
    if cuda.threadIdx.x == 0:
        if S1:
            loss[args[2]] = T2(p / q if S0 else p)
        whole[args[3] + samples], whole[args[3] + samples + 1] = q, np.float64(bad if bad < last else 0)


def entropy_grad_lines(args, u, x, labels, weight, whole, out):
    """out = u * share * (probabilities - target) / weights; S6: u is one number, S7: and is divided by the weights."""
    lines, n, step, first = args[7], args[8], args[9] if S3 else np.int64(1), first_of()
    ignored, skip, spread, from_x, from_weight, to = args[10], args[11], number(args[12]), args[1], args[3], args[5]
    held, every, sums = cuda.local.array(S1, T0), np.float64(0.0), cuda.shared.array(THREADS, np.float64)
    if S5:
        for i in range(first, n, S0):
            every += np.float64(weight[from_weight + i])
        every = over_line(every, sums, SUM)
    for unit in range(cuda.blockIdx.x, args[6], cuda.gridDim.x):
        line = line_of(unit, lines)
        at, label, sum_ = start_of(line, n, step), labels[args[2] + line], whole[args[4] + line]
        valid = label >= 0 and label < n and not (skip != 0 and label == ignored)
        top, factor, hard, even = T0(sum_), T0(0.0), T0(0.0), T0(0.0)
        if valid:
            g = np.float64(u[args[0]] if S6 else u[args[0] + line])
            if S7:
                g /= whole[args[4] + lines]
            share = g * np.float64(weight[from_weight + label])
            if S5:
                share *= 1.0 - spread
                even = T0(g * spread / np.float64(n))
            all_of_it = share + g * spread / np.float64(n) * every if S5 else share
            factor = T0(all_of_it * np.float64(math.exp(T0(np.float64(top) - sum_))))  # what rounding takes from the sum
            hard = T0(share)
        for begin in range(0, n, S0 * S1):
            if not S4:
                take(held, x, from_x + at, begin, n, step)
            for k in range(S1):
                i = begin + first + k * S0
                if i < n:
                    v = T0(0.0) if S4 else math.exp(held[k] - top) * factor
                    if S5 and not S4:
                        v = v - even * weight[from_weight + i]
                    v = v - hard if i == label else v
                    out[to + at + i * step] = v if valid else T0(0.0)


def soft_entropy_lines(args, x, t, losses, whole):
    """Losses of rows against rows of probabilities t: sum of t * (whole - x), nothing where t is 0."""
    lines, n, first, from_x, from_t = args[5], args[6], first_of(), args[0], args[1]
    held, tops = cuda.local.array(S1, T0), cuda.shared.array(THREADS, T0)
    sums = cuda.shared.array(THREADS, np.float64)
    for unit in range(cuda.blockIdx.x, args[4], cuda.gridDim.x):
        line = line_of(unit, lines)
        at, loss = line * n, np.float64(0.0)
        top, total = exp_sum(x, from_x + at, n, np.int64(1), held, tops, sums)
        rest = math.log(total) if math.isfinite(top) else np.float64(math.nan)
        r = T0(rest)
        for begin in range(0, n, S0 * S1):
            part = T0(0.0)
            if not S2:
                take(held, x, from_x + at, begin, n, np.int64(1))
            for k in range(S1):
                i = begin + first + k * S0
                if i < n:
                    share = t[from_t + at + i]
                    part = part + (T0(0.0) if share == T0(0.0) else share * (r - (held[k] - top)))
            loss = loss + np.float64(part)
        loss = over_line(loss, sums, SUM)
        if first == 0:
            losses[args[2] + line], whole[args[3] + line] = T2(loss), np.float64(top) + rest


def soft_entropy_grad_lines(args, u, x, t, whole, of_x, of_t):
    """Gradient u of the losses, taken back to x and (S4) t."""
    lines, n, first = args[7], args[8], first_of()
    from_x, from_t, to_x, to_t = args[1], args[2], args[4], args[5]
    held, shares, sums = cuda.local.array(S1, T0), cuda.local.array(S1, T0), cuda.shared.array(THREADS, np.float64)
    for unit in range(cuda.blockIdx.x, args[6], cuda.gridDim.x):
        line = line_of(unit, lines)
        at, total, g, sum_ = line * n, np.float64(0.0), u[args[0] + line], whole[args[3] + line]
        for begin in range(0, n, S0 * S1):
            part = T0(0.0)
            take(shares, t, from_t + at, begin, n, np.int64(1))
            for k in range(S1):
                if begin + first + k * S0 < n:
                    part = part + shares[k]
            total = total + np.float64(part)
        total = over_line(total, sums, SUM)
        top = T0(sum_)  # what rounding takes from the sum goes into the factor
        rest = T0(sum_ - np.float64(top))
        factor = T0(total * np.float64(math.exp(-rest)))
        for begin in range(0, n, S0 * S1):
            take(held, x, from_x + at, begin, n, np.int64(1))
            if not S2:
                take(shares, t, from_t + at, begin, n, np.int64(1))
            for k in range(S1):
                i = begin + first + k * S0
                if i < n:
                    v = held[k] - top
                    of_x[to_x + at + i] = g * (math.exp(v) * factor - shares[k])
                    if S4:
                        of_t[to_t + at + i] = g * (rest - v)


MINE = (line_of, first_of, start_of, take)
HELPERS = {
    "entropy_lines": (*MINE, exp_sum, over_line), "entropy_grad_lines": (*MINE, over_line),
    "soft_entropy_lines": (*MINE, exp_sum, over_line), "soft_entropy_grad_lines": (*MINE, over_line),
    "entropy_sums": (over_block,), "entropy_join": (over_block,),
}  # fmt: skip
LAUNCH = {loop: lambda words: Blocks(words[0]) for loop in HELPERS} | {"entropy_join": lambda words: Blocks(1)}
