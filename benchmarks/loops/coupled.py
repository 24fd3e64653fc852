"""Runge-Kutta of order 4 over a chain of coupled unknowns (diffusion and a cubic reaction); the gradient of the start."""

import numpy as np
from numba import njit

WRT = 0


@njit
def slope(y, c, out):
    n = y.size
    out[0] = c * (y[1] - y[0]) + y[0] - y[0] * y[0] * y[0]
    for i in range(1, n - 1):
        out[i] = c * (y[i - 1] - 2 * y[i] + y[i + 1]) + y[i] - y[i] * y[i] * y[i]
    out[n - 1] = c * (y[n - 2] - y[n - 1]) + y[n - 1] - y[n - 1] * y[n - 1] * y[n - 1]


@njit
def primal(start, c, h, steps):
    y = start.copy()
    k1, k2, k3, k4 = np.empty_like(y), np.empty_like(y), np.empty_like(y), np.empty_like(y)
    for _ in range(steps):
        slope(y, c, k1)
        slope(y + h / 2 * k1, c, k2)
        slope(y + h / 2 * k2, c, k3)
        slope(y + h * k3, c, k4)
        y += h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    return np.sum(y * y)


@njit(error_model="numpy")
def moved(y, h, k, out):
    for i in range(y.size):
        out[i] = y[i] + h * k[i]


@njit(error_model="numpy")
def slope_at(y, h, k, c, x, out):
    """Write x = y + h * k and its slope."""
    moved(y, h, k, x)
    slope(x, c, out)


@njit(error_model="numpy")
def seeded(g, w, h, gx, u):
    """Write the gradient of a slope: of the sum that it enters and of the stage after it."""
    for i in range(g.size):
        u[i] = w * g[i] + h * gx[i]


@njit(error_model="numpy")
def pulled(x, c, u, gx):
    """Write the gradient of x, given that of its slope."""
    n = x.size
    gx[0] = c * (u[1] - u[0]) + u[0] - 3 * x[0] * x[0] * u[0]
    for i in range(1, n - 1):
        gx[i] = c * (u[i - 1] - 2 * u[i] + u[i + 1]) + u[i] - 3 * x[i] * x[i] * u[i]
    gx[n - 1] = c * (u[n - 2] - u[n - 1]) + u[n - 1] - 3 * x[n - 1] * x[n - 1] * u[n - 1]


@njit(error_model="numpy")
def by_hand(start, c, h, steps):
    """Keep the state of each step; on the way back compute its stages again."""
    n = start.size
    kept = np.empty((steps + 1, n))
    x2, x3, x4 = np.empty(n), np.empty(n), np.empty(n)
    k1, k2, k3, k4 = np.empty(n), np.empty(n), np.empty(n), np.empty(n)
    kept[0] = start
    for s in range(steps):
        y, new = kept[s], kept[s + 1]
        slope(y, c, k1)
        slope_at(y, h / 2, k1, c, x2, k2)
        slope_at(y, h / 2, k2, c, x3, k3)
        slope_at(y, h, k3, c, x4, k4)
        for i in range(n):
            new[i] = y[i] + h / 6 * (k1[i] + 2 * k2[i] + 2 * k3[i] + k4[i])
    g, zero = 2 * kept[steps], np.zeros(n)
    u, g1, g2, g3, g4 = k4, np.empty(n), np.empty(n), np.empty(n), np.empty(n)
    for s in range(steps - 1, -1, -1):
        y = kept[s]
        slope(y, c, k1)
        slope_at(y, h / 2, k1, c, x2, k2)
        slope_at(y, h / 2, k2, c, x3, k3)
        moved(y, h, k3, x4)
        seeded(g, h / 6, 0.0, zero, u)
        pulled(x4, c, u, g4)
        seeded(g, h / 3, h, g4, u)
        pulled(x3, c, u, g3)
        seeded(g, h / 3, h / 2, g3, u)
        pulled(x2, c, u, g2)
        seeded(g, h / 6, h / 2, g2, u)
        pulled(y, c, u, g1)
        for i in range(n):
            g[i] += (g1[i] + g2[i]) + (g3[i] + g4[i])
    return g
