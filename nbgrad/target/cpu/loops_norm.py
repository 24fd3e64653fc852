"""Rows brought to zero mean and unit spread (S0; without S0: to unit mean square alone), and the gradient.

S1 says how a scale and shift apply: 0 not at all, 1 one pair per element of a row, 2 one pair per run of elements. A row
has `runs` of them, and belongs to one of `groups` of pairs. The mean that is subtracted is rounded to the dtype; what
rounding took is put back afterwards, so that a large mean costs no accuracy.
"""

import math

BLOCK = 2048  # numbers that lanes add up before the sums are joined in float64
BATCH = 4  # rows whose gradients of scale and shift are added up in registers, so that memory is written less often
FLUSH = 32  # rows for which this is done before the sums are joined in float64


def normalize_rows(args, tile):
    """out = (x - mean) / sqrt(variance + eps) * weight + bias."""
    x, weight, bias, out = at0(args), at1(args), at2(args), at3(args)
    rows, n, grain, groups, runs, eps = word(args, 4), word(args, 5), word(args, 6), word(args, 7), word(args, 8), number(word(args, 9))
    length = n // runs
    for row in range(tile * grain, min(rows, (tile + 1) * grain)):
        at, rest, squares = row * n, 0.0, 0.0
        middle = T0(row_mean(x, at, n)) if S0 else T0(0.0)
        for b in range(0, n, BLOCK):
            part, off = T0(0.0), T0(0.0)
            for i in range(at + b, at + min(b + BLOCK, n)):
                d = x[i] - middle
                part = plus(part, d * d)
                if S0:
                    off = plus(off, d)
            squares += part
            rest += off
        squares, rest = squares / n, rest / n
        scale = 1.0 / math.sqrt(max(0.0, squares - rest * rest) + eps)
        s, shift = T0(scale), T0(-rest * scale)
        if S1 == 0:
            for i in range(at, at + n):
                out[i] = (x[i] - middle) * s + shift if S0 else x[i] * s
        elif S1 == 1:
            w = row % groups * n
            for i in range(n):
                out[at + i] = ((x[at + i] - middle) * s + shift) * weight[w + i] + bias[w + i]
        else:
            w = row % groups * runs
            for run in range(runs):
                a, c = s * weight[w + run], shift * weight[w + run] + bias[w + run]
                for i in range(at + run * length, at + (run + 1) * length):
                    out[i] = (x[i] - middle) * a + c


def normalize_grad_rows(args, tile):
    """Gradient u taken back to x, and (S1) its sums for weight and bias over a chunk of rows, in float64.

    `work` holds the sums of FLUSH rows (S1 is 1), or those of the runs of a row (2); `sums` those of the chunk: first the
    weights', then the biases'.
    """
    u, x, weight, out, work, sums = at0(args), at1(args), at2(args), at3(args), at4(args), at5(args)
    rows, n, grain, groups, runs, eps = word(args, 6), word(args, 7), word(args, 8), word(args, 9), word(args, 10), number(word(args, 11))
    length, pairs = n // runs, groups * runs
    total, own = tile * 2 * pairs, tile * (2 * pairs + 3 * BATCH)
    known, waiting = own + 2 * pairs, 0  # rows whose sums wait for others: what they are normalised by
    if S1:
        for i in range(2 * pairs):
            sums[total + i] = 0.0
            if S1 == 1:
                work[own + i] = T0(0.0)
    last = min(rows, (tile + 1) * grain)
    for row in range(tile * grain, last):
        at, w = row * n, row % groups * runs
        middle = T0(row_mean(x, at, n)) if S0 else T0(0.0)
        rest, squares, plain, along = 0.0, 0.0, 0.0, 0.0
        if S1 == 2:
            for run in range(runs):
                of_run, along_run = 0.0, 0.0
                for b in range(0, length, BLOCK):
                    o, r, p, q = T0(0.0), T0(0.0), T0(0.0), T0(0.0)
                    for i in range(at + run * length + b, at + run * length + min(b + BLOCK, length)):
                        d = x[i] - middle
                        o, r = plus(o, d * d), plus(r, d)
                        p, q = plus(p, u[i]), plus(q, u[i] * d)
                    squares, rest, of_run, along_run = squares + o, rest + r, of_run + p, along_run + q
                work[own + run], work[own + pairs + run] = along_run, of_run
                plain += of_run * weight[w + run]
                along += along_run * weight[w + run]
        else:
            for b in range(0, n, BLOCK):
                o, r, p, q = T0(0.0), T0(0.0), T0(0.0), T0(0.0)
                for i in range(b, min(b + BLOCK, n)):
                    d = x[at + i] - middle
                    v = u[at + i] * weight[w + i] if S1 else u[at + i]
                    o, q = plus(o, d * d), plus(q, v * d)
                    if S0:
                        r, p = plus(r, d), plus(p, v)
                squares, rest, plain, along = squares + o, rest + r, plain + p, along + q
        squares, rest, plain = squares / n, rest / n if S0 else 0.0, plain / n
        scale = 1.0 / math.sqrt(max(0.0, squares - rest * rest) + eps)
        s, shift = T0(scale), T0(-rest * scale)
        f = T0(plain) if S0 else T0(0.0)
        h = T0((along / n - rest * plain) * scale)
        if S1 == 2:
            for run in range(runs):
                v = weight[w + run]
                sums[total + w + run] += (work[own + run] - rest * work[own + pairs + run]) * scale
                sums[total + pairs + w + run] += work[own + pairs + run]
                for i in range(at + run * length, at + (run + 1) * length):
                    out[i] = (u[i] * v - f - ((x[i] - middle) * s + shift) * h) * s
        elif S1 == 1:
            p, q = own + w, own + pairs + w
            for i in range(n):
                out[at + i] = (u[at + i] * weight[w + i] - f - ((x[at + i] - middle) * s + shift) * h) * s
            work[known + 3 * waiting], work[known + 3 * waiting + 1], work[known + 3 * waiting + 2] = middle, s, shift
            waiting += 1
            if waiting == BATCH or groups > 1 or row + 1 == last or (row + 1) % FLUSH == 0:
                add_rows(x, u, work, at - (waiting - 1) * n, n, waiting, known, p, q)
                waiting = 0
        else:
            for i in range(at, at + n):
                out[i] = (u[i] - f - ((x[i] - middle) * s + shift) * h) * s
        if S1 == 1 and ((row + 1) % (FLUSH * groups) == 0 or row + 1 == last):
            for i in range(2 * pairs):
                sums[total + i] += work[own + i]
                work[own + i] = T0(0.0)


def add_rows(x, u, work, at, n, count, known, p, q):
    """Add u * z and u of some neighbouring rows, z being x normalised, to `work` from `p` and from `q`.

    In loops of their own: the optimiser compares at most eight pairs of memory for overlaps.
    """
    if count == BATCH:
        b, c, d = at + n, at + 2 * n, at + 3 * n
        m0, s0, h0 = work[known], work[known + 1], work[known + 2]
        m1, s1, h1 = work[known + 3], work[known + 4], work[known + 5]
        m2, s2, h2 = work[known + 6], work[known + 7], work[known + 8]
        m3, s3, h3 = work[known + 9], work[known + 10], work[known + 11]
        for i in range(n):
            first = u[at + i] * ((x[at + i] - m0) * s0 + h0) + u[b + i] * ((x[b + i] - m1) * s1 + h1)
            work[p + i] += first + (u[c + i] * ((x[c + i] - m2) * s2 + h2) + u[d + i] * ((x[d + i] - m3) * s3 + h3))
        for i in range(n):
            work[q + i] += (u[at + i] + u[b + i]) + (u[c + i] + u[d + i])
    else:
        for row in range(count):
            o, k = at + row * n, known + 3 * row
            middle, s, shift = work[k], work[k + 1], work[k + 2]
            for i in range(n):
                work[p + i] += u[o + i] * ((x[o + i] - middle) * s + shift)
                work[q + i] += u[o + i]


def row_mean(x, at, n):
    """Return the mean of a row."""
    total = 0.0
    for b in range(0, n, BLOCK):
        part = T0(0.0)
        for i in range(at + b, at + min(b + BLOCK, n)):
            part = plus(part, x[i])
        total += part
    return total / n


HELPERS = {"normalize_rows": ("folds.py", row_mean), "normalize_grad_rows": ("folds.py", row_mean, add_rows)}
