"""Softmax and its kin over lines, and their gradients; see `loops_lines` for how threads share them.

Memory bounds them: a line is read once and written once where registers hold it, else read twice, the second time mostly
from the caches.
"""

import math

from .grids import Blocks
from .loops_lines import exp_sum, finite_or_zero, first_of, line_of, over_line, start_of, take
from .loops_threads import SUM


def softmax_lines(args, x, out):
    """out = exp(x) / sum(exp(x)) of each line, or its logarithm (S4)."""
    lines, n, step, first, from_x, to = args[3], args[4], args[5] if S3 else np.int64(1), first_of(), args[0], args[1]
    held, tops = cuda.local.array(S1, T0), cuda.shared.array(THREADS, T0)
    sums = cuda.shared.array(THREADS, np.float64)
    for unit in range(cuda.blockIdx.x, args[2], cuda.gridDim.x):
        at = start_of(line_of(unit, lines), n, step)
        top, total = exp_sum(x, from_x + at, n, step, held, tops, sums)
        if not math.isfinite(top):
            total = np.float64(math.nan)
        shift, scale = T0(math.log(total)) if S4 else T0(0.0), T0(1.0) / T0(total)
        for begin in range(0, n, S0 * S1):
            if not S2:
                take(held, x, from_x + at, begin, n, step)
            for k in range(S1):
                i = begin + first + k * S0
                if i < n:
                    v = held[k] - top
                    out[to + at + i * step] = v - shift if S4 else math.exp(v) * scale


def softmax_grad_lines(args, y, g, out):
    """out = y * (g - sum(g * y)); of the logarithm (S4): g - exp(y) * sum(g)."""
    lines, n, step, first = args[4], args[5], args[6] if S3 else np.int64(1), first_of()
    ys, gs, sums = cuda.local.array(S1, T0), cuda.local.array(S1, T0), cuda.shared.array(THREADS, np.float64)
    from_y, from_g, to = args[0], args[1], args[2]
    for unit in range(cuda.blockIdx.x, args[3], cuda.gridDim.x):
        at, total = start_of(line_of(unit, lines), n, step), np.float64(0.0)
        for begin in range(0, n, S0 * S1):
            part = T0(0.0)
            take(ys, y, from_y + at, begin, n, step)
            take(gs, g, from_g + at, begin, n, step)
            for k in range(S1):
                if begin + first + k * S0 < n:
                    part = part + (gs[k] if S4 else gs[k] * ys[k])
            total = total + np.float64(part)
        share = T0(over_line(total, sums, SUM))
        for begin in range(0, n, S0 * S1):
            if not S2:
                take(ys, y, from_y + at, begin, n, step)
                take(gs, g, from_g + at, begin, n, step)
            for k in range(S1):
                i = begin + first + k * S0
                if i < n:
                    out[to + at + i * step] = gs[k] - math.exp(ys[k]) * share if S4 else ys[k] * (gs[k] - share)


def logsumexp_lines(args, x, out, whole):
    """The logarithm of the sum of exp(x) of each line, in the line's dtype and in float64."""
    lines, n, step = args[4], args[5], args[6] if S3 else np.int64(1)
    held, tops = cuda.local.array(S1, T0), cuda.shared.array(THREADS, T0)
    sums = cuda.shared.array(THREADS, np.float64)
    for unit in range(cuda.blockIdx.x, args[3], cuda.gridDim.x):
        line = line_of(unit, lines)
        top, total = exp_sum(x, args[0] + start_of(line, n, step), n, step, held, tops, sums)
        if first_of() == 0:
            result = np.float64(finite_or_zero(top)) + math.log(total)
            whole[args[2] + line] = result
            out[args[1] + line] = T1(result)


def logsumexp_grad_lines(args, g, x, whole, out):
    """out = g * exp(x - whole); where the sum is infinite, the largest share g alike."""
    lines, n, step, first, from_x, to = args[5], args[6], args[7] if S3 else np.int64(1), first_of(), args[1], args[3]
    held = cuda.local.array(S1, T0)
    for unit in range(cuda.blockIdx.x, args[4], cuda.gridDim.x):
        line = line_of(unit, lines)
        at, sum_ = start_of(line, n, step), whole[args[2] + line]
        top, ties = T1(sum_), 0
        scale = T0(g[args[0] + line] * math.exp(T0(np.float64(top) - sum_)))  # what rounding takes from the sum goes into the factor
        if sum_ == math.inf:
            for i in range(n):  # every thread counts them all: this is rare
                ties += x[from_x + at + i * step] == math.inf
        if math.isinf(sum_):
            scale = g[args[0] + line] / T0(ties) if ties > 0 else T0(0.0)
        for begin in range(0, n, S0 * S1):
            take(held, x, from_x + at, begin, n, step)
            for k in range(S1):
                i = begin + first + k * S0
                if i < n:
                    e = math.exp(held[k] - top)
                    if math.isinf(sum_):
                        e = T0(1.0) if held[k] == math.inf else T0(0.0)
                    out[to + at + i * step] = scale * e


MINE = (line_of, first_of, start_of, take)
HELPERS = {
    "softmax_lines": (*MINE, exp_sum), "softmax_grad_lines": (*MINE, over_line),
    "logsumexp_lines": (*MINE, exp_sum, finite_or_zero), "logsumexp_grad_lines": MINE,
}  # fmt: skip
LAUNCH = {loop: lambda words: Blocks(words[0]) for loop in HELPERS}
