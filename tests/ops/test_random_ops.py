import numpy as np
import pytest
from scipy import stats

import nbgrad as ng
from nbgrad.base.errors import ArgumentError
from nbgrad.ops import random as rows

# philox4x32-10 in kat_vectors of Random123 1.14: counter, key, result.
KNOWN = [
    ((0x00000000,) * 4, (0x00000000,) * 2, (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


def key(seed, stream=0, counter=0):
    return np.array([seed, stream, counter], np.uint64).view(np.int64)


@pytest.mark.parametrize(("counter", "seed", "words"), KNOWN)
def test_philox_gives_the_published_words(counter, seed, words):
    k = key(seed[0] | seed[1] << 32, counter[2] | counter[3] << 32, counter[0] | counter[1] << 32)
    out = rows.random_bits(k, shape=(4,))
    assert out.dtype == np.uint32
    assert out.tolist() == list(words)


def test_blocks_count_on_from_the_counter():
    whole = rows.random_bits(key(7), shape=(50_003,)).numpy()
    for block in (1, 4095, 4096, 12_500):
        part = rows.random_bits(key(7, 0, block), shape=(min(8, 50_003 - 4 * block),)).numpy()
        np.testing.assert_array_equal(part, whole[4 * block : 4 * block + 8])
    assert len(np.unique(whole)) > 50_000 - 10


@pytest.mark.parametrize("n", [0, 1, 2, 3, 4, 5, 7])
def test_every_length_is_a_beginning_of_the_same_numbers(n):
    for row in (rows.random_bits, rows.random_float32, rows.random_float64):
        np.testing.assert_array_equal(row(key(3), shape=(n,)).numpy(), row(key(3), shape=(9,)).numpy()[:n])


def test_floats_are_the_upper_bits_of_words():
    words = rows.random_bits(key(5), shape=(4000,)).numpy().astype(np.uint64)
    single = rows.random_float32(key(5), shape=(4000,))
    assert single.dtype == np.float32
    np.testing.assert_array_equal(single.numpy(), ((words >> 8) / 2.0**24).astype(np.float32))
    double = rows.random_float64(key(5), shape=(40, 50)).numpy().ravel()
    first, second = words[0::2] >> 5, words[1::2] >> 6
    np.testing.assert_array_equal(double, (first * 2.0**26 + second) / 2.0**53)
    assert 0.0 <= single.numpy().min() <= single.numpy().max() < 1.0


@pytest.mark.parametrize(("low", "count"), [(0, 1), (-3, 7), (-(2**63), 2**64 - 1), (10, 2**40)])
def test_integers_are_scaled_words(low, count):
    words = [int(v) for v in rows.random_bits(key(5), shape=(400,)).numpy()]
    out = rows.random_integers(key(5), shape=(200,), low=low, count=count)
    assert out.dtype == np.int64
    assert out.tolist() == [low + ((words[i] | words[i + 1] << 32) * count >> 64) for i in range(0, 400, 2)]


@pytest.mark.parametrize("n", [0, 1, 2, 5, 1000])
def test_permutation_is_fisher_and_yates(n):
    words = [int(v) for v in rows.random_bits(key(9), shape=(2 * n,)).numpy()]
    expected = list(range(n))
    for step in range(n - 1):
        i = n - 1 - step
        j = (words[2 * step] | words[2 * step + 1] << 32) * (i + 1) >> 64
        expected[i], expected[j] = expected[j], expected[i]
    assert rows.random_permutation(key(9), n=n).tolist() == expected


def test_every_permutation_is_as_likely():
    found = [tuple(rows.random_permutation(key(1, i), n=3).tolist()) for i in range(3000)]
    counts = [found.count(p) for p in set(found)]
    assert len(counts) == 6
    assert stats.chisquare(counts).pvalue > 1e-3


def test_normal_from_uniforms_is_normal_and_differentiable():
    u, v = rows.random_float64(key(1), shape=(20_000,)), rows.random_float64(key(2), shape=(20_000,))
    z = rows.normal_from_uniforms(u, v)
    assert stats.kstest(z.numpy(), "norm").pvalue > 1e-3
    ng.gradcheck(rows.normal_from_uniforms, np.array([0.2, 0.7]), np.array([0.1, 0.4]), order=2)
    assert np.isfinite(rows.normal_from_uniforms(np.float32([0.0, 1 - 2.0**-24]), np.float32([0.0, 0.5])).numpy()).all()


def test_key_has_three_numbers():
    with pytest.raises(ArgumentError, match="seed, stream, counter"):
        rows.random_bits(np.zeros(2, np.int64), shape=(4,))
