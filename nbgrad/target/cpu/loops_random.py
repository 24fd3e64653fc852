"""Random numbers of Philox: every one is computed from its index."""

import numpy as np

from ..philox import fraction24, fraction53, philox, upper


def random_bits(args, tile):
    """The words as they are."""
    key, out = at0(args), at1(args)
    n, grain = word(args, 2), word(args, 3)
    for block in range(tile * grain, min((n + 3) // 4, (tile + 1) * grain)):
        a, b, c, d = philox(key, block)
        i = 4 * block
        out[i] = T1(a)
        if i + 1 < n:
            out[i + 1] = T1(b)
        if i + 2 < n:
            out[i + 2] = T1(c)
        if i + 3 < n:
            out[i + 3] = T1(d)


def random_float32(args, tile):
    """24 bits of a word as a fraction."""
    key, out = at0(args), at1(args)
    n, grain = word(args, 2), word(args, 3)
    for block in range(tile * grain, min((n + 3) // 4, (tile + 1) * grain)):
        a, b, c, d = philox(key, block)
        i = 4 * block
        out[i] = fraction24(a)
        if i + 1 < n:
            out[i + 1] = fraction24(b)
        if i + 2 < n:
            out[i + 2] = fraction24(c)
        if i + 3 < n:
            out[i + 3] = fraction24(d)


def random_float64(args, tile):
    """53 bits of two words as a fraction."""
    key, out = at0(args), at1(args)
    n, grain = word(args, 2), word(args, 3)
    for block in range(tile * grain, min((n + 1) // 2, (tile + 1) * grain)):
        a, b, c, d = philox(key, block)
        out[2 * block] = fraction53(a, b)
        if 2 * block + 1 < n:
            out[2 * block + 1] = fraction53(c, d)


def random_integers(args, tile):
    """64 bits of two words, scaled to the range."""
    key, out = at0(args), at1(args)
    n, grain, low, count = word(args, 2), word(args, 3), word(args, 4), np.uint64(word(args, 5))
    shift = np.uint64(32)
    for block in range(tile * grain, min((n + 1) // 2, (tile + 1) * grain)):
        a, b, c, d = philox(key, block)
        out[2 * block] = low + np.int64(upper((b << shift) | a, count))
        if 2 * block + 1 < n:
            out[2 * block + 1] = low + np.int64(upper((d << shift) | c, count))


def random_permutation(args, tile):
    """Exchange each place, from the last, with a random one up to it."""
    key, out = at0(args), at1(args)
    n = word(args, 2)
    for i in range(n):
        out[i] = i
    shift = np.uint64(32)
    for step in range(n - 1):
        a, b, c, d = philox(key, step // 2)
        bits = (b << shift) | a if step % 2 == 0 else (d << shift) | c
        i = n - 1 - step
        j = np.int64(upper(bits, np.uint64(i + 1)))
        out[i], out[j] = out[j], out[i]


HELPERS = {
    "random_bits": (philox,),
    "random_float32": (philox, fraction24),
    "random_float64": (philox, fraction53),
    "random_integers": (philox, upper),
    "random_permutation": (philox, upper),
}
