"""The workloads written for libraries of whole arrays: `m` is one of `on_jax`, `on_torch`, `on_autograd`."""

import numpy as np


def runge_kutta(slope, y, h):
    k1 = slope(y)
    k2 = slope(y + h / 2 * k1)
    k3 = slope(y + h / 2 * k2)
    k4 = slope(y + h * k3)
    return y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)


def lotka_volterra(m, p, steps, h):
    def slope(y):
        product = y[0] * y[1]
        return m.stack((p[0] * y[0] - p[1] * product, p[2] * product - p[3] * y[1]))

    return m.repeat(lambda y: runge_kutta(slope, y, h), m.array(np.ones(2)), steps)[0]


def coupled(m, start, c, h, steps):
    def slope(y):
        before, after = m.concatenate((y[:1], y[:-1])), m.concatenate((y[1:], y[-1:]))
        return c * (before - 2 * y + after) + y - y * y * y

    y = m.repeat(lambda y: runge_kutta(slope, y, h), start, steps)
    return m.sum(y * y)


def log_sum_exp(m, x, axis):
    top = m.amax(x, axis)
    return m.log(m.sum(m.exp(x - m.expand(top, axis)), axis)) + top


def mixture(m, alphas, means, icf, x):
    """Factors as full squares, whose elements above the diagonal are 0, times the centred samples of each component."""
    d, k = x.shape[1], means.shape[0]
    place = np.full((d, d), icf.shape[1])
    first, second = np.triu_indices(d, 1)
    place[second, first] = d + np.arange(first.size)
    padded = m.concatenate((icf, m.array(np.zeros((k, 1)))), 1)
    factor = padded[:, place] + m.array(np.eye(d)) * m.exp(icf[:, :d])[:, None, :]
    scaled = m.matmul(factor, m.swapped(x[None, :, :] - means[:, None, :]))
    sums = m.sum(icf[:, :d], 1)
    terms = (alphas + sums)[:, None] - 0.5 * m.sum(scaled * scaled, 1)
    squares = m.sum(m.exp(2.0 * icf[:, :d])) + m.sum(icf[:, d:] * icf[:, d:])
    return m.sum(log_sum_exp(m, terms, 0)) - x.shape[0] * log_sum_exp(m, alphas, 0) + 0.5 * squares


def sigmoid(m, x):
    return 1.0 / (1.0 + m.exp(-x))


def lstm(m, main, extra, start, sequence):
    layers, steps, width = main.shape[0], sequence.shape[0] - 1, extra.shape[1]

    def step(carry, given):
        state, total = carry
        now, following = given
        x, after = now * extra[0], []
        for l in range(layers):
            (weight, bias), (hidden, cell) = main[l], state[l]
            forget, outward = sigmoid(m, x * weight[0] + bias[0]), sigmoid(m, x * weight[2] + bias[2])
            inward, change = sigmoid(m, hidden * weight[1] + bias[1]), m.tanh(hidden * weight[3] + bias[3])
            cell = cell * forget + inward * change
            x = outward * m.tanh(cell)
            after.append((x, cell))
        predicted = x * extra[1] + extra[2]
        norm = m.log(2.0 + m.sum(m.exp(predicted)))
        return tuple(after), total + m.sum(following * (predicted - norm))

    state = tuple((start[l, 0], start[l, 1]) for l in range(layers))
    _, total = m.fold(step, (state, m.array(np.zeros(()))), (sequence[:-1], sequence[1:]))
    return -total / (steps * width)


def heat(m, start, measured, c, steps):
    def step(u):
        return u + m.rimmed(c * (u[:-2, 1:-1] + u[2:, 1:-1] + u[1:-1, :-2] + u[1:-1, 2:] - 4 * u[1:-1, 1:-1]))

    difference = m.repeat(step, start, steps) - measured
    return m.sum(difference * difference)


def newton(m, b, a, tolerance, turns):
    """All right-hand sides make as many turns as the slowest needs; those that are done stay where they are."""

    def turn(state):
        x, step = state
        new = (x * x * x + a * x - b) / (3 * x * x + a)
        step = m.where(abs(step) > tolerance, new, 0.0 * x)
        return x - step, step

    x, _ = m.repeat(turn, (b * 0.0 + 1.0, b * 0.0 + 1.0), turns)
    return m.sum(x * x)


def error(m, camera, point, weight, seen):
    """Return both errors of an observation, or of many: the last axis has what belongs to one."""
    r = [camera[..., i] for i in range(3)]
    x, y, z = [point[..., i] - camera[..., 3 + i] for i in range(3)]
    angle = m.sqrt(r[0] * r[0] + r[1] * r[1] + r[2] * r[2])
    c, s = m.cos(angle), m.sin(angle)
    a0, a1, a2 = r[0] / angle, r[1] / angle, r[2] / angle
    along = (a0 * x + a1 * y + a2 * z) * (1.0 - c)
    x, y, z = (
        x * c + (a1 * z - a2 * y) * s + a0 * along,
        y * c + (a2 * x - a0 * z) * s + a1 * along,
        z * c + (a0 * y - a1 * x) * s + a2 * along,
    )
    u, v = x / z, y / z
    square = u * u + v * v
    stretch = (1.0 + camera[..., 9] * square + camera[..., 10] * square * square) * camera[..., 6]
    at = (u * stretch + camera[..., 7], v * stretch + camera[..., 8])
    return tuple(weight * (at[i] - seen[..., i]) for i in range(2))
