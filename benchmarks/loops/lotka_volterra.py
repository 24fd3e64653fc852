"""Runge-Kutta of order 4 over the two numbers of Lotka and Volterra; the gradient of the four parameters."""

import numpy as np
from numba import njit

WRT = 0


@njit
def slope(prey, hunters, p):
    return p[0] * prey - p[1] * prey * hunters, p[2] * prey * hunters - p[3] * hunters


@njit
def primal(p, steps, h):
    a, b = 1.0, 1.0
    for _ in range(steps):
        a1, b1 = slope(a, b, p)
        a2, b2 = slope(a + h / 2 * a1, b + h / 2 * b1, p)
        a3, b3 = slope(a + h / 2 * a2, b + h / 2 * b2, p)
        a4, b4 = slope(a + h * a3, b + h * b3, p)
        a += h / 6 * (a1 + 2 * a2 + 2 * a3 + a4)
        b += h / 6 * (b1 + 2 * b2 + 2 * b3 + b4)
    return a


@njit(error_model="numpy")
def back(x, y, p0, p1, p2, p3, gx, gy):
    """Return the gradients of x and y from gx and gy, those of their slopes."""
    u = p2 * gy - p1 * gx
    return p0 * gx + u * y, u * x - p3 * gy


@njit(error_model="numpy")
def by_hand(p, steps, h):
    """Keep the state of each step; on the way back compute its four slopes again."""
    p0, p1, p2, p3 = p[0], p[1], p[2], p[3]
    half, sixth = h / 2, h / 6
    kept = np.empty((steps, 2))
    a, b = 1.0, 1.0
    for i in range(steps):
        kept[i, 0], kept[i, 1] = a, b
        a1, b1 = slope(a, b, p)
        a2, b2 = slope(a + half * a1, b + half * b1, p)
        a3, b3 = slope(a + half * a2, b + half * b2, p)
        a4, b4 = slope(a + h * a3, b + h * b3, p)
        a += sixth * (a1 + 2 * a2 + 2 * a3 + a4)
        b += sixth * (b1 + 2 * b2 + 2 * b3 + b4)
    g0, g1, g2, g3 = 0.0, 0.0, 0.0, 0.0
    ga, gb = 1.0, 0.0
    for i in range(steps - 1, -1, -1):
        a, b = kept[i, 0], kept[i, 1]
        a1, b1 = slope(a, b, p)
        x2, y2 = a + half * a1, b + half * b1
        a2, b2 = slope(x2, y2, p)
        x3, y3 = a + half * a2, b + half * b2
        a3, b3 = slope(x3, y3, p)
        x4, y4 = a + h * a3, b + h * b3
        u4, v4 = sixth * ga, sixth * gb
        gx4, gy4 = back(x4, y4, p0, p1, p2, p3, u4, v4)
        u3, v3 = 2 * u4 + h * gx4, 2 * v4 + h * gy4
        gx3, gy3 = back(x3, y3, p0, p1, p2, p3, u3, v3)
        u2, v2 = 2 * u4 + half * gx3, 2 * v4 + half * gy3
        gx2, gy2 = back(x2, y2, p0, p1, p2, p3, u2, v2)
        u1, v1 = u4 + half * gx2, v4 + half * gy2
        gx1, gy1 = back(a, b, p0, p1, p2, p3, u1, v1)
        xy1, xy2, xy3, xy4 = a * b, x2 * y2, x3 * y3, x4 * y4
        g0 += (u1 * a + u2 * x2) + (u3 * x3 + u4 * x4)
        g1 -= (u1 * xy1 + u2 * xy2) + (u3 * xy3 + u4 * xy4)
        g2 += (v1 * xy1 + v2 * xy2) + (v3 * xy3 + v4 * xy4)
        g3 -= (v1 * b + v2 * y2) + (v3 * y3 + v4 * y4)
        ga += (gx1 + gx2) + (gx3 + gx4)
        gb += (gy1 + gy2) + (gy3 + gy4)
    return np.array([g0, g1, g2, g3])
