"""Random numbers as ops: Philox4x32-10, a function of a key and a counter, so that no state is hidden.

Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011. The key of every row is an int64
array (seed, stream, counter): seed is Philox's key, and its counter is 128 bits, (counter + block) below `stream`.
Number i depends on these and on i alone, so that any number of threads gives the same numbers.
"""

import math

import numpy as np

from ..base.errors import ArgumentError, problem
from .table import ZERO, elementwise, primitive

WORDS = 4  # 32-bit words in one block of Philox


def _check_key(key):
    if tuple(key.shape) != (3,):
        raise problem(
            ArgumentError,
            f"the key of a random op is (seed, stream, counter), not an array of shape {key.shape}",
            "nbgrad.random, which keeps one",
        )


@primitive(accepts="integer", dtype="uint32", vjp={"key": ZERO})
def random_bits(key, *, shape):
    """Uniform 32-bit words; block b of four is Philox4x32-10 of counter + b."""
    _check_key(key)
    return shape


@primitive(accepts="integer", dtype="float32", vjp={"key": ZERO})
def random_float32(key, *, shape):
    """Uniform multiples of 2**-24 in [0, 1), one word each."""
    _check_key(key)
    return shape


@primitive(accepts="integer", dtype="float64", vjp={"key": ZERO})
def random_float64(key, *, shape):
    """Uniform multiples of 2**-53 in [0, 1), two words each."""
    _check_key(key)
    return shape


@primitive(accepts="integer", dtype="int64", vjp={"key": ZERO})
def random_integers(key, *, shape, low, count):
    """Integers low ... low + count - 1, two words each: the upper half of a product, bias below count / 2**64."""
    _check_key(key)
    return shape


@primitive(accepts="integer", dtype="int64", vjp={"key": ZERO})
def random_permutation(key, *, n):
    """The integers 0 ... n - 1 in random order, by Fisher and Yates' exchanges, two words each."""
    _check_key(key)
    return (n,)


@elementwise(
    domain={"u": (0.1, 0.9), "v": (0.05, 0.45)},
    ref=lambda u, v: np.sqrt(-2.0 * np.log1p(-u)) * np.cos(2.0 * np.pi * v),
)
def normal_from_uniforms(u, v):
    """Standard normal number from two uniform ones in [0, 1): Box and Muller's cosine."""
    # 1 - u is exact: u is a multiple of 2**-24 or 2**-53.
    return math.sqrt(-2.0 * math.log(1.0 - u)) * math.cos(math.tau * v)
