"""NumPy's functions of arrays as loops: they are read like the user's own functions, and so are their derivatives."""

import numpy as np


def cumsum(a):
    out = np.empty_like(a)
    if a.size > 0:
        out[0] = a[0]
    for i in range(1, a.size):
        out[i] = out[i - 1] + a[i]
    return out


def cumprod(a):
    out = np.empty_like(a)
    if a.size > 0:
        out[0] = a[0]
    for i in range(1, a.size):
        out[i] = out[i - 1] * a[i]
    return out


def nansum(a):
    total = 0.0
    for x in a:
        if x == x:
            total += x
    return total


def nanmean(a):
    total, count = 0.0, 0
    for x in a:
        if x == x:
            total += x
            count += 1
    return total / count


def nanvar(a):
    mean = nanmean(a)
    total, count = 0.0, 0
    for x in a:
        if x == x:
            total += (x - mean) * (x - mean)
            count += 1
    return total / count


def nanstd(a):
    return np.sqrt(nanvar(a))


def nanprod(a):
    total = 1.0
    for x in a:
        if x == x:
            total *= x
    return total


def nanmax(a):
    best, found = a[0], False
    for x in a:
        if x == x and (not found or x > best):
            best, found = x, True
    return best


def nanmin(a):
    best, found = a[0], False
    for x in a:
        if x == x and (not found or x < best):
            best, found = x, True
    return best


def argmax(a):
    best, at = a[0], 0
    for i in range(1, a.size):
        if a[i] > best or (a[i] != a[i] and best == best):
            best, at = a[i], i
    return at


def argmin(a):
    best, at = a[0], 0
    for i in range(1, a.size):
        if a[i] < best or (a[i] != a[i] and best == best):
            best, at = a[i], i
    return at


def any_of(a):
    found = False
    for x in a:
        if x:
            found = True
    return found


def all_of(a):
    found = True
    for x in a:
        if not x:
            found = False
    return found


def count_nonzero(a):
    count = 0
    for x in a:
        if x:
            count += 1
    return count


def ptp(a):
    return a[argmax(a)] - a[argmin(a)]


def average(a, weights):
    total, weight = 0.0, 0.0
    for i in range(a.size):
        total += a[i] * weights[i]
        weight += weights[i]
    return total / weight


def sort(a):
    order = np.argsort(a)
    out = np.empty_like(a)
    for i in range(a.size):
        out[i] = a[order[i]]
    return out


def quantile(a, q):
    order = np.argsort(a)
    place = q * (a.size - 1)
    low = int(np.floor(place))
    high = min(low + 1, a.size - 1)
    part = place - low
    return a[order[low]] * (1.0 - part) + a[order[high]] * part


def quantiles(a, q):
    order = np.argsort(a)
    out = np.empty(q.size)
    for i in range(q.size):
        place = q[i] * (a.size - 1)
        low = int(np.floor(place))
        high = min(low + 1, a.size - 1)
        part = place - low
        out[i] = a[order[low]] * (1.0 - part) + a[order[high]] * part
    return out


def median(a):
    order = np.argsort(a)
    n = a.size
    return (a[order[(n - 1) // 2]] + a[order[n // 2]]) / 2


def diff(a):
    out = np.empty(max(a.size - 1, 0), a.dtype)
    for i in range(a.size - 1):
        out[i] = a[i + 1] - a[i]
    return out


def diff_rows(a):
    out = np.empty((a.shape[0], max(a.shape[1] - 1, 0)), a.dtype)
    for i in range(a.shape[0]):
        for j in range(a.shape[1] - 1):
            out[i, j] = a[i, j + 1] - a[i, j]
    return out


def trapezoid(y):
    total = 0.0
    for i in range(y.size - 1):
        total += (y[i] + y[i + 1]) * 0.5
    return total


def trapezoid_spaced(y, x):
    total = 0.0
    for i in range(y.size - 1):
        total += (y[i] + y[i + 1]) * 0.5 * (x[i + 1] - x[i])
    return total


def interp(x, xp, fp):
    """Beyond the ends the first and the last value; between two points a straight line."""
    n = xp.size
    if x != x:
        return x
    if x <= xp[0]:
        return fp[0]
    if x >= xp[n - 1]:
        return fp[n - 1]
    low, high = 0, n - 1
    while high - low > 1:
        middle = (low + high) // 2
        if xp[middle] <= x:
            low = middle
        else:
            high = middle
    return fp[low] + (fp[high] - fp[low]) / (xp[high] - xp[low]) * (x - xp[low])


def interp_all(x, xp, fp):
    out = np.empty(x.size)
    for i in range(x.size):
        out[i] = interp(x[i], xp, fp)
    return out


def convolve(a, v):
    out = np.zeros(a.size + v.size - 1, a.dtype)
    for i in range(a.size):
        for j in range(v.size):
            out[i + j] += a[i] * v[j]
    return out


def correlate(a, v):
    if a.size < v.size:
        raise ValueError("np.correlate of a shorter array with a longer one: exchange them")
    out = np.zeros(a.size - v.size + 1, a.dtype)
    for i in range(out.size):
        for j in range(v.size):
            out[i] += a[i + j] * v[j]
    return out


def kron(a, b):
    m, n = b.shape[0], b.shape[1]
    out = np.empty((a.shape[0] * m, a.shape[1] * n), a.dtype)
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            for k in range(m):
                for l in range(n):
                    out[i * m + k, j * n + l] = a[i, j] * b[k, l]
    return out


def kron_vectors(a, b):
    out = np.empty(a.size * b.size, a.dtype)
    for i in range(a.size):
        for j in range(b.size):
            out[i * b.size + j] = a[i] * b[j]
    return out


def roll(a, shift):
    out = np.empty_like(a)
    for i in range(a.size):
        out[(i + shift) % a.size] = a[i]
    return out


def repeat(a, repeats):
    out = np.empty(a.size * repeats, a.dtype)
    for i in range(a.size):
        for k in range(repeats):
            out[i * repeats + k] = a[i]
    return out


def diag_of_vector(v, k=0):
    n = v.size + abs(k)
    out = np.zeros((n, n), v.dtype)
    for i in range(v.size):
        out[i + max(-k, 0), i + max(k, 0)] = v[i]
    return out


def diag_of_matrix(v, k=0):
    n = max(min(v.shape[0] - max(-k, 0), v.shape[1] - max(k, 0)), 0)
    out = np.empty(n, v.dtype)
    for i in range(n):
        out[i] = v[i + max(-k, 0), i + max(k, 0)]
    return out


def trace(a, offset=0):
    return np.sum(diag_of_matrix(a, offset))


def tril(m, k=0):
    out = np.zeros_like(m)
    for i in range(m.shape[0]):
        for j in range(max(min(i + k + 1, m.shape[1]), 0)):
            out[i, j] = m[i, j]
    return out


def triu(m, k=0):
    out = np.zeros_like(m)
    for i in range(m.shape[0]):
        for j in range(max(i + k, 0), m.shape[1]):
            out[i, j] = m[i, j]
    return out


def cross(a, b):
    out = np.empty(3, a.dtype)
    out[0] = a[1] * b[2] - a[2] * b[1]
    out[1] = a[2] * b[0] - a[0] * b[2]
    out[2] = a[0] * b[1] - a[1] * b[0]
    return out


def norm(a):
    return np.sqrt(np.sum(a * a))


def norm_1(a):
    return np.sum(np.abs(a))


def norm_max(a):
    return np.max(np.abs(a))


def norm_min(a):
    return np.min(np.abs(a))


def norm_power(a, order):
    return np.sum(np.abs(a) ** order) ** (1.0 / order)


def norm_of_rows(a):
    """The largest sum of absolute values over rows."""
    return np.max(np.sum(np.abs(a), axis=1))


def take(a, indices):
    out = np.empty(indices.size, a.dtype)
    for i in range(indices.size):
        out[i] = a[indices[i]]
    return out


def fill_diagonal(a, value):
    for i in range(min(a.shape[0], a.shape[1])):
        a[i, i] = value
