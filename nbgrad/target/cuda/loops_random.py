"""Random numbers of Philox: those of the CPU, bit for bit, since every one is computed from its index.

A thread makes the numbers of one block of four words; a block of threads puts them into shared memory and writes them from
there, so that neighbouring threads write neighbours. Memory bounds them, with some 80 instructions per block of words.
"""

import numpy as np

from ..philox import fraction24, fraction53, philox, upper
from .grids import Blocks, Each
from .package import package


def random_bits(args, key, out):
    """The words as they are."""
    n, me = args[2], cuda.threadIdx.x
    box = cuda.shared.array(FOUR_EACH, T1)
    for unit in range(cuda.blockIdx.x, -(-n // FOUR_EACH), cuda.gridDim.x):
        a, b, c, d = philox(key[args[0] :], unit * THREADS + me)
        box[4 * me], box[4 * me + 1], box[4 * me + 2], box[4 * me + 3] = T1(a), T1(b), T1(c), T1(d)
        write_box(box, FOUR_EACH, out, args[1], unit * FOUR_EACH, n)


def random_float32(args, key, out):
    """24 bits of a word as a fraction."""
    n, me = args[2], cuda.threadIdx.x
    box = cuda.shared.array(FOUR_EACH, T1)
    for unit in range(cuda.blockIdx.x, -(-n // FOUR_EACH), cuda.gridDim.x):
        a, b, c, d = philox(key[args[0] :], unit * THREADS + me)
        box[4 * me], box[4 * me + 1], box[4 * me + 2], box[4 * me + 3] = fraction24(a), fraction24(b), fraction24(c), fraction24(d)
        write_box(box, FOUR_EACH, out, args[1], unit * FOUR_EACH, n)


def random_float64(args, key, out):
    """53 bits of two words as a fraction."""
    n, me = args[2], cuda.threadIdx.x
    box = cuda.shared.array(TWO_EACH, T1)
    for unit in range(cuda.blockIdx.x, -(-n // TWO_EACH), cuda.gridDim.x):
        a, b, c, d = philox(key[args[0] :], unit * THREADS + me)
        box[2 * me], box[2 * me + 1] = fraction53(a, b), fraction53(c, d)
        write_box(box, TWO_EACH, out, args[1], unit * TWO_EACH, n)


def random_integers(args, key, out):
    """64 bits of two words, scaled to the range."""
    n, low, count, me, shift = args[2], args[4], np.uint64(args[5]), cuda.threadIdx.x, np.uint64(32)
    box = cuda.shared.array(TWO_EACH, T1)
    for unit in range(cuda.blockIdx.x, -(-n // TWO_EACH), cuda.gridDim.x):
        a, b, c, d = philox(key[args[0] :], unit * THREADS + me)
        box[2 * me] = low + np.int64(upper((b << shift) | a, count))
        box[2 * me + 1] = low + np.int64(upper((d << shift) | c, count))
        write_box(box, TWO_EACH, out, args[1], unit * TWO_EACH, n)


def write_box(box, size, out, to, first, n):
    """Write what the threads of a block have put into shared memory, as numbers from `first` on of `n`."""
    cuda.syncthreads()
    for i in range(cuda.threadIdx.x, min(np.int64(size), n - first), THREADS):
        out[to + first + i] = box[i]
    cuda.syncthreads()


def permutation_start(args, heads):
    """No place has been exchanged yet."""
    for i in range(cuda.grid(1), args[1], cuda.gridsize(1)):
        heads[args[0] + i] = -1


def permutation_links(args, key, out, heads, links):
    """out = with which place each is exchanged; links tie together those that are exchanged with the same, in any order."""
    n, shift, head = args[4], np.uint64(32), args[2]
    for i in range(cuda.grid(1), n, cuda.gridsize(1)):
        step = n - 1 - i
        a, b, c, d = philox(key[args[0] :], step // 2)
        bits = (b << shift) | a if step % 2 == 0 else (d << shift) | c
        j = np.int64(upper(bits, np.uint64(i + 1)))
        out[args[1] + i] = j
        if i > 0:
            links[args[3] + i] = cuda.atomic.exch(heads, head + j, i)


def permutation_places(args, out, heads, links):
    """out = what stands at each place after all exchanges, which go from the last place to the first."""
    n, head, link = args[3], args[1], args[2]
    for i in range(cuda.grid(1), n, cuda.gridsize(1)):
        place, before = out[args[0] + i], i
        while True:
            before = exchanged_before(heads, links, head + place, link, before)
            if before < 0:
                break
            place = before
        out[args[0] + i] = place


def exchanged_before(heads, links, head, link, i):
    """Return whose exchange was the latest with a place before that of `i`: the first behind `i`; -1 where there is none.

    The exchanges with one place are few, about log(n / place), and the smallest of a set does not depend on its order.
    """
    found, other = np.int64(-1), heads[head]
    while other >= 0:
        if other > i and (found < 0 or other < found):
            found = other
        other = links[link + other]
    return found


FOUR = ("FOUR_EACH", lambda kernel: f"FOUR_EACH = {4 * package().threads}")
TWO = ("TWO_EACH", lambda kernel: f"TWO_EACH = {2 * package().threads}")
HELPERS = {
    "random_bits": (FOUR, philox, write_box),
    "random_float32": (FOUR, philox, fraction24, write_box),
    "random_float64": (TWO, philox, fraction53, write_box),
    "random_integers": (TWO, philox, upper, write_box),
    "permutation_links": (philox, upper),
    "permutation_places": (exchanged_before,),
}
LAUNCH = {
    "random_bits": lambda words: Blocks(-(-words[0] // (4 * package().threads))),
    "random_float32": lambda words: Blocks(-(-words[0] // (4 * package().threads))),
    "random_float64": lambda words: Blocks(-(-words[0] // (2 * package().threads))),
    "random_integers": lambda words: Blocks(-(-words[0] // (2 * package().threads))),
    "permutation_start": lambda words: Each(words[0]),
    "permutation_links": lambda words: Each(words[0]),
    "permutation_places": lambda words: Each(words[0]),
}
