"""Bundle adjustment: where cameras see points, against where they were seen, and the sparse Jacobian; as in ADBench."""

import math

import numpy as np
from numba import njit


@njit
def rotated(r0, r1, r2, x, y, z):
    """Turn a point about an axis whose length is the angle (Rodrigues)."""
    square = r0 * r0 + r1 * r1 + r2 * r2
    if square == 0.0:
        return x + r1 * z - r2 * y, y + r2 * x - r0 * z, z + r0 * y - r1 * x
    angle = math.sqrt(square)
    c, s = math.cos(angle), math.sin(angle)
    a0, a1, a2 = r0 / angle, r1 / angle, r2 / angle
    along = (a0 * x + a1 * y + a2 * z) * (1.0 - c)
    return (
        x * c + (a1 * z - a2 * y) * s + a0 * along,
        y * c + (a2 * x - a0 * z) * s + a1 * along,
        z * c + (a0 * y - a1 * x) * s + a2 * along,
    )


@njit
def projected(camera, point):
    """camera (11): rotation 3, centre 3, focal length, principal point 2, radial distortion 2; point (3)."""
    x, y, z = rotated(
        camera[0], camera[1], camera[2], point[0] - camera[3], point[1] - camera[4], point[2] - camera[5]
    )
    u, v = x / z, y / z
    square = u * u + v * v
    stretch = 1.0 + camera[9] * square + camera[10] * square * square
    return u * stretch * camera[6] + camera[7], v * stretch * camera[6] + camera[8]


@njit
def primal(cameras, points, weights, views, seen):
    """Return the errors (2 p + p) of p observations; views (p, 2): which camera sees which point; seen (p, 2)."""
    p = weights.size
    errors = np.empty(3 * p)
    for i in range(p):
        u, v = projected(cameras[views[i, 0]], points[views[i, 1]])
        errors[2 * i] = weights[i] * (u - seen[i, 0])
        errors[2 * i + 1] = weights[i] * (v - seen[i, 1])
    for i in range(p):
        errors[2 * p + i] = 1.0 - weights[i] * weights[i]
    return errors


COLUMNS = 15  # of a row of the Jacobian that hold a number: a camera's 11, a point's 3, a weight


@njit(error_model="numpy")
def row(i, which, g0, g1, g2, axis, angle, c, s, centred, jacobian):
    """Write a row's part of rotation, centre and point, from the gradient (g0, g1, g2) of the turned point."""
    a0, a1, a2 = axis
    x, y, z = centred
    along, of_axis = a0 * x + a1 * y + a2 * z, a0 * g0 + a1 * g1 + a2 * g2
    w0, w1, w2 = a1 * z - a2 * y, a2 * x - a0 * z, a0 * y - a1 * x
    g_angle = c * (g0 * w0 + g1 * w1 + g2 * w2) - s * (g0 * x + g1 * y + g2 * z) + s * along * of_axis
    h0 = s * (y * g2 - z * g1) + (1.0 - c) * (along * g0 + of_axis * x)
    h1 = s * (z * g0 - x * g2) + (1.0 - c) * (along * g1 + of_axis * y)
    h2 = s * (x * g1 - y * g0) + (1.0 - c) * (along * g2 + of_axis * z)
    flow = g_angle - (a0 * h0 + a1 * h1 + a2 * h2) / angle
    jacobian[i, which, 0] = flow * a0 + h0 / angle
    jacobian[i, which, 1] = flow * a1 + h1 / angle
    jacobian[i, which, 2] = flow * a2 + h2 / angle
    t = (1.0 - c) * of_axis
    p0 = c * g0 + s * (g1 * a2 - g2 * a1) + t * a0
    p1 = c * g1 + s * (g2 * a0 - g0 * a2) + t * a1
    p2 = c * g2 + s * (g0 * a1 - g1 * a0) + t * a2
    jacobian[i, which, 3], jacobian[i, which, 4], jacobian[i, which, 5] = -p0, -p1, -p2
    jacobian[i, which, 11], jacobian[i, which, 12], jacobian[i, which, 13] = p0, p1, p2


@njit(error_model="numpy")
def by_hand(cameras, points, weights, views, seen):
    """Return the 15 numbers of each of the 2 p rows, and those of the weights' own rows; no angle is 0."""
    p = weights.size
    jacobian, own = np.empty((p, 2, COLUMNS)), np.empty(p)
    for i in range(p):
        k, q, w = views[i, 0], views[i, 1], weights[i]
        r0, r1, r2 = cameras[k, 0], cameras[k, 1], cameras[k, 2]
        x, y, z = points[q, 0] - cameras[k, 3], points[q, 1] - cameras[k, 4], points[q, 2] - cameras[k, 5]
        angle = math.sqrt(r0 * r0 + r1 * r1 + r2 * r2)
        c, s, part = math.cos(angle), math.sin(angle), 1.0 / angle
        a0, a1, a2 = r0 * part, r1 * part, r2 * part
        along = (a0 * x + a1 * y + a2 * z) * (1.0 - c)
        deep = 1.0 / (z * c + (a0 * y - a1 * x) * s + a2 * along)
        u = (x * c + (a1 * z - a2 * y) * s + a0 * along) * deep
        v = (y * c + (a2 * x - a0 * z) * s + a1 * along) * deep
        square, focal = u * u + v * v, cameras[k, 6]
        stretch = 1.0 + cameras[k, 9] * square + cameras[k, 10] * square * square
        bend = 2.0 * (cameras[k, 9] + 2.0 * cameras[k, 10] * square)
        uu, uv, vv = stretch + bend * u * u, bend * u * v, stretch + bend * v * v
        scale = w * focal * deep
        axis, centred = (a0, a1, a2), (x, y, z)
        row(i, 0, scale * uu, scale * uv, -scale * (uu * u + uv * v), axis, angle, c, s, centred, jacobian)
        row(i, 1, scale * uv, scale * vv, -scale * (uv * u + vv * v), axis, angle, c, s, centred, jacobian)
        for which, at, to in ((0, u, seen[i, 0]), (1, v, seen[i, 1])):
            jacobian[i, which, 6] = w * at * stretch
            jacobian[i, which, 7], jacobian[i, which, 8] = w * (1 - which), w * which
            jacobian[i, which, 9] = w * focal * at * square
            jacobian[i, which, 10] = w * focal * at * square * square
            jacobian[i, which, 14] = at * stretch * focal + cameras[k, 7 + which] - to
        own[i] = -2.0 * w
    return jacobian, own
