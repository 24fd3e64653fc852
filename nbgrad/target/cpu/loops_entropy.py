"""Cross entropy of rows of scores, and the gradient: scores are read once, no row of probabilities or targets is made.

S0: scores are logarithms of probabilities already, so their sum is not taken. S1: part of the target is spread over all
classes. `whole` keeps, per sample, the logarithm of the sum of exponentials in float64.
"""

import math

import numpy as np

from .loops_rows import column_sums, column_tops

BLOCK = 2048  # numbers that lanes add up before the sums are joined in float64
LEAVES = 64  # the same for classes that do not lie side by side


def entropy_rows(args, tile):
    """Losses, and sums over the tile: of losses and weights, and one more than the place of the first label that is no class."""
    x, labels, weight, losses, whole, sums, wrong = at0(args), at1(args), at2(args), at3(args), at4(args), at5(args), at6(args)
    rows, n, grain, ignored, skip = word(args, 7), word(args, 8), word(args, 9), word(args, 10), word(args, 11)
    spread = number(word(args, 12))
    loss_sum, weight_sum, bad, every = 0.0, 0.0, 0, 0.0
    if S1:
        for c in range(n):
            every += weight[c]
    for row in range(tile * grain, min(rows, (tile + 1) * grain)):
        at, label, loss = row * n, labels[row], 0.0
        if skip != 0 and label == ignored:
            whole[row] = 0.0
        elif label < 0 or label >= n:
            whole[row] = math.nan
            bad = bad if bad != 0 else row + 1
        else:
            share = np.float64(weight[label])
            if S0:
                loss = -np.float64(x[at + label]) * share
                whole[row] = 0.0
            else:
                peak = ordered(x[at])
                for i in range(1, n):
                    peak = most(peak, ordered(x[at + i]))
                top, total = unordered(peak), 0.0
                for b in range(0, n, BLOCK):
                    part = T0(0.0)
                    for i in range(at + b, at + min(b + BLOCK, n)):
                        part = plus(part, math.exp(x[i] - top))
                    total += part
                rest = math.log(total)
                whole[row] = top + rest
                loss = (rest - np.float64(x[at + label] - top)) * share
                if S1:
                    even = 0.0
                    for b in range(0, n, BLOCK):
                        part = T0(0.0)
                        for i in range(b, min(b + BLOCK, n)):
                            part = plus(part, weight[i] * (x[at + i] - top))
                        even += part
                    loss = (1.0 - spread) * loss + spread * (every * rest - even) / n
            weight_sum += share
        losses[row] = T3(loss)
        loss_sum += loss
    sums[2 * tile], sums[2 * tile + 1], wrong[tile] = loss_sum, weight_sum, bad


def entropy_columns(args, tile):
    """As `entropy_rows`, for classes that lie `inner` apart: a tile takes blocks of neighbouring samples."""
    x, labels, weight, losses, whole = at0(args), at1(args), at2(args), at3(args), at4(args)
    sums, wrong, work = at5(args), at6(args), at7(args)
    units, n, grain, ignored, skip = word(args, 8), word(args, 9), word(args, 10), word(args, 11), word(args, 12)
    spread, blocks, block, inner = number(word(args, 13)), word(args, 14), word(args, 15), word(args, 16)
    top = tile * 3 * block
    part, total = top + block, top + 2 * block
    loss_sum, weight_sum, bad, every = 0.0, 0.0, 0, 0.0
    if S1:
        for c in range(n):
            every += weight[c]
    for unit in range(tile * grain, min(units, (tile + 1) * grain)):
        outer, column = unit // blocks, unit % blocks * block
        count, at, to = min(block, inner - column), outer * n * inner + column, outer * inner + column
        if not S0:
            column_tops(x, at, n, inner, count, work, top)
            column_sums(x, at, n, inner, count, work, top, part, total)
            for j in range(count):
                work[part + j] = math.log(work[total + j])
        for j in range(count):
            label, loss, row = labels[to + j], 0.0, to + j
            if skip != 0 and label == ignored:
                whole[row] = 0.0
            elif label < 0 or label >= n:
                whole[row] = math.nan
                bad = bad if bad != 0 else row + 1
            else:
                share, score = np.float64(weight[label]), x[at + label * inner + j]
                if S0:
                    loss = -np.float64(score) * share
                    whole[row] = 0.0
                else:
                    rest, peak = np.float64(work[part + j]), work[top + j]
                    whole[row] = peak + rest
                    loss = (rest - np.float64(score - peak)) * share
                    if S1:
                        even = 0.0
                        for i in range(n):
                            even += weight[i] * (x[at + i * inner + j] - peak)
                        loss = (1.0 - spread) * loss + spread * (every * rest - even) / n
                weight_sum += share
            losses[row] = T3(loss)
            loss_sum += loss
    sums[2 * tile], sums[2 * tile + 1], wrong[tile] = loss_sum, weight_sum, bad


def entropy_join(args, tile):
    """Join the tiles in order: the loss (S0: divided by the weights), the weights, the first label that is no class."""
    sums, wrong, loss, stats = at0(args), at1(args), at2(args), at3(args)
    tiles, samples = word(args, 4), word(args, 5)
    p, q, bad = 0.0, 0.0, 0
    for i in range(tiles):
        p += sums[2 * i]
        q += sums[2 * i + 1]
        bad = wrong[i] if bad == 0 else bad
    if S1:
        loss[0] = T2(p / q if S0 else p)
    stats[samples], stats[samples + 1] = q, float(bad)


def entropy_grad_rows(args, tile):
    """out = u * share * (probabilities - target) / weights; S2: u is one number, S3: and is divided by the weights."""
    u, x, labels, weight, whole, out = at0(args), at1(args), at2(args), at3(args), at4(args), at5(args)
    rows, n, grain, ignored, skip = word(args, 6), word(args, 7), word(args, 8), word(args, 9), word(args, 10)
    spread, every, weights = number(word(args, 11)), 0.0, whole[rows]
    if S1:
        for c in range(n):
            every += weight[c]
    for row in range(tile * grain, min(rows, (tile + 1) * grain)):
        at, label = row * n, labels[row]
        if (skip != 0 and label == ignored) or label < 0 or label >= n:
            for i in range(at, at + n):
                out[i] = T0(0.0)
        else:
            g = np.float64(u[0] if S2 else u[row])
            if S3:
                g /= weights
            hard = g * weight[label]
            if S1:
                hard *= 1.0 - spread
            if S0:
                for i in range(at, at + n):
                    out[i] = T0(0.0)
            else:
                top = T0(whole[row])  # what rounding takes from the sum goes into the factor
                even = g * spread / n if S1 else 0.0
                factor = T0((hard + even * every) * math.exp(T0(top - whole[row])))
                if S1:
                    e = T0(even)
                    for i in range(n):
                        out[at + i] = math.exp(x[at + i] - top) * factor - e * weight[i]
                else:
                    for i in range(at, at + n):
                        out[i] = math.exp(x[i] - top) * factor
            out[at + label] -= T0(hard)


def entropy_grad_columns(args, tile):
    """As `entropy_grad_rows`, for classes that lie `inner` apart."""
    u, x, labels, weight, whole, out, work = at0(args), at1(args), at2(args), at3(args), at4(args), at5(args), at6(args)
    units, n, grain, ignored, skip = word(args, 7), word(args, 8), word(args, 9), word(args, 10), word(args, 11)
    spread, blocks, block, inner, every = number(word(args, 12)), word(args, 13), word(args, 14), word(args, 15), 0.0
    weights = whole[units // blocks * inner]
    if S1:
        for c in range(n):
            every += weight[c]
    top = tile * 3 * block
    factor, even = top + block, top + 2 * block
    for unit in range(tile * grain, min(units, (tile + 1) * grain)):
        outer, column = unit // blocks, unit % blocks * block
        count, at, to = min(block, inner - column), outer * n * inner + column, outer * inner + column
        for j in range(count):
            label = labels[to + j]
            work[factor + j], work[even + j], work[top + j] = T0(0.0), T0(0.0), T0(0.0)
            if not ((skip != 0 and label == ignored) or label < 0 or label >= n):
                g = np.float64(u[0] if S2 else u[to + j])
                if S3:
                    g /= weights
                hard = g * weight[label]
                if S1:
                    hard *= 1.0 - spread
                    work[even + j] = T0(g * spread / n)
                if not S0:
                    rounded = T0(whole[to + j])
                    scale = hard + g * spread / n * every if S1 else hard
                    work[top + j] = rounded
                    work[factor + j] = T0(scale * math.exp(T0(rounded - whole[to + j])))
        for i in range(n):
            o = at + i * inner
            for j in range(count):
                if S0:
                    out[o + j] = T0(0.0)
                elif S1:
                    e = math.exp(x[o + j] - work[top + j]) * work[factor + j] - work[even + j] * weight[i]
                    out[o + j] = T0(0.0) if work[factor + j] == T0(0.0) else e
                else:
                    e = math.exp(x[o + j] - work[top + j]) * work[factor + j]
                    out[o + j] = T0(0.0) if work[factor + j] == T0(0.0) else e
        for j in range(count):
            label = labels[to + j]
            if not ((skip != 0 and label == ignored) or label < 0 or label >= n):
                g = np.float64(u[0] if S2 else u[to + j])
                if S3:
                    g /= weights
                hard = g * weight[label]
                if S1:
                    hard *= 1.0 - spread
                out[at + label * inner + j] -= T0(hard)


def soft_entropy_rows(args, tile):
    """Losses of rows against rows of probabilities t: sum of t * (whole - x), nothing where t is 0."""
    x, t, losses, whole = at0(args), at1(args), at2(args), at3(args)
    rows, n, grain = word(args, 4), word(args, 5), word(args, 6)
    for row in range(tile * grain, min(rows, (tile + 1) * grain)):
        at = row * n
        peak = ordered(x[at])
        for i in range(1, n):
            peak = most(peak, ordered(x[at + i]))
        top, total, loss = unordered(peak), 0.0, 0.0
        for b in range(0, n, BLOCK):
            part = T0(0.0)
            for i in range(at + b, at + min(b + BLOCK, n)):
                part = plus(part, math.exp(x[i] - top))
            total += part
        rest = math.log(total)
        r = T0(rest)
        for b in range(0, n, BLOCK):
            part = T0(0.0)
            for i in range(at + b, at + min(b + BLOCK, n)):
                part = plus(part, T0(0.0) if t[i] == T0(0.0) else t[i] * (r - (x[i] - top)))
            loss += part
        losses[row], whole[row] = T2(loss), top + rest


def soft_entropy_grad_rows(args, tile):
    """Gradient u of the losses, taken back to x and t."""
    u, x, t, whole, of_x, of_t = at0(args), at1(args), at2(args), at3(args), at4(args), at5(args)
    rows, n, grain = word(args, 6), word(args, 7), word(args, 8)
    for row in range(tile * grain, min(rows, (tile + 1) * grain)):
        at, total, g = row * n, 0.0, u[row]
        for b in range(0, n, BLOCK):
            part = T0(0.0)
            for i in range(at + b, at + min(b + BLOCK, n)):
                part = plus(part, t[i])
            total += part
        top = T0(whole[row])  # what rounding takes from the sum goes into the factor
        rest = T0(whole[row] - top)
        factor = T0(total * math.exp(-rest))
        for i in range(at, at + n):
            of_x[i] = g * (math.exp(x[i] - top) * factor - t[i])
            if S0:
                of_t[i] = g * (rest - (x[i] - top))


FOLDS = ("folds.py", math.exp)
COLUMNS = ("folds.py", math.exp, math.log, column_tops, column_sums)
HELPERS = {
    "entropy_rows": FOLDS, "entropy_grad_rows": FOLDS, "soft_entropy_rows": FOLDS, "soft_entropy_grad_rows": FOLDS,
    "entropy_columns": COLUMNS, "entropy_grad_columns": ("folds.py", math.exp),
}  # fmt: skip
