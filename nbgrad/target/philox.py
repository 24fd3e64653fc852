"""Philox4x32-10 and what is made of its words, for the loops of all targets. Every number is computed from its index."""

import numpy as np

M0, M1 = 0xD2511F53, 0xCD9E8D57  # multipliers
W0, W1 = 0x9E3779B9, 0xBB67AE85  # what the key grows by in each round
LOW = 0xFFFFFFFF


def philox(key, block):
    """Return the four words of one block, as uint64 below 2**32."""
    low, shift = np.uint64(LOW), np.uint64(32)
    seed, stream = np.uint64(key[0]), np.uint64(key[1])
    counter = np.uint64(key[2]) + np.uint64(block)
    k0, k1 = seed & low, seed >> shift
    c0, c1, c2, c3 = counter & low, counter >> shift, stream & low, stream >> shift
    for _ in range(10):
        p0, p1 = np.uint64(M0) * c0, np.uint64(M1) * c2
        c0, c1, c2, c3 = (p1 >> shift) ^ c1 ^ k0, p1 & low, (p0 >> shift) ^ c3 ^ k1, p0 & low
        k0, k1 = (k0 + np.uint64(W0)) & low, (k1 + np.uint64(W1)) & low
    return c0, c1, c2, c3


def upper(x, count):
    """Return the upper 64 bits of the product of two 64-bit numbers."""
    low, shift = np.uint64(LOW), np.uint64(32)
    x1, x0, n1, n0 = x >> shift, x & low, count >> shift, count & low
    t = x1 * n0 + ((x0 * n0) >> shift)
    u = x0 * n1 + (t & low)
    return x1 * n1 + (t >> shift) + (u >> shift)


def fraction24(bits):
    """Return the upper 24 of 32 bits as a number in [0, 1)."""
    return np.float32(np.int32(bits >> np.uint64(8))) * np.float32(5.9604644775390625e-08)


def fraction53(first, second):
    """Return 27 and 26 bits as a number in [0, 1)."""
    bits = ((first >> np.uint64(5)) << np.uint64(26)) | (second >> np.uint64(6))
    return np.float64(np.int64(bits)) * 1.1102230246251565e-16
