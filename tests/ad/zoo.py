"""A zoo of ordinary Numba functions: one for each form of statement, and those that others get wrong. All passes are tested on it."""

import math
from typing import NamedTuple

import numpy as np
from numba import njit

CASES: dict = {}


class Case(NamedTuple):
    """A function, arguments for it, and which of them to differentiate."""

    fn: object
    args: tuple
    wrt: tuple
    smooth: bool  # evaluated with complex numbers it gives exact derivatives
    more: tuple  # other arguments, for other branches


def case(*args, wrt=(0,), smooth=False, more=()):
    """Put a function into the zoo."""

    def keep(fn):
        CASES[fn.__name__] = Case(njit(fn), args, wrt, smooth, more)
        return CASES[fn.__name__].fn

    return keep


def values(*shape, low=0.3, high=2.0, seed=0):
    """Return numbers away from zero and from each other."""
    return np.random.default_rng(seed).uniform(low, high, shape)


V, M = values(5), values(3, 4)
SIGNED = np.array([0.7, -1.2, 0.4, 2.1, -0.3])


class Params(NamedTuple):
    rate: float
    weights: np.ndarray


class Pair(NamedTuple):
    first: float
    second: float


# numbers


@case(1.3, 0.7, wrt=(0, 1), smooth=True)
def arithmetic(x, y):
    return x * x * y - x / y + (x - 2.0 * y) ** 3 - -x + +y


@case(1.3, 0.7, wrt=(0, 1), smooth=True)
def powers(x, y):
    return x**2 + x**-1.5 + x**y + 2.0**x + x**0.5 + y**-2 + x**1 + x**3


@case(1.3, 0.7, wrt=(0, 1), smooth=True)
def elementary(x, y):
    a = math.sin(x) * math.cos(y) + math.tan(x * 0.3)
    b = math.exp(-x) + math.log(x + y) + math.sqrt(x * y)
    return a * b + math.tanh(x) + math.sinh(y) * math.cosh(x) + math.atan(x) + math.asin(0.3 * x) + math.acos(0.4 * y)


@case(1.3, 0.7, wrt=(0, 1))
def special(x, y):
    return math.erf(x) + math.erfc(y) + math.log1p(x) + math.expm1(y) + math.hypot(x, y) + math.atan2(x, y) + math.pow(x, y)


@case(1.3, 0.7, wrt=(0, 1), smooth=True)
def numpy_scalars(x, y):
    return np.sin(x) + np.exp(y) * np.sqrt(x) + np.log(y + x) + np.tanh(x) + np.square(y) + np.arctan(x) + np.log1p(x * y)


@case(-1.3, 0.7, wrt=(0, 1))
def bends(x, y):
    return abs(x) * y + max(x, y) * 2.0 + min(x, 3.0 * y) + max(x, y, 0.9) + np.maximum(x, y) + math.fabs(x * y) + np.minimum(y, x)


@case(7.3, 2.2, wrt=(0, 1))
def remainders(x, y):
    return x % y + (x // y) * x + math.floor(x) * y


@case(2.3, 3)
def integers(x, n):
    k = n // 2 + n % 2
    m = int(x) + k * n
    return x * m + x**k + float(n) * x


@case(3, 1.5, wrt=(1,))
def nothing_to_do(n, x):
    return 2.0 * n


# variables


@case(1.3, 0.7, wrt=(0, 1), smooth=True)
def again(x, y):
    z = x
    z = z * y
    z += x
    z *= z
    z -= 2.0 * y
    z /= x + 3.0
    x = z * x
    return x


@case(1.3, 0.7, wrt=(0, 1), smooth=True)
def tuples(x, y):
    a, b = x * y, x + y
    a, b = b, a
    (c, d), e = (a * b, b), x
    t = (a, c, e)
    return t[0] * t[-1] + c * d + len(t) * e


@case(1.3, 0.7, wrt=(0, 1), smooth=True)
def rotation(x, y):
    for _ in range(3):
        x, y = y * 1.1, x + 0.1 * y
    return x * y


@case((1.3, 0.7, 2.0), smooth=True)
def tuple_argument(t):
    a, b, c = t
    return a * b + t[2] ** 2 * a


@case(((1.3, 0.7), V))
def nested_tuple(t):
    return t[0][0] * t[1][2] + t[0][1] ** 2


@case(Params(0.3, V), V, wrt=(0, 1))
def namedtuple_argument(p, x):
    s = 0.0
    for i in range(x.size):
        s += p.weights[i] * x[i] ** 2
    return s * p.rate


@case(1.3)
def namedtuple_made(x):
    p = Pair(x * x, 2.0 * x)
    return p.first * p.second + p[0]


@case(1.3, 0.7, wrt=(0, 1), more=((0.2, 0.7), (0.1, -0.7)))
def branches(x, y):
    if x > 1.0:
        z = x * y
    elif y > 0.0:
        z = x + y
    else:
        z = x - y * y
    if (z > 0.0 and x > 0.5) or y > 10.0:
        z = z * z
    return z


@case(1.3, more=((-0.7,), (0.1,)))
def choices(x):
    a = x * x if x > 0.5 else -x
    b = (a if a < 1.0 else 2.0 * a) if x > 0.0 else 3.0 * a
    return a * b + (1.0 if not x > 1.0 else x)


@case(1.3, True, more=((1.3, False),))
def flags(x, on):
    y = x
    if on:
        y = x * x
    if not on and x > 1.0:
        y = y * 3.0
    return y


@case(0.5, 3, more=((0.5, 0), (0.5, 1)))
def inactive_to_active(x, n):
    s = 0.0
    for _ in range(n):
        s = s * s + x
    return s


@case(0.5, 4)
def active_to_inactive(x, n):
    s = x
    t = 0.0
    for i in range(n):
        t += s * i
        s = 1.5
    return t * s


@case(0.5)
def integer_becomes_float(x):
    s = 0
    for i in range(3):
        s = s + x * i
    return s


@case(2.0)
def shadowed(x):
    for x in range(3):  # noqa: B007
        pass
    return x * 1.5


# loops


@case(np.array([2.0, 2.0, 2.0]), smooth=True)
def product(x):
    prod = 1.0
    for i in range(x.size):
        prod *= x[i]
    return prod


@case(V, 1, 5, 2, more=((V, 0, 0, 1), (V, 4, -1, -1), (V, 4, 0, -2), (V, 3, 1, 1)))
def dynamic_range(x, start, stop, step):
    s = 1.0
    for i in range(start, stop, step):
        s = s * x[i] + i
    return s


@case(V, 3, more=((V, 5), (V, 0)))
def backwards(x, n):
    s = 0.5
    for i in range(n - 1, -1, -1):
        s = s * x[i] + 1.0
    for i in range(0, 2 * n, 2):
        s += x[i // 2] * s
    return s


@case(V, smooth=True)
def horner_over_array(x):
    s = 0.0
    for v in x:
        s = s * 0.5 + v * v
    return s


@case(V, V[::-1].copy(), wrt=(0, 1), smooth=True)
def enumerate_zip(x, y):
    s = 1.0
    for i, v in enumerate(x):
        s += i * v * s
    for a, b in zip(x, y):
        s *= a + b
    for i, (a, b) in enumerate(zip(x, y)):
        s += a * b * i
    return s


@case(M)
def over_rows(m):
    s = 1.0
    for row in m:
        s *= row[0] + row[1] * row[3]
    return s


@case(M, smooth=True)
def nested(m):
    s = 0.0
    for i in range(m.shape[0]):
        t = 1.0
        for j in range(m.shape[1]):
            t *= m[i, j] + 0.1 * s
        s += t
    return s


@case(V)
def triangular(x):
    s = 0.0
    for i in range(len(x)):
        for j in range(i):
            s = s * 0.9 + x[i] * x[j]
        for j in range(i, len(x)):
            s += x[j] * s * 0.01
    return s


@case(V, np.array([2, 0, 3, 1]))
def ragged(x, counts):
    s, at = 0.3, 0
    for k in range(counts.size):
        t = 1.0
        for _ in range(counts[k]):
            t *= x[at % x.size] * 1.1
            at += 1
        s = s * t + t
    return s


@case(V)
def three_deep(x):
    s = 0.1
    for i in range(3):
        for j in range(i + 1):
            for k in range(j, 3):
                s = math.sin(s + x[i] * x[j]) * x[k]
            s += x[j]
    return s


@case(1.7)
def halving(x):
    n = 0
    while x > 0.1:
        x = x * 0.5
        n += 1
    return x * n


@case(2.0, more=((3.7,),))
def newton(a):
    x = 1.0
    while abs(x * x - a) > 1e-12:
        x = x - (x * x - a) / (2.0 * x)
    return x


@case(1.7, 0, more=((1.7, 3),))
def zero_trips(x, n):
    s = x
    for i in range(n):
        s = s * s * i
    while n > 100:
        s = 0.0 * s
        n -= 1
    return s * 2.0


@case(V)
def while_in_for(x):
    s = 0.0
    for i in range(x.size):
        y = x[i]
        while y > 0.2:
            y = y * 0.6
            s += y * x[i]
        s = s * y
    return s


@case(V)
def for_in_while(x):
    s, k = 0.4, 0
    while s < 50.0 and k < 20:
        for i in range(k % x.size + 1):
            s += x[i] * s * 0.2
        k += 1
    return s


@case(1.3)
def while_in_while(x):
    s = x
    while s < 20.0:
        t = x
        while t < 3.0:
            t = t * t + 0.1
        s = s * 1.5 + t
    return s


# jumps


@case(np.array([1.0, -2.0, 3.0, 4.0]), more=((np.array([1.0, -2.0, 5.2, 4.0]),), (np.array([1.0, -2.0, 15.0, 4.0]),)))
def jumps(x):
    s = 0.0
    for i in range(len(x)):
        if x[i] < 0.0:
            continue
        if x[i] > 10.0:
            break
        if 5.0 < x[i] < 6.0:
            return s * 2.0 + x[i]
        s += x[i] ** 2
    return s


@case(SIGNED, more=((np.abs(SIGNED),),))
def early_return(x):
    s = 1.0
    for v in x:
        if v < 0.0:
            return s * v
        s *= v
    return s + 1.0


@case(V, 1.0, wrt=(0, 1), more=((V, 100.0), (V, 0.0)))
def first_above(x, limit):
    s = 0.0
    for i in range(x.size):
        s += x[i]
        if s > limit:
            break
    else:
        s = s * 2.0
    return s * limit


@case(M, more=((-M,),))
def leave_both(m):
    s = 0.5
    for i in range(m.shape[0]):
        for j in range(m.shape[1]):
            if m[i, j] < 0.0:
                return s - m[i, j]
            if j > i:
                break
            if (i + j) % 2 == 0:
                continue
            s = s * m[i, j] + 1.0
        s += m[i, 0]
    return s


@case(1.3)
def while_true(x):
    s = x
    while True:
        s = s * x
        if s > 5.0:
            break
    return s


@case(1.3, more=((-1.3,), (0.0,)))
def many_returns(x):
    if x > 1.0:
        return x * x
    if x < -1.0:
        return -x
    y = x + 1.0
    return y * y


@case(V)
def continue_in_while(x):
    i, s = 0, 1.0
    while i < x.size:
        i += 1
        if i % 2 == 0:
            continue
        s *= x[i - 1]
    return s


# arrays in place


@case(np.array([1.0, 0.5, 0.3, 1.2]))
def cumulative(x):
    for i in range(1, x.size):
        x[i] += x[i - 1] * x[i]
    return x[-1]


@case(V)
def overwritten_argument(x):
    s = x[0] * x[1]
    x[0] = 3.0
    x[1] = x[2] * x[0]
    x[2] *= x[1]
    x[3] -= x[2]
    x[4] /= x[3]
    return s + x[0] * x[1] + x[2] + x[3] * x[4]


@case(V, np.zeros(5), wrt=(0, 1))
def filled(x, out):
    for i in range(x.size):
        out[i] = x[i] ** 2
    for i in range(1, x.size):
        out[i] = out[i - 1] * out[i]
    return out[-1]


@case(V)
def local_array(x):
    n = x.size
    y = np.zeros(n)
    y[0] = x[0]
    for i in range(1, n):
        y[i] = 0.5 * y[i - 1] * x[i] + x[i]
    return y[n - 1] * y[1]


@case(V)
def swapped_elements(x):
    for i in range(x.size // 2):
        x[i], x[x.size - 1 - i] = x[x.size - 1 - i], x[i]
    return x[0] * 2.0 + x[1] * x[2] + x[4] ** 2


@case(V, 3)
def swapped_arrays(x, n):
    u = x.copy()
    v = np.zeros_like(x)
    for _ in range(n):
        for i in range(1, x.size - 1):
            v[i] = u[i] * u[i - 1] + 0.3 * u[i + 1]
        v[0] = u[0]
        v[-1] = u[-1]
        u, v = v, u
    return u[1] * u[2] + v[3]


@case(V, 2)
def heat(u, n):
    new = u.copy()
    for _ in range(n):
        for i in range(1, u.size - 1):
            new[i] = u[i] + 0.1 * (u[i - 1] - 2.0 * u[i] + u[i + 1]) * u[i]
        u[:] = new
    return np.sum(u * u)


@case(V)
def scatter(x):
    bins = np.zeros(3)
    for i in range(x.size):
        bins[i % 3] += x[i] * x[i]
    s = 1.0
    for i in range(3):
        s *= bins[i]
    return s


@case(V, np.array([0, 2, 2, 4]))
def gathered(x, index):
    s = 0.0
    for i in index:
        s += x[i] ** 2
    for k in range(index.size):
        s *= 1.0 + x[index[k]] * 0.1
    return s


@case(M)
def two_axes(m):
    for i in range(1, m.shape[0]):
        for j in range(m.shape[1]):
            m[i, j] = m[i, j] * m[i - 1, j]
    return m[-1, 0] + m[2, 3] * m[-1, -2]


@case(V)
def element_in_branch(x):
    s = 0.0
    for i in range(x.size):
        if x[i] > 1.0:
            x[i] = x[i] * x[0]
        s += x[i] * x[i]
    return s


@case(V)
def diagonal(d):
    s = np.zeros((3, 3))
    for i in range(3):
        if d[i] > 0.0:
            s[i, i] += d[i]
        s[0, i] *= 2.0
    return s[0, 0] * s[1, 1] + s[2, 2]


# views


@case(V)
def slices(x):
    y = x[1:4]
    z = x[::2]
    return y[0] * z[1] + y[-1] + np.sum(z) * y.size + np.sum(x[-2:] * x[:2])


@case(V)
def written_views(x):
    y = x[1:]
    y[0] = x[0] * y[1]
    x[2] = y[0] * 2.0
    y[:] *= 1.5
    x[::2] = x[1] * 0.1
    return np.sum(x * x) + y[1] * x[1]


@case(V)
def overlapping(x):
    a = x[:4]
    b = x[1:]
    for i in range(4):
        b[i] = a[i] * b[i]
    return b[3] + a[2]


@case(V)
def overlapping_whole(x):
    x[1:] = x[:-1] * x[1:]
    x[:-1] += x[1:]
    return np.sum(x * x)


@case(M)
def rows(m):
    s = 0.0
    for i in range(m.shape[0]):
        row = m[i]
        for j in range(row.size):
            s += row[j] * row[0]
        row[1] = s
    return s + m[1, 1] * m[2, 1]


@case(M)
def columns(m):
    c = m[:, 1]
    c[0] *= 2.0
    m[1, 1] = c[0] * c[2]
    t = m.T
    return np.sum(c * c) + t[3, 1] * t[1, 1]


@case(M)
def reshaped(m):
    f = m.ravel()
    f[1] = f[0] * f[2]
    g = m.reshape((4, 3))
    return g[0, 1] * m[0, 1] + np.sum(m.flatten()[:3] * f[3:6]) + f.reshape(2, 6)[1, 0]


@case(V, 1.5, wrt=(0, 1))
def view_chosen(x, t):
    y = x[:2] if t > 1.0 else x[2:4]
    y[0] *= t
    return y[0] * x[0] + x[2]


# whole arrays


@case(V, V[::-1].copy(), wrt=(0, 1))
def elementwise(x, y):
    z = np.sin(x) * y + 2.0 / x - x**2
    z += np.exp(-y)
    z[1:3] *= x[:2]
    return np.sum(z * z) - z.mean()


@case(M, V[:4].copy(), wrt=(0, 1))
def broadcast(m, v):
    z = m * v + 1.0
    w = z - m[:, :1]
    return np.sum(w * z) + np.sum(v[np.newaxis, :] * m)


@case(M)
def reductions(m):
    a = np.sum(m, axis=0)
    b = np.prod(m)
    c = m.mean() + m.std() + np.var(m)
    return np.sum(a * a) + b + c + np.max(m) * np.min(m) + m.sum(axis=1)[1] ** 2


@case(M, V[:4].copy(), wrt=(0, 1))
def products(m, v):
    w = m @ v
    g = np.dot(m.T, w)
    return np.dot(g, v) + np.sum(np.outer(w, v)) + w @ w


@case(M, values(4, 2, seed=1), wrt=(0, 1))
def matrix_product(a, b):
    c = a @ b
    for _ in range(2):
        c = c * (a @ b)
    return np.sum(c)


@case(V)
def created(x):
    a = np.full(3, x[0])
    b = np.ones(3) * x[1]
    c = np.array([x[2], 2.0, x[3]])
    d = np.linspace(0.0, 1.0, 3) * x[4] + np.arange(3)
    return np.sum(a * b * c * d) + np.sum(np.eye(3) * x[1]) + np.sum(np.zeros_like(a) + np.ones_like(b))


@case(V)
def where_clip_cumsum(x):
    c = np.cumsum(x * x)
    w = np.where(x > 1.0, x * c, -x)
    return np.sum(w * c) + np.sum(np.clip(x, 0.5, 1.5) * x)


@case(V)
def total_in_loop(x):
    s = 0.0
    for i in range(3):
        y = x * (i + s)
        s = np.sum(y * y) * 0.01 + np.max(x)
    return s


# calls


@njit
def square(x):
    return x * x


@njit
def scaled(x, by=2.0):
    if x < 0.0:
        return -x
    return by * square(x)


@njit
def normalise(x):
    s = 0.0
    for v in x:
        s += v
    for i in range(x.size):
        x[i] /= s
    return s


@njit
def both(x, y):
    return x * y, x + y


def multiplier(factor):
    @njit
    def times(x):
        return x * factor

    return times


TRIPLED = multiplier(3.0)
TABLE = np.array([0.5, 1.5, 2.5])
LIMIT = 4


@case(1.3, more=((-1.3,),))
def calls(x):
    y = scaled(x) + scaled(x, by=3.0)
    a, b = both(y, x)
    return a * b + TRIPLED(y)


@case(V)
def calls_in_loop(x):
    s = 0.0
    for i in range(LIMIT):
        s = scaled(s + x[i], 0.2) - s
    return s


@case(V)
def callee_writes(x):
    a = normalise(x)
    b = normalise(x[1:])
    return a * x[0] + b * x[2] * x[1]


@case(V)
def captured(x):
    s = 0.0
    for i in range(TABLE.size):
        s += TABLE[i] * x[i] ** (i + 1)
    return s * math.pi


# known programs


@case(np.array([1.5, 1.0, 3.0, 1.0]), np.array([1.0, 1.0]), 20, 0.05, wrt=(0, 1, 3), smooth=True)
def lotka_volterra(p, y0, n, dt):
    a, b, c, d = p[0], p[1], p[2], p[3]
    x = y0[0]
    y = y0[1]
    for _ in range(n):
        k1x = a * x - b * x * y
        k1y = d * x * y - c * y
        x2 = x + 0.5 * dt * k1x
        y2 = y + 0.5 * dt * k1y
        x = x + dt * (a * x2 - b * x2 * y2)
        y = y + dt * (d * x2 * y2 - c * y2)
    return x + y * x


@case(SIGNED)
def log_sum_exp(a):
    m = a[0]
    for i in range(1, a.size):
        if a[i] > m:
            m = a[i]
    result = 0.0
    for i in range(a.size):
        result += math.exp(a[i] - m)
    return m + math.log(result)


@case(values(4, 4), V[:4].copy(), 3, wrt=(0, 1))
def lanczos(a, start, steps):
    n = start.size
    alpha = np.zeros(steps)
    beta = np.zeros(steps)
    q = start / np.sqrt(np.sum(start * start))
    before = np.zeros(n)
    b = 0.0
    for k in range(steps):
        w = np.zeros(n)
        for i in range(n):
            for j in range(n):
                w[i] += 0.5 * (a[i, j] + a[j, i]) * q[j]
        s = 0.0
        for i in range(n):
            s += w[i] * q[i]
        alpha[k] = s
        for i in range(n):
            w[i] = w[i] - s * q[i] - b * before[i]
        b = math.sqrt(np.sum(w * w) + 0.1)
        beta[k] = b
        before = q
        q = w / b
    return np.sum(alpha * alpha) + np.sum(beta) + q[0]


@case(values(4, 4) + 4.0 * np.eye(4), V[:4].copy(), wrt=(0, 1))
def gauss(a, b):
    n = b.size
    for k in range(n):
        for i in range(k + 1, n):
            f = a[i, k] / a[k, k]
            for j in range(k, n):
                a[i, j] -= f * a[k, j]
            b[i] -= f * b[k]
    for k in range(n - 1, -1, -1):
        for j in range(k + 1, n):
            b[k] -= a[k, j] * b[j]
        b[k] /= a[k, k]
    return b[0] * b[1] + b[3]


@case(V, np.array([0.4, 1.1, 0.9]), wrt=(0, 1))
def soft_dtw(x, y):
    n, m = x.size, y.size
    r = np.full((n + 1, m + 1), 1e3)
    r[0, 0] = 0.0
    for i in range(1, n + 1):
        for j in range(1, m + 1):
            a, b, c = -r[i - 1, j - 1], -r[i - 1, j], -r[i, j - 1]
            top = max(a, b, c)
            soft = top + math.log(math.exp(a - top) + math.exp(b - top) + math.exp(c - top))
            r[i, j] = (x[i - 1] - y[j - 1]) ** 2 - soft
    return r[n, m]


@case(V, 1.0)
def adaptive(p, end):
    t, y, h = 0.0, 1.0, 0.3
    while t < end:
        if t + h > end:
            h = end - t
        k1 = p[0] * y - p[1] * y * y
        mid = y + 0.5 * h * k1
        k2 = p[0] * mid - p[1] * mid * mid
        error = abs(h * (k2 - k1))
        if error > 0.05:
            h = h * 0.5
            continue
        y = y + h * k2
        t = t + h
        h = h * 1.2
    return y


@case(2.0, 3.0, wrt=(0, 1))
def newton_inside(a, b):
    s = 0.0
    for i in range(3):
        target = a + b * i
        x = 1.0
        for _ in range(50):
            step = (x * x - target) / (2.0 * x)
            x -= step
            if abs(step) < 1e-12:
                break
        s += x * b
    return s


# float32


@case(V.astype(np.float32), np.float32(0.5), wrt=(0, 1))
def single(x, a):
    s = np.float32(1.0)
    for i in range(x.size):
        s = s * a + x[i] * x[i]
    return s


@case(V.astype(np.float32), 0.5, wrt=(0, 1))
def mixed(x, a):
    s = 0.0
    y = np.zeros(x.size, np.float32)
    for i in range(x.size):
        y[i] = x[i] * a
        s += y[i] * x[i]
    return s


# a value by two names


@case(1.3, 0.7, wrt=(0, 1))
def another_name(x, y):
    x, y = y, x + 0.3 * math.sin(y)
    z = y
    x, w = (z, z * x)
    v = w
    v += x
    return x + y * z + v * w


# names that the text of a derivative says itself: of functions, modules, tapes


@case(V, 0.7, wrt=(0, 1))
def called_like_words(x, max):
    plus = 0.0
    take = np.zeros(x.size)
    for range_ in range(2, x.size):
        tanh = math.exp(x[range_]) * math.tanh(x[range_]) * max
        give = plus * tanh + max
        plus += tanh * give
        take[range_] = plus * give
    return plus * take[x.size - 1]


@case(V, 0.7)
def called_like_modules(np, math):
    len = 0.0
    abs = np * math
    for take in range(abs.size):
        len += abs[take] * abs[take] * len + np[take]
    return len
