"""Philox and what is made of its words."""

import numpy as np

from nbgrad.target.philox import fraction24, fraction53, philox, upper


def test_words_are_those_of_the_paper():
    # the answers that come with Random123 (Salmon et al. 2011) for a counter and a key of zeros and of ones
    words = philox(np.zeros(3, np.int64), 0)
    assert [int(w) for w in words] == [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]
    words = philox(np.full(3, -1, np.int64), 0)
    assert [int(w) for w in words] == [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]


def test_the_upper_half_of_a_product():
    for a, b in [(0, 5), (2**64 - 1, 2**64 - 1), (2**63 + 12345, 10**18 + 7), (0xFFFFFFFF00000001, 3)]:
        with np.errstate(over="ignore"):
            assert int(upper(np.uint64(a), np.uint64(b))) == a * b >> 64


def test_fractions_lie_below_one():
    top = np.uint64(2**32 - 1)
    assert fraction24(top) == np.float32(1) - np.float32(2**-24)
    assert fraction53(top, top) == 1 - 2**-53
    assert fraction24(np.uint64(255)) == 0
