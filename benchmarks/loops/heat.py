"""The heat equation on a square, step by step, and the squared distance to a measured field; the gradient of the start."""

import numpy as np
from numba import njit, prange

WRT = 0


@njit(parallel=True)
def primal(start, measured, c, steps):
    n, m = start.shape
    u, new = start.copy(), start.copy()
    for _ in range(steps):
        for i in prange(1, n - 1):
            for j in range(1, m - 1):
                new[i, j] = u[i, j] + c * (u[i - 1, j] + u[i + 1, j] + u[i, j - 1] + u[i, j + 1] - 4 * u[i, j])
        u, new = new, u
    return np.sum((u - measured) ** 2)


@njit(parallel=True, error_model="numpy")
def by_hand(start, measured, c, steps):
    """The transposed step gathers, as the step itself does; what is at the border stays, so it only receives."""
    n, m = start.shape
    u, new = start.copy(), start.copy()
    for _ in range(steps):
        for i in prange(1, n - 1):
            for j in range(1, m - 1):
                new[i, j] = u[i, j] + c * (u[i - 1, j] + u[i + 1, j] + u[i, j - 1] + u[i, j + 1] - 4 * u[i, j])
        u, new = new, u
    # The rim of a field stays as it is in each step: its gradient only gathers, so it is kept apart, and g is 0 there.
    rim = np.empty((n, m))
    for i in prange(n):
        inside = 0 < i < n - 1
        for j in range(m):
            rim[i, j] = 2 * (u[i, j] - measured[i, j])
            u[i, j] = rim[i, j] if inside and 0 < j < m - 1 else 0.0
            new[i, j] = 0.0
    g = u
    for _ in range(steps):
        for i in prange(n):
            if 0 < i < n - 1:
                rim[i, 0] += c * g[i, 1]
                rim[i, m - 1] += c * g[i, m - 2]
                for j in range(1, m - 1):
                    new[i, j] = g[i, j] + c * (g[i - 1, j] + g[i + 1, j] + g[i, j - 1] + g[i, j + 1] - 4 * g[i, j])
            else:
                inner = 1 if i == 0 else n - 2
                for j in range(1, m - 1):
                    rim[i, j] += c * g[inner, j]
        g, new = new, g
    for i in prange(n):
        if i in (0, n - 1):
            g[i] = rim[i]
        g[i, 0], g[i, m - 1] = rim[i, 0], rim[i, m - 1]
    return g
