"""Lines brought to zero mean and unit spread (S4; without: to unit mean square alone), and the gradient; see `loops_lines`.

S5 says how a scale and shift apply: 0 not at all, 1 one pair per element of a line, 2 one pair per run of elements. A line
has `runs` of them, and belongs to one of `groups` of pairs. The mean that is subtracted is rounded to the dtype; what
rounding took is put back afterwards, so that a large mean costs no accuracy.
"""

import math

from .grids import Blocks
from .loops_lines import first_of, line_of, over_line, take
from .loops_threads import SUM


def normalize_lines(args, x, weight, bias, out):
    """out = (x - mean) / sqrt(variance + eps) * weight + bias."""
    lines, n, first, from_x, to = args[5], args[6], first_of(), args[0], args[3]
    groups, runs, eps = args[8], args[9], number(args[10])
    held, sums = cuda.local.array(S1, T0), cuda.shared.array(THREADS, np.float64)
    for unit in range(cuda.blockIdx.x, args[4], cuda.gridDim.x):
        line = line_of(unit, lines)
        at, pair = from_x + line * n, line % groups * runs
        middle = T0(line_mean(x, at, n, held, sums)) if S4 else T0(0.0)
        squares, rest = np.float64(0.0), np.float64(0.0)
        for begin in range(0, n, S0 * S1):
            if not (S2 and S4):
                take(held, x, at, begin, n, np.int64(1))
            part, off = T0(0.0), T0(0.0)
            for k in range(S1):
                if begin + first + k * S0 < n:
                    d = held[k] - middle
                    part, off = part + d * d, off + d
            squares, rest = squares + np.float64(part), rest + np.float64(off)
        squares = over_line(squares, sums, SUM) / np.float64(n)
        rest = over_line(rest, sums, SUM) / np.float64(n) if S4 else np.float64(0.0)
        scale = inverse_spread(squares - rest * rest, eps)
        s, shift = T0(scale), T0(-rest * scale)
        for begin in range(0, n, S0 * S1):
            if not S2:
                take(held, x, at, begin, n, np.int64(1))
            for k in range(S1):
                i = begin + first + k * S0
                if i < n:
                    z = (held[k] - middle) * s + shift if S4 else held[k] * s
                    if S5 > 0:
                        w = pair + (i if S5 == 1 else i // (n // runs))
                        z = z * weight[args[1] + w] + bias[args[2] + w]
                    out[to + line * n + i] = z


def normalize_grad_lines(args, u, x, weight, out, known):
    """Gradient u taken back to x; `known` keeps (S5) what each line is normalised by: mean, factor, shift."""
    lines, n, first, from_weight, to = args[6], args[7], first_of(), args[2], args[3]
    groups, runs, eps = args[9], args[10], number(args[11])
    xs, us, sums = cuda.local.array(S1, T0), cuda.local.array(S1, T0), cuda.shared.array(THREADS, np.float64)
    for unit in range(cuda.blockIdx.x, args[5], cuda.gridDim.x):
        line = line_of(unit, lines)
        at_u, at_x, pair = args[0] + line * n, args[1] + line * n, from_weight + line % groups * runs
        middle = T0(line_mean(x, at_x, n, xs, sums)) if S4 else T0(0.0)
        squares, rest, plain, along = np.float64(0.0), np.float64(0.0), np.float64(0.0), np.float64(0.0)
        for begin in range(0, n, S0 * S1):
            if not (S2 and S4):
                take(xs, x, at_x, begin, n, np.int64(1))
            take(us, u, at_u, begin, n, np.int64(1))
            o, r, p, q = T0(0.0), T0(0.0), T0(0.0), T0(0.0)
            for k in range(S1):
                i = begin + first + k * S0
                if i < n:
                    d, v = xs[k] - middle, us[k]
                    if S5 > 0:
                        v = v * weight[pair + (i if S5 == 1 else i // (n // runs))]
                    o, r, p, q = o + d * d, r + d, p + v, q + v * d
            squares, rest, plain, along = squares + np.float64(o), rest + np.float64(r), plain + np.float64(p), along + np.float64(q)
        squares, along = over_line(squares, sums, SUM) / np.float64(n), over_line(along, sums, SUM) / np.float64(n)
        rest = over_line(rest, sums, SUM) / np.float64(n) if S4 else np.float64(0.0)
        plain = over_line(plain, sums, SUM) / np.float64(n) if S4 else np.float64(0.0)
        scale = inverse_spread(squares - rest * rest, eps)
        s, shift, f, h = T0(scale), T0(-rest * scale), T0(plain), T0((along - rest * plain) * scale)
        if S5 > 0 and first == 0:
            known[args[4] + 3 * line], known[args[4] + 3 * line + 1], known[args[4] + 3 * line + 2] = middle, s, shift
        for begin in range(0, n, S0 * S1):
            if not S2:
                take(xs, x, at_x, begin, n, np.int64(1))
                take(us, u, at_u, begin, n, np.int64(1))
            for k in range(S1):
                i = begin + first + k * S0
                if i < n:
                    v = us[k] * weight[pair + (i if S5 == 1 else i // (n // runs))] if S5 > 0 else us[k]
                    out[to + line * n + i] = (v - f - ((xs[k] - middle) * s + shift) * h) * s


def line_mean(x, at, n, held, sums):
    """Return the mean of a line."""
    first, total = first_of(), np.float64(0.0)
    for begin in range(0, n, S0 * S1):
        take(held, x, at, begin, n, np.int64(1))
        part = T0(0.0)
        for k in range(S1):
            if begin + first + k * S0 < n:
                part = part + held[k]
        total = total + np.float64(part)
    return over_line(total, sums, SUM) / np.float64(n)


def inverse_spread(variance, eps):
    """Return 1 / sqrt(variance + eps); no rounding makes the variance negative."""
    return np.float64(1.0) / math.sqrt((variance if variance > 0.0 else np.float64(0.0)) + eps)


MINE = (line_of, first_of, take, over_line, line_mean, inverse_spread)
HELPERS = {"normalize_lines": MINE, "normalize_grad_lines": MINE}
LAUNCH = {loop: lambda words: Blocks(words[0]) for loop in HELPERS}
