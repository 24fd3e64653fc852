"""Softmax and its kin over rows that lie side by side, and over columns; their gradients.

A row passes through the first-level cache once and is read there several times. Columns are taken in blocks, each
column a lane; `work` holds their largest values and sums.
"""

import math

import numpy as np

BLOCK = 2048  # numbers that lanes add up before the sums are joined in float64
LEAVES = 64  # the same for sums of columns, each of which has one lane only


def softmax_rows(args, tile):
    """out = exp(x) / sum(exp(x)) of each row, or its logarithm (S0)."""
    x, out = at0(args), at1(args)
    rows, n, grain = word(args, 2), word(args, 3), word(args, 4)
    for row in range(tile * grain, min(rows, (tile + 1) * grain)):
        at = row * n
        peak = ordered(x[at])
        for i in range(1, n):
            peak = most(peak, ordered(x[at + i]))
        top, total = unordered(peak), 0.0
        for b in range(0, n, BLOCK):
            part = T0(0.0)
            for i in range(at + b, at + min(b + BLOCK, n)):
                e = math.exp(x[i] - top)
                if not S0:
                    out[i] = e
                part = plus(part, e)
            total += part
        if S0:
            shift = T0(math.log(total))
            for i in range(at, at + n):
                out[i] = (x[i] - top) - shift
        else:
            scale = T0(1.0 / total)
            for i in range(at, at + n):
                out[i] = out[i] * scale


def softmax_grad_rows(args, tile):
    """out = y * (g - sum(g * y)); of the logarithm (S0): g - exp(y) * sum(g)."""
    y, g, out = at0(args), at1(args), at2(args)
    rows, n, grain = word(args, 3), word(args, 4), word(args, 5)
    for row in range(tile * grain, min(rows, (tile + 1) * grain)):
        at, total = row * n, 0.0
        for b in range(0, n, BLOCK):
            part = T0(0.0)
            for i in range(at + b, at + min(b + BLOCK, n)):
                part = plus(part, g[i] if S0 else g[i] * y[i])
            total += part
        share = T0(total)
        for i in range(at, at + n):
            out[i] = g[i] - math.exp(y[i]) * share if S0 else y[i] * (g[i] - share)


def logsumexp_rows(args, tile):
    """The logarithm of the sum of exp(x) of each row, in the row's dtype and in float64."""
    x, out, whole = at0(args), at1(args), at2(args)
    rows, n, grain = word(args, 3), word(args, 4), word(args, 5)
    for row in range(tile * grain, min(rows, (tile + 1) * grain)):
        at = row * n
        peak = ordered(x[at])
        for i in range(1, n):
            peak = most(peak, ordered(x[at + i]))
        top, total = unordered(peak), 0.0
        for b in range(0, n, BLOCK):
            part = T0(0.0)
            for i in range(at + b, at + min(b + BLOCK, n)):
                part = plus(part, math.exp(x[i] - top))
            total += part
        result = top + math.log(total)
        if not math.isfinite(top):
            result = infinite(x, at, n, 1, top)
        whole[row] = result
        out[row] = T1(result)


def logsumexp_grad_rows(args, tile):
    """out = g * exp(x - whole); where the sum is infinite, the largest share g alike."""
    g, x, whole, out = at0(args), at1(args), at2(args), at3(args)
    rows, n, grain = word(args, 4), word(args, 5), word(args, 6)
    for row in range(tile * grain, min(rows, (tile + 1) * grain)):
        at, sum_ = row * n, whole[row]
        if math.isinf(sum_):
            ties = 0
            for i in range(at, at + n):
                ties += x[i] == math.inf
            share = g[row] / T0(ties) if ties else T0(0.0)
            for i in range(at, at + n):
                out[i] = share if x[i] == math.inf else T0(0.0)
        else:
            top = T1(sum_)  # what rounding takes from the sum goes into the factor
            scale = T0(g[row] * math.exp(T0(top - sum_)))
            for i in range(at, at + n):
                out[i] = scale * math.exp(x[i] - top)


def softmax_columns(args, tile):
    """As `softmax_rows`, over columns."""
    x, out, work = at0(args), at1(args), at2(args)
    units, grain, blocks, block, n, inner = word(args, 3), word(args, 4), word(args, 5), word(args, 6), word(args, 7), word(args, 8)
    top = tile * 3 * block
    part, total = top + block, top + 2 * block
    for unit in range(tile * grain, min(units, (tile + 1) * grain)):
        count = min(block, inner - unit % blocks * block)
        at = unit // blocks * n * inner + unit % blocks * block
        column_tops(x, at, n, inner, count, work, top)
        for j in range(count):
            work[total + j] = T0(0.0)
        for first in range(0, n, LEAVES):
            for j in range(count):
                work[part + j] = T0(0.0)
            for i in range(first, min(first + LEAVES, n)):
                o = at + i * inner
                for j in range(count):
                    e = math.exp(x[o + j] - work[top + j])
                    if not S0:
                        out[o + j] = e
                    work[part + j] += e
            for j in range(count):
                work[total + j] += work[part + j]
        for j in range(count):
            work[total + j] = math.log(work[total + j]) if S0 else T0(1.0) / work[total + j]
        for i in range(n):
            o = at + i * inner
            for j in range(count):
                if S0:
                    out[o + j] = (x[o + j] - work[top + j]) - work[total + j]
                else:
                    out[o + j] = out[o + j] * work[total + j]


def softmax_grad_columns(args, tile):
    """As `softmax_grad_rows`, over columns."""
    y, g, out, work = at0(args), at1(args), at2(args), at3(args)
    units, grain, blocks, block, n, inner = word(args, 4), word(args, 5), word(args, 6), word(args, 7), word(args, 8), word(args, 9)
    part = tile * 2 * block
    total = part + block
    for unit in range(tile * grain, min(units, (tile + 1) * grain)):
        count = min(block, inner - unit % blocks * block)
        at = unit // blocks * n * inner + unit % blocks * block
        for j in range(count):
            work[total + j] = T0(0.0)
        for first in range(0, n, LEAVES):
            for j in range(count):
                work[part + j] = T0(0.0)
            for i in range(first, min(first + LEAVES, n)):
                o = at + i * inner
                for j in range(count):
                    work[part + j] += g[o + j] if S0 else g[o + j] * y[o + j]
            for j in range(count):
                work[total + j] += work[part + j]
        for i in range(n):
            o = at + i * inner
            for j in range(count):
                if S0:
                    out[o + j] = g[o + j] - math.exp(y[o + j]) * work[total + j]
                else:
                    out[o + j] = y[o + j] * (g[o + j] - work[total + j])


def logsumexp_columns(args, tile):
    """As `logsumexp_rows`, over columns."""
    x, out, whole, work = at0(args), at1(args), at2(args), at3(args)
    units, grain, blocks, block, n, inner = word(args, 4), word(args, 5), word(args, 6), word(args, 7), word(args, 8), word(args, 9)
    top = tile * 3 * block
    part, total = top + block, top + 2 * block
    for unit in range(tile * grain, min(units, (tile + 1) * grain)):
        count = min(block, inner - unit % blocks * block)
        outer, first_column = unit // blocks, unit % blocks * block
        at, to = outer * n * inner + first_column, outer * inner + first_column
        column_tops(x, at, n, inner, count, work, top)
        column_sums(x, at, n, inner, count, work, top, part, total)
        for j in range(count):
            peak, rest = work[top + j], math.log(work[total + j])
            result = np.float64(peak) + np.float64(rest)
            if not math.isfinite(peak):
                result = infinite(x, at + j, n, inner, peak)
            whole[to + j] = result
            out[to + j] = T1(result)


def logsumexp_grad_columns(args, tile):
    """As `logsumexp_grad_rows`, over columns."""
    g, x, whole, out, work = at0(args), at1(args), at2(args), at3(args), at4(args)
    units, grain, blocks, block, n, inner = word(args, 5), word(args, 6), word(args, 7), word(args, 8), word(args, 9), word(args, 10)
    top = tile * 2 * block
    scale = top + block
    for unit in range(tile * grain, min(units, (tile + 1) * grain)):
        count = min(block, inner - unit % blocks * block)
        outer, first_column = unit // blocks, unit % blocks * block
        at, to = outer * n * inner + first_column, outer * inner + first_column
        for j in range(count):
            sum_ = whole[to + j]
            rounded = T1(sum_)
            ties = 0
            if sum_ == math.inf:
                for i in range(n):
                    ties += x[at + i * inner + j] == math.inf
            if math.isinf(sum_):
                work[top + j] = math.inf
                work[scale + j] = g[to + j] / T0(ties) if ties else T0(0.0)
            else:
                work[top + j] = rounded
                work[scale + j] = T0(g[to + j] * math.exp(T0(rounded - sum_)))
        for i in range(n):
            o = at + i * inner
            for j in range(count):
                peak = work[top + j]
                e = math.exp(x[o + j] - peak)
                if peak == math.inf:
                    e = T0(1.0) if x[o + j] == math.inf else T0(0.0)
                out[o + j] = work[scale + j] * e


def infinite(x, at, n, step, top):
    """Return the sum of numbers whose largest is infinite, or NaN, as its logarithm."""
    result = np.float64(top)
    for i in range(n):
        if x[at + i * step] != x[at + i * step]:
            result = math.nan
    return result


def column_tops(x, at, n, inner, count, work, top):
    """Put the largest value of each column into `work`; one NaN of a column is enough to make its sum NaN."""
    for j in range(count):
        work[top + j] = x[at + j]
    for i in range(1, n):
        o = at + i * inner
        for j in range(count):
            work[top + j] = x[o + j] if x[o + j] > work[top + j] else work[top + j]


def column_sums(x, at, n, inner, count, work, top, part, total):
    """Put the sum of exp(x - largest) of each column into `work`."""
    for j in range(count):
        work[total + j] = 0.0
    for first in range(0, n, LEAVES):
        for j in range(count):
            work[part + j] = 0.0
        for i in range(first, min(first + LEAVES, n)):
            o = at + i * inner
            for j in range(count):
                work[part + j] += math.exp(x[o + j] - work[top + j])
        for j in range(count):
            work[total + j] += work[part + j]


FOLDS = ("folds.py", math.exp)
HELPERS = {
    "softmax_rows": FOLDS, "softmax_grad_rows": FOLDS, "logsumexp_rows": (*FOLDS, infinite), "logsumexp_grad_rows": FOLDS,
    "softmax_columns": (math.exp, math.log, column_tops), "softmax_grad_columns": (math.exp,),
    "logsumexp_columns": (math.exp, math.log, infinite, column_tops, column_sums), "logsumexp_grad_columns": (math.exp,),
}  # fmt: skip
