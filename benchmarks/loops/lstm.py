"""The mean negative logarithm of the likelihood of a sequence under stacked LSTM cells, as in ADBench."""

import math

import numpy as np
from numba import njit

WRT = (0, 1)


@njit
def sigmoid(x):
    return 1.0 / (1.0 + math.exp(-x))


@njit
def cell_step(weight, bias, hidden, cell, given):
    """Change the state of one layer: weights and biases (4, b) of forget, in, out and change."""
    for i in range(hidden.size):
        forget = sigmoid(given[i] * weight[0, i] + bias[0, i])
        inward = sigmoid(hidden[i] * weight[1, i] + bias[1, i])
        outward = sigmoid(given[i] * weight[2, i] + bias[2, i])
        change = math.tanh(hidden[i] * weight[3, i] + bias[3, i])
        cell[i] = cell[i] * forget + inward * change
        hidden[i] = outward * math.tanh(cell[i])


@njit
def primal(main, extra, start, sequence):
    """main (layers, 2, 4, b): weights and biases; extra (3, b); start (layers, 2, b); sequence (time, b)."""
    state = start.copy()
    layers, b = main.shape[0], extra.shape[1]
    given, predicted = np.empty(b), np.empty(b)
    total = 0.0
    for t in range(sequence.shape[0] - 1):
        for i in range(b):
            given[i] = sequence[t, i] * extra[0, i]
        for l in range(layers):
            cell_step(main[l, 0], main[l, 1], state[l, 0], state[l, 1], given)
            for i in range(b):
                given[i] = state[l, 0, i]
        mass = 2.0
        for i in range(b):
            predicted[i] = given[i] * extra[1, i] + extra[2, i]
            mass += math.exp(predicted[i])
        norm = math.log(mass)
        for i in range(b):
            total += sequence[t + 1, i] * (predicted[i] - norm)
    return -total / ((sequence.shape[0] - 1) * b)


@njit(error_model="numpy")
def forward(main, extra, start, sequence, gates, kept, inputs, shares):
    """Keep of each step the gates, states before it, inputs of layers, and the shares of exponentials in their sum."""
    layers, b = main.shape[0], extra.shape[1]
    steps = sequence.shape[0] - 1
    for l in range(layers):
        for i in range(b):
            kept[0, l, 0, i], kept[0, l, 1, i] = start[l, 0, i], start[l, 1, i]
    for t in range(steps):
        for i in range(b):
            inputs[t, 0, i] = sequence[t, i] * extra[0, i]
        for l in range(layers):
            for i in range(b):
                given, hidden = inputs[t, l, i], kept[t, l, 0, i]
                forget = sigmoid(given * main[l, 0, 0, i] + main[l, 1, 0, i])
                inward = sigmoid(hidden * main[l, 0, 1, i] + main[l, 1, 1, i])
                outward = sigmoid(given * main[l, 0, 2, i] + main[l, 1, 2, i])
                change = math.tanh(hidden * main[l, 0, 3, i] + main[l, 1, 3, i])
                cell = kept[t, l, 1, i] * forget + inward * change
                bent = math.tanh(cell)
                gates[t, l, 0, i], gates[t, l, 1, i], gates[t, l, 2, i] = forget, inward, outward
                gates[t, l, 3, i], gates[t, l, 4, i] = change, bent
                kept[t + 1, l, 0, i], kept[t + 1, l, 1, i] = outward * bent, cell
                inputs[t, l + 1, i] = outward * bent
        mass = 2.0
        for i in range(b):
            share = math.exp(inputs[t, layers, i] * extra[1, i] + extra[2, i])
            shares[t, i] = share
            mass += share
        for i in range(b):
            shares[t, i] /= mass


@njit(error_model="numpy")
def by_hand(main, extra, start, sequence):
    """Keep the results of exp and tanh and write their adjoints in terms of these."""
    layers, b = main.shape[0], extra.shape[1]
    steps = sequence.shape[0] - 1
    gates, kept = np.empty((steps, layers, 5, b)), np.empty((steps + 1, layers, 2, b))
    inputs, shares = np.empty((steps, layers + 1, b)), np.empty((steps, b))
    forward(main, extra, start, sequence, gates, kept, inputs, shares)
    g_main, g_extra, g_state, g_given = np.zeros(main.shape), np.zeros(extra.shape), np.zeros(start.shape), np.zeros(b)
    scale = -1.0 / (steps * b)
    for t in range(steps - 1, -1, -1):
        weight = 0.0
        for i in range(b):
            weight += sequence[t + 1, i]
        for i in range(b):
            g = scale * (sequence[t + 1, i] - weight * shares[t, i])
            g_extra[1, i] += g * inputs[t, layers, i]
            g_extra[2, i] += g
            g_given[i] = g * extra[1, i]
        for l in range(layers - 1, -1, -1):
            for i in range(b):
                given, hidden, cell = inputs[t, l, i], kept[t, l, 0, i], kept[t, l, 1, i]
                forget, inward, outward = gates[t, l, 0, i], gates[t, l, 1, i], gates[t, l, 2, i]
                change, bent = gates[t, l, 3, i], gates[t, l, 4, i]
                g_hidden = g_state[l, 0, i] + g_given[i]
                g_cell = g_state[l, 1, i] + g_hidden * outward * (1.0 - bent * bent)
                g_forget = g_cell * cell * forget * (1.0 - forget)
                g_inward = g_cell * change * inward * (1.0 - inward)
                g_outward = g_hidden * bent * outward * (1.0 - outward)
                g_change = g_cell * inward * (1.0 - change * change)
                g_main[l, 0, 0, i] += g_forget * given
                g_main[l, 0, 1, i] += g_inward * hidden
                g_main[l, 0, 2, i] += g_outward * given
                g_main[l, 0, 3, i] += g_change * hidden
                g_main[l, 1, 0, i] += g_forget
                g_main[l, 1, 1, i] += g_inward
                g_main[l, 1, 2, i] += g_outward
                g_main[l, 1, 3, i] += g_change
                g_given[i] = g_forget * main[l, 0, 0, i] + g_outward * main[l, 0, 2, i]
                g_state[l, 0, i] = g_inward * main[l, 0, 1, i] + g_change * main[l, 0, 3, i]
                g_state[l, 1, i] = g_cell * forget
        for i in range(b):
            g_extra[0, i] += g_given[i] * sequence[t, i]
    return g_main, g_extra
