"""Newton's iteration to a tolerance for each of many right-hand sides; the gradients of these and of a coefficient."""

import numpy as np
from numba import njit, prange

WRT = (0, 1)
MOST = 100  # steps of one iteration that are kept


@njit(parallel=True)
def primal(b, a, tolerance):
    total = 0.0
    for i in prange(b.size):
        x = 1.0
        step = 1.0
        while abs(step) > tolerance:
            step = (x * x * x + a * x - b[i]) / (3 * x * x + a)
            x -= step
        total += x * x
    return total


@njit(parallel=True, error_model="numpy")
def by_hand(b, a, tolerance):
    """Each right-hand side by itself: forward, with its few states kept, and back at once."""
    g_b = np.empty(b.size)
    g_a = 0.0
    for i in prange(b.size):
        states = np.empty(MOST)
        x, step, turns = 1.0, 1.0, 0
        while abs(step) > tolerance:
            states[turns] = x
            turns += 1
            step = (x * x * x + a * x - b[i]) / (3 * x * x + a)
            x -= step
        g, of_b, of_a = 2 * x, 0.0, 0.0
        for t in range(turns - 1, -1, -1):
            x = states[t]
            slope = 3 * x * x + a
            share = g / slope
            step = (x * x * x + a * x - b[i]) / slope
            of_b += share
            of_a += share * (step - x)
            g = share * 6 * x * step
        g_b[i] = of_b
        g_a += of_a
    return g_b, g_a
