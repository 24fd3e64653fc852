"""Philox4x32-10 and what is made of its words. Every number is computed from its index."""

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


def fraction24(bits):
    """Return the upper 24 of 32 bits as a number in [0, 1)."""
    return np.float32(np.int32(bits >> np.uint64(8))) * np.float32(5.9604644775390625e-08)


def random_float64(args, tile):
    """53 bits of two words as a fraction."""
    key, out = at0(args), at1(args)
    n, grain = word(args, 2), word(args, 3)
    for block in range(tile * grain, min((n + 1) // 2, (tile + 1) * grain)):
        a, b, c, d = philox(key, block)
        out[2 * block] = fraction53(a, b)
        if 2 * block + 1 < n:
            out[2 * block + 1] = fraction53(c, d)


def fraction53(first, second):
    """Return 27 and 26 bits as a number in [0, 1)."""
    bits = ((first >> np.uint64(5)) << np.uint64(26)) | (second >> np.uint64(6))
    return np.float64(np.int64(bits)) * 1.1102230246251565e-16


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
