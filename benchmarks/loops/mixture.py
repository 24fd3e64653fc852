"""The logarithm of the likelihood of a mixture of Gaussians with a Wishart prior, as in ADBench."""

import math

import numpy as np
from numba import njit

WRT = (0, 1, 2)
GAMMA, EXTRA = 1.0, 0  # of the prior: gamma and m


@njit
def log_sum_exp(x):
    top = x[0]
    for v in x:
        if v > top:
            top = v
    total = 0.0
    for v in x:
        total += math.exp(v - top)
    return math.log(total) + top


@njit
def prior(icf, diagonals, sums):
    """Return the logarithm of the Wishart density of all precisions, up to what depends on none of them."""
    k, d = diagonals.shape
    squares, total = 0.0, 0.0
    for c in range(k):
        for i in range(d):
            squares += diagonals[c, i] * diagonals[c, i]
        for i in range(d, icf.shape[1]):
            squares += icf[c, i] * icf[c, i]
        total += sums[c]
    return 0.5 * GAMMA * GAMMA * squares - EXTRA * total


@njit
def normalizer(n, d, k):
    """Return what no argument with a gradient enters."""
    freedom = d + EXTRA + 1
    log_gamma = 0.25 * d * (d - 1) * math.log(math.pi)
    for j in range(1, d + 1):
        log_gamma += math.lgamma(0.5 * freedom + 0.5 * (1 - j))
    wishart = freedom * d * (math.log(GAMMA) - 0.5 * math.log(2.0)) - log_gamma
    return -0.5 * n * d * math.log(2.0 * math.pi) - k * wishart


@njit
def primal(alphas, means, icf, x):
    """alphas (k), means (k, d), icf (k, d + d (d - 1) / 2): logarithms of the diagonal, lower columns; x (n, d)."""
    n, d = x.shape
    k = alphas.size
    diagonals = np.empty((k, d))
    sums = np.zeros(k)
    for c in range(k):
        for i in range(d):
            diagonals[c, i] = math.exp(icf[c, i])
            sums[c] += icf[c, i]
    total = 0.0
    centred, scaled, terms = np.empty(d), np.empty(d), np.empty(k)
    for s in range(n):
        for c in range(k):
            for i in range(d):
                centred[i] = x[s, i] - means[c, i]
                scaled[i] = diagonals[c, i] * centred[i]
            at = d
            for i in range(d):
                for j in range(i + 1, d):
                    scaled[j] += icf[c, at] * centred[i]
                    at += 1
            norm = 0.0
            for i in range(d):
                norm += scaled[i] * scaled[i]
            terms[c] = alphas[c] + sums[c] - 0.5 * norm
        total += log_sum_exp(terms)
    return normalizer(n, d, k) + total - n * log_sum_exp(alphas) + prior(icf, diagonals, sums)


SUMS = {"reassoc", "contract", "nsz"}  # the adjoint's own sums may be taken in any order
U = np.uint64  # Numba vectorises no loop whose index it must compare with 0


@njit(error_model="numpy", fastmath=SUMS)
def by_hand(alphas, means, icf, x):
    """Forward and back sample by sample: what is kept is one sample's."""
    n, d = x.shape
    k = alphas.size
    diagonals, sums = np.empty((k, d)), np.zeros(k)
    for c in range(k):
        for i in range(d):
            diagonals[c, i] = math.exp(icf[c, i])
            sums[c] += icf[c, i]
    g_alphas, g_means, g_icf, g_diagonals = np.zeros(k), np.zeros((k, d)), np.zeros(icf.shape), np.zeros((k, d))
    centred, scaled, terms, g = np.empty((k, d)), np.empty((k, d)), np.empty(k), np.empty(d)
    for s in range(n):
        top = -math.inf
        for c in range(k):
            for i in range(d):
                v = x[s, i] - means[c, i]
                centred[c, i] = v
                scaled[c, i] = diagonals[c, i] * v
            at = d
            for i in range(d - 1):
                v, first = centred[c, i], i + 1
                for j in range(d - first):
                    scaled[c, U(first + j)] += icf[c, U(at + j)] * v
                at += d - first
            norm = 0.0
            for i in range(d):
                norm += scaled[c, i] * scaled[c, i]
            terms[c] = alphas[c] + sums[c] - 0.5 * norm
            top = max(top, terms[c])
        mass = 0.0
        for c in range(k):
            terms[c] = math.exp(terms[c] - top)
            mass += terms[c]
        for c in range(k):
            share = terms[c] / mass
            g_alphas[c] += share
            for i in range(d):
                g[i] = -share * scaled[c, i]
                g_diagonals[c, i] += g[i] * centred[c, i]
            at = d
            for i in range(d):
                v, total, first = centred[c, i], diagonals[c, i] * g[i], i + 1
                for j in range(d - first):
                    total += icf[c, U(at + j)] * g[U(first + j)]
                    g_icf[c, U(at + j)] += v * g[U(first + j)]
                g_means[c, i] -= total
                at += d - first
    finish(alphas, icf, diagonals, n, g_alphas, g_icf, g_diagonals)
    return g_alphas, g_means, g_icf


@njit(error_model="numpy")
def finish(alphas, icf, diagonals, n, g_alphas, g_icf, g_diagonals):
    """Add what the diagonals, the prior and the mass of all alphas give."""
    k, d = diagonals.shape
    top = alphas.max()
    mass = np.exp(alphas - top).sum()
    for c in range(k):
        for i in range(d):
            g_icf[c, i] = (g_diagonals[c, i] + GAMMA * GAMMA * diagonals[c, i]) * diagonals[c, i] + g_alphas[c] - EXTRA
        for i in range(d, icf.shape[1]):
            g_icf[c, i] += GAMMA * GAMMA * icf[c, i]
        g_alphas[c] -= n * math.exp(alphas[c] - top) / mass
