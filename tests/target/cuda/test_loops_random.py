"""Random numbers on a device are the CPU's, bit for bit."""

import numpy as np
import pytest

from nbgrad.ops.table import table
from nbgrad.target.cpu.run import CPU
from nbgrad.target.cuda.array import from_host, to_host
from nbgrad.target.cuda.run import launches

pytestmark = pytest.mark.cuda
KEY = np.array([12345, -3, 7])


def drawn(name, attrs, shape, dtype, key=KEY):
    """Return what both targets draw."""
    dtype = np.dtype(dtype)
    ours = CPU.primitive_launch(table[name], (key,), attrs, shape, dtype)((key,))
    there = from_host(key)
    return ours, to_host(launches().primitive_launch(table[name], (there,), attrs, shape, dtype)((there,)))


@pytest.mark.parametrize("shape", [(1,), (3,), (31,), (4, 8), (7, 11), (200,), (0,)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_fractions(dtype, shape):
    ours, theirs = drawn(f"random_{dtype}", {"shape": shape}, shape, dtype)
    np.testing.assert_array_equal(theirs, ours)


@pytest.mark.parametrize("n", [1, 5, 33, 64, 131])
def test_bits(n):
    ours, theirs = drawn("random_bits", {"shape": (n,)}, (n,), "uint32")
    np.testing.assert_array_equal(theirs, ours)


@pytest.mark.parametrize(("low", "count"), [(0, 6), (-5, 11), (-(2**63), 2**64 - 1), (10, 2**63)])
def test_integers(low, count):
    ours, theirs = drawn("random_integers", {"shape": (37,), "low": low, "count": count}, (37,), "int64")
    np.testing.assert_array_equal(theirs, ours)


@pytest.mark.parametrize("n", [0, 1, 2, 3, 10, 100, 500])
@pytest.mark.parametrize("seed", [0, 99])
def test_permutations(n, seed):
    ours, theirs = drawn("random_permutation", {"n": n}, (n,), "int64", np.array([seed, 1, 0]))
    np.testing.assert_array_equal(theirs, ours)
    np.testing.assert_array_equal(np.sort(theirs), np.arange(n))


def test_a_key_may_lie_anywhere():
    whole = np.array([5, 9, -1, 2, 0, 4])
    there = from_host(whole)[1:4]
    got = to_host(launches().primitive_launch(table["random_float32"], (there,), {"shape": (9,)}, (9,), np.dtype("float32"))((there,)))
    ours, _ = drawn("random_float32", {"shape": (9,)}, (9,), "float32", whole[1:4])
    np.testing.assert_array_equal(got, ours)
