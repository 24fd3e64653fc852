"""Errors of elementary functions: float32 over all 2^32 bit patterns, float64 over every binade.

    python tests/ops/elementary/sweep.py [name ...]     measure, and write ACCURACY.md anew for these functions
"""

import math
import sys
import time
from pathlib import Path

import mpmath
import numpy as np
from numba import njit, vectorize
from scipy import special

from nbgrad.ops.elementary import bits
from nbgrad.target.cpu.emit import emit_inline
from nbgrad.target.cpu.load import load
from nbgrad.target.cpu.native import call, make_program
from nbgrad.target.cpu.prelude import prelude

TABLE = Path(bits.__file__).with_name("ACCURACY.md")
CHUNK = 1 << 22


def evaluate(name, dtype):
    """Return a function of arrays of `dtype` that runs the compiled elementary function on each number."""
    function = bits.find(name, dtype)
    count = function.__code__.co_argcount
    texts: dict = {}
    emit_inline(function, texts)
    numbers = ", ".join(f"at{i}(args)[i]" for i in range(count))
    body = f"@kernel\ndef sweep_{name}(args, tile):\n    for i in range(word(args, {count + 1})):\n"
    body += f"        at{count}(args)[i] = {function.__name__}({numbers})\n"
    address = load(f"{prelude((dtype,) * (count + 1))}\n" + "\n".join(texts.values()) + "\n\n" + body, f"sweep_{name}")

    def run(*arrays):
        arrays = [np.ascontiguousarray(a, dtype).ravel() for a in np.broadcast_arrays(*arrays)]
        out = np.empty_like(arrays[0])
        call(make_program(address, (out.size,), 1, count + 1), *arrays, out)
        return out

    return run


@njit(nogil=True)
def _worst32(got, want):
    """Return (largest error in ulp, where, how many special values are wrong, where the last of them)."""
    worst, at, wrong, where = 0.0, 0, 0, -1
    for i in range(got.size):
        y, w = got[i], want[i]
        if y == np.float32(w) and y != 0.0:  # most are: no error beyond 0.5 ulp
            if worst < 0.5:
                worst, at = 0.5, i
            continue
        if math.isnan(w) or math.isnan(y):
            bad = math.isnan(w) != math.isnan(y)
        elif math.isinf(w):
            bad = y != w
        elif w == 0.0:
            bad = y != 0.0 or math.copysign(1.0, y) != math.copysign(1.0, w)
        else:
            bad = False
            size = min(abs(float(y)), 2.0**128)
            exponent = max(math.frexp(w)[1] - 24, -149)
            error = abs(math.copysign(size, y) - w) * 2.0**-exponent
            if abs(w) >= 2.0**128:  # the nearest float32 is infinite
                bad, error = y != math.copysign(math.inf, w), 0.0
            if error > worst:
                worst, at = error, i
        if bad:
            wrong, where = wrong + 1, i
    return worst, at, wrong, where


def sweep32(name, chunks=None, reference=None, step=1):
    """Compare a float32 function of one number with a float64 reference over all bit patterns, or every `step`-th one,
    of all or some chunks.

    Returns (largest error in ulp, at which x, number of wrong special values, one of them).
    """
    run, reference = evaluate(name, "float32"), reference or REFERENCES[name]
    worst, at, wrong, where = 0.0, math.nan, 0, None
    for chunk in range((1 << 32) // CHUNK) if chunks is None else chunks:
        x = np.arange(chunk * CHUNK, (chunk + 1) * CHUNK, step, dtype=np.uint32).view(np.float32)
        with np.errstate(all="ignore"):
            want = reference(x.astype(np.float64))
        found = _worst32(run(x), want)
        if found[0] > worst:
            worst, at = found[0], x[found[1]]
        if found[2]:
            wrong, where = wrong + found[2], x[found[3]]
    return worst, at, wrong, where


def binades(per_binade, rng, least=-1074, most=1023):
    """Return numbers of both signs with `per_binade` random ones in every binade, subnormal ones too."""
    exponents = np.repeat(np.arange(least, most + 1), per_binade)
    x = np.ldexp(rng.uniform(1.0, 2.0, exponents.size), exponents)
    return np.concatenate([x, -x])


SPECIAL = (0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0, 0.5, -0.5, 2.0, -2.0, 5e-324, -5e-324, 2.2250738585072014e-308,
           1.7976931348623157e308, -1.7976931348623157e308)  # fmt: skip


def errors64(got, want):
    """Return errors in ulp of float64 results against results of higher precision (longdouble, or pairs of doubles).

    `want` is an array of longdouble, or a tuple (high, low) of arrays whose sum is the exact value.
    """
    high, low = want if isinstance(want, tuple) else split(want)
    with np.errstate(all="ignore"):
        spacing = np.ldexp(1.0, np.maximum(np.where(high == 0, -2000, np.frexp(high)[1]) - 53, -1074))
        error = np.abs((got - high) - low) / spacing
        same = (got == high) | (np.isnan(got) & np.isnan(high))  # the sign of zero is left to other tests
        special = ~np.isfinite(high) | ~np.isfinite(got)
    return np.where(special, np.where(same, 0.0, np.inf), error)


def split(want):
    """Return a longdouble as the sum of two doubles."""
    with np.errstate(all="ignore"):
        high = want.astype(np.float64)
        low = np.where(np.isfinite(high), (want - high).astype(np.float64), 0.0)
    return high, low


def exactly(function):
    """Return a reference of pairs of doubles from a function of mpmath, computed with 40 digits."""

    def one(*x):
        if any(map(math.isnan, x)):
            return math.nan, 0.0
        with mpmath.workdps(40):
            value = function(*map(mpmath.mpf, x))
            if isinstance(value, mpmath.mpc):
                return math.nan, 0.0
            high = float(value)
            return high, float(value - high) if math.isfinite(high) else 0.0

    def run(*arrays):
        pairs = [one(*map(float, p)) for p in zip(*[np.ravel(a) for a in arrays])]
        return np.array([p[0] for p in pairs]), np.array([p[1] for p in pairs])

    return run


def longdouble(function):
    """Return a reference from a NumPy function of longdoubles."""
    return lambda *arrays: function(*[np.asarray(a, np.longdouble) for a in arrays])


def sinpi(x, pi=np.pi):
    """Return sin(pi x); x is brought to |r| <= 1/2 first, which is exact."""
    n = np.rint(x)
    return np.where(n % 2 == 0, 1, -1) * np.sin(pi * (x - n))


def sinc(x, pi=np.pi):
    """Return sin(pi x) / (pi x), NaN at infinity as NumPy's."""
    x = np.abs(x)
    with np.errstate(invalid="ignore"):
        return np.where(x == 0, 1, sinpi(x, pi) / (pi * np.where(x == 0, 1, x))) + 0.0


@vectorize(["float64(float64)"])
def lgamma(x):
    """C's function, which keeps its digits near zeros; SciPy's does not."""
    return math.lgamma(x)


@vectorize(["float64(float64)"])
def trigamma(x):
    """Sum of 1 / (x + k)^2 up to 20, Euler and Maclaurin's formula beyond, negative numbers by reflection."""
    pole, total = 0.0, 0.0
    if x <= 0.0:
        part = x - np.rint(x)
        pole = math.inf if part == 0.0 else (math.pi / math.sin(math.pi * part)) ** 2
        x = 1.0 - x
    while x < 20.0:
        total += 1.0 / (x * x)
        x += 1.0
    w = 1.0 / (x * x)
    rest = 1 / x + 0.5 * w + w / x * (1 / 6 - w * (1 / 30 - w * (1 / 42 - w * (1 / 30 - w * 5 / 66))))
    return pole - (total + rest) if pole else total + rest


REFERENCES = {  # float64 functions that float32 is compared with
    "exp": np.exp, "exp2": np.exp2, "expm1": np.expm1, "log": np.log, "log2": np.log2, "log10": np.log10,
    "log1p": np.log1p, "sinh": np.sinh, "cosh": np.cosh, "tanh": np.tanh, "asinh": np.arcsinh, "acosh": np.arccosh,
    "atanh": np.arctanh, "sigmoid": special.expit, "erf": special.erf, "erfc": special.erfc,
    "softplus": lambda x: np.logaddexp(x, 0.0), "log_sigmoid": special.log_expit,
    "silu": lambda x: np.where(x == -np.inf, -0.0, x * special.expit(x)),
    "mish": lambda x: np.where(x == -np.inf, -0.0, x * np.tanh(np.logaddexp(x, 0.0))),
    "sin": np.sin, "cos": np.cos, "tan": np.tan, "sinc": sinc, "asin": np.arcsin, "acos": np.arccos, "atan": np.arctan,
    "cbrt": np.cbrt, "lgamma": lgamma, "digamma": special.digamma, "trigamma": trigamma,
    "gelu_erf": lambda x: np.where(x == -np.inf, -0.0, x * special.ndtr(x)),
}  # fmt: skip


def _log_sigmoid(x):
    return -mpmath.log1p(mpmath.exp(-x)) if x > 0 else x - mpmath.log1p(mpmath.exp(x))


def _mish(x):
    return x * mpmath.tanh(mpmath.log1p(mpmath.exp(x))) if abs(x) < 800 else max(x, mpmath.mpf(0))


def _silu(x):
    return x / (1 + mpmath.exp(-x)) if abs(x) < 800 else max(x, mpmath.mpf(0))


def _gelu(x):
    return x * mpmath.erfc(-x / mpmath.sqrt(2)) / 2 if abs(x) < 50 else max(x, mpmath.mpf(0))


EXACT = {  # what float64 is compared with
    **{name: longdouble(REFERENCES[name]) for name in (
        "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh",
        "asin", "acos", "atan", "cbrt")},
    "sin": exactly(mpmath.sin), "cos": exactly(mpmath.cos), "tan": exactly(mpmath.tan),
    "sigmoid": exactly(lambda x: 1 / (1 + mpmath.exp(-x))),
    "softplus": exactly(lambda x: -_log_sigmoid(-x)), "log_sigmoid": exactly(_log_sigmoid),
    "silu": exactly(_silu), "mish": exactly(_mish), "erf": exactly(mpmath.erf),
    "erfc": exactly(lambda x: mpmath.erfc(x) if abs(x) < 50 else mpmath.mpf(1 - mpmath.sign(x))),
    "gelu_erf": exactly(_gelu), "sinc": exactly(lambda x: mpmath.nan if mpmath.isinf(x) else mpmath.sincpi(x)),
    "lgamma": exactly(mpmath.loggamma), "digamma": exactly(mpmath.digamma), "trigamma": exactly(lambda x: mpmath.psi(1, x)),
}  # fmt: skip
POSITIVE = ("lgamma", "digamma", "trigamma")  # between their poles, these have zeros that no finite precision gets right
RANGES = {  # where float64 functions are neither 0 nor a constant, sampled densely
    "exp": (-750, 712), "exp2": (-1080, 1025), "expm1": (-40, 712), "sinh": (-712, 712), "cosh": (-712, 712),
    "tanh": (-22, 22), "log": (0, 4), "log2": (0, 4), "log10": (0, 4), "log1p": (-1, 4), "asinh": (-10, 10),
    "acosh": (1, 10), "atanh": (-1, 1), "asin": (-1, 1), "acos": (-1, 1), "sigmoid": (-750, 40),
    "softplus": (-750, 40), "log_sigmoid": (-40, 750), "silu": (-760, 40), "mish": (-760, 40), "erf": (-6, 6),
    "erfc": (-6, 27.5), "gelu_erf": (-39, 9),
}  # fmt: skip


def sweep64(name, rng, per_binade=50):
    """Compare a float64 function of one number with results of more digits: (largest error in ulp, at which x).

    In every binade (from 2^-60 to 2^10 against mpmath, which is slow and at a loss for others), evenly over the range
    where there is something to see, and about 0.
    """
    exact = EXACT[name]
    least, most = (-1074, 1023) if exact.__qualname__.startswith("longdouble") else (-60, 10)
    lo, hi = RANGES.get(name, (-50, 50))
    count = per_binade * (most - least)
    x = np.concatenate([binades(per_binade, rng, least, most), rng.uniform(lo, hi, count), rng.uniform(-3, 3, count), SPECIAL])
    x = x[x > 0] if name in POSITIVE else x
    with np.errstate(all="ignore"):
        errors = errors64(evaluate(name, "float64")(x), exact(x))
    worst = int(errors.argmax())
    return errors[worst], x[worst]


HEADER = """\
# Accuracy of the elementary functions

Largest errors in units in the last place, written by `python tests/ops/elementary/sweep.py`. float32: over all 2^32 bit
patterns, compared with float64 references; "wrong" counts NaNs, infinities and signed zeros that are not the
reference's. float64: over random numbers of every binade and dense samples, compared with 64-bit mantissas (the C
library's long double) or 40 decimal digits (mpmath); lgamma, digamma and trigamma at positive numbers.

| function | float32 | at | wrong | float64 | at |
|---|---|---|---|---|---|
"""


def main(names):
    """Measure functions and write the table; lines of others stay as they are."""
    step = int(names.pop(0)) if names and names[0].isdigit() else 1
    for name in names or REFERENCES:
        if bits.find(name, "float32") is None:
            continue
        start = time.perf_counter()
        worst, at, wrong, where = sweep32(name, range(0, 1024, step))
        worst64, at64 = sweep64(name, np.random.default_rng(0), 200) if name in EXACT else (math.nan, math.nan)
        row = f"| {name} | {worst:.2f} | {at!s} | {wrong} | {worst64:.2f} | {at64!s} |"
        print(f"{row} {where if wrong else ''} {time.perf_counter() - start:.0f} s", flush=True)
        if step == 1:
            write_row(name, row)


def write_row(name, row):
    """Put the line of a function into the table; the other lines are read anew, for others may have written them."""
    lines = TABLE.read_text(encoding="utf-8").splitlines() if TABLE.exists() else []
    rows = {line.split("|")[1].strip(): line for line in lines if line.startswith("| ")}
    rows.pop("function", None)
    rows[name] = row
    TABLE.write_text(HEADER + "\n".join(rows[name] for name in sorted(rows)) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
